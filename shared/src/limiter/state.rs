//! The stored item and what may be taken from it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::permits::Holders;
use super::used::Used;
use super::{Limit, ScopeKey};
use crate::timestamp::Timestamp;

/// The full rate, in permille; less while the breaker's ramp holds admission back.
pub const FULL_RATE: u16 = 1_000;

/// The smallest share of the rate, in permille: below it a lane would rather stay closed.
pub const SHARE_MIN: u16 = 100;

/// The most tokens one call takes: the largest batch that SQS hands to a function.
pub const TAKE_MAX: usize = 10_000;

/// The longest inline wait: no invocation should spend its time sleeping.
pub const INLINE_WAIT_MAX: Duration = Duration::from_secs(60);

/// How long the item of a fine scope (a channel, a device) outlives everything that it says: it is then what a missing
/// item means. An environment trusts what it remembers of an item for less (an hour),
/// so that it never takes an item made anew for the one it knew.
const FINE_KEPT: Duration = Duration::from_secs(6 * 60 * 60);

/// Where one limit stands; of a limit on concurrency only the last two say anything. Instants are microseconds since the
/// epoch: integers do not drift.
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
    /// What the vendor has left for us, where that is less than we thought.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota: Option<Quota>,
    /// Where `tat` will be when all who hold a slot have taken their tokens; nothing is granted by it.
    #[serde(skip_serializing_if = "is_zero")]
    pub line: i64,
    /// The slot that this limit gave to the message deferred last.
    #[serde(skip_serializing_if = "is_zero")]
    pub slot: i64,
    /// How much was used lately.
    #[serde(skip_serializing_if = "Used::is_none")]
    pub used: Used,
}

/// What a vendor said is left of a window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// Calls or units that may still start before `until`.
    pub left: u32,
    /// When the vendor starts to count anew.
    pub until: Timestamp,
}

/// All limits of one scope key. [`Default`] is what a missing item means: full buckets.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitState {
    /// A cell per limit, by its name.
    pub cells: BTreeMap<String, Cell>,
    /// By the name of a limit on concurrency: who holds permits.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub permits: BTreeMap<String, Holders>,
    /// Running mean of how long permits are held, in microseconds; 0 until the first came back.
    #[serde(skip_serializing_if = "is_zero")]
    pub held: i64,
    /// The vendor wants no call before this.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blocked_until: Option<Timestamp>,
    /// Takes so far: tells a giver whether somebody took since.
    pub takes: u64,
    /// When the item of a fine scope may go, in seconds since the epoch. The table deletes it some time later; until
    /// then it says nothing that a missing one would not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

/// What a batch wants of one item.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// What each call costs, in the order in which they are to be let in; limits that count calls take 1 for each.
    /// At most [`TAKE_MAX`].
    pub costs: &'a [u32],
    /// The taker's clock.
    pub now: Timestamp,
    /// How long a call may wait for its token; cut to [`INLINE_WAIT_MAX`].
    pub inline_wait: Duration,
    /// The ramp's share of the rate, in permille ([`FULL_RATE`]: no ramp), at least [`SHARE_MIN`]: at 250 each token
    /// costs four intervals.
    pub share: u16,
    /// Who holds the permits: unique per invocation.
    pub holder: &'a str,
    /// By when the holder's calls have ended whatever happens: its function's deadline, on the taker's clock.
    pub deadline: Timestamp,
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
    /// What each granted call reserved.
    pub(super) costs: Vec<u32>,
    /// The share at which the tokens were taken.
    pub(super) share: u16,
    /// Who holds the permits.
    pub(super) holder: String,
}

impl Taken {
    /// Tokens that were drawn ahead: nothing is to be written, and nothing comes back from them.
    pub(super) fn drawn_before(grants: Vec<Timestamp>) -> Self {
        Self {
            next: None,
            costs: vec![1; grants.len()],
            grants,
            slots: Vec::new(),
            share: FULL_RATE,
            holder: String::new(),
        }
    }

    /// Whether all of its calls start at one instant: any of them then came back as if it had been the last.
    pub(super) fn is_simultaneous(&self) -> bool {
        self.grants.first() == self.grants.last()
    }
}

impl LimitState {
    /// Takes as many of the demanded tokens as may start within the inline wait; every one of `limits` (those of this
    /// item's scope) must allow each.
    ///
    /// A refused message takes nothing from the limits. It gets a slot one interval after the one before:
    /// the slots already stand as far apart as the limits want them, so that no jitter is added.
    pub fn take(&self, limits: &[&Limit], demand: &Demand<'_>) -> Taken {
        let now = demand.now;
        let costs = &demand.costs[..demand.costs.len().min(TAKE_MAX)];
        let share = demand.share.clamp(SHARE_MIN, FULL_RATE);
        let mut taken = Taken {
            next: None,
            grants: Vec::with_capacity(costs.len()),
            slots: Vec::new(),
            costs: Vec::new(),
            share,
            holder: demand.holder.to_owned(),
        };
        if costs.is_empty() || (limits.is_empty() && self.blocked_until.is_none()) {
            taken.grants.resize(costs.len(), now);
            taken.costs = costs.to_vec();
            return taken;
        }
        let mut next = self.tidied(limits, now);
        next.takes = next.takes.wrapping_add(1);
        let latest = now + demand.inline_wait.min(INLINE_WAIT_MAX);
        for &cost in costs.iter().take(next.free_permits(limits)) {
            let start = next.ready_at(limits, now, cost);
            if start > latest {
                break;
            }
            next.spend(limits, start, cost, share);
            taken.grants.push(start);
        }
        let (granted, refused) = costs.split_at(taken.grants.len());
        taken.costs = granted.to_vec();
        next.hold(limits, demand, granted.len());
        if taken.is_simultaneous() {
            next.excuse_first_takers(self);
        }
        taken.slots = next.defer(limits, now, refused);
        next.expire(limits, now);
        taken.next = Some(next);
        taken
    }

    /// The earliest instant at which all rates allow a call of `cost`; whole milliseconds, as callers can wait.
    pub(super) fn ready_at(&self, limits: &[&Limit], now: Timestamp, cost: u32) -> Timestamp {
        let mut ready = now.max(self.blocked_until.unwrap_or(now));
        for (limit, cell) in self.rates(limits) {
            // A dear call needs that much more of the bucket; one that no bucket holds waits for a full one.
            let dearer = i64::from(limit.units(cost).max(1) - 1);
            let room = limit.tolerance_us() - dearer.saturating_mul(limit.interval_us());
            ready = ready.max(ceil_millis(cell.tat.saturating_sub(room.max(0))));
        }
        for (limit, cell) in self.rates(limits) {
            if let Some(quota) = cell.quota
                && ready < quota.until
                && quota.left < limit.units(cost)
            {
                ready = quota.until;
            }
        }
        ready
    }

    /// The rates among `limits` that were drawn on before.
    pub(super) fn rates<'a>(
        &'a self,
        limits: &'a [&'a Limit],
    ) -> impl Iterator<Item = (&'a Limit, &'a Cell)> {
        limits
            .iter()
            .filter(|limit| limit.permits().is_none())
            .filter_map(|limit| Some((*limit, self.cells.get(limit.name())?)))
    }

    pub(super) fn spend(&mut self, limits: &[&Limit], start: Timestamp, cost: u32, share: u16) {
        let at = micros(start);
        for limit in limits.iter().filter(|limit| limit.permits().is_none()) {
            let units = limit.units(cost);
            if units == 0 {
                continue;
            }
            let cell = self.cells.entry(limit.name().to_owned()).or_default();
            if at >= cell.tat {
                cell.tat = at;
                cell.busy = at;
                cell.margin = None;
            } else {
                let margin = cell.tat - at;
                cell.margin = Some(cell.margin.map_or(margin, |least| least.min(margin)));
            }
            cell.tat = cell.tat.saturating_add(worth(limit, units, share));
            cell.used.add(limit, start, units.into());
            if let Some(quota) = cell.quota.as_mut().filter(|quota| start < quota.until) {
                quota.left = quota.left.saturating_sub(units);
            }
        }
    }

    /// The take that began a busy period built upon nobody else's tokens, and where all its calls start at once each
    /// can come back whole: its tokens put no bound on what can come back.
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

    /// Lets the item of a fine scope go some hours after it has nothing left to say.
    pub(super) fn expire(&mut self, limits: &[&Limit], now: Timestamp) {
        let fine = limits
            .iter()
            .any(|limit| matches!(limit.scope(), ScopeKey::Field(_)));
        self.expires_at = fine.then(|| {
            let cells = self.cells.values();
            let told = cells.flat_map(|cell| {
                let quota = cell.quota.map_or(0, |quota| micros(quota.until));
                [cell.tat, cell.slot, quota]
            });
            let permits = self.permits.values().flat_map(BTreeMap::values);
            let last = told
                .chain(permits.map(|permit| micros(permit.until)))
                .chain([self.blocked_until.map_or(0, micros)])
                .fold(micros(now), i64::max);
            (ceil_millis(last) + FINE_KEPT).as_secs_ceil()
        });
    }
}

/// Microseconds that `units` tokens take from `limit` at this share of its rate; rounded up.
pub(super) fn worth(limit: &Limit, units: u32, share: u16) -> i64 {
    let share = i64::from(share);
    let scaled = limit.interval_us().saturating_mul(i64::from(FULL_RATE));
    let token = scaled / share + i64::from(scaled % share != 0);
    token.saturating_mul(i64::from(units))
}

/// Microseconds since the epoch.
pub(super) const fn micros(at: Timestamp) -> i64 {
    at.as_millis().saturating_mul(1_000)
}

/// A duration in microseconds.
pub(super) fn span(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The first whole millisecond at or after `us`: rounding down would start a call too early.
pub(super) fn ceil_millis(us: i64) -> Timestamp {
    Timestamp::from_millis(us.div_euclid(1_000) + i64::from(us.rem_euclid(1_000) != 0))
}

const fn is_zero(number: &i64) -> bool {
    *number == 0
}
