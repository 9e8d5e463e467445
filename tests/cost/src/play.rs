//! A scenario, played: the real pipeline in as many environments as the template allows, the real gatekeeper, and the
//! function's own log on standard output.

use std::future::Future;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use causeway::cache::FunctionMemory;
use causeway::clock::Clock;
use causeway::gatekeeper::{Cause, Gatekeeper, WatchedLane};
use causeway::lane_control::{EventSource, MemoryLaneControl};
use causeway::pipeline::{Invocation, Lane, Settings};
use causeway::provider::{Provider, Secret};
use causeway::seams::Seams;
use causeway::secrets::{CachedSecrets, Secrets, SecretsError};
use causeway::telemetry::{self, Batch};
use causeway::trace::RemoteParent;

use crate::account::Account;
use crate::counts::Counts;
use crate::queue::BATCH;
use crate::scenario::Scenario;
use crate::units::sqs_calls;
use crate::vendor::Vendor;
use causeway_scale::time::Time;

/// Batches at once: the template's `MaximumConcurrency`.
pub const ENVIRONMENTS: u16 = 5;

/// How long an invocation may take: the template's `Timeout`.
const TIMEOUT: Duration = Duration::from_secs(60);

/// How often an idle environment looks for messages, in ms. It stands for a long poll, which costs nothing more.
const LOOK_MS: u64 = 100;

/// When a run is given up: nothing of what a scenario does takes so long.
const PATIENCE: Duration = Duration::from_secs(24 * 60 * 60);

/// The event source's id.
const SOURCE: &str = "source";

/// What cannot be played.
#[derive(Debug, thiserror::Error)]
pub enum PlayError {
    /// The pack cannot be read.
    #[error(transparent)]
    Pack(#[from] causeway_lane::ReadError),
    /// The secret is none.
    #[error("the scenario's secret: {0}")]
    Secret(String),
    /// Not every request took effect: what was counted is not the work.
    #[error("{effects} of {requests} requests took effect, {left} messages are left")]
    Unfinished {
        /// That many did.
        effects: usize,
        /// Of so many.
        requests: u64,
        /// Still on the queue.
        left: usize,
    },
}

/// Plays `scenario` with the packs of `functions`; `run` tells runs apart, whose environments draw lots by their names. The
/// function's log goes to standard output.
///
/// # Errors
/// When the pack cannot be read, or not every request took effect.
pub fn play(scenario: Scenario, functions: &Path, run: u8) -> Result<Counts, PlayError> {
    telemetry::log_to_stdout("info");
    let pack = causeway_lane::read(&functions.join("stripe"))?;
    let provider = pack.spec().name;
    let secret = Secret::parse(r#"{"api_key":"sk_test_000000000000000000000000"}"#);
    let secret = secret.map_err(|error| PlayError::Secret(error.to_string()))?;
    let time = Time::default();
    let account = Account::new(time.clone(), provider, secret);
    let vendor = Arc::new(Vendor::new(account.clone(), scenario.mood()));
    let control = Arc::new(MemoryLaneControl::default());
    let source = EventSource {
        enabled: true,
        maximum_concurrency: Some(ENVIRONMENTS),
        is_changing: false,
    };
    control.put(SOURCE, source);

    let mut tasks: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
    tasks.push(Box::pin(produce(scenario, account.clone())));
    for number in 0..ENVIRONMENTS {
        let lane = Lane::new(
            pack,
            seams(&account, &vendor),
            settings((run, number), pack.spec().base_url),
        );
        tasks.push(Box::pin(serve(
            number,
            lane,
            scenario,
            account.clone(),
            control.clone(),
        )));
    }
    tasks.push(Box::pin(keep_gate(
        provider,
        scenario,
        account.clone(),
        control,
    )));
    time.run(tasks);

    let requests = scenario.load().batches * BATCH as u64;
    let (effects, left) = (vendor.effects(), account.messages().len());
    if effects as u64 != requests || left > 0 {
        return Err(PlayError::Unfinished {
            effects,
            requests,
            left,
        });
    }
    account.count(|counts| counts.requests = requests);
    Ok(account.counts())
}

fn seams(account: &Arc<Account>, vendor: &Arc<Vendor>) -> Seams {
    let clock: Arc<dyn Clock> = Arc::new(account.time.clone());
    Seams {
        http: vendor.clone(),
        ledger: account.clone(),
        states: account.clone(),
        mappings: account.clone(),
        queue: account.clone(),
        secrets: Arc::new(CachedSecrets::new(
            OfAccount(account.clone()),
            clock.clone(),
            FunctionMemory::USUAL,
        )),
        clock,
    }
}

/// The account's secrets, for the cache of one environment.
struct OfAccount(Arc<Account>);

#[async_trait]
impl Secrets for OfAccount {
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError> {
        self.0.get(provider, connection).await
    }

    async fn forget(&self, provider: &str, connection: &str) {
        self.0.forget(provider, connection).await;
    }
}

fn settings((run, number): (u8, u16), base_url: &str) -> Settings {
    Settings {
        base_url: base_url.to_owned(),
        environment: format!("7d4c1f0e5b2a4c3d9e8f7a6b5c4d{run:02x}{number:02x}"),
        max_in_flight: BATCH,
        memory: FunctionMemory::USUAL,
    }
}

/// Producers: ten requests in one call, as ingest and batching clients send them.
async fn produce(scenario: Scenario, account: Arc<Account>) {
    let load = scenario.load();
    let every = u64::try_from(load.every.as_millis()).unwrap_or(u64::MAX);
    for batch in 0..load.batches {
        let bodies: Vec<String> = (0..BATCH as u64)
            .map(|at| body(batch * BATCH as u64 + at))
            .collect();
        let bytes: usize = bodies.iter().map(String::len).sum();
        account.count(|counts| counts.sends += sqs_calls(bytes));
        let now = account.time.passed();
        for body in bodies {
            account.messages().send(body, now);
        }
        account.time.sleep(every).await;
    }
}

/// A request of some 300 bytes, as ingest puts it on the queue.
fn body(number: u64) -> String {
    format!(
        r#"{{"id":"0199d3a0-0000-7000-8000-{number:012x}","provider":"stripe","operation":"customers.create","idempotency_key":"order-{number}","created_at":"2026-11-22T10:00:00Z","payload":{{"email":"guest-{number}@shop.example","name":"Ada Lovelace","metadata":{{"order":"{number}"}}}}}}"#
    )
}

fn is_over(scenario: Scenario, account: &Account) -> bool {
    let load = scenario.load();
    let sent = load.every * u32::try_from(load.batches).unwrap_or(u32::MAX);
    let passed = account.time.passed();
    passed > PATIENCE || passed >= sent && account.messages().is_empty()
}

/// One environment: as long as the event source lets it, it takes a batch, carries it out, writes its log.
async fn serve(
    number: u16,
    lane: Lane,
    scenario: Scenario,
    account: Arc<Account>,
    control: Arc<MemoryLaneControl>,
) {
    let mut invocations = 0_u64;
    while !is_over(scenario, &account) {
        let source = control.get(SOURCE);
        let may = source.is_some_and(|source| {
            source.enabled && source.maximum_concurrency.is_none_or(|most| number < most)
        });
        let batch = if may {
            account.messages().receive(account.time.passed())
        } else {
            Vec::new()
        };
        if batch.is_empty() {
            account.time.sleep(LOOK_MS).await;
            continue;
        }
        let bytes: usize = batch.iter().map(|message| message.body.len()).sum();
        let receipts: Vec<(String, String)> = batch
            .iter()
            .map(|message| (message.id.clone(), message.receipt_handle.clone()))
            .collect();
        let started = account.time.passed();
        invocations += 1;
        let invocation = Invocation {
            id: format!("8f507cfc-{number:04x}-4697-b07a-{invocations:012x}"),
            deadline: account.time.now() + TIMEOUT,
        };
        let report = lane.process(batch, &invocation).await;
        let header = format!(
            "Root=1-5e34a614-10bd{number:04x}{invocations:016x};Parent=07f500002d1f6f85;Sampled=1"
        );
        let batch = Batch {
            invocation_id: &invocation.id,
            function: RemoteParent::from_xray(&header),
            report: &report,
            ended: account.time.now(),
        };
        telemetry::emit(telemetry::NAMESPACE, lane.provider_name(), &batch);
        let done: Vec<&str> = report.acknowledged().collect();
        let mut deleted = false;
        for (_, receipt) in receipts
            .iter()
            .filter(|(id, _)| done.contains(&id.as_str()))
        {
            account.messages().delete(receipt);
            deleted = true;
        }
        let waited = account.time.passed().saturating_sub(started);
        account.count(|counts| {
            counts.environments += u64::from(invocations == 1);
            counts.invocations += 1;
            counts.waited_ms += u64::try_from(waited.as_millis()).unwrap_or(u64::MAX);
            counts.received += receipts.len() as u64;
            counts.receives += sqs_calls(bytes);
            counts.deletes += u64::from(deleted);
        });
    }
}

/// The gatekeeper, every minute and at a breaker's changes, which its stream gathers for a second.
async fn keep_gate(
    provider: &'static str,
    scenario: Scenario,
    account: Arc<Account>,
    control: Arc<MemoryLaneControl>,
) {
    let lane = WatchedLane {
        provider: provider.into(),
        source: SOURCE.into(),
        maximum_concurrency: ENVIRONMENTS,
    };
    let key = lane.breaker_key();
    let clock = Arc::new(account.time.clone());
    let gatekeeper = Gatekeeper::new(vec![lane], account.clone(), control.clone(), clock);
    let (mut seen, mut second) = (0, 0_u64);
    while !is_over(scenario, &account) {
        account.time.sleep(1_000).await;
        second += 1;
        control.put_waiting(SOURCE, account.messages().len() as u64);
        if second.is_multiple_of(60) {
            gatekeeper.run(&Cause::Schedule).await;
        }
        let writes = account.breaker_writes();
        if writes != seen {
            seen = writes;
            account.count(|counts| counts.gatekeeper_runs += 1);
            gatekeeper.run(&Cause::Changed(vec![key.clone()])).await;
        }
    }
}
