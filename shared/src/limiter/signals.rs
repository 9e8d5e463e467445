//! What a vendor says about its limits corrects what we believe; it only ever slows us down.

use std::time::Duration;

use super::state::{Quota, micros};
use super::{CLOCK_SLACK, Limit, LimitState};
use crate::timestamp::Timestamp;

/// The furthest into the future a vendor's signal is believed: daily quotas reset within it.
pub const SIGNAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The most remaining/reset pairs that one answer is asked for; no known vendor sends more than four.
pub const REMAINING_MAX: usize = 16;

/// Vendors tell resets in whole seconds: what a window's last second allows is no news.
const RESET_GRAIN: Duration = Duration::from_secs(1);

/// What one answer said about the vendor's limits.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Signals {
    /// No call before this, in the narrowest scope that the call drew on. `Retry-After` of a refusal need not stand
    /// here: [`Verdict::Throttled`](crate::provider::Verdict::Throttled) carries it.
    pub blocked_until: Option<Timestamp>,
    /// What is left of single limits; at most [`REMAINING_MAX`] count.
    pub remaining: Vec<Remaining>,
    /// What the call has cost in the vendor's units, where the answer tells: corrects what was reserved.
    pub cost: Option<u32>,
}

/// What a vendor has left for us.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remaining {
    /// The [`Limit::name`] it speaks of.
    pub limit: &'static str,
    /// Calls or units left.
    pub left: u32,
    /// When the vendor starts to count anew; none for a bucket, which it refills all the time.
    pub reset: Option<Timestamp>,
}

impl LimitState {
    /// Takes a vendor's signals into account; `None` when they say nothing that we did not know. Times further
    /// away than [`SIGNAL_MAX`] are cut to it, those in the past mean nothing. All are held for [`CLOCK_SLACK`] more:
    /// whoever asks next may have another clock.
    pub fn correct(&self, limits: &[&Limit], signals: &Signals, now: Timestamp) -> Option<Self> {
        let mut next = self.clone();
        if let Some(until) = signals.blocked_until {
            next.block(until, now);
        }
        for remaining in signals.remaining.iter().take(REMAINING_MAX) {
            let limit = limits.iter().find(|limit| limit.name() == remaining.limit);
            match (limit, remaining.reset) {
                (None, Some(reset)) if remaining.left == 0 => next.block(reset, now),
                (None, _) => {}
                (Some(limit), Some(reset)) => next.hold_to(limit, remaining.left, reset, now),
                (Some(limit), None) => next.drain_to(limit, remaining.left, now),
            }
        }
        if next == *self {
            return None;
        }
        next.expire(limits, now);
        Some(next)
    }

    fn block(&mut self, until: Timestamp, now: Timestamp) {
        let until = until.min(now + SIGNAL_MAX) + CLOCK_SLACK;
        if now + CLOCK_SLACK < until && self.blocked_until.is_none_or(|known| known < until) {
            self.blocked_until = Some(until);
        }
    }

    /// No more than `left` until `reset`, where we believed in more: `(τ + reset − tat)/T + 1 > left`.
    fn hold_to(&mut self, limit: &Limit, left: u32, reset: Timestamp, now: Timestamp) {
        let reset = reset.min(now + SIGNAL_MAX);
        if reset <= now || limit.permits().is_some() {
            return;
        }
        let cell = self.cells.entry(limit.name().to_owned()).or_default();
        let until = reset + CLOCK_SLACK;
        match &mut cell.quota {
            // Of the same window, or of one that ends later: those who took since are counted there already.
            Some(known) if reset < known.until + CLOCK_SLACK && now < known.until => {
                known.left = known.left.min(left);
                known.until = known.until.max(until);
            }
            _ => {
                let believed_from = cell.tat.max(micros(now));
                let horizon = micros(reset - RESET_GRAIN).max(micros(now));
                let ours = limit
                    .tolerance_us()
                    .saturating_add(horizon)
                    .saturating_sub(believed_from)
                    .div_euclid(limit.interval_us());
                if i64::from(left) < ours.saturating_add(1) {
                    cell.quota = Some(Quota { left, until });
                }
            }
        }
        self.forget_idle(limit);
    }

    /// Moves `tat` so that no more than what is left in the vendor's bucket can start at once: `(τ + now − tat)/T + 1 ≤
    /// left`. Less than one interval is not worth a write.
    fn drain_to(&mut self, limit: &Limit, left: u32, now: Timestamp) {
        if limit.permits().is_some() {
            return;
        }
        let worth = limit
            .interval_us()
            .saturating_mul(i64::from(left.min(limit.burst())) - 1);
        let tat = micros(now)
            .saturating_add(limit.tolerance_us())
            .saturating_sub(worth);
        let cell = self.cells.entry(limit.name().to_owned()).or_default();
        if tat
            >= cell
                .tat
                .max(micros(now))
                .saturating_add(limit.interval_us())
        {
            cell.tat = tat;
        }
        self.forget_idle(limit);
    }

    /// A cell that says nothing is none: it must not look like news.
    fn forget_idle(&mut self, limit: &Limit) {
        if self.cells.get(limit.name()) == Some(&Default::default()) {
            self.cells.remove(limit.name());
        }
    }
}
