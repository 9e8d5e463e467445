//! Many seeds in one go, and what they came to.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Map, Value, json};

use crate::await_points;
use crate::counts::Counts;
use crate::invariants::{Invariant, Violation};
use crate::sim;

/// A seed whose world broke a promise.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed.
    pub seed: u64,
    /// What was broken first.
    pub violation: Violation,
    /// Everything that was.
    pub broken: BTreeSet<Invariant>,
}

/// What many seeds came to.
#[derive(Debug, Default)]
pub struct Summary {
    /// Seeds that ran.
    pub seeds: u64,
    /// What was counted.
    pub counts: Counts,
    /// Broken promises, by invariant.
    pub violations: BTreeMap<Invariant, u64>,
    /// Failing seeds, the first of them.
    pub failures: Vec<Failure>,
    /// How often environments died at each await.
    pub hits: Vec<u64>,
}

/// Failing seeds that are kept: what they show is mostly one thing.
const MAX_FAILURES: usize = 20;

impl Summary {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }

    fn add(&mut self, seed: u64, outcome: sim::Outcome) {
        self.seeds += 1;
        self.counts.add(&outcome.counts);
        for violation in &outcome.violations {
            *self.violations.entry(violation.invariant).or_default() += 1;
        }
        let broken = outcome.violations.iter();
        let broken = broken.map(|violation| violation.invariant).collect();
        if let Some(violation) = outcome.violations.into_iter().next() {
            self.failures.push(Failure {
                seed,
                violation,
                broken,
            });
        }
    }

    fn merge(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.counts.add(&other.counts);
        for (invariant, count) in other.violations {
            *self.violations.entry(invariant).or_default() += count;
        }
        self.failures.extend(other.failures);
        self.failures.sort_by_key(|failure| failure.seed);
        self.failures.truncate(MAX_FAILURES);
        self.hits.resize(self.hits.len().max(other.hits.len()), 0);
        for (sum, hits) in self.hits.iter_mut().zip(other.hits) {
            *sum += hits;
        }
    }

    /// Await points that environments died in.
    pub fn await_points_hit(&self) -> usize {
        self.hits.iter().filter(|hits| **hits > 0).count()
    }

    /// The summary as it is written to disk. `cpu_us` is the processor time that all took, in µs.
    pub fn to_json(&self, cpu_us: Option<u64>) -> Value {
        let mut all = Map::new();
        all.insert("seeds".into(), self.seeds.into());
        for (name, count) in self.counts.named() {
            all.insert(name.into(), count.into());
        }
        all.insert("await_points_hit".into(), self.await_points_hit().into());
        all.insert("await_points_total".into(), await_points::total().into());
        let missing = await_points::missing(&self.hits);
        all.insert("await_points_missing".into(), json!(missing));
        for invariant in Invariant::ALL {
            let count = self.violations.get(&invariant).copied().unwrap_or(0);
            all.insert(invariant.name().into(), count.into());
        }
        all.insert("outcomes".into(), json!(self.counts.outcomes));
        let requests = self.counts.requests.max(1);
        let each = cpu_us.map(|us| us as f64 / requests as f64);
        all.insert("cpu_us_per_request".into(), json!(each));
        let seeds: Vec<u64> = self.failures.iter().map(|failure| failure.seed).collect();
        all.insert("failing_seeds".into(), json!(seeds));
        let first = self.failures.first().map(|failure| {
            let broken: Vec<_> = failure.broken.iter().map(|broken| broken.name()).collect();
            json!({
                "seed": failure.seed,
                "invariant": failure.violation.invariant.name(),
                "text": failure.violation.text,
                "broken": broken,
            })
        });
        all.insert("first_failure".into(), json!(first));
        Value::Object(all)
    }
}

/// Runs seeds `first..first + count`, split over `threads`; each seed stays on its thread. `done` hears of every
/// finished seed; where it says false, no further ones begin.
pub fn run(
    first: u64,
    count: u64,
    threads: usize,
    done: impl Fn(u64, &sim::Outcome) -> bool + Sync,
) -> Summary {
    let next = AtomicU64::new(0);
    let summary = Mutex::new(Summary::default());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                let mut own = Summary::default();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= count {
                        break;
                    }
                    let outcome = sim::run(first + seed, false);
                    if !done(first + seed, &outcome) {
                        next.store(count, Ordering::Relaxed);
                    }
                    own.add(first + seed, outcome);
                }
                own.hits = await_points::take();
                summary
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .merge(own);
            });
        }
    });
    summary.into_inner().unwrap_or_else(PoisonError::into_inner)
}
