//! Lanes that go wrong, and many more that do not: what early warnings are scored on. **Frozen**: the tests hold the
//! digest of every scenario, since thresholds that were chosen on one generator prove nothing on another.
//!
//! Pure and seeded: the same scenario, rate and seed are the same trace on every machine. A seed is a lane (its traffic,
//! its vendor, its noise), whatever the scenario and the rate. Thresholds are chosen on [`TUNING`] and scored on
//! [`SCORING`].
//!
//! What a minute shows is what can be read of a lane: sums and percentiles from CloudWatch, the fullest limit and the
//! day's quota in whole percent, the queue's depth. What the breaker does once it is open is not simulated: a trace ends
//! a few minutes after its event.

mod lane;
mod noise;
mod rng;
mod rule;
mod trace;
mod trouble;

#[cfg(test)]
mod frozen;
#[cfg(test)]
mod tests;

use std::ops::Range;

/// Minutes of an hour.
const HOUR: u64 = 60;
/// Minutes of a day.
const DAY: u64 = 24 * HOUR;
/// Minutes of healthy history that every trace begins with: a week, so that every hour of it was seen once.
pub const HISTORY: u64 = 7 * DAY;

/// Seeds that thresholds may be chosen on.
pub const TUNING: Range<u64> = 1..10_001;
/// Seeds that results are reported on, and nothing else.
pub const SCORING: Range<u64> = 1_000_001..1_010_001;

/// Calls a minute that everything is scored at.
pub const RATES: [u32; 3] = [2, 10, 60];

/// What becomes of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scenario {
    /// Nothing, for this many days (the week of history among them, so more than 7).
    Healthy {
        /// Days of the whole trace.
        days: u16,
    },
    /// Every call fails, from one minute to the next. Nobody can foresee it.
    Sudden,
    /// The share of failures climbs in a line from 1 % to 60 %.
    Ramp {
        /// How long it climbs: 10 to 60.
        minutes: u16,
    },
    /// Latency climbs exponentially to 4 to 10 times within 20 to 25 minutes; 10 minutes after it began, failures begin to
    /// climb from 1 % to 60 % within 20 to 30 minutes.
    LatencyFirst,
    /// The share of calls that the vendor refuses for a limit climbs in a line from 1 % to 60 %; in half of the lanes
    /// their own traffic grows to 1.5 to 2.5 times with it.
    ThrottleRamp {
        /// How long it climbs: 10 to 60.
        minutes: u16,
    },
    /// A backfill uses up the day's quota.
    Quota,
    /// More comes than goes: the lane slows down, or its producers speed up.
    Backlog,
}

impl Scenario {
    /// Minutes of the ramp that `seed` is scored with: 10 to 60, each as often as every other.
    #[must_use]
    pub const fn minutes_of(seed: u64) -> u16 {
        10 + (seed % 51) as u16
    }
}

/// What one minute of a lane shows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Minute {
    /// Minutes since the epoch.
    pub at: u64,
    /// Calls to the vendor that ended: how many values `ProviderLatency` has.
    pub calls: u32,
    /// Those that failed: what `Retried`, `Rejected` and `Unknown` count, refusals for a limit excepted.
    pub failures: u32,
    /// Those refused for a limit: `Throttled`.
    pub throttled: u32,
    /// `ProviderLatency`; none without a call.
    pub latency: Option<Latency>,
    /// `RateLimitUsed` of a limit by the minute: whole percent, cut off, at most 100. None without a call, or a limit.
    pub limit_used: Option<f64>,
    /// How much of the day's quota is used: whole percent, cut off, at most 100. None without a quota. It falls to 0 when
    /// the quota begins anew.
    pub day_quota_used: Option<f64>,
    /// Messages on the queue at the minute's end.
    pub backlog: u64,
    /// Nothing was measured, or it came too late to be of use: everything else is zero or none.
    pub missing: bool,
}

impl Minute {
    const fn missing(at: u64) -> Self {
        Self {
            at,
            calls: 0,
            failures: 0,
            throttled: 0,
            latency: None,
            limit_used: None,
            day_quota_used: None,
            backlog: 0,
            missing: true,
        }
    }
}

/// How long a minute's calls took, in ms: each is a statistic that CloudWatch has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Latency {
    /// The average.
    pub mean: f64,
    /// Half of them took at most this.
    pub p50: f64,
    /// Nine tenths.
    pub p90: f64,
    /// Ninety-nine hundredths.
    pub p99: f64,
}

/// A lane's minutes, none left out, and the truth about them.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// What can be seen.
    pub minutes: Vec<Minute>,
    /// The first minute whose warnings count: before, there is only the healthy history.
    pub scored_from: u64,
    /// The first minute of the trouble; none in good health.
    pub onset: Option<u64>,
    /// The minute into which falls what a warning is to come before; none in good health. In order of appearance:
    /// - failures (sudden, ramp, latency first): the breaker would open by its own rule (5 bad calls in a row over at
    ///   least 2 s, or half of at least 20 calls within 60 s bad; bad is failed or longer than 10 s), computed on the very
    ///   calls from the onset on; at the latest the minute in which the ramp is at its end.
    /// - refusals: the same rule, with refused calls counted as bad (the breaker itself never counts them).
    /// - quota: 100 % of the day's quota are used.
    /// - backlog: the queue holds as much as the lane now delivers in 15 minutes, which is the age of the oldest message
    ///   that its alarm knows.
    pub event: Option<u64>,
}

impl Trace {
    /// Minutes from a warning to the event. What is said of `minute` is known when that minute is over; the event may fall
    /// on the first instant of its own. Negative when it came too late, none without an event.
    #[must_use]
    pub fn lead(&self, minute: u64) -> Option<i64> {
        let event = i64::try_from(self.event?).ok()?;
        Some(event - i64::try_from(minute).ok()? - 1)
    }
}

/// The trace of a lane of `rate` calls a minute (at least 1): of [`Scenario::Healthy`] and [`Scenario::Quota`] on the
/// average of a week, nights and weekends included; else at the minute of the onset, which is one of those that have at
/// least a quarter of the busiest hour's traffic.
#[must_use]
pub fn trace(scenario: Scenario, rate: u32, seed: u64) -> Trace {
    trace::trace(scenario, rate, seed)
}
