//! Queues in memory, for simulation, benches and tests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Again, Letter, Queue};
use crate::StoreError;

/// What was done to the queues.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Letters in the dead-letter queue.
    pub letters: Vec<Letter>,
    /// Receipt handles and for how long their messages were hidden.
    pub hidden: Vec<(String, Duration)>,
    /// Messages that were sent again.
    pub sent_again: Vec<Again>,
}

/// Remembers what was asked of it; refuses whatever is sent while told to.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    done: Mutex<Done>,
    refusing: AtomicBool,
    in_flight: AtomicU64,
}

impl MemoryQueue {
    /// All that was done so far.
    pub fn done(&self) -> Done {
        self.lock().clone()
    }

    /// From now on both queues refuse every message, or take them again.
    pub fn refuse_sends(&self, refuse: bool) {
        self.refusing.store(refuse, Ordering::SeqCst);
    }

    /// From now on so many messages are in flight.
    pub fn set_in_flight(&self, count: u64) {
        self.in_flight.store(count, Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        if self.refusing.load(Ordering::SeqCst) {
            return vec![Err(StoreError::new("SendMessageBatch", "refused")); letters.len()];
        }
        self.lock().letters.extend_from_slice(letters);
        vec![Ok(()); letters.len()]
    }

    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>> {
        self.lock().hidden.extend_from_slice(messages);
        vec![Ok(()); messages.len()]
    }

    async fn send_again(&self, messages: &[Again]) -> Vec<Result<(), StoreError>> {
        if self.refusing.load(Ordering::SeqCst) {
            return vec![Err(StoreError::new("SendMessageBatch", "refused")); messages.len()];
        }
        self.lock().sent_again.extend_from_slice(messages);
        vec![Ok(()); messages.len()]
    }

    async fn in_flight(&self) -> Result<u64, StoreError> {
        Ok(self.in_flight.load(Ordering::SeqCst))
    }
}
