//! One environment's view, on stores in memory: where token calls go, and what it takes to get there.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use futures_util::future::join_all;

use super::*;
use crate::StoreError;
use crate::cache::FunctionMemory;
use crate::clock::{Clock, ManualClock};
use crate::http_client::{CallError, HttpClient};
use crate::lanes::watched::{Trips, WatchedStates};
use crate::ledger::MemoryLedger;
use crate::provider::{Answer, Auth, Provider, Spec, Wire};
use crate::queue::MemoryQueue;
use crate::seams::Seams;
use crate::secrets::watched::{WatchedSecrets, forbidden};
use crate::secrets::{CachedSecrets, MemorySecrets, SecretsError};

const API: &str = "https://api.acme.example";

struct Acme;

static SPEC: Spec = Spec::new(
    "acme",
    API,
    Auth::Token(TokenScheme {
        base_url: Some("https://id.acme.example"),
        usable_after: Duration::from_secs(1),
        ..TokenScheme::client_credentials("/oauth/token")
    }),
    &[],
);

impl Provider for Acme {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }
}

#[derive(Default)]
struct Endpoint {
    calls: AtomicU32,
    last: Mutex<String>,
}

#[async_trait]
impl HttpClient for Endpoint {
    async fn call(
        &self,
        base_url: &str,
        wire: &Wire,
        _timeout: Duration,
    ) -> Result<Answer, CallError> {
        let number = self.calls.fetch_add(1, Ordering::SeqCst);
        *self.last.lock().expect("nobody panicked") = format!("{base_url}{}", wire.path);
        let body = format!(r#"{{"access_token":"access-{number}","expires_in":3600}}"#);
        Ok(Answer {
            status: 200,
            headers: http::HeaderMap::new(),
            body: body.into(),
        })
    }
}

struct Bench {
    clock: Arc<ManualClock>,
    states: Arc<WatchedStates>,
    http: Arc<Endpoint>,
    seams: Seams,
}

impl Bench {
    fn new() -> Self {
        let secret = r#"{"client_id":"id","client_secret":"s"}"#;
        let secret = Secret::parse(secret).expect("an object of strings");
        let clock = Arc::new(ManualClock::at(NOON));
        let states = Arc::new(WatchedStates::default());
        let http = Arc::new(Endpoint::default());
        let seams = Seams {
            clock: clock.clone(),
            http: http.clone(),
            ledger: Arc::new(MemoryLedger::default()),
            states: states.clone(),
            mappings: states.clone(),
            queue: Arc::new(MemoryQueue::default()),
            secrets: Arc::new(MemorySecrets::default().with("acme", "default", secret)),
        };
        Self {
            clock,
            states,
            http,
            seams,
        }
    }

    fn view(&self, base_url: &str, name: &str) -> Credentials {
        let seams = self.seams.clone();
        Credentials::new(Arc::new(Acme), seams, base_url.into(), name.into())
    }

    fn latest(&self) -> Timestamp {
        self.clock.now() + MINUTE
    }
}

#[tokio::test]
async fn a_token_host_of_its_own_is_called_unless_something_stands_in_for_the_vendor() {
    for (base_url, called) in [
        (API, "https://id.acme.example/oauth/token"),
        (
            "http://127.0.0.1:9/acme",
            "http://127.0.0.1:9/acme/oauth/token",
        ),
    ] {
        let bench = Bench::new();
        let view = bench.view(base_url, "one");
        let access = view.access("default", bench.latest()).await;
        let access = access.expect("a token");
        assert_eq!(text(access.shown().token), Some("access-0"));
        assert_eq!(*bench.http.last.lock().expect("nobody panicked"), called);
        assert_eq!(
            bench.clock.now(),
            NOON + Duration::from_secs(1),
            "this vendor refuses a token in its first second"
        );
    }
}

#[tokio::test]
async fn one_call_serves_a_batch_and_the_fleet_and_costs_a_read_and_two_writes() {
    let bench = Bench::new();
    let one = bench.view(API, "one");
    let calls = (0..10).map(|_| one.access("default", bench.latest()));
    let served = join_all(calls).await;
    assert!(served.iter().all(Result::is_ok));
    assert_eq!(bench.http.calls.load(Ordering::SeqCst), 1);
    assert_eq!(bench.states.trips(), Trips { loads: 1, swaps: 2 });

    let other = bench.view(API, "other");
    let access = other.access("default", bench.latest()).await;
    assert_eq!(
        text(access.expect("a token").shown().token),
        Some("access-0")
    );
    assert_eq!(bench.http.calls.load(Ordering::SeqCst), 1);
    assert_eq!(bench.states.trips(), Trips { loads: 1, swaps: 0 });

    // Within the minute there is nothing to ask.
    for _ in 0..5 {
        let admitted = one.admit("default", "any", bench.clock.now()).await;
        assert_eq!(admitted.expect("a store"), Admission::Go);
        assert!(one.access("default", bench.latest()).await.is_ok());
    }
    assert_eq!(bench.states.trips(), Trips::default());
}

#[tokio::test]
async fn a_token_that_could_not_be_stored_is_stored_before_anything_else() {
    let bench = Bench::new();
    let (one, other) = (bench.view(API, "one"), bench.view(API, "other"));
    // The write fails once the lease is taken: the endpoint breaks the store.
    struct Breaking(Arc<WatchedStates>, Arc<Endpoint>);
    #[async_trait]
    impl HttpClient for Breaking {
        async fn call(&self, base: &str, wire: &Wire, wait: Duration) -> Result<Answer, CallError> {
            self.0.fail(true);
            self.1.call(base, wire, wait).await
        }
    }
    let mut broken = bench.view(API, "broken");
    broken.seams.http = Arc::new(Breaking(bench.states.clone(), bench.http.clone()));
    let failed = broken.access("default", bench.latest()).await;
    assert!(
        matches!(failed, Err(Refused::Store(_))),
        "not used before it is stored"
    );
    bench.states.fail(false);
    let waiting = other.access("default", bench.latest()).await;
    assert!(matches!(waiting, Err(Refused::Wait(_))), "the lease lasts");
    bench.clock.advance(Duration::from_secs(1));
    let access = broken.access("default", bench.latest()).await;
    assert_eq!(
        text(access.expect("the token").shown().token),
        Some("access-0")
    );
    assert!(one.access("default", bench.latest()).await.is_ok());
    assert_eq!(bench.http.calls.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn no_token_call_starts_that_cannot_end_in_time() {
    let bench = Bench::new();
    let view = bench.view(API, "one");
    let late = bench.clock.now() + Duration::from_secs(9);
    let access = view.access("default", late).await;
    assert!(matches!(access, Err(Refused::Wait(_))), "{access:?}");
    assert_eq!(bench.http.calls.load(Ordering::SeqCst), 0);
    assert_eq!(bench.states.trips().swaps, 0, "no lease either");
}

/// Receives of one connection's messages, one every five seconds for ten minutes: how many found it paused.
async fn receives(bench: &Bench, view: &Credentials) -> usize {
    let mut paused = 0;
    for _ in 0..120 {
        let now = bench.clock.now();
        let admitted = match view.believed_going("default", "any", now) {
            true => Admission::Go,
            false => view.admit("default", "any", now).await.expect("a store"),
        };
        let end = match admitted {
            Admission::Paused(pause) => Err(Refused::Paused(pause)),
            _ => view.access("default", bench.latest()).await,
        };
        paused += usize::from(matches!(
            end,
            Err(Refused::Paused(Paused {
                reason: Reason::SecretMissing,
                ..
            }))
        ));
        bench.clock.advance(Duration::from_secs(5));
    }
    paused
}

/// A secret that was scheduled for deletion used to count as a store that did not answer: its messages came back every
/// five seconds, and each read it three times.
#[tokio::test]
async fn a_secret_that_must_not_be_read_pauses_and_is_looked_for_once_a_minute() {
    let mut bench = Bench::new();
    let store = WatchedSecrets::answering(Err(forbidden()));
    let clock = bench.clock.clone();
    let cached = CachedSecrets::new(store.clone(), clock, FunctionMemory::USUAL);
    bench.seams.secrets = Arc::new(cached);
    let view = bench.view(API, "one");
    assert_eq!(receives(&bench, &view).await, 120, "each finds it paused");
    assert!(store.reads() <= 11, "once a minute");
    assert!(bench.states.trips().swaps <= 1, "it is noted once");
    store.answer(Ok(Secret::parse(
        r#"{"client_id":"id","client_secret":"s"}"#,
    )
    .expect("JSON")));
    bench.clock.advance(MINUTE);
    assert!(receives(&bench, &view).await <= 1, "a secret ends it");
}

#[tokio::test]
async fn a_store_of_secrets_that_fails_is_read_less_and_less_and_pauses_nobody() {
    let mut bench = Bench::new();
    let failed = SecretsError::from(StoreError::new("GetSecretValue", "throttled"));
    let store = WatchedSecrets::answering(Err(failed));
    let clock = bench.clock.clone();
    let cached = CachedSecrets::new(store.clone(), clock, FunctionMemory::USUAL);
    bench.seams.secrets = Arc::new(cached);
    let view = bench.view(API, "one");
    assert_eq!(receives(&bench, &view).await, 0);
    assert!(store.reads() <= 26, "fewer than one for four receives");
    assert_eq!(bench.states.trips().swaps, 0);
}

/// The memory used to be emptied at a thousand connections.
#[tokio::test]
async fn ten_thousand_connections_in_rotation_are_looked_up_once_a_minute_each() {
    let bench = Bench::new();
    let view = bench.view(API, "one");
    for _ in 0..3 {
        for number in 0..10_000 {
            let connection = format!("connection-{number}");
            let admitted = view.admit(&connection, "any", bench.clock.now()).await;
            assert_eq!(admitted.expect("a store"), Admission::Go);
        }
        bench.clock.advance(MINUTE / 4);
    }
    assert_eq!(bench.states.trips().loads, 10_000);
}
