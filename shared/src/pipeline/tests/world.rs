//! A lane with everything around it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};

use super::acme::Acme;
use super::vendor::{Reply, Vendor};
use crate::Timestamp;
use crate::breaker::{Breaker, State};
use crate::cache::FunctionMemory;
use crate::clock::{Clock, ManualClock};
use crate::lanes::MemoryStates;
use crate::ledger::{MemoryLedger, Record};
use crate::outcome::Outcome;
use crate::pipeline::{Invocation, Lane, Report, Settings};
use crate::provider::{Provider, Secret};
use crate::queue::{Letter, MemoryQueue, Message};
use crate::seams::Seams;
use crate::secrets::{MemorySecrets, Secrets, SecretsError};

pub(super) const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

/// How long an invocation may take.
pub(super) const FUNCTION_TIMEOUT: Duration = Duration::from_secs(60);

/// A lane and its world.
pub(super) struct World {
    pub clock: Arc<ManualClock>,
    pub vendor: Arc<Vendor>,
    pub ledger: Arc<MemoryLedger>,
    pub states: Arc<MemoryStates>,
    pub mappings: Arc<MemoryStates>,
    pub queue: Arc<MemoryQueue>,
    pub secrets: Arc<CountedSecrets>,
    pub lane: Lane,
    pub seams: Seams,
    invocations: AtomicU64,
}

impl World {
    pub fn new() -> Self {
        Self::with(|_| {})
    }

    /// A world with another seam in one place.
    pub fn with(change: impl FnOnce(&mut Seams)) -> Self {
        let clock = Arc::new(ManualClock::at(NOON));
        let vendor = Arc::new(Vendor::new(clock.clone()));
        let ledger = Arc::new(MemoryLedger::default());
        let states = Arc::new(MemoryStates::default());
        let mappings = Arc::new(MemoryStates::default());
        let queue = Arc::new(MemoryQueue::default());
        let secrets = Arc::new(CountedSecrets::default());
        let mut seams = Seams {
            clock: clock.clone(),
            http: vendor.clone(),
            ledger: ledger.clone(),
            states: states.clone(),
            mappings: mappings.clone(),
            queue: queue.clone(),
            secrets: secrets.clone(),
        };
        change(&mut seams);
        Self {
            clock,
            vendor,
            ledger,
            states,
            mappings,
            queue,
            secrets,
            lane: lane(Acme, seams.clone(), "environment"),
            seams,
            invocations: AtomicU64::new(0),
        }
    }

    /// One invocation with `batch`, which may take [`FUNCTION_TIMEOUT`].
    pub async fn receive(&self, batch: impl IntoIterator<Item = Message>) -> Report {
        let invocation = self.invocation();
        self.lane
            .process(batch.into_iter().collect(), &invocation)
            .await
    }

    pub fn invocation(&self) -> Invocation {
        let number = self.invocations.fetch_add(1, Ordering::SeqCst);
        Invocation {
            id: format!("invocation-{number}"),
            deadline: self.clock.now() + FUNCTION_TIMEOUT,
        }
    }

    /// Opens the breaker by two failing batches of three requests (`k0` to `k5`); the vendor is well again.
    pub async fn open_breaker(&self) {
        let failing = |n| message(&format!("m{n}"), body(&format!("k{n}"), "orders.create"));
        self.vendor.always(Some(Reply::Status(503, "{}")));
        self.receive((0..3).map(failing)).await;
        self.clock.advance(Duration::from_secs(2));
        self.receive((3..6).map(failing)).await;
        self.vendor.always(None);
        assert_eq!(self.breaker().state, State::Open);
    }

    /// The one outcome of one message.
    pub async fn outcome(&self, message: Message) -> Outcome {
        let mut report = self.receive([message]).await;
        assert_eq!(report.entries.len(), 1);
        report.entries.remove(0).outcome
    }

    /// The record of `key`.
    pub fn record(&self, key: &str) -> Option<Record> {
        self.ledger.records().remove(&format!("acme#default#{key}"))
    }

    pub fn letters(&self) -> Vec<Letter> {
        self.queue.done().letters
    }

    /// Seconds for which the last message was hidden.
    pub fn hidden_s(&self) -> u64 {
        let hidden = self.queue.done().hidden;
        hidden.last().expect("a message was hidden").1.as_secs()
    }

    pub fn breaker(&self) -> Breaker {
        let stored = self.states.values().remove("acme#*#breaker");
        stored.map_or_else(Breaker::default, |stored| {
            serde_json::from_value(stored.value).expect("a breaker")
        })
    }
}

/// A lane of `environment` in the world of `seams`.
pub(super) fn lane(provider: impl Provider, seams: Seams, environment: &str) -> Lane {
    let settings = Settings {
        base_url: "https://api.acme.example".into(),
        environment: environment.into(),
        max_in_flight: 10,
        memory: FunctionMemory::USUAL,
    };
    Lane::new(provider, seams, settings)
}

/// A message with `body`, received for the first time.
pub(super) fn message(id: &str, body: impl Into<String>) -> Message {
    Message {
        id: id.into(),
        origin: id.into(),
        receipt_handle: format!("receipt-{id}"),
        body: body.into(),
        receive_count: 1,
        sent_at: NOON,
        mark: None,
        revision: None,
        first_seen: NOON,
        group_id: None,
        trace_header: None,
    }
}

/// A message that a person made of `letter`.
pub(super) fn redriven(id: &str, letter: &Letter) -> Message {
    Message {
        mark: letter.reason.closing,
        revision: letter.revision,
        first_seen: letter.first_seen,
        ..message(id, letter.body.clone())
    }
}

/// A good request for `operation` under `key`.
pub(super) fn request(key: &str, operation: &str) -> Value {
    json!({
        "provider": "acme",
        "operation": operation,
        "idempotency_key": key,
        "created_at": "2026-11-22T10:00:00Z",
        "payload": {"item": key, "amount": 1},
    })
}

/// [`request`] as a message's body.
pub(super) fn body(key: &str, operation: &str) -> String {
    request(key, operation).to_string()
}

impl Message {
    /// The same message, received once more.
    pub(in crate::pipeline) fn again(&self) -> Self {
        Self {
            receive_count: self.receive_count + 1,
            ..self.clone()
        }
    }
}

/// The connections' secrets: `default` has one. Counts what was forgotten.
pub(super) struct CountedSecrets {
    inner: Mutex<MemorySecrets>,
    pub forgotten: AtomicU64,
}

impl Default for CountedSecrets {
    fn default() -> Self {
        let secret = Secret::parse(r#"{"token":"t0ken"}"#).expect("an object of strings");
        Self {
            inner: Mutex::new(MemorySecrets::default().with("acme", "default", secret)),
            forgotten: AtomicU64::new(0),
        }
    }
}

impl CountedSecrets {
    /// From now on there is a secret for `connection`.
    pub fn add(&self, connection: &str) {
        self.put(connection, r#"{"token":"t0ken"}"#);
    }

    /// What `Debug` says of the secrets.
    pub fn inner_debug(&self) -> String {
        format!("{:?}", self.inner.lock().expect("nobody panicked"))
    }

    /// From now on this is the secret of `connection`.
    pub fn put(&self, connection: &str, text: &str) {
        let secret = Secret::parse(text).expect("an object of strings");
        let mut inner = self.inner.lock().expect("nobody panicked");
        *inner = std::mem::take(&mut *inner).with("acme", connection, secret);
    }
}

#[async_trait]
impl Secrets for CountedSecrets {
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError> {
        let inner = self.inner.lock().expect("nobody panicked").clone();
        inner.get(provider, connection).await
    }

    async fn forget(&self, provider: &str, connection: &str) {
        self.forgotten.fetch_add(1, Ordering::SeqCst);
        let _ = (provider, connection);
    }
}
