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
    /// Slots for refused calls of these costs: each at least one interval of the fastest limit after the last, and when
    /// every limit will allow it once those before it have gone. A day's limit that is far from spent thus holds up
    /// nobody who waits for the minute's. Calls that wait for permits come as often as permits have come back lately.
    pub(super) fn defer(
        &mut self,
        limits: &[&Limit],
        now: Timestamp,
        refused: &[u32],
    ) -> Vec<Timestamp> {
        let Some(first) = refused.first() else {
            return Vec::new();
        };
        // Slots stand as far apart as the full rate has it, during the ramp too: that is over in a minute, and a slot
        // that comes too early is asked for again, while one that comes too late wastes the rate.
        let turnover = self.turnover(limits);
        let soonest = if self.free_permits(limits) == 0 {
            turnover
        } else {
            1
        };
        let ready =
            micros(self.ready_at(limits, now, *first)).max(micros(now).saturating_add(soonest));
        let horizon = micros(now + SLOT_HORIZON);
        let slot_of = |cost: &u32| {
            let step = shortest_step(limits, *cost).max(turnover);
            let in_line = self.slot.saturating_add(step);
            let slot = in_line.max(self.after_the_line(limits, *cost)).max(ready);
            self.slot = if slot > horizon.max(ready) {
                self.forget_slots();
                ready
            } else {
                slot
            };
            self.promise(limits, *cost);
            ceil_millis(self.slot)
        };
        refused.iter().map(slot_of).collect()
    }

    /// The earliest instant at which all rates allow a call of `cost` when those who hold slots have gone.
    fn after_the_line(&self, limits: &[&Limit], cost: u32) -> i64 {
        let earliest = self.rates(limits).map(|(limit, cell)| {
            let dearer = i64::from(limit.units(cost).max(1) - 1);
            let room = limit.tolerance_us() - dearer.saturating_mul(limit.interval_us());
            cell.line.max(cell.tat).saturating_sub(room.max(0))
        });
        earliest.max().unwrap_or(0)
    }

    /// Notes that a call of `cost` comes at the slot given last.
    fn promise(&mut self, limits: &[&Limit], cost: u32) {
        let slot = self.slot;
        for limit in limits.iter().filter(|limit| limit.permits().is_none()) {
            let taken = worth(limit, limit.units(cost), FULL_RATE);
            let cell = self.cells.entry(limit.name().to_owned()).or_default();
            cell.line = cell.line.max(cell.tat).max(slot).saturating_add(taken);
        }
    }

    /// As if no slot had been given since `earlier`.
    pub(super) fn restore_slots(&mut self, earlier: &Self) {
        self.slot = earlier.slot;
        for (name, cell) in &mut self.cells {
            cell.line = earlier.cells.get(name).map_or(0, |cell| cell.line);
        }
    }

    fn forget_slots(&mut self) {
        self.slot = 0;
        for cell in self.cells.values_mut() {
            cell.line = 0;
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
            let in_use = limit.is_some() || cell.tat > old;
            in_use && (limit.is_none() || cell.tat <= micros(furthest).saturating_add(most))
        });
        next.drop_ended_leases(now);
        if next.slots_forgotten(limits, now, self.blocked_until) {
            next.forget_slots();
        }
        next
    }

    fn slots_forgotten(
        &self,
        limits: &[&Limit],
        now: Timestamp,
        blocked: Option<Timestamp>,
    ) -> bool {
        // While permits are held, those who wait for them are still coming.
        let holding = limits.iter().any(|limit| self.permits_held(limit, now) > 0);
        let busy = self.rates(limits).map(|(_, cell)| cell.tat).max();
        let busy = busy.unwrap_or(0).max(blocked.map_or(0, micros));
        let busy = if holding { busy.max(micros(now)) } else { busy };
        let patience = step(limits, 1)
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

/// What a call of `cost` takes from the slowest of `limits`, in microseconds.
fn step(limits: &[&Limit], cost: u32) -> i64 {
    let taken = limits
        .iter()
        .map(|limit| limit.interval_us() * i64::from(limit.units(cost)));
    taken.max().unwrap_or(1)
}
