//! One point: so many environments, so many requests.

use std::fs;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use causeway::cache::FunctionMemory;
use causeway::clock::Clock;
use causeway::pack::{Pack, PackError, Parts};
use causeway::pipeline::{Invocation, Lane, Settings};
use causeway::provider::{Provider, Secret};
use causeway::seams::Seams;
use serde::{Deserialize, Serialize};

use crate::time::{START, Time};
use crate::vendor::Vendor;
use crate::world::{Counts, World};

/// How long an invocation may take: the template's `Timeout`.
const TIMEOUT: Duration = Duration::from_secs(60);

/// When a lane's run is given up, in virtual time: a backlog of ten million takes one environment three days.
const PATIENCE: Duration = Duration::from_secs(13 * 24 * 60 * 60);

/// What is run.
#[derive(Clone, Copy, Debug)]
pub struct Setup {
    /// Environments, over all lanes.
    pub environments: u64,
    /// Requests, over all lanes.
    pub requests: u64,
    /// Lanes: a thread each.
    pub lanes: u64,
    /// Whether the vendor has a limit, so wide that it never binds: its item is what environments contend for.
    pub limited: bool,
}

/// What it came to.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Point {
    /// Environments.
    pub environments: u64,
    /// Requests.
    pub requests: u64,
    /// Threads.
    pub lanes: u64,
    /// Whether a limit's item was drawn on.
    pub limited: bool,
    /// Wall time.
    pub seconds: f64,
    /// The same in virtual time: what a fleet of that size would have taken at these latencies.
    pub virtual_seconds: f64,
    /// Requests a second of wall time.
    pub throughput: f64,
    /// Writes to the ledger, a request.
    pub ledger_writes: f64,
    /// Writes to shared state, a request.
    pub state_writes: f64,
    /// Of these, lost to another environment.
    pub races_lost: f64,
    /// Reads, a request.
    pub reads: f64,
    /// Receives, a request.
    pub receives: f64,
    /// Requests without an effect, or whose messages are left.
    pub lost: u64,
    /// Second effects.
    pub doubled: u64,
    /// Dead letters: there are to be none.
    pub letters: u64,
    /// Records that were asked for when only a bit was left of them: there are to be none.
    pub too_late: u64,
    /// The process's memory at its highest, MiB.
    pub peak_mib: f64,
    /// Processor time, both cores together.
    pub cpu_seconds: f64,
}

/// Stripe's pack, with a limit that never binds, or none.
///
/// # Errors
/// When the page does not read.
pub fn pack(limited: bool) -> Result<Pack, PackError> {
    const PAGE: &str = include_str!("../../../functions/stripe/provider.toml");
    const OPERATIONS: &str = include_str!("../../../functions/stripe/operations.jsonl");
    const WIDE: &str = r#"limit = [{ name = "account", count = 1000000, per = "1s", src = "ours: so wide that it never binds" }]"#;
    let (before, rest) = PAGE.split_once("\nlimit = [\n").unwrap_or((PAGE, ""));
    let after = rest.split_once("\n]\n").map_or(rest, |(_, after)| after);
    let limit = if limited { WIDE } else { "" };
    let page = format!("{before}\n{limit}\n{after}");
    Pack::of(Parts::new(&page, OPERATIONS))
}

/// A lane of `environment` in `world`.
pub(crate) fn lane(pack: Pack, world: &Arc<World>, vendor: &Arc<Vendor>, environment: u64) -> Lane {
    let clock: Arc<dyn Clock> = Arc::new(world.time.clone());
    let seams = Seams {
        clock,
        http: vendor.clone(),
        ledger: world.clone(),
        states: world.clone(),
        mappings: world.clone(),
        queue: world.clone(),
        secrets: world.clone(),
    };
    let settings = Settings {
        base_url: pack.spec().base_url.to_owned(),
        environment: format!("e{environment}"),
        max_in_flight: 10,
        memory: FunctionMemory::USUAL,
    };
    Lane::new(pack, seams, settings)
}

/// One environment: batch after batch until nothing is left, or `until`.
pub(crate) async fn serve(lane: Lane, world: Arc<World>, environment: u64, until: Duration) {
    let mut invocations = 0_u64;
    while !world.is_over() && world.time.passed() < until {
        let now = START + world.time.passed();
        let batch = world.receive(now);
        if batch.is_empty() {
            let next = world
                .next_visible()
                .map_or(now.as_millis() + 1, |at| at.max(now.as_millis() + 1));
            world
                .time
                .sleep_until(causeway::Timestamp::from_millis(next))
                .await;
            continue;
        }
        let receipts: Vec<(String, String)> = batch
            .iter()
            .map(|message| (message.id.clone(), message.receipt_handle.clone()))
            .collect();
        invocations += 1;
        let invocation = Invocation {
            id: format!("i{environment}-{invocations}"),
            deadline: now + TIMEOUT,
        };
        let report = lane.process(batch, &invocation).await;
        for id in report.acknowledged() {
            if let Some((_, receipt)) = receipts.iter().find(|(known, _)| known == id) {
                world.acknowledge(receipt);
            }
        }
    }
}

/// One lane's run.
struct Ran {
    counts: Counts,
    effects: u64,
}

fn run_lane(pack: Pack, requests: u64, environments: u64, secret: Secret) -> Ran {
    let time = Time::default();
    let world = World::new(time.clone(), requests, secret);
    let vendor = Arc::new(Vendor::new(world.clone(), requests, None));
    let serve = |environment| -> Pin<Box<dyn Future<Output = ()>>> {
        let lane = lane(pack, &world, &vendor, environment);
        Box::pin(serve(lane, world.clone(), environment, PATIENCE))
    };
    time.run((0..environments).map(serve).collect());
    let counts = world.counts().clone();
    Ran {
        counts,
        effects: vendor.effects(),
    }
}

/// The secret of every lane.
///
/// # Panics
/// Never: it is an object of strings.
#[must_use]
pub fn secret() -> Secret {
    Secret::parse(r#"{"api_key":"sk_test_000000000000000000000000"}"#)
        .expect("an object of strings")
}

/// Runs `setup`.
///
/// # Errors
/// When the pack does not read.
pub fn run(setup: Setup) -> Result<Point, PackError> {
    let pack = pack(setup.limited)?;
    let lanes = setup.lanes.min(setup.environments).max(1);
    let share = |all: u64, lane: u64| all / lanes + u64::from(lane < all % lanes);
    let before = processor_seconds();
    let started = Instant::now();
    let ran: Vec<Ran> = thread::scope(|scope| {
        let threads: Vec<_> = (0..lanes)
            .map(|lane| {
                let (requests, environments) =
                    (share(setup.requests, lane), share(setup.environments, lane));
                scope.spawn(move || run_lane(pack, requests, environments, secret()))
            })
            .collect();
        // A thread that panicked has lost all its requests.
        threads
            .into_iter()
            .filter_map(|thread| thread.join().ok())
            .collect()
    });
    let seconds = started.elapsed().as_secs_f64();
    Ok(point(
        Setup { lanes, ..setup },
        &ran,
        seconds,
        processor_seconds() - before,
    ))
}

fn point(setup: Setup, ran: &[Ran], seconds: f64, cpu_seconds: f64) -> Point {
    let sum = |of: fn(&Counts) -> u64| ran.iter().map(|ran| of(&ran.counts)).sum::<u64>();
    let each = |of: fn(&Counts) -> u64| sum(of) as f64 / setup.requests as f64;
    let effects: u64 = ran.iter().map(|ran| ran.effects).sum();
    let took = ran
        .iter()
        .map(|ran| ran.counts.last_acknowledged)
        .max()
        .unwrap_or_default();
    Point {
        environments: setup.environments,
        requests: setup.requests,
        lanes: setup.lanes,
        limited: setup.limited,
        seconds,
        virtual_seconds: took.as_secs_f64(),
        throughput: setup.requests as f64 / seconds,
        ledger_writes: each(|counts| counts.ledger_writes),
        state_writes: each(|counts| counts.state_writes),
        races_lost: each(|counts| counts.races_lost),
        reads: each(|counts| counts.reads),
        receives: each(|counts| counts.receives),
        lost: setup.requests
            - effects
                .min(sum(|counts| counts.acknowledged))
                .min(setup.requests),
        doubled: sum(|counts| counts.doubled),
        letters: sum(|counts| counts.letters),
        too_late: sum(|counts| counts.too_late),
        peak_mib: peak_mib(),
        cpu_seconds,
    }
}

/// This process's memory at its highest (`VmHWM`), in MiB; 0 where the system does not say.
fn peak_mib() -> f64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.split_whitespace().next()?.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

/// Processor time of this process so far (`utime` and `stime`, in hundredths of a second).
fn processor_seconds() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat
        .rsplit(')')
        .next()
        .unwrap_or_default()
        .split_whitespace();
    let ticks: f64 = fields
        .skip(11)
        .take(2)
        .filter_map(|ticks| ticks.parse::<f64>().ok())
        .sum();
    ticks / 100.0
}
