//! Where one limit stands: its window in buckets, or what a bucket with a refill holds.

use serde::{Deserialize, Serialize};

use super::Limit;
use super::limit::{BUCKETS, Kind};
use super::state::micros;
use super::used::Used;
use crate::timestamp::Timestamp;

/// Where one limit stands.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cell {
    /// Of a window the number of the bucket that draws count in, since the epoch; of a bucket with a refill the
    /// microseconds since the epoch up to which the refill has been counted.
    pub at: i64,
    /// What the buckets before this one count, the latest last; older ones have left.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ring: Vec<i64>,
    /// What others seem to have used of the window, by the vendor's word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub others: Option<Quota>,
    /// What the vendor has left for us, where that is less than we thought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// How much was used lately.
    #[serde(skip_serializing_if = "Used::is_none")]
    pub used: Used,
}

/// A number of calls or units that holds for a while.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Calls or units.
    pub left: u32,
    /// When it says nothing any more.
    pub until: Timestamp,
}

impl Cell {
    /// The cell of another form: it counts as full for a window once its limit is drawn on.
    pub(super) fn unreadable() -> Self {
        Self {
            at: i64::MAX,
            ..Self::default()
        }
    }

    /// Makes the present bucket the current one, and says what of `sum` stays.
    pub(super) fn turn(&mut self, limit: &Limit, sum: i64, now: Timestamp) -> i64 {
        match limit.kind() {
            Kind::Concurrency { .. } => sum,
            Kind::Bucket { interval, .. } => {
                let steps = (micros(now).saturating_sub(self.at) / interval).max(0);
                self.at += steps * interval;
                let left = sum.min(steps);
                self.used.add(limit, now, left.unsigned_abs());
                sum - left
            }
            Kind::Window { .. } => {
                let shift = bucket_of(limit, now).saturating_sub(self.at);
                if shift <= 0 {
                    return sum;
                }
                let current = sum - self.ring.iter().sum::<i64>();
                self.used.add(limit, now, current.unsigned_abs());
                self.ring.push(current);
                let gap = usize::try_from(shift.min(BUCKETS + 1)).unwrap_or(0);
                self.ring.extend(std::iter::repeat_n(0, gap - 1));
                let kept = usize::try_from(BUCKETS).unwrap_or(0);
                self.ring.drain(..self.ring.len().saturating_sub(kept));
                let empty = self.ring.iter().take_while(|count| **count == 0).count();
                self.ring.drain(..empty);
                self.at += shift;
                self.ring.iter().sum()
            }
        }
    }

    /// The buckets of a window that hold `sum` together, the oldest first: their numbers, and what they count.
    pub(super) fn counts(&self, sum: i64) -> impl Iterator<Item = (i64, i64)> {
        let current = sum - self.ring.iter().sum::<i64>();
        let first = self.at - i64::try_from(self.ring.len()).unwrap_or(0);
        (first..).zip(self.ring.iter().copied().chain([current]))
    }

    /// Gives `units` back to the bucket that counted them; says how many. What has left is nobody's.
    pub(super) fn refund(&mut self, limit: &Limit, bucket: i64, units: i64, sum: i64) -> i64 {
        if matches!(limit.kind(), Kind::Bucket { .. }) {
            // What was refilled since had room for as much less.
            return units.min(sum).max(0);
        }
        let current = sum - self.ring.iter().sum::<i64>();
        let back = usize::try_from(self.at - bucket).unwrap_or(usize::MAX);
        if back == 0 {
            return units.min(current).max(0);
        }
        let place = self.ring.len().checked_sub(back);
        let Some(count) = place.and_then(|place| self.ring.get_mut(place)) else {
            return 0;
        };
        let back = units.min(*count).max(0);
        *count -= back;
        back
    }

    /// Whether the current bucket begins more than `by` microseconds after `now`.
    pub(super) fn is_ahead(&self, limit: &Limit, now: Timestamp, by: i64) -> bool {
        let begins = match limit.kind() {
            Kind::Window { .. } => self.at.saturating_mul(limit.bucket_us()),
            _ => self.at,
        };
        begins > micros(now).saturating_add(by)
    }
}

/// The number of the bucket that `now` falls into.
pub(super) fn bucket_of(limit: &Limit, now: Timestamp) -> i64 {
    micros(now).div_euclid(limit.bucket_us().max(1))
}

/// Where a cell that counts from `now` on stands.
pub(super) fn present(limit: &Limit, now: Timestamp) -> i64 {
    match limit.kind() {
        Kind::Window { .. } => bucket_of(limit, now),
        _ => micros(now),
    }
}

/// When a bucket has left the window, in microseconds: no part of it is within the padded window of the bucket then.
pub(super) fn leaves_at(limit: &Limit, bucket: i64) -> i64 {
    (bucket + BUCKETS + 1) * limit.bucket_us()
}
