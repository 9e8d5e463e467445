//! Shared state in memory, for simulation, benches and tests.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use super::{Added, Additions, StateStore, Swap, Versioned};
use crate::StoreError;

#[derive(Debug, Default)]
struct Inner {
    values: BTreeMap<String, Versioned>,
    /// The mark of each value's last write.
    marks: BTreeMap<String, String>,
    writes: u64,
}

/// State in memory, with the store's exact semantics.
#[derive(Debug, Default)]
pub struct MemoryStates {
    inner: Mutex<Inner>,
}

impl MemoryStates {
    /// Every value, by key.
    pub fn values(&self) -> BTreeMap<String, Versioned> {
        self.lock().values.clone()
    }

    /// Writes that were made or refused: what DynamoDB would bill.
    pub fn writes(&self) -> u64 {
        self.lock().writes
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StateStore for MemoryStates {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        Ok(self.lock().values.get(key).cloned())
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        let mut inner = self.lock();
        inner.writes += 1;
        let version = expected.unwrap_or(0) + 1;
        let current = inner.values.get(key);
        if current.map(|stored| stored.version) != expected {
            // The same write once more: the first one's reply was lost.
            let ours = inner.marks.get(key).is_some_and(|last| last == mark);
            return Ok(if ours {
                Swap::Swapped { version }
            } else {
                Swap::Lost(current.cloned())
            });
        }
        inner.marks.insert(key.to_owned(), mark.to_owned());
        inner.values.insert(
            key.to_owned(),
            Versioned {
                version,
                value: next.clone(),
            },
        );
        Ok(Swap::Swapped { version })
    }

    async fn add(
        &self,
        key: &str,
        additions: &Additions<'_>,
        _mark: &str,
    ) -> Result<Added, StoreError> {
        let mut inner = self.lock();
        inner.writes += 1;
        let Some(stored) = inner.values.get_mut(key) else {
            return Ok(Added::Refused(None));
        };
        let Some(value) = additions.made(&stored.value) else {
            return Ok(Added::Refused(Some(stored.clone())));
        };
        stored.version += 1;
        stored.value = value;
        Ok(Added::Added(stored.clone()))
    }
}
