//! How often a store is read.

use super::*;
use crate::StoreError;
use crate::clock::ManualClock;
use crate::secrets::watched::{WatchedSecrets, forbidden};

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const MINUTE: Duration = Duration::from_secs(60);

struct Bench {
    clock: Arc<ManualClock>,
    store: WatchedSecrets,
    secrets: CachedSecrets<WatchedSecrets>,
}

impl Bench {
    fn new(answer: Result<Secret, SecretsError>) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let store = WatchedSecrets::answering(answer);
        let secrets = CachedSecrets::new(store.clone(), clock.clone(), FunctionMemory::USUAL);
        Self {
            clock,
            store,
            secrets,
        }
    }

    async fn get(&self, connection: &str) -> Result<Secret, SecretsError> {
        self.secrets.get("acme", connection).await
    }
}

fn secret() -> Secret {
    Secret::parse(r#"{"token":"t0ken"}"#).expect("an object of strings")
}

#[tokio::test]
async fn a_secret_is_read_once_in_its_time_and_anew_when_the_vendor_refuses_it() {
    let bench = Bench::new(Ok(secret()));
    for _ in 0..3 {
        assert_eq!(bench.get("default").await, Ok(secret()));
    }
    assert_eq!(bench.store.reads(), 1);
    bench.secrets.forget("acme", "default").await;
    assert_eq!(bench.get("default").await, Ok(secret()));
    assert_eq!(bench.store.reads(), 1);
    bench.clock.advance(TTL);
    assert_eq!(bench.get("default").await, Ok(secret()));
    assert_eq!(bench.store.reads(), 1);
}

/// Ten calls of one batch met an empty memory: ten reads of one secret, at $0.05 per 10,000 and a third of the first
/// batch's work.
#[tokio::test]
async fn those_who_ask_at_once_share_one_read() {
    let bench = Bench::new(Ok(secret()));
    let asked = (0..10).map(|_| bench.get("default"));
    for answer in futures_util::future::join_all(asked).await {
        assert_eq!(answer, Ok(secret()));
    }
    assert_eq!(bench.store.reads(), 1);
}

#[tokio::test]
async fn a_refused_read_is_not_repeated_by_those_who_doubt_and_its_end_is_found() {
    let bench = Bench::new(Err(forbidden()));
    for _ in 0..20 {
        assert_eq!(bench.get("default").await, Err(forbidden()));
        bench.secrets.forget("acme", "default").await;
    }
    assert_eq!(bench.store.reads(), 1);
    bench.store.answer(Ok(secret()));
    bench.clock.advance(REFUSAL_TTL);
    assert_eq!(bench.get("default").await, Ok(secret()));
}

#[tokio::test]
async fn a_store_that_fails_is_asked_at_growing_intervals() {
    let failed = || SecretsError::from(StoreError::new("GetSecretValue", "throttled"));
    let bench = Bench::new(Err(failed()));
    // Ten messages a second for ten minutes.
    for _ in 0..6_000 {
        assert_eq!(bench.get("default").await, Err(failed()));
        bench.clock.advance(Duration::from_millis(100));
    }
    // After 1, 2, 4, 8, 16 and then each 30 s.
    assert_eq!(bench.store.reads(), 6 + (600 - 31) / 30);
    bench.store.answer(Ok(secret()));
    bench.clock.advance(LAST_RETRY);
    assert_eq!(bench.get("default").await, Ok(secret()));
    bench.store.answer(Err(failed()));
    bench.clock.advance(TTL);
    bench.store.reads();
    assert_eq!(bench.get("default").await, Err(failed()));
    bench.clock.advance(FIRST_RETRY);
    assert_eq!(bench.get("default").await, Err(failed()));
    assert_eq!(bench.store.reads(), 2, "it begins with a short wait again");
}

/// The memory used to be emptied at a thousand: with 10,000 connections in rotation every one was read each time.
#[tokio::test]
async fn ten_thousand_connections_in_rotation_are_read_once_each() {
    let bench = Bench::new(Ok(secret()));
    for _ in 0..4 {
        for number in 0..10_000 {
            assert!(bench.get(&format!("connection-{number}")).await.is_ok());
        }
        bench.clock.advance(MINUTE);
    }
    assert_eq!(bench.store.reads(), 10_000);
}
