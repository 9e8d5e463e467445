//! The seam: where records are kept.

use async_trait::async_trait;

use super::{Record, Status};
use crate::{StoreError, Timestamp};

/// What must hold for a write to happen.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expected {
    /// There is no record, or an expired one.
    AbsentOrExpired {
        /// The time to judge expiry by.
        now: Timestamp,
    },
    /// The record is still exactly as it was seen.
    Unchanged {
        /// Its holder.
        owner: String,
        /// Its generation.
        generation: u64,
        /// Its status.
        status: Status,
    },
}

impl Expected {
    /// `record` must be as we know it. Every transition changes one of the three.
    pub fn unchanged(record: &Record) -> Self {
        Self::Unchanged {
            owner: record.owner.clone(),
            generation: record.generation,
            status: record.status,
        }
    }

    /// Whether `current` lets the write happen.
    pub fn holds(&self, current: Option<&Record>) -> bool {
        match (self, current) {
            (Self::AbsentOrExpired { .. }, None) => true,
            (Self::AbsentOrExpired { now }, Some(record)) => record.is_expired(*now),
            (
                Self::Unchanged {
                    owner,
                    generation,
                    status,
                },
                Some(record),
            ) => {
                record.owner == *owner
                    && record.generation == *generation
                    && record.status == *status
            }
            (Self::Unchanged { .. }, None) => false,
        }
    }
}

/// What became of a conditional write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    /// It happened, now or in an earlier try whose reply was lost.
    Written,
    /// Somebody else came first: what stands there now.
    Lost(Option<Box<Record>>),
}

impl Write {
    /// Judges a failed condition: a record that shows `next`'s own owner, generation and status is our own write,
    /// whose reply was lost.
    pub fn refused(next: &Record, current: Option<Record>) -> Self {
        match current {
            Some(current)
                if current.owner == next.owner
                    && current.generation == next.generation
                    && current.status == next.status =>
            {
                Self::Written
            }
            current => Self::Lost(current.map(Box::new)),
        }
    }
}

/// Most keys that one [`LedgerStore::read`] takes: DynamoDB's limit of a `BatchGetItem`.
pub const MAX_READ: usize = 100;

pub(super) fn too_many_keys() -> StoreError {
    StoreError::new("BatchGetItem", "more keys than one read takes")
}

/// Where records are kept: linearisable per record.
#[async_trait]
pub trait LedgerStore: Send + Sync {
    /// The records of `keys` (at most [`MAX_READ`]; one may stand there twice), in their order, as of now.
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError>;

    /// Writes `next` under its key if `expected` holds.
    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError>;
}
