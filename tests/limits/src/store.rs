//! A store as DynamoDB is one: some milliseconds away, and of 1,000 writes a second and item.

use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use causeway::StoreError;
use causeway::lanes::{Added, Additions, MemoryStates, StateStore, Swap, Versioned};
use causeway_simulation::rng::Rng;
use serde_json::Value;

use crate::time::Time;

/// What a partition, and so an item, takes: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>.
/// A condition that fails counts: <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html>.
const WRITES_A_SECOND: u64 = 1_000;

/// How often the SDK sends a throttled request before it gives up
/// (<https://docs.aws.amazon.com/sdkref/latest/guide/feature-retry-behavior.html>: three attempts).
const ATTEMPTS: i64 = 3;

/// The SDK's backoff: up to a second, doubled, by chance; the same page.
const BACKOFF_MS: i64 = 1_000;

/// One way to the store, in ms: 4 to 10 for a round trip.
const WAY_MS: (i64, i64) = (2, 5);

/// What was written.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counts {
    /// Writes that were made or refused by their condition.
    pub writes: u64,
    /// Of those the refused ones.
    pub lost: u64,
    /// Writes that the item's limit turned away.
    pub throttled: u64,
}

#[derive(Debug)]
struct Inner {
    rng: Rng,
    counts: Counts,
    second: i64,
    in_second: u64,
}

/// The one item of a run.
#[derive(Debug)]
pub struct ModelStates {
    time: Time,
    states: MemoryStates,
    inner: Mutex<Inner>,
}

impl ModelStates {
    pub fn new(time: Time, rng: Rng) -> Self {
        Self {
            time,
            states: MemoryStates::default(),
            inner: Mutex::new(Inner {
                rng,
                counts: Counts::default(),
                second: 0,
                in_second: 0,
            }),
        }
    }

    pub fn counts(&self) -> Counts {
        self.lock().counts
    }

    async fn way(&self) {
        let way = self.lock().rng.between(WAY_MS.0, WAY_MS.1);
        self.time.pass(way).await;
    }

    /// There, and let in.
    async fn arrive(&self) -> Result<(), StoreError> {
        for attempt in 0..ATTEMPTS {
            self.way().await;
            if self.admits() {
                return Ok(());
            }
            let wait = self.lock().rng.between(0, BACKOFF_MS << attempt);
            self.time.pass(wait).await;
        }
        Err(StoreError::new("writing", "ThrottlingException"))
    }

    fn admits(&self) -> bool {
        let second = self.time.now().div_euclid(1_000);
        let mut inner = self.lock();
        if inner.second != second {
            (inner.second, inner.in_second) = (second, 0);
        }
        let admits = inner.in_second < WRITES_A_SECOND;
        if admits {
            inner.in_second += 1;
            inner.counts.writes += 1;
        } else {
            inner.counts.throttled += 1;
        }
        admits
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl StateStore for ModelStates {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.way().await;
        let loaded = self.states.load(key).await;
        self.way().await;
        loaded
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        self.arrive().await?;
        let swapped = self.states.swap(key, expected, next, mark).await;
        if matches!(swapped, Ok(Swap::Lost(_))) {
            self.lock().counts.lost += 1;
        }
        self.way().await;
        swapped
    }

    async fn add(
        &self,
        key: &str,
        additions: &Additions<'_>,
        mark: &str,
    ) -> Result<Added, StoreError> {
        self.arrive().await?;
        let added = self.states.add(key, additions, mark).await;
        if matches!(added, Ok(Added::Refused(_))) {
            self.lock().counts.lost += 1;
        }
        self.way().await;
        added
    }
}
