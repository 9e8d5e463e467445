//! What a vendor says about its limits corrects what we believe; it only ever slows us down.

use std::time::Duration;

use super::state::micros;
use super::{Limit, LimitState};
use crate::timestamp::Timestamp;

/// The furthest into the future a vendor's signal is believed: daily quotas reset within it.
pub const SIGNAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// What one answer said about the limits of one scope.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signal {
    /// No call before this (`Retry-After`, see [`signal`](super::signal)).
    pub blocked_until: Option<Timestamp>,
    /// What is left of single limits.
    pub remaining: Vec<Remaining>,
}

/// A vendor's remaining/reset pair.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// The [`Limit::name`] it speaks of.
    pub limit: &'static str,
    /// Calls left until the reset.
    pub left: u32,
    /// When the vendor starts to count anew.
    pub reset: Timestamp,
}

impl LimitState {
    /// Takes a vendor's signal into account; `None` when it says nothing that we did not know. Times further
    /// away than [`SIGNAL_MAX`] are cut to it, those in the past mean nothing.
    pub fn correct(&self, limits: &[&Limit], signal: &Signal, now: Timestamp) -> Option<Self> {
        let mut next = self.clone();
        if let Some(until) = signal.blocked_until {
            next.block(until, now);
        }
        for remaining in &signal.remaining {
            if remaining.left == 0 {
                next.block(remaining.reset, now);
            } else if let Some(limit) = limits.iter().find(|limit| limit.name() == remaining.limit)
            {
                next.hold_to(limit, remaining, now);
            }
        }
        (next != *self).then_some(next)
    }

    fn block(&mut self, until: Timestamp, now: Timestamp) {
        let until = until.min(now + SIGNAL_MAX);
        if now < until && self.blocked_until.is_none_or(|known| known < until) {
            self.blocked_until = Some(until);
        }
    }

    /// Moves `tat` so that no more than what is left can start until the reset: `(τ + reset − tat)/T + 1 ≤ left`.
    /// Less than one interval is not worth a write.
    fn hold_to(&mut self, limit: &Limit, remaining: &Remaining, now: Timestamp) {
        let reset = remaining.reset.min(now + SIGNAL_MAX);
        if reset <= now {
            return;
        }
        let worth = limit
            .interval_us()
            .saturating_mul(i64::from(remaining.left) - 1);
        let tat = micros(reset)
            .saturating_add(limit.tolerance_us())
            .saturating_sub(worth);
        let known = self
            .cells
            .get(limit.name())
            .map_or(i64::MIN, |cell| cell.tat)
            .max(micros(now));
        if tat >= known.saturating_add(limit.interval_us()) {
            self.cells.entry(limit.name().to_owned()).or_default().tat = tat;
        }
    }
}
