//! Credentials as one environment remembers them: few reads, whatever becomes of them.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::lock::Mutex;

use super::{Secrets, SecretsError};
use crate::Timestamp;
use crate::cache::{Cache, FunctionMemory, Weigh};
use crate::clock::Clock;
use crate::provider::Secret;

/// How long a secret is trusted. A rotated one is picked up within this time, or at once when the vendor refuses the
/// old one; at $0.05 per 10,000 reads a lane of five environments costs a cent a day.
const TTL: Duration = Duration::from_secs(5 * 60);

/// How long a refusal holds: a connection is paused then, and a paused connection's secret is looked for once a minute.
const REFUSAL_TTL: Duration = Duration::from_secs(30);

/// First wait after a read that failed by itself; it doubles. A throttle passes within a second.
const FIRST_RETRY: Duration = Duration::from_secs(1);

/// Longest such wait: as long as a refusal's.
const LAST_RETRY: Duration = REFUSAL_TTL;

/// Secrets' part of the function's memory: a 16th of 256 MB holds 10,000 secrets of a kilobyte each.
const MEMORY_PARTS: usize = 16;

/// Reads that may be under way at once, each of other connections.
const LINES: usize = 16;

/// Where credentials are read from, behind a memory.
pub struct CachedSecrets<S> {
    inner: S,
    clock: Arc<dyn Clock>,
    known: Cache<Known>,
    /// Who reads stands in line: the first batch of an environment would otherwise read one secret ten times.
    lines: [Mutex<()>; LINES],
}

/// The last read of one secret.
#[derive(Clone)]
struct Known {
    read: Result<Secret, SecretsError>,
    until: Timestamp,
    /// Reads in a row that failed by themselves.
    failures: u32,
}

impl Weigh for Known {
    fn bytes(&self) -> usize {
        let held = self.read.as_ref().map_or(0, Secret::bytes);
        size_of::<Self>() + held
    }
}

impl<S: Secrets> CachedSecrets<S> {
    /// Secrets read from `inner`, aged by `clock`, in their part of `memory`.
    pub fn new(inner: S, clock: Arc<dyn Clock>, memory: FunctionMemory) -> Self {
        Self {
            inner,
            clock,
            known: Cache::new(memory.part(MEMORY_PARTS)),
            lines: std::array::from_fn(|_| Mutex::new(())),
        }
    }
}

impl<S> CachedSecrets<S> {
    /// What is known of `key` and still counts.
    fn fresh(&self, key: &str) -> Option<Result<Secret, SecretsError>> {
        let known = self.known.get(key)?;
        (self.clock.now() < known.until).then_some(known.read)
    }

    fn line(&self, key: &str) -> &Mutex<()> {
        let sum = key.bytes().fold(0_usize, |sum, byte| {
            sum.wrapping_mul(31).wrapping_add(byte.into())
        });
        &self.lines[sum % LINES]
    }
}

#[async_trait]
impl<S: Secrets> Secrets for CachedSecrets<S> {
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError> {
        let key = key(provider, connection);
        if let Some(read) = self.fresh(&key) {
            return read;
        }
        let _ours = self.line(&key).lock().await;
        if let Some(read) = self.fresh(&key) {
            return read;
        }
        let known = self.known.get(&key);
        let read = self.inner.get(provider, connection).await;
        let (lasts, failures) = match &read {
            Ok(_) => (TTL, 0),
            Err(SecretsError::Store(_)) => {
                let failures = known.map_or(0, |known| known.failures);
                let wait = FIRST_RETRY * 2_u32.saturating_pow(failures.min(16));
                (wait.min(LAST_RETRY), failures + 1)
            }
            Err(_) => (REFUSAL_TTL, 0),
        };
        let known = Known {
            read: read.clone(),
            until: self.clock.now() + lasts,
            failures,
        };
        self.known.insert(&key, known);
        read
    }

    async fn forget(&self, provider: &str, connection: &str) {
        // What could not be read is old news soon enough: whoever doubts a secret must not read a missing one in a loop.
        self.known.update(&key(provider, connection), |known| {
            if known.read.is_ok() {
                known.until = Timestamp::default();
            }
        });
        self.inner.forget(provider, connection).await;
    }
}

fn key(provider: &str, connection: &str) -> String {
    format!("{provider}/{connection}")
}

#[cfg(test)]
mod tests;
