//! The stored item and what may be taken from it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{CLOCK_SLACK, Limit, SIGNAL_MAX};
use crate::timestamp::Timestamp;

/// The full rate, in permille; less while the breaker's ramp holds admission back.
pub const FULL_RATE: u16 = 1_000;

/// The smallest share of the rate, in permille: below it a lane would rather stay closed.
pub const SHARE_MIN: u16 = 100;

/// The most tokens one call takes: the largest batch that SQS hands to a function.
pub const TAKE_MAX: u32 = 10_000;

/// The longest inline wait: no invocation should spend its time sleeping.
pub const INLINE_WAIT_MAX: Duration = Duration::from_secs(60);

/// Slots lie at most this far ahead (a deferral is at most 11 h, and wants room for rounding). Beyond it the
/// slots start again at the front and two messages share one: the later is deferred once more.
pub const SLOT_HORIZON: Duration = Duration::from_secs(10 * 60 * 60);

/// When nobody took a token for this long plus ten intervals, the messages that held slots are not coming (the
/// queue was purged, or the lane was off): new ones need not line up behind them.
const SLOTS_FORGOTTEN: Duration = Duration::from_secs(10);

/// Cells of limits that a release no longer has are kept for as long as a rollback may want them.
const CELL_KEPT: Duration = Duration::from_secs(24 * 60 * 60);

/// Where one limit stands. All three are microseconds since the epoch or of time: integers do not drift.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cell {
    /// Theoretical arrival time: when the bucket is full again.
    pub tat: i64,
    /// Start of the present busy period, the instant of the last token that found the bucket full.
    pub busy: i64,
    /// The least by which a later token of this busy period came ahead of `tat`: so much can be given back
    /// without a token that was granted since having come too early.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub margin: Option<i64>,
}

/// All limits of one scope key. [`Default`] is what a missing item means: full buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitState {
    /// A cell per limit, by the limit's name.
    pub cells: BTreeMap<String, Cell>,
    /// The slot (µs since the epoch) given to the message deferred last.
    #[serde(skip_serializing_if = "is_zero")]
    pub slot: i64,
    /// The vendor wants no call before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_until: Option<Timestamp>,
    /// Takes so far: tells a giver whether somebody took since.
    pub takes: u64,
}

/// What a take decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    /// What to write before anything granted may start; `None` when there is nothing to write.
    pub next: Option<LimitState>,
    /// For each granted token the instant (on the taker's clock) from which its call may start, in order.
    pub grants: Vec<Timestamp>,
    /// For each token that was refused, when to ask again.
    pub slots: Vec<Timestamp>,
    /// The share at which the tokens were taken.
    pub(super) share: u16,
}

impl Taken {
    /// Tokens that were drawn ahead: nothing is to be written, and nothing comes back from them.
    pub(super) fn drawn_before(grants: Vec<Timestamp>) -> Self {
        Self {
            next: None,
            grants,
            slots: Vec::new(),
            share: FULL_RATE,
        }
    }
}

impl LimitState {
    /// Takes up to `want` tokens that may start within `inline_wait` of `now`; every one of `limits` (those of
    /// this item's scope) must allow each. `share` is the ramp's, in permille ([`FULL_RATE`]: no ramp): at 250
    /// each token costs four intervals.
    ///
    /// A refused message takes nothing from the limits. It gets a slot one interval after the one before:
    /// the slots already stand as far apart as the limits want them, so that no jitter is added.
    /// `want` is cut to [`TAKE_MAX`], `inline_wait` to [`INLINE_WAIT_MAX`], `share` to [`SHARE_MIN`].
    pub fn take(
        &self,
        limits: &[&Limit],
        now: Timestamp,
        want: u32,
        inline_wait: Duration,
        share: u16,
    ) -> Taken {
        let want = want.min(TAKE_MAX) as usize;
        let share = share.clamp(SHARE_MIN, FULL_RATE);
        if want == 0 || (limits.is_empty() && self.blocked_until.is_none()) {
            return Taken {
                next: None,
                grants: vec![now; want],
                slots: Vec::new(),
                share,
            };
        }
        let mut next = self.tidied(limits, now);
        next.takes = next.takes.wrapping_add(1);
        let latest = now + inline_wait.min(INLINE_WAIT_MAX);
        let mut grants = Vec::with_capacity(want);
        while grants.len() < want {
            let start = next.ready_at(limits, now);
            if start > latest {
                break;
            }
            next.spend(limits, start, share);
            grants.push(start);
        }
        next.excuse_first_takers(self);
        let slots = next.defer(limits, now, want - grants.len());
        Taken {
            next: Some(next),
            grants,
            slots,
            share,
        }
    }

    /// How much of `limit` is in use, in percent: 0 with a full bucket, 100 when a call would have to wait.
    pub fn used_percent(&self, limit: &Limit, now: Timestamp) -> u8 {
        if self.blocked_until.is_some_and(|until| now < until) {
            return 100;
        }
        let Some(cell) = self.cells.get(limit.name()) else {
            return 0;
        };
        let ahead = cell.tat.saturating_sub(micros(now)).max(0);
        if ahead > limit.tolerance_us() {
            return 100;
        }
        let whole = limit.tolerance_us().saturating_add(limit.interval_us());
        u8::try_from(ahead.saturating_mul(100) / whole).unwrap_or(100)
    }

    /// The earliest instant at which all limits allow the next token; whole milliseconds, as callers can wait.
    fn ready_at(&self, limits: &[&Limit], now: Timestamp) -> Timestamp {
        let free = limits
            .iter()
            .filter_map(|limit| {
                Some(
                    self.cells
                        .get(limit.name())?
                        .tat
                        .saturating_sub(limit.tolerance_us()),
                )
            })
            .max();
        now.max(free.map_or(now, ceil_millis))
            .max(self.blocked_until.unwrap_or(now))
    }

    fn spend(&mut self, limits: &[&Limit], start: Timestamp, share: u16) {
        let start = micros(start);
        for limit in limits {
            let cell = self.cells.entry(limit.name().to_owned()).or_default();
            if start >= cell.tat {
                cell.tat = start;
                cell.busy = start;
                cell.margin = None;
            } else {
                let margin = cell.tat - start;
                cell.margin = Some(cell.margin.map_or(margin, |least| least.min(margin)));
            }
            cell.tat = cell.tat.saturating_add(cost(limit, share));
        }
    }

    /// The take that began a busy period built upon nobody else's tokens, and its own giver hands back its last
    /// ones: its tokens put no bound on what can come back.
    fn excuse_first_takers(&mut self, before: &Self) {
        for (name, cell) in &mut self.cells {
            if before
                .cells
                .get(name)
                .is_none_or(|old| old.busy != cell.busy)
            {
                cell.margin = None;
            }
        }
    }

    /// Slots for `refused` messages: each one (slowest) interval after the last, none before the limits allow.
    fn defer(&mut self, limits: &[&Limit], now: Timestamp, refused: usize) -> Vec<Timestamp> {
        // Slots stand as far apart as the full rate has it, during the ramp too: that is over in a minute, and a slot
        // that comes too early is asked for again, while one that comes too late wastes the rate.
        let step = limits
            .iter()
            .map(|limit| limit.interval_us())
            .max()
            .unwrap_or(1);
        let ready = micros(self.ready_at(limits, now)).max(micros(now).saturating_add(1));
        let horizon = micros(now + SLOT_HORIZON);
        let mut slots = Vec::with_capacity(refused);
        for _ in 0..refused {
            let in_line = self.slot.saturating_add(step);
            self.slot = if in_line > horizon.max(ready) {
                ready
            } else {
                in_line.max(ready)
            };
            slots.push(ceil_millis(self.slot));
        }
        slots
    }

    /// Forgets what no longer says anything, and what only a clock gone wrong can have written.
    fn tidied(&self, limits: &[&Limit], now: Timestamp) -> Self {
        let mut next = self.clone();
        let furthest = now + SIGNAL_MAX + INLINE_WAIT_MAX + CLOCK_SLACK;
        next.blocked_until = next
            .blocked_until
            .filter(|until| now < *until && *until <= furthest);
        let old = micros(now - CELL_KEPT);
        next.cells.retain(|name, cell| {
            let limit = limits.iter().find(|limit| limit.name() == name);
            let most = limit.map_or(0, |limit| {
                limit.tolerance_us().saturating_add(cost(limit, SHARE_MIN))
            });
            let in_use = limit.is_some() || cell.tat > old;
            in_use && (limit.is_none() || cell.tat <= micros(furthest).saturating_add(most))
        });
        if next.slots_forgotten(limits, now, self.blocked_until) {
            next.slot = 0;
        }
        next
    }

    fn slots_forgotten(
        &self,
        limits: &[&Limit],
        now: Timestamp,
        blocked: Option<Timestamp>,
    ) -> bool {
        let busy = limits
            .iter()
            .filter_map(|limit| Some(self.cells.get(limit.name())?.tat))
            .max()
            .unwrap_or(0);
        let busy = busy.max(blocked.map_or(0, micros));
        let step = limits
            .iter()
            .map(|limit| limit.interval_us())
            .max()
            .unwrap_or(0);
        let patience = step
            .saturating_mul(10)
            .saturating_add(span(SLOTS_FORGOTTEN));
        busy.saturating_add(patience) < micros(now)
    }
}

/// Microseconds that one token takes from `limit` at this share of its rate; rounded up.
pub(super) fn cost(limit: &Limit, share: u16) -> i64 {
    let share = i64::from(share);
    let scaled = limit.interval_us().saturating_mul(i64::from(FULL_RATE));
    scaled / share + i64::from(scaled % share != 0)
}

/// Microseconds since the epoch.
pub(super) const fn micros(at: Timestamp) -> i64 {
    at.as_millis().saturating_mul(1_000)
}

/// A duration in microseconds.
fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The first whole millisecond at or after `us`: rounding down would start a call too early.
fn ceil_millis(us: i64) -> Timestamp {
    Timestamp::from_millis(us.div_euclid(1_000) + i64::from(us.rem_euclid(1_000) != 0))
}

const fn is_zero(slot: &i64) -> bool {
    *slot == 0
}
