//! What a batch tells an item when its calls have ended, in one write.

use std::time::Duration;

use super::state::span;
use super::{Limit, LimitState, Signals, Taken};
use crate::timestamp::Timestamp;

/// What a batch has learned about one item.
#[derive(Clone, Debug, Default)]
pub struct Feedback<'a> {
    /// What the vendor said, of all answers together.
    pub signals: Signals,
    /// What was taken, and which of its calls (by position) cost what, where the answer told.
    pub costs: Option<(&'a Taken, Vec<(usize, u32)>)>,
    /// Whose permits come back, all of them, and how long they were held.
    pub release: Option<(&'a str, Duration)>,
}

impl Feedback<'_> {
    /// Whether there is nothing to tell.
    pub fn is_empty(&self) -> bool {
        let unsaid = self.signals.blocked_until.is_none() && self.signals.remaining.is_empty();
        let spent = self
            .costs
            .as_ref()
            .is_some_and(|(_, costs)| !costs.is_empty());
        unsaid && !spent && self.release.is_none()
    }
}

impl LimitState {
    /// The item with `feedback` in it; `None` when that changes nothing. To be called at most once for each thing
    /// that happened: a cost that is told twice is charged twice.
    #[must_use]
    pub fn heed(&self, limits: &[&Limit], feedback: &Feedback<'_>, now: Timestamp) -> Option<Self> {
        let mut next = self.clone();
        if let Some((taken, costs)) = &feedback.costs {
            for (at, actual) in costs {
                next.settle_cost(limits, taken, *at, *actual, now);
            }
        }
        if let Some((holder, held)) = feedback.release {
            for limit in limits.iter().filter(|limit| limit.permits().is_some()) {
                let holders = self.permits.get(limit.name());
                if let Some(permits) = holders.and_then(|holders| holders.get(holder)) {
                    let held = span(held).unsigned_abs() * u64::from(permits.count);
                    let cell = next.cells.entry(limit.name().to_owned()).or_default();
                    cell.used.add(limit, now, held);
                }
            }
            next.return_permits(limits, holder, u32::MAX);
            if next.permits != self.permits {
                next.learn_held(held);
            }
        }
        if let Some(corrected) = next.correct(limits, &feedback.signals, now) {
            next = corrected;
        }
        if next == *self {
            return None;
        }
        next.expire(limits, now);
        Some(next)
    }
}
