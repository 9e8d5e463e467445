//! A line through what was seen lately: least squares, in which the past is forgotten exponentially.

use serde::{Deserialize, Serialize};

use super::short;

/// A weighted line; instants are minutes before the latest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trend {
    /// The latest minute that was noted.
    #[serde(rename = "a")]
    at: u32,
    /// Sum of weights.
    #[serde(rename = "w", serialize_with = "short::number")]
    weight: f64,
    /// Of weight and time.
    #[serde(rename = "t", serialize_with = "short::number")]
    time: f64,
    /// Of weight and time squared.
    #[serde(rename = "q", serialize_with = "short::number")]
    square: f64,
    /// Of weight and value.
    #[serde(rename = "v", serialize_with = "short::number")]
    value: f64,
    /// Of weight, time and value.
    #[serde(rename = "c", serialize_with = "short::number")]
    cross: f64,
}

/// A line at the latest minute.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Line {
    /// Its value there.
    pub value: f64,
    /// By how much it grows a minute.
    pub slope: f64,
}

impl Trend {
    /// Notes `value` at minute `at` with `weight`; what is `half_life` minutes older counts half.
    pub fn note(&mut self, at: u32, value: f64, weight: f64, half_life: f64) {
        let passed = f64::from(at.saturating_sub(self.at));
        let fading = 0.5_f64.powf(passed / half_life);
        // Times count from the new minute: t' = t - passed.
        let (w, t, q) = (self.weight, self.time, self.square);
        self.square = fading * (q - 2.0 * passed * t + passed * passed * w);
        self.cross = fading * (self.cross - passed * self.value);
        self.time = fading * (t - passed * w);
        self.weight = fading * w + weight;
        self.value = fading * self.value + weight * value;
        self.at = at;
    }

    /// The mean of what is remembered.
    #[must_use]
    pub fn mean(&self) -> f64 {
        if self.weight > 0.0 {
            self.value / self.weight
        } else {
            0.0
        }
    }

    /// How much is remembered, in weights.
    #[must_use]
    pub const fn weight(&self) -> f64 {
        self.weight
    }

    /// The latest minute that was noted.
    #[must_use]
    pub const fn at(&self) -> u32 {
        self.at
    }

    /// The line; none where all that is remembered is of one minute.
    #[must_use]
    pub fn line(&self) -> Option<Line> {
        let spread = self.weight * self.square - self.time * self.time;
        // Less than half a minute's spread is no line.
        if spread <= 0.25 * self.weight * self.weight {
            return None;
        }
        let slope = (self.weight * self.cross - self.time * self.value) / spread;
        let value = (self.value - slope * self.time) / self.weight;
        Some(Line { value, slope })
    }
}

impl Line {
    /// In how many minutes it reaches `value`; none where it never does.
    #[must_use]
    pub fn reaches(&self, value: f64) -> Option<f64> {
        let left = (value - self.value) / self.slope;
        (left.is_finite() && left >= 0.0).then_some(left)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_found_whatever_is_missing_of_it() {
        let mut trend = Trend::default();
        for at in [100, 101, 104, 105, 111, 130] {
            trend.note(at, 3.0 + 0.5 * f64::from(at), 1.0 + f64::from(at % 3), 15.0);
        }
        let line = trend.line().expect("six points");
        assert!((line.value - 68.0).abs() < 1e-9, "{line:?}");
        assert!((line.slope - 0.5).abs() < 1e-9, "{line:?}");
        assert!((line.reaches(73.0).expect("it rises") - 10.0).abs() < 1e-6);
        assert_eq!(line.reaches(60.0), None);
    }

    #[test]
    fn one_point_is_no_line() {
        let mut trend = Trend::default();
        trend.note(7, 1.0, 5.0, 10.0);
        assert_eq!(trend.line(), None);
        assert_eq!(trend.mean(), 1.0);
    }
}
