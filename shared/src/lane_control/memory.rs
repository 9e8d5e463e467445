//! Event sources in memory, for simulation and tests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;

use super::{EventSource, LaneControl, Setting};
use crate::StoreError;

#[derive(Debug, Default)]
struct Inner {
    sources: BTreeMap<String, EventSource>,
    changes: Vec<(String, Setting)>,
    refused: BTreeSet<String>,
    waiting: BTreeMap<String, u64>,
    letters: BTreeMap<String, u64>,
    is_unreadable: bool,
}

/// Event sources that change at once.
#[derive(Debug, Default)]
pub struct MemoryLaneControl {
    inner: Mutex<Inner>,
}

impl MemoryLaneControl {
    /// Adds an event source, or replaces it.
    pub fn put(&self, id: &str, source: EventSource) {
        self.lock().sources.insert(id.to_owned(), source);
    }

    /// Takes an event source away, as a deletion by hand does.
    pub fn remove(&self, id: &str) {
        self.lock().sources.remove(id);
    }

    /// How an event source stands.
    pub fn get(&self, id: &str) -> Option<EventSource> {
        self.lock().sources.get(id).copied()
    }

    /// Every change so far, in order.
    pub fn changes(&self) -> Vec<(String, Setting)> {
        self.lock().changes.clone()
    }

    /// Says how many messages the queue of `id` holds: none where nobody says so.
    pub fn put_waiting(&self, id: &str, messages: u64) {
        self.lock().waiting.insert(id.to_owned(), messages);
    }

    /// Says how many letters lie in the dead-letter queue beside that of `id`: none where nobody says so.
    pub fn put_letters(&self, id: &str, letters: u64) {
        self.lock().letters.insert(id.to_owned(), letters);
    }

    /// From now on changes of `id` fail, or no longer do.
    pub fn refuse(&self, id: &str, refuse: bool) {
        let mut inner = self.lock();
        if refuse {
            inner.refused.insert(id.to_owned());
        } else {
            inner.refused.remove(id);
        }
    }

    /// From now on reading fails, or no longer does.
    pub fn fail_reads(&self, fail: bool) {
        self.lock().is_unreadable = fail;
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl LaneControl for MemoryLaneControl {
    async fn read(&self, ids: &[String]) -> Result<BTreeMap<String, EventSource>, StoreError> {
        let inner = self.lock();
        if inner.is_unreadable {
            return Err(StoreError::new("reading event sources", "throttled"));
        }
        let known = ids
            .iter()
            .filter_map(|id| Some((id.clone(), *inner.sources.get(id)?)));
        Ok(known.collect())
    }

    async fn waiting(&self, id: &str) -> Result<u64, StoreError> {
        let inner = self.lock();
        if inner.is_unreadable {
            return Err(StoreError::new("reading a queue's numbers", "throttled"));
        }
        Ok(inner.waiting.get(id).copied().unwrap_or(0))
    }

    async fn letters(&self, id: &str) -> Result<u64, StoreError> {
        let inner = self.lock();
        if inner.is_unreadable {
            return Err(StoreError::new("reading a queue's numbers", "throttled"));
        }
        Ok(inner.letters.get(id).copied().unwrap_or(0))
    }

    async fn set(&self, id: &str, setting: Setting) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if inner.refused.contains(id) {
            return Err(StoreError::new("setting an event source", "throttled"));
        }
        let Some(source) = inner.sources.get_mut(id) else {
            return Err(StoreError::new("setting an event source", "not found"));
        };
        source.enabled = setting != Setting::Disabled;
        if let Setting::Enabled {
            maximum_concurrency,
        } = setting
        {
            source.maximum_concurrency = Some(maximum_concurrency);
        }
        inner.changes.push((id.to_owned(), setting));
        Ok(())
    }
}
