//! Answers that take longer: a clipped CUSUM of the logarithm of each minute's median, against the lane's level, its
//! scale, the hour of the day and what the last half-hour was like.
//!
//! - **Level**: a running mean over about a day. What of the day's shape lies above or below it is kept for each hour of
//!   the day, in thousandths, and read between the hours' middles.
//! - **Drift**: vendors wander by a tenth within the half-hour, and come back. What is left of that is no news.
//! - **Scale**: a minute's variance is one call's, divided by their number, and what no number removes; the two are told
//!   apart by a line through the squares over `1 / calls`.
//!
//! The first day only learns.

use serde::{Deserialize, Serialize};

use super::rate::{HABIT_AFTER, SUSPICIOUS, left_after};
use super::tail::{MOST, Tail};
use super::{CLIP, short};

/// Minutes that only teach: a day, so that each hour has been seen once.
const LEARNING: u32 = 24 * 60;

/// Weight of a minute in level and scale, once as many were seen.
const MINUTE: f64 = 1.0 / 720.0;

/// Weight of a day in an hour's offset, once as many were seen.
const DAY: f64 = 0.25;

/// Minutes that an hour must have for its mean to count.
const HOUR_MIN: u16 = 10;

/// Weight of a minute in the drift: what was half an hour ago counts a third.
const DRIFT: f64 = 1.0 / 25.0;

/// The least deviation that no number of calls removes.
const RESTLESS: f64 = 0.03;

/// The least rise that is looked for: answers that take 1.6 times as long.
const RISE: f64 = 0.47;

/// The rise that is looked for on a restless lane, in its own deviations.
const RISE_DEVIATIONS: f64 = 6.5;

/// The least threshold of latency: answers that take longer come and go more than failures do.
const LEAST_SLOW: f64 = 9.2;

/// What is known of a lane's latency.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Latency {
    /// The last minute that was seen.
    #[serde(rename = "a")]
    at: u32,
    /// Minutes seen, up to [`LEARNING`].
    #[serde(rename = "n")]
    seen: u32,
    /// Mean logarithm of the minutes' medians.
    #[serde(rename = "l", serialize_with = "short::number")]
    level: f64,
    /// What the last half-hour was above level and hour.
    #[serde(rename = "w", serialize_with = "short::number")]
    drift: f64,
    /// How much a minute deviates.
    #[serde(rename = "v")]
    scale: Scale,
    /// Thousandths above the level, for each hour of the day.
    #[serde(rename = "o")]
    offsets: [i16; 24],
    /// Hours that have been seen since, for the weight of the next; up to 24 days of them.
    #[serde(rename = "d")]
    hours: u16,
    /// The present hour since the epoch, the sum of its deviations from the level, and how many.
    #[serde(rename = "h")]
    hour: u32,
    #[serde(rename = "y", serialize_with = "short::number")]
    sum_of_hour: f64,
    #[serde(rename = "z")]
    count_of_hour: u16,
    /// The statistic.
    #[serde(rename = "s", serialize_with = "short::number")]
    sum: f64,
    /// Minutes in which it was suspicious, without one between that was not.
    #[serde(rename = "m")]
    held: u16,
    /// The deviation of late.
    #[serde(rename = "r", serialize_with = "short::number")]
    recent: f64,
    /// How the statistic behaves in quiet hours.
    #[serde(rename = "q")]
    tail: Tail,
}

impl Latency {
    /// Sees that `calls` of minute `at` had this median.
    pub fn see(&mut self, at: u32, median_ms: f64, calls: u32, a_day: f64) {
        if calls == 0 || !median_ms.is_finite() || median_ms <= 0.0 {
            return;
        }
        let value = median_ms.ln();
        if self.seen == 0 {
            self.level = value;
        }
        let passed = at.saturating_sub(self.at).max(1);
        self.at = at;
        self.turn(at / 60);
        let learning = self.seen < LEARNING;
        let above = value - self.level - self.offset(at);
        // After a longer gap the half-hour before it says little.
        self.drift *= (1.0 - DRIFT).powf(f64::from(passed - 1));
        let deviation = above - self.drift;
        let variance = self.scale.of(calls);
        if !learning {
            let rise = RISE.max(RISE_DEVIATIONS * self.scale.of(u32::MAX).sqrt());
            let evidence = (rise * deviation - rise * rise / 2.0) / variance;
            let left = self.sum * left_after(passed);
            self.sum = (left + evidence.clamp(-CLIP, CLIP)).clamp(0.0, MOST);
        }
        self.recent += 0.2 * (above - self.recent);
        let threshold = self.tail.threshold(a_day, LEAST_SLOW);
        let suspicious = self.sum >= SUSPICIOUS * threshold;
        self.held = if suspicious {
            self.held.saturating_add(1)
        } else {
            0
        };
        if !learning {
            self.tail.note(at, self.sum, self.sum < threshold);
        }
        if !suspicious || self.held > HABIT_AFTER {
            self.learn(value, deviation, variance, calls);
        }
    }

    fn learn(&mut self, value: f64, deviation: f64, variance: f64, calls: u32) {
        let weight = MINUTE.max(1.0 / f64::from(self.seen + 1));
        // A single minute, however slow, moves little.
        let bound = if self.seen < 30 {
            f64::MAX
        } else {
            3.0 * variance.sqrt()
        };
        let bounded = deviation.clamp(-bound, bound);
        self.level += weight * (bounded + self.drift);
        self.drift += DRIFT * bounded - weight * self.drift;
        self.scale.learn(bounded * bounded, calls, weight.min(0.1));
        self.seen = (self.seen + 1).min(LEARNING);
        self.sum_of_hour += value - self.level;
        self.count_of_hour = self.count_of_hour.saturating_add(1);
    }

    /// Ends the hour before where another has begun.
    fn turn(&mut self, hour: u32) {
        if hour == self.hour {
            return;
        }
        if self.count_of_hour >= HOUR_MIN {
            let mean = self.sum_of_hour / f64::from(self.count_of_hour);
            let days = f64::from(self.hours / 24);
            let weight = DAY.max(1.0 / (days + 1.0));
            let offset = &mut self.offsets[(self.hour % 24) as usize];
            let moved = f64::from(*offset) / 1000.0;
            let next = moved + weight * (mean - moved);
            *offset = (next.clamp(-30.0, 30.0) * 1000.0) as i16;
            self.hours = (self.hours + 1).min(24 * 24);
        }
        (self.hour, self.sum_of_hour, self.count_of_hour) = (hour, 0.0, 0);
    }

    /// The day's shape at a minute, between the middles of two hours.
    fn offset(&self, at: u32) -> f64 {
        let of = |hour: u32| f64::from(self.offsets[(hour % 24) as usize]) / 1000.0;
        let (hour, minute) = (at / 60, f64::from(at % 60));
        if minute < 30.0 {
            let share = (minute + 30.0) / 60.0;
            of(hour + 23) * (1.0 - share) + of(hour) * share
        } else {
            let share = (minute - 30.0) / 60.0;
            of(hour) * (1.0 - share) + of(hour + 1) * share
        }
    }

    /// The statistic, in thresholds: a warning from 1 on.
    #[must_use]
    pub fn level(&self, a_day: f64) -> f64 {
        self.sum / self.tail.threshold(a_day, LEAST_SLOW)
    }

    /// The median that is usual at minute `at`, in milliseconds.
    #[must_use]
    pub fn usual_ms(&self, at: u32) -> f64 {
        (self.level + self.offset(at)).exp()
    }

    /// How many times the usual one the median is of late.
    #[must_use]
    pub fn times(&self) -> f64 {
        self.recent.exp()
    }
}

/// Running means of the deviations' squares, of `1 / calls`, of their product and of the latter's square.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Scale {
    #[serde(rename = "e", serialize_with = "short::number")]
    square: f64,
    #[serde(rename = "i", serialize_with = "short::number")]
    inverse: f64,
    #[serde(rename = "c", serialize_with = "short::number")]
    cross: f64,
    #[serde(rename = "q", serialize_with = "short::number")]
    inverse_square: f64,
}

impl Scale {
    fn learn(&mut self, square: f64, calls: u32, weight: f64) {
        let inverse = 1.0 / f64::from(calls);
        self.square += weight * (square - self.square);
        self.inverse += weight * (inverse - self.inverse);
        self.cross += weight * (square * inverse - self.cross);
        self.inverse_square += weight * (inverse * inverse - self.inverse_square);
    }

    /// Variance of the median of `calls`.
    fn of(&self, calls: u32) -> f64 {
        let spread = self.inverse_square - self.inverse * self.inverse;
        let slope = (self.cross - self.square * self.inverse) / spread.max(1e-6);
        // As many calls every minute tell nothing of what one is like: then half of it is its doing.
        let share = if spread > 1e-4 { 1.0 } else { 0.5 };
        let most = share * self.square / self.inverse.max(1e-6);
        let of_a_call = slope.clamp(0.0, most);
        let of_a_call = if spread > 1e-4 { of_a_call } else { most };
        let rest = (self.square - of_a_call * self.inverse).max(RESTLESS * RESTLESS);
        of_a_call / f64::from(calls) + rest
    }
}
