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
}
