//! Fleets drawn by a seed, each against the promise.

use std::time::Duration;

use causeway::limiter::{CLOCK_SLACK, Limit, PUNISHED_SLACK};
use causeway_simulation::rng::Rng;

use crate::fleet::{FULL, Outcome, Plan, run};

/// The windows of drawn limits, in ms.
const WINDOWS: [i64; 6] = [250, 1_000, 1_000, 2_000, 10_000, 60_000];

/// How many windows a drawn fleet works for.
const LASTS: i64 = 6;

/// What the limiter is told of a vendor's window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allowance {
    /// What the vendor says.
    Full,
    /// A window so much shorter that its own padding only makes it as long as the vendor's: as if nothing were allowed for
    /// clocks and delays.
    None,
}

/// The fleet of `seed`, the vendor's count and its window in ms.
#[must_use]
pub fn plan(seed: u64, allowance: Allowance) -> (Plan, u32, i64) {
    let mut rng = Rng::new(seed);
    let per = rng.pick(&WINDOWS);
    let count = u32::try_from(rng.between(1, 30)).unwrap_or(1);
    let punished = rng.chance(0.2);
    let slack = if punished {
        PUNISHED_SLACK
    } else {
        CLOCK_SLACK
    };
    let slack = i64::try_from(slack.as_millis()).unwrap_or(0);
    let told = match allowance {
        Allowance::Full => per,
        Allowance::None => ((per - slack) * 100 / 102).max(1),
    };
    let limit = Limit::window("drawn", count, Duration::from_millis(told.unsigned_abs()));
    // Two clocks may be `2 × skew` apart, and what is left of the slack a call may be on its way.
    let skew = rng.between(0, slack / 2);
    let plan = Plan {
        limit: if punished { limit.punished() } else { limit },
        environments: usize::try_from(rng.between(1, 50)).unwrap_or(1),
        backlog: count as usize * usize::try_from(rng.between(1, LASTS)).unwrap_or(1) + 1,
        calls: usize::MAX,
        skew,
        on_its_way: slack - 2 * skew,
        trouble: rng.pick(&[0.0, 0.02, 0.2]),
        share: rng.pick(&[FULL, FULL, FULL, 250]),
        at_most: LASTS * (per + slack),
        seed: rng.bits(),
    };
    (plan, count, per)
}

/// Runs the fleet of `seed`: by how many calls a window of the vendor's saw too many, and what else it came to.
#[must_use]
pub fn excess(seed: u64, allowance: Allowance) -> (usize, Outcome) {
    let (plan, count, per) = plan(seed, allowance);
    let outcome = run(plan);
    (outcome.too_many(count, per), outcome)
}
