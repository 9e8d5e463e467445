//! Tokens that were taken and not used: those of duplicates, those wasted by the refusal of another scope, and what a
//! call cost less than it reserved.
//!
//! A token comes back only as far as nobody was let in because of it. When no one took since, that is all of it.
//! Otherwise it is bounded by the margin by which every later token came ahead of `tat`; and a token from before the
//! last time the bucket was full has already lapsed. So the promise holds as if the tokens had never been taken; what
//! does not come back is lost capacity, never a call too many.

use super::state::{Cell, micros, worth};
use super::{Limit, LimitState, SIGNAL_MAX, Taken};
use crate::timestamp::Timestamp;

/// Calls of a [`Taken`] that are not made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Unused {
    /// How many of the last granted ones: their tokens can come back.
    pub last: u32,
    /// How many of all granted ones: their permits come back.
    pub calls: u32,
}

impl LimitState {
    /// Gives back what is `unused` of `taken`, whose `next` was written; `self` is what is stored now.
    /// `None` when nothing can come back: tokens that wrote nothing (drawn ahead, or of no limit) took nothing here. To
    /// be called at most once for a [`Taken`].
    #[must_use]
    pub fn give_back(&self, limits: &[&Limit], taken: &Taken, unused: Unused) -> Option<Self> {
        let written = taken.next.as_ref()?;
        let mut next = self.clone();
        next.return_permits(limits, &taken.holder, unused.calls);
        let kept = taken.grants.len().saturating_sub(unused.last as usize);
        if let Some(first) = taken.grants.get(kept) {
            let untouched = written.takes == self.takes;
            for limit in limits {
                let units = taken.costs[kept..].iter().map(|cost| limit.units(*cost));
                let units = units.fold(0, u32::saturating_add);
                if let Some(cell) = next.cells.get_mut(limit.name()) {
                    cell.refund(*first, worth(limit, units, taken.share), units, untouched);
                }
            }
        }
        (next != *self).then_some(next)
    }

    /// What one of the calls of `taken` (the `at`th) truly cost, where it was not what it reserved: the difference comes
    /// back, or is owed by those who come next.
    pub(super) fn settle_cost(
        &mut self,
        limits: &[&Limit],
        taken: &Taken,
        at: usize,
        actual: u32,
        now: Timestamp,
    ) {
        let (Some(written), Some(start), Some(reserved)) =
            (&taken.next, taken.grants.get(at), taken.costs.get(at))
        else {
            return;
        };
        let untouched = written.takes == self.takes && taken.is_simultaneous();
        for limit in limits.iter().filter(|limit| limit.counts_cost()) {
            let Some(cell) = self.cells.get_mut(limit.name()) else {
                continue;
            };
            if actual < *reserved {
                let spared = reserved - actual;
                cell.refund(*start, worth(limit, spared, taken.share), spared, untouched);
            } else {
                let more = actual - reserved;
                cell.charge(limit, worth(limit, more, taken.share), now);
                cell.used.add(limit, now, more.into());
            }
        }
    }
}

impl Cell {
    /// Gives back `units` that were granted for `start`, `whole` microseconds together.
    fn refund(&mut self, start: Timestamp, whole: i64, units: u32, untouched: bool) {
        if micros(start) < self.busy {
            return;
        }
        let part = match self.margin {
            Some(margin) if !untouched => {
                let part = whole.min(margin);
                self.margin = Some(margin - part);
                part
            }
            _ => whole,
        };
        // The count alone is not worth a write.
        if part > 0 {
            self.tat = self.tat.saturating_sub(part);
            self.used.take_back(units);
        }
    }

    /// Takes `more` microseconds after the fact; a debt is at most a day's.
    fn charge(&mut self, limit: &Limit, more: i64, now: Timestamp) {
        let most = micros(now + SIGNAL_MAX).saturating_add(limit.tolerance_us());
        self.tat = self.tat.saturating_add(more).min(most.max(self.tat));
    }
}
