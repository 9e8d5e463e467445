//! The seam: where the index is.

use async_trait::async_trait;

use crate::ledger::Status;
use crate::{StoreError, Timestamp};

/// A place in the index.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Entry {
    /// When a lane last had the request in hand.
    pub at: Timestamp,
    /// The record's key.
    pub pk: String,
}

/// A piece of the index that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// Whose requests.
    pub provider: &'a str,
    /// How they stand: a [listed](Status::is_listed) status.
    pub status: Status,
    /// Those that were in hand at this time or later.
    pub since: Timestamp,
    /// Those behind this one; not earlier than `since`.
    pub after: Option<&'a Entry>,
    /// At most so many.
    pub limit: usize,
}

/// What the index has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slice {
    /// The latest first.
    pub entries: Vec<Entry>,
    /// Whether there may be more behind them.
    pub is_more: bool,
}

/// Where records are found by how they stand. It follows the records, within a second as a rule: what was written just
/// now may be missing, and what has changed since may still be there.
#[async_trait]
pub trait LedgerIndex: Send + Sync {
    /// The piece that is asked for.
    async fn slice(&self, ask: &Ask<'_>) -> Result<Slice, StoreError>;
}
