//! Every request that an AWS client puts on the wire, between the SDK and the real connector.
//!
//! Requests that do not wait for each other's answers are one round, however fast or slow the machine is. So an answer
//! is held back until all requests of its step have begun: those that were waiting for it would never begin, and are
//! told apart when patience ends.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_sdk_dynamodb::config::http::HttpRequest;
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use serde_json::Value;
use tokio::sync::watch;

/// How long an answer waits for the beginnings of others.
const PATIENCE: Duration = Duration::from_secs(10);

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The breaker, the limiter, or a look into the ledger.
    Admission,
    Claim,
    Settlement,
}

impl Step {
    fn of(target: &str, body: &Value) -> Self {
        let table = body["TableName"].as_str().unwrap_or_default();
        match body["Item"]["status"]["S"].as_str() {
            Some("IN_PROGRESS") => Self::Claim,
            Some(_) if target.ends_with(".PutItem") && table.contains("Requests") => {
                Self::Settlement
            }
            _ => Self::Admission,
        }
    }
}

/// How many requests of each step there are: admissions, claims, settlements.
pub type Counts = [usize; 3];

/// A request, and when it began and ended, in steps of the recorder's own clock.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Service and operation, such as `DynamoDB_20120810.PutItem`.
    pub target: String,
    /// What it was for.
    pub step: Step,
    /// What was asked.
    pub body: Value,
    pub began: u64,
    pub ended: u64,
}

#[derive(Debug)]
struct Log {
    /// Counts beginnings and ends: order is all that rounds are made of.
    clock: AtomicU64,
    requests: Mutex<Vec<Recorded>>,
    begun: watch::Sender<Counts>,
    expected: Mutex<Counts>,
}

impl Log {
    /// Returns when as many requests of `step` have begun as are expected, or patience has ended.
    async fn all_begun(&self, step: Step) {
        let expected = locked(&self.expected)[step as usize];
        let mut begun = self.begun.subscribe();
        let all = begun.wait_for(|begun| begun[step as usize] >= expected);
        let _ = tokio::time::timeout(PATIENCE, all).await;
    }

    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }
}

/// A recording HTTP client around a real one.
#[derive(Clone, Debug)]
pub struct Recorder {
    inner: SharedHttpClient,
    log: Arc<Log>,
}

impl Recorder {
    /// Records what goes through the client of `config`; returns the configuration that has it do so.
    pub fn around(config: &SdkConfig) -> (Self, SdkConfig) {
        let inner = config.http_client().expect("the stack's clients have one");
        let recorder = Self {
            inner,
            log: Arc::new(Log {
                clock: AtomicU64::new(0),
                requests: Mutex::default(),
                begun: watch::Sender::new([0; 3]),
                expected: Mutex::default(),
            }),
        };
        let config = config
            .to_builder()
            .http_client(SharedHttpClient::new(recorder.clone()))
            .build();
        (recorder, config)
    }

    /// From now on this many requests of each step are waited for.
    pub fn expect(&self, expected: Counts) {
        *locked(&self.log.expected) = expected;
        self.log.begun.send_replace([0; 3]);
    }

    /// The requests since this was asked last, in the order of their ends.
    pub fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *locked(&self.log.requests))
    }
}

impl HttpClient for Recorder {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            inner: self.inner.http_connector(settings, components),
            log: self.log.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    log: Arc<Log>,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let target = request.headers().get("x-amz-target").unwrap_or_default();
        let target = target.to_owned();
        let body = request.body().bytes().unwrap_or_default();
        let body: Value = serde_json::from_slice(body).unwrap_or_default();
        let step = Step::of(&target, &body);
        let began = self.log.tick();
        self.log
            .begun
            .send_modify(|begun| begun[step as usize] += 1);
        let (log, answer) = (self.log.clone(), self.inner.call(request));
        HttpConnectorFuture::new(async move {
            let answer = answer.await;
            log.all_begun(step).await;
            let recorded = Recorded {
                target,
                step,
                body,
                began,
                ended: log.tick(),
            };
            locked(&log.requests).push(recorded);
            answer
        })
    }
}

fn locked<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Rounds that `requests` took: groups in which each overlaps another in time.
pub fn rounds<'a>(requests: impl IntoIterator<Item = &'a Recorded>) -> usize {
    let mut times: Vec<_> = requests
        .into_iter()
        .map(|request| (request.began, request.ended))
        .collect();
    times.sort_unstable();
    let (mut rounds, mut end) = (0, None);
    for (began, ended) in times {
        if end.is_none_or(|end| began > end) {
            rounds += 1;
        }
        end = end.max(Some(ended));
    }
    rounds
}

/// Write units that DynamoDB bills for a `PutItem`, made or refused: 1 KB of the item each, rounded up. An `UpdateItem`
/// adds to a limit's sums, in an item of less than 1 KB.
/// <https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html>
pub fn write_units(request: &Recorded) -> usize {
    match request.body["Item"].as_object() {
        Some(item) => attributes(item).div_ceil(1024),
        None => usize::from(request.target.ends_with(".UpdateItem")),
    }
}

fn attributes(item: &serde_json::Map<String, Value>) -> usize {
    item.iter()
        .map(|(name, typed)| name.len() + size(typed))
        .sum()
}

/// Bytes of `{"S": …}` and its like: text as it is, a number half a byte a digit and one, a byte for a boolean, and
/// for lists and maps three and one an element.
fn size(typed: &Value) -> usize {
    let Some((kind, value)) = typed.as_object().and_then(|typed| typed.iter().next()) else {
        panic!("no attribute value: {typed}");
    };
    match (kind.as_str(), value) {
        ("S", Value::String(text)) => text.len(),
        ("N", Value::String(digits)) => digits.len().div_ceil(2) + 1,
        ("BOOL" | "NULL", _) => 1,
        ("L", Value::Array(items)) => 3 + items.iter().map(|item| 1 + size(item)).sum::<usize>(),
        ("M", Value::Object(fields)) => 3 + fields.len() + attributes(fields),
        _ => panic!("an attribute value that this count does not know: {typed}"),
    }
}
