//! What a vendor says about its limits corrects what we believe; it only ever slows us down.

use std::time::Duration;

use super::cell::Quota;
use super::limit::Kind;
use super::{CLOCK_SLACK, Limit, LimitState};
use crate::timestamp::Timestamp;

/// The furthest into the future a vendor's signal is believed: daily quotas reset within it.
pub const SIGNAL_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// The most remaining/reset pairs that one answer is asked for; no known vendor sends more than four.
pub const REMAINING_MAX: usize = 16;

/// Vendors tell resets in whole seconds: what a window's last second allows is no news.
const RESET_GRAIN: Duration = Duration::from_secs(1);

/// How long a window is thought to be used by others without another word of the vendor's: a day's may begin anew at any
/// hour, and nobody hears of it who makes no call.
const OTHERS_KEPT: Duration = Duration::from_secs(60 * 60);

/// The part of a window that others must have given back to be worth a write.
const OTHERS_GRAIN: i64 = 20;

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
    /// Takes a vendor's signals into account; says whether they were news. Times further away than [`SIGNAL_MAX`] are cut
    /// to it, those in the past mean nothing. All are held for [`CLOCK_SLACK`] more: whoever asks next may have another
    /// clock. The item is turned.
    pub(super) fn correct(&mut self, limits: &[&Limit], signals: &Signals, now: Timestamp) -> bool {
        let before = self.clone();
        if let Some(until) = signals.blocked_until {
            self.block(until, now);
        }
        for remaining in signals.remaining.iter().take(REMAINING_MAX) {
            let limit = limits.iter().find(|limit| limit.name() == remaining.limit);
            match (limit, remaining.reset) {
                (None, Some(reset)) if remaining.left == 0 => self.block(reset, now),
                (None, _) => {}
                (Some(limit), _) if limit.permits().is_some() => {}
                (Some(limit), Some(reset)) => self.hold_to(limit, remaining.left, reset, now),
                (Some(limit), None) => self.drain_to(limit, remaining.left, now),
            }
        }
        *self != before
    }

    fn block(&mut self, until: Timestamp, now: Timestamp) {
        let until = until.min(now + SIGNAL_MAX) + CLOCK_SLACK;
        if now + CLOCK_SLACK < until && self.blocked_until.is_none_or(|known| known < until) {
            self.blocked_until = Some(until);
        }
    }

    /// No more than `left` until `reset`, where we believed in more.
    fn hold_to(&mut self, limit: &Limit, left: u32, reset: Timestamp, now: Timestamp) {
        let reset = reset.min(now + SIGNAL_MAX);
        if reset <= now {
            return;
        }
        let until = reset + CLOCK_SLACK;
        let believed = self.turned(&[limit], now.max(reset - RESET_GRAIN));
        let ours = limit.most() - believed.sum(limit);
        let Some(cell) = self.cells.get_mut(limit.name()) else {
            return;
        };
        match &mut cell.quota {
            // Of the same window, or of one that ends later: those who took since are counted there already.
            Some(known) if reset < known.until + CLOCK_SLACK && now < known.until => {
                known.left = known.left.min(left);
                known.until = known.until.max(until);
            }
            _ if i64::from(left) < ours => cell.quota = Some(Quota { left, until }),
            _ => {}
        }
    }

    /// What is less than we believed, others have used; the vendor's next word replaces it. Of a bucket it is refilled like
    /// all that it holds, of a window it counts for [`OTHERS_KEPT`] at most: then somebody may try.
    fn drain_to(&mut self, limit: &Limit, left: u32, now: Timestamp) {
        let sum = self.sum(limit);
        let used = limit.most() - sum - i64::from(left);
        let Some(cell) = self.cells.get_mut(limit.name()) else {
            return;
        };
        if matches!(limit.kind(), Kind::Bucket { .. }) {
            if used > 0 {
                self.spend(limit, used);
            }
            return;
        }
        let known = cell.others.map_or(0, |others| i64::from(others.left));
        let grain = (limit.most() / OTHERS_GRAIN).max(1);
        if used > known || known - used.max(0) >= grain {
            let kept = Duration::from_micros(limit.padded_us().unsigned_abs()).min(OTHERS_KEPT);
            let others = Quota {
                left: u32::try_from(used.max(0)).unwrap_or(0),
                until: now + kept,
            };
            cell.others = Some(others).filter(|others| others.left > 0);
        }
    }
}
