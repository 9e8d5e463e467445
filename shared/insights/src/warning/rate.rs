//! A share of calls that rises: a clipped binomial CUSUM against the lane's own usual share.
//!
//! Each minute's `k` of `n` calls speak for the share having risen to `ALTERNATIVE` or four times the usual one, by the
//! logarithm of the likelihoods' ratio, clipped to [`CLIP`]. Their sum, which never falls below zero, is the statistic.

use serde::{Deserialize, Serialize};

use super::tail::{LEAST, MOST, Tail};
use super::{CLIP, Trend, short};

/// The usual share of a lane of which nothing is known, and how many calls that knowledge is worth.
const PRIOR: (f64, f64) = (0.005, 400.0);

/// Calls that are remembered of the usual share: some days of a slow lane, eight hours of one with 60 a minute.
const REMEMBERED: f64 = 30_000.0;

/// The least share that is taken for the usual one: one failure of a perfect lane is no news.
const LEAST_USUAL: f64 = 0.002;

/// What the share is suspected to have risen to, if that is more than [`TIMES`] the usual one.
const ALTERNATIVE: f64 = 0.05;

/// See [`ALTERNATIVE`].
const TIMES: f64 = 4.0;

/// The suspected share is at least this, divided by the minute's calls: of two calls, one that fails says more about a
/// share of a quarter than about one of a twentieth, and so do all that succeed.
const SLOW: f64 = 0.3;

/// Below this many calls a minute a lane has few: its blips are a handful of failures.
const FEW: f64 = 5.0;

/// The least threshold of such a lane: more than two minutes of full evidence. With the one of other lanes
/// ([`LEAST`]) a ramp of a quarter of an hour would be over before it spoke.
const LEAST_FEW: f64 = 6.3;

/// Weight of a minute in the usual number of calls.
const PACE: f64 = 1.0 / 60.0;

/// What is left of the statistic after a minute: a blip on a lane with two calls a minute is forgotten within the hour,
/// where the successes alone would take three.
const LEFT: f64 = 0.98;

/// Half-life of what the trend remembers, in minutes, while nothing is suspected: what was healthy bends no line.
const TREND_QUIET: f64 = 2.0;

/// The same while something is.
const TREND: f64 = 12.0;

/// From this share of the threshold on a lane's minutes teach nothing.
pub const SUSPICIOUS: f64 = 0.5;

/// Minutes after which what lasts is the lane's new habit.
pub const HABIT_AFTER: u16 = 360;

/// Minutes of silence after which the statistic begins anew: a lane that comes back from an outage is not warned of for
/// what was before it.
const SILENCE: u32 = 30;

/// What is left of a statistic after so many minutes.
pub(super) fn left_after(minutes: u32) -> f64 {
    if minutes >= SILENCE {
        0.0
    } else {
        LEFT.powf(f64::from(minutes))
    }
}

/// What is known of one share.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rate {
    /// Calls that are remembered, and those of them that count.
    #[serde(rename = "n", serialize_with = "short::number")]
    calls: f64,
    #[serde(rename = "k", serialize_with = "short::number")]
    hits: f64,
    /// Calls a minute of late.
    #[serde(rename = "p", serialize_with = "short::number")]
    pace: f64,
    /// The statistic.
    #[serde(rename = "s", serialize_with = "short::number")]
    sum: f64,
    /// Minutes in which it was suspicious, without one between that was not.
    #[serde(rename = "m")]
    held: u16,
    /// How it behaves in quiet hours.
    #[serde(rename = "q")]
    tail: Tail,
    /// The share of late.
    #[serde(rename = "l")]
    trend: Trend,
}

impl Rate {
    /// Sees that `hits` of `calls` counted in minute `at`.
    pub fn see(&mut self, at: u32, hits: u32, calls: u32, a_day: f64) {
        if calls == 0 {
            return;
        }
        let (k, n) = (f64::from(hits.min(calls)), f64::from(calls));
        let passed = at.saturating_sub(self.trend.at());
        let half_life = if self.held > 0 { TREND } else { TREND_QUIET };
        self.trend.note(at, k / n, n, half_life);
        self.pace += PACE * (n - self.pace);
        let usual = self.usual();
        let risen = (usual * TIMES).max(ALTERNATIVE).max(SLOW / n).min(0.9);
        let evidence = k * (risen / usual).ln() + (n - k) * ((1.0 - risen) / (1.0 - usual)).ln();
        let left = self.sum * left_after(passed);
        self.sum = (left + evidence.clamp(-CLIP, CLIP)).clamp(0.0, MOST);
        let suspicious = self.sum >= SUSPICIOUS * self.threshold(a_day);
        self.held = if suspicious {
            self.held.saturating_add(1)
        } else {
            0
        };
        self.tail
            .note(at, self.sum, self.sum < self.threshold(a_day));
        if !suspicious || self.held > HABIT_AFTER {
            self.learn(k, n);
        }
    }

    fn threshold(&self, a_day: f64) -> f64 {
        let least = if self.pace < FEW { LEAST_FEW } else { LEAST };
        self.tail.threshold(a_day, least)
    }

    fn learn(&mut self, k: f64, n: f64) {
        let kept = (1.0 - n / REMEMBERED).max(0.0);
        self.calls = self.calls * kept + n;
        self.hits = self.hits * kept + k;
    }

    /// The lane's usual share.
    #[must_use]
    pub fn usual(&self) -> f64 {
        let share = (self.hits + PRIOR.0 * PRIOR.1) / (self.calls + PRIOR.1);
        share.clamp(LEAST_USUAL, 0.5)
    }

    /// The statistic, in thresholds: a warning from 1 on.
    #[must_use]
    pub fn level(&self, a_day: f64) -> f64 {
        self.sum / self.threshold(a_day)
    }

    /// The share of late.
    #[must_use]
    pub const fn trend(&self) -> &Trend {
        &self.trend
    }
}
