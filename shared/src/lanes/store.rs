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

/// Where shared state is kept: linearisable per key.
#[async_trait]
pub trait StateStore: Send + Sync {
    /// The value under `key`, as of now.
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError>;

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
