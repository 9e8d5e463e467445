//! How much of each documented window a backlog gets.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway::limiter::Limit;
use causeway::provider::Provider;
use causeway_lane::ReadError;
use serde::Serialize;

use crate::fleet::{FULL, Outcome, Plan, run};

/// The sizes of fleets.
pub const FLEETS: [usize; 3] = [5, 50, 1_000];

/// So many windows are measured where they are long.
const WINDOWS: i64 = 4;

/// Where they are short, as many as there are in this time: large fleets learn by then how large they are.
const SPAN_MS: i64 = 60_000;

/// The backlog for each environment, at the least: with less, most of a large fleet has nothing to do.
const FOR_EACH: usize = 10;

/// One documented window.
#[derive(Clone, Debug)]
pub struct Window {
    /// Whose.
    pub provider: String,
    /// The limit.
    pub limit: Limit,
}

/// A number for each size of fleet.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct ByFleet<T> {
    /// Of 5 environments.
    #[serde(rename = "5")]
    pub five: T,
    /// Of 50.
    #[serde(rename = "50")]
    pub fifty: T,
    /// Of 1,000.
    #[serde(rename = "1000")]
    pub thousand: T,
}

/// What was measured of one window.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Whose.
    pub provider: String,
    /// The limit's name.
    pub limit: String,
    /// What the vendor allows in a window.
    pub n: u32,
    /// The window.
    pub window_ms: u128,
    /// The part of it that a backlog got.
    pub share: ByFleet<f64>,
    /// What the promise says of five environments: 0.95 of W/(1.02 W + D).
    pub target: f64,
    /// W/(1.02 W + D): what the promise leaves at best.
    pub best: f64,
    /// Writes a second, on the mean.
    pub writes_s: ByFleet<f64>,
    /// Writes whose condition failed, of all.
    pub races_lost: ByFleet<f64>,
    /// Receives a message of the backlog, until the measured calls were made.
    pub receives: ByFleet<f64>,
    /// The calls of the environment that made fewest, of those of the one that made most.
    pub fairness: ByFleet<f64>,
    /// How long the measured calls took from the beginning on, of calls ÷ (N/W).
    pub drain_ratio: ByFleet<f64>,
    /// Calls too many in any window.
    pub over_n: usize,
}

/// The folder of the shipped packs.
#[must_use]
pub fn functions() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions")
}

/// The windows of all packs under `folder`, each once.
///
/// # Errors
/// When a pack cannot be read.
pub fn windows(folder: &Path) -> Result<Vec<Window>, ReadError> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut packs: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.join("provider.toml").exists())
        .collect();
    packs.sort();
    let mut windows: Vec<Window> = Vec::new();
    for folder in packs {
        let pack = causeway_lane::read(&folder)?;
        let spec = pack.spec();
        let own = spec
            .operations
            .iter()
            .flat_map(|operation| operation.limits);
        for limit in spec.limits.iter().chain(own) {
            let is_same = |known: &Window| {
                let one = (known.limit.name(), known.limit.burst(), known.limit.per());
                known.provider == spec.name && one == (limit.name(), limit.burst(), limit.per())
            };
            if limit.per().is_some() && !windows.iter().any(is_same) {
                windows.push(Window {
                    provider: spec.name.to_owned(),
                    limit: *limit,
                });
            }
        }
    }
    Ok(windows)
}

/// Measures one window with each size of fleet.
#[must_use]
pub fn measure(window: &Window) -> Row {
    let limit = window.limit;
    let per = limit.per().unwrap_or_default();
    let (w, n) = (per.as_secs_f64(), f64::from(limit.burst()));
    let best = w / (1.02 * w + limit.slack().as_secs_f64());
    let mut row = Row {
        provider: window.provider.clone(),
        limit: limit.name().to_owned(),
        n: limit.burst(),
        window_ms: per.as_millis(),
        share: ByFleet::default(),
        target: 0.95 * best,
        best,
        writes_s: ByFleet::default(),
        races_lost: ByFleet::default(),
        receives: ByFleet::default(),
        fairness: ByFleet::default(),
        drain_ratio: ByFleet::default(),
        over_n: 0,
    };
    for (at, environments) in FLEETS.into_iter().enumerate() {
        let (plan, measured) = plan(limit, per, environments);
        let outcome = run(plan);
        let seconds = outcome
            .starts
            .last()
            .map_or(0.0, |last| *last as f64 / 1_000.0);
        let writes = outcome.counts.writes as f64;
        row.share
            .set(at, share(&outcome, limit.burst() as usize, measured, w));
        row.writes_s.set(at, writes / seconds.max(1e-3));
        row.races_lost
            .set(at, outcome.counts.lost as f64 / writes.max(1.0));
        row.receives
            .set(at, outcome.receives as f64 / plan.backlog as f64);
        let (least, most) = (
            outcome.by_environment.iter().min(),
            outcome.by_environment.iter().max(),
        );
        let fairness = *least.unwrap_or(&0) as f64 / (*most.unwrap_or(&1)).max(1) as f64;
        row.fairness.set(at, fairness);
        // What was not made in time counts as if it had taken all of it.
        let done = outcome.starts.len().min(plan.calls).max(1) as f64;
        row.drain_ratio.set(at, seconds / (done * w / n));
        let millis = i64::try_from(per.as_millis()).unwrap_or(i64::MAX);
        row.over_n += outcome.too_many(limit.burst(), millis);
    }
    row
}

/// A backlog, and how many windows' worth of it are measured.
fn plan(limit: Limit, per: Duration, environments: usize) -> (Plan, usize) {
    let millis = i64::try_from(per.as_millis()).unwrap_or(i64::MAX);
    let windows = usize::try_from((SPAN_MS / millis).max(WINDOWS)).unwrap_or(1);
    let calls = (windows + 2) * limit.burst() as usize;
    let slack = i64::try_from(limit.slack().as_millis()).unwrap_or(0);
    let plan = Plan {
        limit,
        environments,
        backlog: (2 * calls).max(FOR_EACH * environments),
        calls,
        skew: slack / 4,
        on_its_way: slack / 2,
        trouble: 0.0,
        share: FULL,
        at_most: 4 * i64::try_from(windows).unwrap_or(1) * millis + 60_000,
        seed: 14,
    };
    (plan, windows)
}

/// Of the vendor's count what was used over `windows` windows' worth, after the rested account's burst and the window's worth
/// in which that spreads.
fn share(outcome: &Outcome, n: usize, windows: usize, window_s: f64) -> f64 {
    let last = outcome.starts.len().min((windows + 2) * n);
    let (Some(from), Some(to)) = (
        outcome.starts.get(2 * n - 1),
        outcome.starts.get(last.wrapping_sub(1)),
    ) else {
        return 0.0;
    };
    let windows = last.saturating_sub(2 * n) as f64 / n as f64;
    windows * window_s * 1_000.0 / ((to - from) as f64).max(1.0)
}

impl ByFleet<f64> {
    fn set(&mut self, at: usize, value: f64) {
        let place = [&mut self.five, &mut self.fifty, &mut self.thousand];
        if let Some(place) = place.into_iter().nth(at) {
            *place = (value * 1e4).round() / 1e4;
        }
    }
}
