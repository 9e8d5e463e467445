//! What statistic a lane must reach for a warning, so that false alarms are equally rare on every lane.
//!
//! The largest value of each quiet hour is looked at: how often it exceeds `FLOOR`, and by how much on average. Above
//! a floor such excesses fall off about exponentially (peaks over threshold, with the shape taken for zero), so that the
//! value that is exceeded `x` times a day follows from two numbers.

use serde::{Deserialize, Serialize};

use super::short;

/// From here on a quiet hour's peak counts.
const FLOOR: f64 = 2.0;

/// The least threshold of failures and throttles: more than three minutes of full evidence ([`super::CLIP`]), which a
/// two-minute blip can give.
pub const LEAST: f64 = 8.5;

/// The highest: eight minutes of full evidence warn on any lane, however noisy.
pub const MOST: f64 = 20.0;

/// Weight of one hour in what is known of how often the floor is exceeded: some five days are remembered.
const HOUR: f64 = 1.0 / 120.0;

/// Weight of one excess in their mean.
const EXCESS: f64 = 0.1;

/// How a statistic behaves in quiet hours.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Tail {
    /// The hour that is looked at, since the epoch.
    #[serde(rename = "h")]
    hour: u32,
    /// Its largest value; below zero once the hour is not quiet.
    #[serde(rename = "p", serialize_with = "short::number")]
    peak: f64,
    /// Share of hours above the floor.
    #[serde(rename = "r", serialize_with = "short::number")]
    rate: f64,
    /// Mean excess of those.
    #[serde(rename = "x", serialize_with = "short::number")]
    excess: f64,
}

impl Tail {
    /// Notes a value at minute `at`. An hour with an episode in it is no quiet one, and left out.
    pub fn note(&mut self, at: u32, value: f64, quiet: bool) {
        let hour = at / 60;
        if hour != self.hour {
            self.close();
            (self.hour, self.peak) = (hour, 0.0);
        }
        if !quiet {
            self.peak = -1.0;
        } else if self.peak >= 0.0 {
            self.peak = self.peak.max(value);
        }
    }

    fn close(&mut self) {
        if self.hour == 0 || self.peak < 0.0 {
            return;
        }
        let over = self.peak > FLOOR;
        self.rate += HOUR * (f64::from(u8::from(over)) - self.rate);
        if over {
            let excess = self.peak - FLOOR;
            let weight = if self.excess == 0.0 { 1.0 } else { EXCESS };
            self.excess += weight * (excess - self.excess);
        }
    }

    /// The statistic that quiet hours exceed `a_day` times a day, and at least `least`.
    #[must_use]
    pub fn threshold(&self, a_day: f64, least: f64) -> f64 {
        let over_a_day = self.rate * 24.0;
        let times = (over_a_day / a_day).max(1.0);
        (FLOOR + self.excess * times.ln()).clamp(least, MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::super::CLIP;
    use super::*;

    /// Peaks of quiet hours with this mean excess, each hour.
    fn after_days(days: u32, mean: f64) -> Tail {
        let mut tail = Tail::default();
        for hour in 1..=days * 24 {
            // A fixed sequence that is spread like an exponential: quantiles in a shuffled order.
            let quantile = (f64::from(hour * 7 % 24) + 0.5) / 24.0;
            let peak = FLOOR - mean * (1.0 - quantile).ln();
            tail.note(hour * 60, peak, true);
        }
        tail
    }

    #[test]
    fn three_clipped_minutes_never_reach_the_least_threshold() {
        const { assert!(LEAST > 3.0 * CLIP) };
        assert_eq!(Tail::default().threshold(0.02, LEAST), LEAST);
    }

    #[test]
    fn a_restless_lane_gets_the_threshold_that_its_own_hours_ask_for() {
        // 24 exceedances a day with mean excess 1: exceeded 0.02 times a day at 2 + ln(1200) = 9.1.
        let threshold = after_days(30, 1.0).threshold(0.02, LEAST);
        assert!((8.6..9.6).contains(&threshold), "{threshold}");
        assert!(after_days(30, 1.3).threshold(0.02, LEAST) > threshold + 1.0);
        assert_eq!(after_days(30, 9.0).threshold(0.02, LEAST), MOST);
    }

    #[test]
    fn an_hour_with_an_episode_teaches_nothing() {
        let mut tail = after_days(10, 1.0);
        let before = tail.threshold(0.02, LEAST);
        let hour = 10 * 24 + 1;
        tail.note(hour * 60, 19.0, true);
        tail.note(hour * 60 + 1, 19.0, false);
        tail.note(hour * 60 + 2, 19.0, true);
        tail.note((hour + 1) * 60, 0.0, true);
        assert!(tail.threshold(0.02, LEAST) < before + 0.1);
    }
}
