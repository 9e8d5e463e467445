//! How much of a limit was used lately: what `RateLimitUsed` and `causeway lanes` tell. It decides nothing, and is kept
//! in the writes that draw and return tokens anyway.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cell::bucket_of;
use super::limit::{BUCKETS, Kind};
use super::state::{micros, span};
use super::{Limit, LimitState};
use crate::timestamp::Timestamp;

/// What a limit is told over, where the vendor does not count over a longer time: a single call of a limit of one a
/// second says nothing about how busy it is.
const LATELY: Duration = Duration::from_secs(60);

/// A count over two spans, of which the one before fades out while the present one passes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Used {
    /// Start of the present span, in microseconds since the epoch.
    since: i64,
    /// Calls or units in it; of a limit on concurrency microseconds that permits were held.
    now: u64,
    /// In the one before.
    before: u64,
}

impl Used {
    /// Counts `units` of `limit` at `at`.
    pub(super) fn add(&mut self, limit: &Limit, at: Timestamp, units: u64) {
        *self = self.turned(micros(at), span_of(limit));
        self.now = self.now.saturating_add(units);
    }

    pub(super) const fn is_none(&self) -> bool {
        self.since == 0
    }

    fn turned(self, at: i64, span: i64) -> Self {
        let passed = at.saturating_sub(self.since);
        if passed < span {
            self
        } else if passed < 2 * span {
            Self {
                since: self.since + span,
                now: 0,
                before: self.now,
            }
        } else {
            Self {
                since: at,
                ..Self::default()
            }
        }
    }

    /// As if the span before had been used evenly.
    fn lately(self, at: i64, span: i64) -> i128 {
        let turned = self.turned(at, span);
        let left = span - at.saturating_sub(turned.since).clamp(0, span);
        i128::from(turned.now) + i128::from(turned.before) * i128::from(left) / i128::from(span)
    }
}

impl LimitState {
    /// How much of `limit` was used over the last minute, or over its window where that is longer, in percent of what the
    /// vendor allows; 100 while the vendor says that nothing is left.
    pub fn used_percent(&self, limit: &Limit, now: Timestamp) -> u8 {
        let cell = self.cells.get(limit.name());
        let spent = cell
            .and_then(|cell| cell.quota)
            .filter(|quota| quota.left == 0);
        let stopped = self.blocked_until.max(spent.map(|quota| quota.until));
        if stopped.is_some_and(|until| now < until) {
            return 100;
        }
        let span = span_of(limit);
        let gone = cell.map_or(0, |cell| cell.used.lately(micros(now), span));
        let (used, whole) = match limit.kind() {
            Kind::Concurrency { permits } => (gone, i128::from(span) * i128::from(permits)),
            // What is yet to be refilled was used lately, too.
            Kind::Bucket { interval, .. } => (
                gone + i128::from(self.sum(limit)),
                i128::from(span / interval),
            ),
            Kind::Window { count, per } => {
                let current =
                    cell.map_or(0, |cell| self.sum(limit) - cell.ring.iter().sum::<i64>());
                let is_present =
                    cell.is_some_and(|cell| bucket_of(limit, now) <= cell.at + BUCKETS);
                let current = if is_present { current } else { 0 };
                (
                    gone + i128::from(current),
                    i128::from(count) * i128::from(span) / i128::from(per),
                )
            }
        };
        u8::try_from(used.saturating_mul(100) / whole.max(1))
            .map_or(100, |percent| percent.min(100))
    }
}

fn span_of(limit: &Limit) -> i64 {
    let per = limit.per().unwrap_or(LATELY);
    span(per.max(LATELY))
}
