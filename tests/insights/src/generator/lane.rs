//! What a lane is like in good health: its traffic, its vendor's speed, its limits. Drawn from the seed, fixed for a trace.

use super::rng::{Aspect, Rng};
use super::{DAY, HOUR, Scenario};

/// A lane's traffic by the hour of its day, as a share of the busiest: office hours with a lunch dip.
const HOURS: [f64; 24] = [
    0.08, 0.05, 0.03, 0.02, 0.03, 0.06, 0.15, 0.35, 0.65, 0.90, 1.00, 0.98, 0.90, 0.88, 0.95, 0.97,
    0.92, 0.80, 0.65, 0.52, 0.42, 0.32, 0.22, 0.14,
];

/// Steps of the distribution of latencies: an index is 12 random bits.
pub(super) const STEPS: usize = 4096;

/// 1970-01-01 was a Thursday; days are counted from Monday.
const FIRST_WEEKDAY: u64 = 3;

/// A lane in good health.
#[derive(Clone, Debug)]
pub(super) struct Lane {
    /// Share of calls that fail in the best of times.
    pub(super) failing: f64,
    /// Median latency in the quietest hour, ms.
    pub(super) median: f64,
    /// Quantiles of a latency as multiples of the median.
    pub(super) quantiles: Vec<f64>,
    /// A failed call takes this many times as long as one that succeeds: an error page, the same, or nearly a timeout.
    pub(super) failed_takes: f64,
    /// Standard deviation of the slow wander of the logarithm of latency.
    pub(super) latency_wanders: f64,
    /// Standard deviation of the slow wander of the logarithm of traffic.
    pub(super) traffic_wanders: f64,
    /// How much slower the vendor is in its busiest hour than in its quietest, as a share.
    rush: f64,
    /// How deep the night is: 0 is none, 1 all.
    night: f64,
    /// Traffic of a weekend day as a share of a weekday's.
    weekend: f64,
    /// Minutes by which the lane's own clock is behind UTC.
    behind: u64,
    /// What the lane can deliver in a minute, as a multiple of its busiest hour's traffic.
    pub(super) headroom: f64,
    /// Whether what it can deliver is a rate limit's doing, and so `limit_used` is measured.
    pub(super) is_limited: bool,
    /// Share of a day's quota that an ordinary weekday uses, if the vendor has such a quota.
    pub(super) quota_use: Option<f64>,
    /// Minutes after midnight UTC at which the quota begins anew.
    pub(super) quota_resets: u64,
    /// Whether its producers send in bulk now and then.
    pub(super) has_bursts: bool,
}

impl Lane {
    /// The lane of `seed`. Where a quota is the trouble there is one, and where more traffic is, there is none: two events
    /// in one trace would leave the truth open.
    pub(super) fn of(seed: u64, scenario: Scenario) -> Self {
        let mut rng = Rng::new(seed, Aspect::Lane);
        let spread = rng.between(0.15, 0.35);
        let quota_use = rng.between(0.40, 0.75);
        let by_chance = rng.chance(0.3);
        let has_quota = match scenario {
            Scenario::Quota => true,
            Scenario::ThrottleRamp { .. } | Scenario::Backlog => false,
            _ => by_chance,
        };
        Self {
            failing: rng.between(0.002, 0.010),
            median: 120.0 * libm::exp(rng.between(0.0, 2.0)),
            quantiles: quantiles(spread),
            failed_takes: [0.5, 1.0, 3.0][rng.whole(0, 2) as usize],
            latency_wanders: rng.between(0.05, 0.15),
            traffic_wanders: rng.between(0.03, 0.12),
            rush: rng.between(0.0, 0.6),
            night: rng.between(0.3, 0.95),
            weekend: rng.between(0.1, 1.0),
            behind: rng.whole(0, 23) * HOUR,
            headroom: rng.between(1.4, 3.0),
            is_limited: rng.chance(0.7),
            quota_use: has_quota.then_some(quota_use),
            quota_resets: rng.whole(0, 23) * HOUR,
            has_bursts: rng.chance(0.5),
        }
    }

    /// Traffic at the minute `at`, as a share of the busiest hour's.
    pub(super) fn traffic(&self, at: u64) -> f64 {
        if self.is_weekend(at) {
            self.of_weekday(at) * self.weekend
        } else {
            self.of_weekday(at)
        }
    }

    /// Expected traffic of a weekday, in minutes of the busiest hour.
    pub(super) fn expected_of_weekday(&self) -> f64 {
        (DAY..2 * DAY).map(|at| self.of_weekday(at)).sum()
    }

    /// How much slower the vendor is at the minute `at` than at night.
    pub(super) fn slowness(&self, at: u64) -> f64 {
        let week = if self.is_weekend(at) { 0.5 } else { 1.0 };
        1.0 + self.rush * week * self.bustle(at)
    }

    /// Whether the minute `at` lies in working hours, Monday to Friday.
    pub(super) fn is_working(&self, at: u64) -> bool {
        let hour = self.local(at) % DAY / HOUR;
        (9..17).contains(&hour) && !self.is_weekend(at)
    }

    /// Expected traffic from `from` until `to`, in minutes of the busiest hour.
    pub(super) fn expected(&self, from: u64, to: u64) -> f64 {
        (from..to).map(|at| self.traffic(at)).sum()
    }

    fn of_weekday(&self, at: u64) -> f64 {
        1.0 - self.night * (1.0 - self.bustle(at))
    }

    fn bustle(&self, at: u64) -> f64 {
        let minute = self.local(at) % DAY;
        let (hour, into) = ((minute / HOUR) as usize, (minute % HOUR) as f64);
        let (this, next) = (HOURS[hour], HOURS[(hour + 1) % HOURS.len()]);
        this + (next - this) * into / HOUR as f64
    }

    fn is_weekend(&self, at: u64) -> bool {
        (self.local(at) / DAY + FIRST_WEEKDAY) % 7 >= 5
    }

    const fn local(&self, at: u64) -> u64 {
        at - self.behind
    }
}

/// A log-logistic distribution: its middle looks log-normal, its tail is as heavy as a vendor's.
fn quantiles(spread: f64) -> Vec<f64> {
    let at = |step: usize| (step as f64 + 0.5) / STEPS as f64;
    (0..STEPS)
        .map(|step| libm::exp(spread * libm::log(at(step) / (1.0 - at(step)))))
        .collect()
}
