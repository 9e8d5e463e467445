//! Secrets whose every read is seen, for tests.

use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use async_trait::async_trait;

use super::{Secrets, SecretsError};
use crate::provider::Secret;

/// A store that counts its reads and answers all of them alike. Clones are one store.
#[derive(Clone)]
pub(crate) struct WatchedSecrets {
    reads: Arc<AtomicUsize>,
    answer: Arc<Mutex<Result<Secret, SecretsError>>>,
}

impl WatchedSecrets {
    pub fn answering(answer: Result<Secret, SecretsError>) -> Self {
        Self {
            reads: Arc::default(),
            answer: Arc::new(Mutex::new(answer)),
        }
    }

    /// From now on it answers so.
    pub fn answer(&self, answer: Result<Secret, SecretsError>) {
        *self.answer.lock().expect("nobody panicked") = answer;
    }

    /// The reads since this was asked last.
    pub fn reads(&self) -> usize {
        self.reads.swap(0, Ordering::SeqCst)
    }
}

#[async_trait]
impl Secrets for WatchedSecrets {
    async fn get(&self, _provider: &str, _connection: &str) -> Result<Secret, SecretsError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        // Others ask meanwhile.
        let mut has_waited = false;
        poll_fn(|task| {
            if std::mem::replace(&mut has_waited, true) {
                return Poll::Ready(());
            }
            task.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
        self.answer.lock().expect("nobody panicked").clone()
    }

    async fn forget(&self, _provider: &str, _connection: &str) {}
}

/// What Secrets Manager says of a secret that is scheduled for deletion.
pub(crate) fn forbidden() -> SecretsError {
    SecretsError::Refused {
        name: "causeway/acme/default".to_owned(),
        why: "it is marked as deleted, or has no value",
    }
}
