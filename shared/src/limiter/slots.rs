//! When those who were refused ask again, and what an item forgets.

use std::time::Duration;

use super::state::{ceil_millis, micros, span, worth};
use super::{CLOCK_SLACK, FULL_RATE, INLINE_WAIT_MAX, Limit, LimitState, SHARE_MIN, SIGNAL_MAX};
use crate::timestamp::Timestamp;

/// Slots lie at most this far ahead (a deferral is at most 11 h, and wants room for rounding). Beyond it the
/// slots start again at the front and two messages share one: the later is deferred once more.
pub const SLOT_HORIZON: Duration = Duration::from_secs(10 * 60 * 60);

/// When nobody took a token for this long plus ten intervals, the messages that held slots are not coming (the
/// queue was purged, or the lane was off): new ones need not line up behind them.
const SLOTS_FORGOTTEN: Duration = Duration::from_secs(10);

/// Cells of limits that a release no longer has are kept for as long as a rollback may want them.
const CELL_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

impl LimitState {
    /// Slots for refused calls of these costs. Each limit has a cursor of its own, which the calls that draw on it move
    /// on, so that a device's updates do not line up behind its creations; a call comes when all of its limits have come
    /// to it. Calls that wait for permits come as often as permits have come back lately.
    pub(super) fn defer(
        &mut self,
        limits: &[&Limit],
        now: Timestamp,
        refused: &[u32],
    ) -> Vec<Timestamp> {
        // Slots stand as far apart as the full rate has it, during the ramp too: that is over in a minute, and a slot
        // that comes too early is asked for again, while one that comes too late wastes the rate.
        let turnover = self.turnover(limits);
        let soonest = if self.free_permits(limits) == 0 {
            turnover
        } else {
            1
        };
        let soonest = micros(now).saturating_add(soonest);
        let horizon = micros(now + SLOT_HORIZON);
        let slot_of = |cost: &u32| {
            let ready = micros(self.ready_at(limits, now, *cost)).max(soonest);
            let fastest = shortest_step(limits, *cost);
            let own = |limit: &&Limit| {
                self.next_slot(limit, now, *cost, (fastest, turnover))
                    .max(soonest)
            };
            let mut slots: Vec<i64> = limits.iter().map(own).collect();
            let mut slot = slots.iter().copied().fold(ready, i64::max);
            if slot > horizon.max(ready) {
                self.forget_slots(|name| limits.iter().any(|limit| limit.name() == name));
                slots.fill(ready);
                slot = ready;
            }
            for (limit, slot) in limits.iter().zip(slots) {
                self.promise(limit, *cost, slot);
            }
            ceil_millis(slot)
        };
        refused.iter().map(slot_of).collect()
    }

    /// When `limit` alone will allow a call of `cost` once those with earlier slots have gone. Slots are spread by the
    /// fastest of a call's limits; the others only see to it that there is something left. A day's limit that is far from
    /// spent thus holds up nobody who waits for the minute's.
    fn next_slot(
        &self,
        limit: &Limit,
        now: Timestamp,
        cost: u32,
        (fastest, turnover): (i64, i64),
    ) -> i64 {
        let ready = micros(self.ready_at(&[limit], now, cost));
        let Some(cell) = self.cells.get(limit.name()) else {
            return ready;
        };
        if limit.permits().is_some() {
            return ready.max(cell.slot.saturating_add(turnover));
        }
        let taken = limit.interval_us() * i64::from(limit.units(cost));
        let spread = if taken == fastest { fastest } else { 0 };
        let dearer = i64::from(limit.units(cost).max(1) - 1);
        let room = limit.tolerance_us() - dearer.saturating_mul(limit.interval_us());
        let in_line = cell.line.max(cell.tat).saturating_sub(room.max(0));
        ready.max(cell.slot.saturating_add(spread)).max(in_line)
    }

    /// Notes that a call of `cost` comes at `slot`, as far as `limit` is concerned.
    fn promise(&mut self, limit: &Limit, cost: u32, slot: i64) {
        let cell = self.cells.entry(limit.name().to_owned()).or_default();
        cell.slot = slot;
        if limit.permits().is_none() {
            let taken = worth(limit, limit.units(cost), FULL_RATE);
            cell.line = cell.line.max(cell.tat).max(slot).saturating_add(taken);
        }
    }

    /// As if no slot had been given since `earlier`.
    pub(super) fn restore_slots(&mut self, earlier: &Self) {
        for (name, cell) in &mut self.cells {
            let known = earlier.cells.get(name);
            (cell.line, cell.slot) = known.map_or((0, 0), |cell| (cell.line, cell.slot));
        }
    }

    /// As if the limits that `which` names had given no slots.
    fn forget_slots(&mut self, which: impl Fn(&str) -> bool) {
        for (name, cell) in &mut self.cells {
            if which(name) {
                (cell.line, cell.slot) = (0, 0);
            }
        }
    }

    /// Forgets what no longer says anything, and what only a clock gone wrong can have written.
    pub(super) fn tidied(&self, limits: &[&Limit], now: Timestamp) -> Self {
        let mut next = self.clone();
        let furthest = now + SIGNAL_MAX + INLINE_WAIT_MAX + CLOCK_SLACK * 2;
        let says = |until: &Timestamp| now < *until && *until <= furthest;
        next.blocked_until = next.blocked_until.filter(says);
        let old = micros(now - CELL_KEPT);
        next.cells.retain(|name, cell| {
            cell.quota = cell.quota.filter(|quota| says(&quota.until));
            let limit = limits.iter().find(|limit| limit.name() == name);
            let most = limit.map_or(0, |limit| {
                let dearest = limit.units(limit.largest_cost());
                limit
                    .tolerance_us()
                    .saturating_add(worth(limit, dearest, SHARE_MIN))
            });
            let in_use = limit.is_some() || cell.tat.max(cell.slot) > old;
            in_use && (limit.is_none() || cell.tat <= micros(furthest).saturating_add(most))
        });
        next.drop_ended_leases(now);
        for limit in limits {
            if next.slots_forgotten(limit, now, self.blocked_until) {
                next.forget_slots(|name| name == limit.name());
            }
        }
        next
    }

    fn slots_forgotten(&self, limit: &Limit, now: Timestamp, blocked: Option<Timestamp>) -> bool {
        // While permits are held, those who wait for them are still coming.
        if self.permits_held(limit, now) > 0 {
            return false;
        }
        let cell = self.cells.get(limit.name());
        let quota = cell.and_then(|cell| cell.quota).map(|quota| quota.until);
        let stopped = blocked.max(quota).map_or(0, micros);
        let busy = cell.map_or(0, |cell| cell.tat).max(stopped);
        let patience = limit
            .interval_us()
            .saturating_mul(10)
            .saturating_add(span(SLOTS_FORGOTTEN));
        busy.saturating_add(patience) < micros(now)
    }
}

/// What a call of `cost` takes from the fastest of `limits` that it draws on, in microseconds.
fn shortest_step(limits: &[&Limit], cost: u32) -> i64 {
    let taken = limits
        .iter()
        .map(|limit| limit.interval_us() * i64::from(limit.units(cost)))
        .filter(|taken| *taken > 0);
    taken.min().unwrap_or(1)
}
