//! What a batch tells an item when its calls have ended, and what it did not need.
//!
//! Units come back to the bucket that counted them, or not at all once it has left: the promise holds as if they had never
//! been drawn. What a call cost beyond its reservation is owed: it is counted in the present bucket, whatever that holds.

use std::time::Duration;

use super::state::span;
use super::{Demand, Draw, Limit, LimitState, Signals};
use crate::timestamp::Timestamp;

/// What was drawn from one item.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// How many of the demanded calls may be made: the first ones.
    pub granted: usize,
    /// When they were drawn, on the taker's clock.
    pub at: Timestamp,
    /// From when on they may start, on the taker's clock: about when calls of late started.
    pub from: Timestamp,
    /// Until when they may start; a token that has lapsed lets nothing through.
    pub until: Timestamp,
    /// Where some were refused: before this it is pointless to ask again.
    pub again: Timestamp,
    /// What each granted call reserved.
    pub(super) costs: Vec<u32>,
    /// Which bucket of each limit counts them; none of tokens that were drawn ahead.
    pub(super) buckets: Vec<(&'static str, i64)>,
    /// Who holds the permits.
    pub(super) holder: String,
}

impl Taken {
    /// Nothing was granted.
    pub(super) fn refused(again: Timestamp) -> Self {
        Self {
            again,
            ..Self::default()
        }
    }

    /// Tokens that were drawn ahead: they are in no hand's bucket any more.
    pub(super) fn drawn_before(granted: usize, now: Timestamp, until: Timestamp) -> Self {
        Self {
            granted,
            at: now,
            until,
            costs: vec![1; granted],
            ..Self::default()
        }
    }
}

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
        let mut next = self.turned(limits, now);
        let mut news = false;
        if let Some((taken, costs)) = &feedback.costs {
            for (at, actual) in costs {
                news |= next.settle_cost(limits, taken, *at, *actual);
            }
        }
        if let Some((holder, held)) = feedback.release {
            for limit in limits.iter().filter(|limit| limit.permits().is_some()) {
                let holders = next.permits.get(limit.name());
                if let Some(permits) = holders.and_then(|holders| holders.get(holder)) {
                    let held = span(held).unsigned_abs() * u64::from(permits.count);
                    let cell = next.cells.entry(limit.name().to_owned()).or_default();
                    cell.used.add(limit, now, held);
                }
            }
            if next.return_permits(limits, holder, u32::MAX) {
                next.learn_held(held);
                news = true;
            }
        }
        news |= next.correct(limits, &feedback.signals, now);
        next.expire(limits, now);
        news.then_some(next)
    }

    /// Gives back what `taken` drew for the calls at the positions `unused`, which are not made. `None` when nothing comes
    /// back. To be called at most once for a call.
    #[must_use]
    pub fn give_back(
        &self,
        limits: &[&Limit],
        taken: &Taken,
        unused: &[usize],
        now: Timestamp,
    ) -> Option<Self> {
        let mut next = self.turned(limits, now);
        let calls = u32::try_from(unused.len()).unwrap_or(u32::MAX);
        let mut news = next.return_permits(limits, &taken.holder, calls);
        for limit in limits {
            let costs = unused.iter().filter_map(|at| taken.costs.get(*at));
            let units = costs.map(|cost| limit.units(*cost)).sum();
            news |= next.refund(limit, taken, units);
        }
        next.expire(limits, now);
        news.then_some(next)
    }

    /// What one of the calls of `taken` (the `at`th) truly cost; says whether it was not what it reserved.
    fn settle_cost(&mut self, limits: &[&Limit], taken: &Taken, at: usize, actual: u32) -> bool {
        let Some(reserved) = taken.costs.get(at) else {
            return false;
        };
        let mut news = false;
        for limit in limits.iter().filter(|limit| limit.counts_cost()) {
            if actual < *reserved {
                news |= self.refund(limit, taken, i64::from(reserved - actual));
            } else if actual > *reserved {
                // A debt is at most another full window: a vendor that says more is not believed.
                let most = 2 * limit.most();
                let owed = i64::from(actual - reserved).min(most - self.sum(limit));
                self.spend(limit, owed.max(0));
                news |= owed > 0;
            }
        }
        news
    }

    fn refund(&mut self, limit: &Limit, taken: &Taken, units: i64) -> bool {
        let drawn = taken.buckets.iter().find(|(name, _)| *name == limit.name());
        let sum = self.sum(limit);
        let (Some((_, bucket)), Some(cell)) = (drawn, self.cells.get_mut(limit.name())) else {
            return false;
        };
        let back = cell.refund(limit, *bucket, units, sum);
        self.sums.insert(limit.name().to_owned(), sum - back);
        back > 0
    }

    /// What a draw that led to this item is remembered by; what it drew ahead is no part of it.
    pub(super) fn taken(&self, limits: &[&Limit], draw: &Draw, demand: &Demand<'_>) -> Taken {
        let cells = limits.iter().filter_map(|limit| {
            let cell = self.cells.get(limit.name())?;
            limit.permits().is_none().then_some((limit.name(), cell.at))
        });
        let granted = draw.granted.min(demand.costs.len());
        Taken {
            granted,
            at: Timestamp::default(),
            from: draw.from,
            until: draw.until,
            again: Timestamp::default(),
            costs: demand.costs[..granted].to_vec(),
            buckets: cells.collect(),
            holder: demand.holder.to_owned(),
        }
    }
}
