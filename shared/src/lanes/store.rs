//! The trait that a place for shared state implements.

use async_trait::async_trait;
use serde_json::Value;

use crate::StoreError;

/// A stored value and its version, which changes at every write.
#[derive(Clone, Debug, PartialEq)]
pub struct Versioned {
    /// Counts writes from 1.
    pub version: u64,
    /// A JSON object.
    pub value: Value,
}

/// What became of a compare-and-swap.
#[derive(Clone, Debug, PartialEq)]
pub enum Swap {
    /// It was stored, now or in an earlier try whose reply was lost.
    Swapped {
        /// The version that it has now.
        version: u64,
    },
    /// Another version stands there: this one.
    Lost(Option<Versioned>),
}

/// An addition to one of the numbers that a stored object keeps in a field of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Addition<'a> {
    /// The number's name.
    pub name: &'a str,
    /// What is added.
    pub amount: i64,
    /// What it may be before.
    pub at_most: i64,
}

/// What became of additions.
#[derive(Clone, Debug, PartialEq)]
pub enum Added {
    /// They were made: this stands there now.
    Added(Versioned),
    /// They may not be made to this, or nothing is stored.
    Refused(Option<Versioned>),
}

/// Additions that are made together or not at all.
#[derive(Clone, Copy, Debug)]
pub struct Additions<'a> {
    /// The field that must still hold this number.
    pub guard: (&'a str, u64),
    /// The field that keeps the numbers: an object.
    pub field: &'a str,
    /// At most [`MAX_ADDITIONS`], to different numbers that are there.
    pub all: &'a [Addition<'a>],
}

/// Most additions at once: a vendor that counts in more ways is not known, and an expression has room for many more.
pub const MAX_ADDITIONS: usize = 16;

impl Additions<'_> {
    /// `value` with the additions; none where they may not be made.
    pub(super) fn made(&self, value: &Value) -> Option<Value> {
        let mut next = value.clone();
        if next.get(self.guard.0)?.as_u64()? != self.guard.1 {
            return None;
        }
        let numbers = next.get_mut(self.field)?.as_object_mut()?;
        for addition in self.all {
            let number = numbers.get_mut(addition.name)?;
            let before = number.as_i64()?;
            if before > addition.at_most {
                return None;
            }
            *number = before.saturating_add(addition.amount).into();
        }
        Some(next)
    }
}

/// Most keys of one glance: DynamoDB's bound of a batch.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/APIReference/API_BatchGetItem.html>
pub const MAX_GLANCE: usize = 100;

/// The `fields` of an object.
fn only(mut value: Value, fields: &[&str]) -> Value {
    if let Value::Object(all) = &mut value {
        all.retain(|name, _| fields.contains(&name.as_str()));
    }
    value
}

/// Where shared state is kept: linearisable per key.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The value under `key`, as of now.
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError>;

    /// The `fields` of what stands under each of `keys`, in their order; none where nothing is stored. For onlookers:
    /// what was written within the last second may be missing, and nothing may be decided by it. At most [`MAX_GLANCE`]
    /// keys, no two alike.
    async fn glance(
        &self,
        keys: &[String],
        fields: &[&str],
    ) -> Result<Vec<Option<Value>>, StoreError> {
        let mut seen = Vec::with_capacity(keys.len());
        for key in keys {
            let stored = self.load(key).await?;
            seen.push(stored.map(|stored| only(stored.value, fields)));
        }
        Ok(seen)
    }

    /// Stores `next` if the version under `key` is still `expected` (none: nothing is stored). `mark` is unique per
    /// write and stored along, so that a retried write is recognised.
    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError>;

    /// Makes `additions` to what stands under `key`, whatever its version is, and answers with what stands there then.
    /// One that was repeated, because its reply was lost, may count twice. `mark` is unique per write.
    async fn add(
        &self,
        key: &str,
        additions: &Additions<'_>,
        mark: &str,
    ) -> Result<Added, StoreError> {
        let Some(stored) = self.load(key).await? else {
            return Ok(Added::Refused(None));
        };
        let Some(value) = additions.made(&stored.value) else {
            return Ok(Added::Refused(Some(stored)));
        };
        let swapped = self.swap(key, Some(stored.version), &value, mark).await?;
        Ok(match swapped {
            Swap::Swapped { version } => Added::Added(Versioned { version, value }),
            Swap::Lost(current) => Added::Refused(current),
        })
    }
}
