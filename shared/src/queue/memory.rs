//! Queues in memory, for simulation, benches and tests.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Letter, Queue};
use crate::StoreError;

/// What was done to the queues.
#[derive(Clone, Debug, Default)]
pub struct Done {
    /// Letters in the dead-letter queue.
    pub letters: Vec<Letter>,
    /// Receipt handles and for how long their messages were hidden.
    pub hidden: Vec<(String, Duration)>,
}

/// Remembers what was asked of it; refuses letters while told to.
#[derive(Debug, Default)]
pub struct MemoryQueue {
    done: Mutex<Done>,
    refusing: std::sync::atomic::AtomicBool,
}

impl MemoryQueue {
    /// All that was done so far.
    pub fn done(&self) -> Done {
        self.lock().clone()
    }

    /// From now on the dead-letter queue refuses every letter, or takes them again.
    pub fn refuse_letters(&self, refuse: bool) {
        self.refusing
            .store(refuse, std::sync::atomic::Ordering::SeqCst);
    }

    fn lock(&self) -> MutexGuard<'_, Done> {
        self.done.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Queue for MemoryQueue {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        if self.refusing.load(std::sync::atomic::Ordering::SeqCst) {
            return vec![Err(StoreError::new("SendMessageBatch", "refused")); letters.len()];
        }
        self.lock().letters.extend_from_slice(letters);
        vec![Ok(()); letters.len()]
    }

    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>> {
        self.lock().hidden.extend_from_slice(messages);
        vec![Ok(()); messages.len()]
    }
}
