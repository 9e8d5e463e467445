//! Permits of limits on concurrency: held under a lease, so that those of a function that died come back.
//!
//! They are taken in the same write as tokens and given back in one write when the batch has ended. A lease ends when
//! the holder's function would have been ended, plus what clocks may differ by: by then none of its calls can be in
//! flight, so that never more than the limit's permits are, whoever crashes and whatever the clocks say.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::state::{Demand, micros, span};
use super::{CLOCK_SLACK, Limit, LimitState};
use crate::timestamp::Timestamp;

/// How long a permit is thought to be held before the first came back: a usual call.
const HELD_AT_FIRST: Duration = Duration::from_secs(1);

/// The least and the most that the mean moves to: a refused message asks again neither at once nor in an hour.
const HELD_BOUNDS: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(60));

/// The part of the mean that is kept at each return: the last eight or so count.
const HELD_KEPT: i64 = 7;

/// See [`LimitState::kept_for`]: one read in so long, while there is nothing to be had.
const REFUSAL_KEPT: Duration = Duration::from_secs(20);

/// No invocation is longer (Lambda's own bound is 15 min): a lease beyond it is from a clock gone wrong.
const LEASE_MAX: Duration = Duration::from_secs(20 * 60);

/// Who holds permits of one limit, by holder.
pub type Holders = BTreeMap<String, Permits>;

/// What one invocation holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Permits {
    /// How many.
    pub count: u32,
    /// When they come back by themselves.
    pub until: Timestamp,
}

impl LimitState {
    /// Permits of `limit` that are held at `now`.
    pub(super) fn permits_held(&self, limit: &Limit, now: Timestamp) -> u32 {
        let holders = self.permits.get(limit.name());
        let live = holders
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter(|permits| is_live(permits, now));
        live.fold(0, |held, permits| held.saturating_add(permits.count))
    }

    /// How many calls the limits on concurrency among `limits` leave room for. Ended leases are dropped beforehand.
    pub(super) fn free_permits(&self, limits: &[&Limit]) -> usize {
        let free = limits.iter().filter_map(|limit| {
            let holders = self.permits.get(limit.name());
            let held = holders.into_iter().flat_map(BTreeMap::values);
            let held = held.fold(0_u32, |held, permits| held.saturating_add(permits.count));
            Some(limit.permits()?.saturating_sub(held) as usize)
        });
        free.min().unwrap_or(usize::MAX)
    }

    /// Notes `calls` permits of each limit on concurrency as the taker's.
    pub(super) fn hold(&mut self, limits: &[&Limit], demand: &Demand<'_>, calls: usize) {
        let calls = u32::try_from(calls).unwrap_or(u32::MAX);
        if calls == 0 {
            return;
        }
        for limit in limits.iter().filter(|limit| limit.permits().is_some()) {
            let holders = self.permits.entry(limit.name().to_owned()).or_default();
            let permits = holders.entry(demand.holder.to_owned()).or_default();
            permits.count = permits.count.saturating_add(calls);
            permits.until = permits.until.max(demand.deadline + CLOCK_SLACK);
        }
    }

    /// Gives `calls` of the holder's permits back, and says whether it had any; the holder is forgotten with its last one.
    pub(super) fn return_permits(&mut self, limits: &[&Limit], holder: &str, calls: u32) -> bool {
        let mut had_any = false;
        for limit in limits {
            if let Some(holders) = self.permits.get_mut(limit.name())
                && let Some(permits) = holders.get_mut(holder)
            {
                had_any = true;
                permits.count = permits.count.saturating_sub(calls);
                if permits.count == 0 {
                    holders.remove(holder);
                }
            }
        }
        self.permits.retain(|_, holders| !holders.is_empty());
        had_any
    }

    /// Learns how long permits were held.
    pub(super) fn learn_held(&mut self, held: Duration) {
        let held = span(held.clamp(HELD_BOUNDS.0, HELD_BOUNDS.1));
        self.held = match self.held {
            0 => held,
            mean => (mean * HELD_KEPT + held) / (HELD_KEPT + 1),
        };
    }

    /// For how long what refuses a call is believed without another look: permits come back at any time, the rest only
    /// with a refund or a vendor's word.
    pub(super) fn kept_for(&self, limits: &[&Limit], now: Timestamp) -> Duration {
        let held = limits.iter().any(|limit| self.permits_held(limit, now) > 0);
        if held { Duration::ZERO } else { REFUSAL_KEPT }
    }

    /// When a permit may have come back: they come as far apart as so many of them are held so long.
    pub(super) fn permit_at(&self, limits: &[&Limit], now: Timestamp, chance: f64) -> Timestamp {
        let held = match self.held {
            0 => HELD_AT_FIRST,
            held => Duration::from_micros(held.unsigned_abs()).clamp(HELD_BOUNDS.0, HELD_BOUNDS.1),
        };
        let permits = limits.iter().filter_map(|limit| limit.permits()).min();
        // Twice on the mean: those who wait for the same are not known.
        now + held / permits.unwrap_or(1) + held.mul_f64(chance * 2.0)
    }

    pub(super) fn drop_ended_leases(&mut self, now: Timestamp) {
        for holders in self.permits.values_mut() {
            holders.retain(|_, permits| is_live(permits, now));
        }
        self.permits.retain(|_, holders| !holders.is_empty());
    }
}

fn is_live(permits: &Permits, now: Timestamp) -> bool {
    now < permits.until && micros(permits.until) <= micros(now + LEASE_MAX)
}
