//! Queues in memory, for simulation, benches and tests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::{Again, Letter, Post, Producer, PutError, Queue, carried_json};
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
/// What was put on which queue; fails for the posts that it is told to, and refuses what SQS does not carry.
#[derive(Debug, Default)]
pub struct MemoryProducer {
    posted: Mutex<Vec<(String, Post)>>,
    failing: Mutex<Vec<String>>,
}

impl MemoryProducer {
    /// All that was put so far, with its queue.
    pub fn posted(&self) -> Vec<(String, Post)> {
        let posted = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
        posted.clone()
    }

    /// From now on nobody hears of posts whose body holds one of these texts.
    pub fn fail(&self, texts: &[&str]) {
        let texts = texts.iter().map(|text| (*text).to_owned()).collect();
        *self.failing.lock().unwrap_or_else(PoisonError::into_inner) = texts;
    }
}

#[async_trait]
impl Producer for MemoryProducer {
    async fn put(&self, queue_url: &str, posts: &[Post]) -> Vec<Result<(), PutError>> {
        let failing = self.failing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut posted = self.posted.lock().unwrap_or_else(PoisonError::into_inner);
        let put = |post: &Post| {
            if failing.iter().any(|text| post.body.contains(text)) {
                return Err(StoreError::new("SendMessageBatch", "no answer").into());
            }
            if carried_json(&post.body) != post.body {
                let code = "InvalidMessageContents".to_owned();
                return Err(PutError::Refused { code, reason: None });
            }
            posted.push((queue_url.to_owned(), post.clone()));
            Ok(())
        };
        posts.iter().map(put).collect()
    }
}
