//! State whose every round trip is seen, for tests.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use super::{MemoryStates, StateStore, Swap, Versioned};
use crate::StoreError;

/// The round trips so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trips {
    /// Reads.
    pub loads: usize,
    /// Writes, made or refused.
    pub swaps: usize,
}

/// State in memory that counts, knows a repeated write by its mark as the table does, and fails while told to.
#[derive(Debug, Default)]
pub(crate) struct WatchedStates {
    pub inner: MemoryStates,
    trips: Mutex<Trips>,
    marks: Mutex<BTreeMap<String, String>>,
    failing: AtomicBool,
}

impl WatchedStates {
    /// The round trips since this was asked last.
    pub fn trips(&self) -> Trips {
        std::mem::take(&mut *locked(&self.trips))
    }

    pub fn fail(&self, fail: bool) {
        self.failing.store(fail, Ordering::SeqCst);
    }

    fn answering(&self) -> Result<(), StoreError> {
        if self.failing.load(Ordering::SeqCst) {
            return Err(StoreError::new("GetItem", "throttled"));
        }
        Ok(())
    }
}

#[async_trait]
impl StateStore for WatchedStates {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        locked(&self.trips).loads += 1;
        self.answering()?;
        self.inner.load(key).await
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        locked(&self.trips).swaps += 1;
        self.answering()?;
        let swap = self.inner.swap(key, expected, next, mark).await?;
        let mut marks = locked(&self.marks);
        match swap {
            Swap::Lost(Some(stored)) if marks.get(key).is_some_and(|last| last == mark) => {
                let version = stored.version;
                Ok(Swap::Swapped { version })
            }
            Swap::Lost(current) => Ok(Swap::Lost(current)),
            Swap::Swapped { version } => {
                marks.insert(key.to_owned(), mark.to_owned());
                Ok(Swap::Swapped { version })
            }
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
