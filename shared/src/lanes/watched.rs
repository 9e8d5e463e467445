//! State whose every round trip is seen, for tests.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value;

use super::{Added, Additions, MemoryStates, StateStore, Swap, Versioned};
use crate::StoreError;

/// The round trips so far.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Trips {
    /// Reads.
    pub loads: usize,
    /// Writes, made or refused.
    pub swaps: usize,
}

/// State in memory that counts its round trips, and fails while told to.
#[derive(Debug, Default)]
pub(crate) struct WatchedStates {
    pub inner: MemoryStates,
    trips: Mutex<Trips>,
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
        self.inner.swap(key, expected, next, mark).await
    }

    async fn add(
        &self,
        key: &str,
        additions: &Additions<'_>,
        mark: &str,
    ) -> Result<Added, StoreError> {
        locked(&self.trips).swaps += 1;
        self.answering()?;
        self.inner.add(key, additions, mark).await
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
