//! The stored item and what may be drawn from it.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::cell::{Cell, bucket_of, leaves_at, present};
use super::limit::{BUCKETS, Kind};
use super::pace::ComesBack;
use super::permits::Holders;
use super::{CLOCK_SLACK, Limit, SIGNAL_MAX, ScopeKey};
use crate::timestamp::Timestamp;

/// The full rate, in permille; less while the breaker's ramp holds admission back.
pub const FULL_RATE: u16 = 1_000;

/// The smallest share of the rate, in permille: below it a lane would rather stay closed.
pub const SHARE_MIN: u16 = 100;

/// The most tokens one call draws: the largest batch that SQS hands to a function.
pub const TAKE_MAX: usize = 10_000;

/// The form of the item. One without a form is the previous release's, which says nothing of windows.
const FORMAT: u32 = 2;

/// What counts all calls that were ever granted, among the sums: no limit has that name.
const ALL: &str = "*";

/// How long the item of a fine scope (a channel, a device) outlives everything that it says: it is then what a missing
/// item means. An environment trusts what it remembers of an item for less (an hour), so that it never takes an item made
/// anew for the one it knew.
const FINE_KEPT: Duration = Duration::from_secs(6 * 60 * 60);

/// All limits of one scope key. [`Default`] is what a missing item means: nothing was used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct LimitState {
    /// The form of the item.
    #[serde(default)]
    pub format: u32,
    /// Changes with everything but `sums`: what whoever adds to them has seen.
    pub turn: u64,
    /// What each window and bucket holds, by the limit's name, and under `*` how many calls were ever granted: draws add to
    /// it and read nothing else.
    pub sums: BTreeMap<String, i64>,
    /// A cell per rate, by the limit's name.
    pub cells: BTreeMap<String, Cell>,
    /// By the name of a limit on concurrency: who holds permits.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub permits: BTreeMap<String, Holders>,
    /// Running mean of how long permits are held, in microseconds; 0 until the first came back.
    #[serde(skip_serializing_if = "is_zero")]
    pub held: i64,
    /// The vendor wants no call before this.
    #[serde(rename = "stopped_until", skip_serializing_if = "Option::is_none")]
    pub blocked_until: Option<Timestamp>,
    /// The name of the previous release for it. Its functions, which see nothing of `sums`, let nothing through until
    /// then: a window after the last turn.
    #[serde(rename = "blocked_until", skip_serializing_if = "Option::is_none")]
    formerly_blocked: Option<Timestamp>,
    /// When the item of a fine scope may go, in seconds since the epoch. The table deletes it some time later; until
    /// then it says nothing that a missing one would not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

impl Default for LimitState {
    fn default() -> Self {
        Self {
            format: FORMAT,
            turn: 0,
            sums: BTreeMap::new(),
            cells: BTreeMap::new(),
            permits: BTreeMap::new(),
            held: 0,
            blocked_until: None,
            formerly_blocked: None,
            expires_at: None,
        }
    }
}

/// What a batch wants of one item.
#[derive(Clone, Copy, Debug)]
pub struct Demand<'a> {
    /// What each call costs, in the order in which they are to be let in; limits that count calls take 1 for each.
    /// At most [`TAKE_MAX`].
    pub costs: &'a [u32],
    /// The ramp's share of the rate, in permille ([`FULL_RATE`]: no ramp), at least [`SHARE_MIN`]: at 250 a window holds a
    /// quarter.
    pub share: u16,
    /// Who holds the permits: unique per invocation.
    pub holder: &'a str,
    /// How far ahead of now the calls are about to start, the same for all that one call draws on
    /// ([`lead`](super::RateLimiter::lead)).
    pub lead: Duration,
    /// By when the holder's calls have ended whatever happens: its function's deadline, on the taker's clock.
    pub deadline: Timestamp,
}

/// What may be drawn, and what is to be written first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draw {
    /// How many of the calls, the first ones.
    pub granted: usize,
    /// The item as it is to be, or will be if nobody adds meanwhile; none where there is nothing to write.
    pub next: Option<LimitState>,
    /// Where an addition does: to which sum, how much, and what it may hold before. Else `next` is to be swapped in.
    pub additions: Option<Vec<(&'static str, i64, i64)>>,
    /// Not before this may the calls start, on the taker's clock.
    pub from: Timestamp,
    /// Until when they may.
    pub until: Timestamp,
}

impl LimitState {
    /// How many of the demanded calls may start at `now`, which may be a moment ahead; every one of `limits` (those of this item's scope) must allow each.
    /// Pure: nothing is drawn until what it says was written.
    pub fn draw(&self, limits: &[&Limit], demand: &Demand<'_>, now: Timestamp) -> Draw {
        let costs = &demand.costs[..demand.costs.len().min(TAKE_MAX)];
        let share = demand.share.clamp(SHARE_MIN, FULL_RATE);
        let as_is = self.takes_additions(limits, now);
        let mut next = if as_is {
            self.clone()
        } else {
            self.turned(limits, now)
        };
        let granted = next.room(limits, costs, share, now);
        let mut draw = Draw {
            granted,
            next: None,
            additions: None,
            from: next.begins_at(limits, now),
            until: next.lapses_at(limits, now),
        };
        if granted == 0 {
            // What counts as full for a window is written down, or the window would never end.
            draw.next = self.is_unreadable(limits, now).then_some(next);
            return draw;
        }
        let mut additions = Vec::with_capacity(limits.len());
        for limit in limits.iter().filter(|limit| limit.permits().is_none()) {
            let units: i64 = costs[..granted].iter().map(|cost| limit.units(*cost)).sum();
            let bound = next.bound(limit, share, now) - units;
            additions.push((limit.name(), units, bound.max(0)));
            next.spend(limit, units);
        }
        let calls = i64::try_from(granted).unwrap_or(i64::MAX);
        additions.push((ALL, calls, i64::MAX));
        *next.sums.entry(ALL.to_owned()).or_default() += calls;
        next.hold(limits, demand, granted);
        if as_is {
            draw.additions = Some(additions);
        } else {
            next.expire(limits, now);
        }
        draw.next = Some(next);
        draw
    }

    /// The earliest instant at which all rates may allow a call of `cost`; whole milliseconds, as callers can wait.
    pub(super) fn ready_at(
        &self,
        limits: &[&Limit],
        cost: u32,
        share: u16,
        now: Timestamp,
    ) -> Timestamp {
        let turned = self.turned(limits, now);
        let of_limit = |limit: &&Limit| {
            let most = most(limit, share);
            turned.allows_at(limit, limit.units(cost).min(most), most, now)
        };
        let free = limits.iter().map(of_limit);
        free.max()
            .unwrap_or(now)
            .max(turned.blocked_until.unwrap_or(now))
    }

    /// Of the rates among `limits` that keep a call of `cost` from starting, the slowest. The shortest where another reason
    /// does, which is over soon: a block, a ramp, a race, tokens that lapsed; none where nothing but permits do.
    pub(super) fn slowest<'a>(
        &self,
        limits: &[&'a Limit],
        cost: u32,
        now: Timestamp,
    ) -> Option<&'a Limit> {
        let turned = self.turned(limits, now);
        let rates = || limits.iter().filter(|limit| limit.permits().is_none());
        let is_full = |limit: &&&Limit| {
            let units = limit.units(cost).min(limit.most());
            turned.allows_at(limit, units, limit.most(), now) > now
        };
        let slowness = |limit: &&&Limit| limit.interval_us().saturating_mul(limit.units(cost));
        let full = rates().filter(is_full).max_by_key(slowness);
        let shortest = |limit: &&&Limit| limit.per().unwrap_or(limit.interval());
        let any = || rates().min_by_key(shortest);
        let by_permits = turned.blocked_until.is_none() && turned.free_permits(limits) == 0;
        full.or_else(|| (!by_permits).then(any).flatten()).copied()
    }

    /// When what `limit` counts has left, if nothing is drawn until then, and the vendor stops nobody any more.
    pub fn rested_at(&self, limit: &Limit, now: Timestamp) -> Option<Timestamp> {
        let turned = self.turned(&[limit], now);
        let rested = turned.allows_at(limit, limit.most(), limit.most(), now);
        Some(rested.max(turned.blocked_until.unwrap_or(now))).filter(|at| *at > now)
    }

    /// When `limit` lets a call through again, its vendor's blocks aside: now, where it does already.
    pub fn free_at(&self, limit: &Limit, now: Timestamp) -> Timestamp {
        self.turned(&[limit], now)
            .allows_at(limit, 1, limit.most(), now)
    }

    /// Whether draws need no more than additions: every cell stands in its present bucket, and nothing else is to be
    /// counted.
    fn takes_additions(&self, limits: &[&Limit], now: Timestamp) -> bool {
        let stands = |limit: &&Limit| {
            let Some(cell) = self.cells.get(limit.name()) else {
                return false;
            };
            let sum = self.sum(limit);
            let present = match limit.kind() {
                Kind::Window { .. } => cell.at >= bucket_of(limit, now),
                // Beyond that the bucket is full, and keeps nothing.
                Kind::Bucket { interval, .. } => {
                    micros(now).saturating_sub(cell.at) / interval <= sum
                }
                Kind::Concurrency { .. } => false,
            };
            present && cell.quota.is_none()
        };
        let is_readable = !self.is_unreadable(limits, now);
        is_readable && self.blocked_until.is_none() && limits.iter().all(stands)
    }

    /// Whether another release wrote it, or a clock gone wrong.
    fn is_unreadable(&self, limits: &[&Limit], now: Timestamp) -> bool {
        let is_ahead = |limit: &&Limit| {
            let cell = self.cells.get(limit.name());
            cell.is_some_and(|cell| cell.is_ahead(limit, now, limit.astray_us()))
        };
        self.format != FORMAT || limits.iter().any(is_ahead)
    }

    /// The item at `now`: what has left its windows is gone, and the present buckets are the current ones.
    pub(super) fn turned(&self, limits: &[&Limit], now: Timestamp) -> Self {
        let mut next = self.clone();
        next.turn = next.turn.wrapping_add(1);
        if self.format != FORMAT {
            next.blocked_until = self.formerly_blocked;
            next.format = FORMAT;
            for cell in next.cells.values_mut() {
                *cell = Cell::unreadable();
            }
            limits.iter().for_each(|limit| next.fill(limit, now));
        }
        let furthest = now + SIGNAL_MAX + CLOCK_SLACK * 2;
        let says = |until: &Timestamp| now < *until && *until <= furthest;
        next.blocked_until = next.blocked_until.filter(says);
        for limit in limits.iter().filter(|limit| limit.permits().is_none()) {
            let sum = next.sum(limit);
            let cell = next.cells.entry(limit.name().to_owned()).or_default();
            cell.quota = cell.quota.filter(|quota| says(&quota.until));
            cell.others = cell.others.filter(|others| says(&others.until));
            let left = cell.turn(limit, sum, now);
            if cell.is_ahead(limit, now, limit.astray_us()) {
                // Only a clock gone wrong can have written that.
                next.fill(limit, now);
            } else {
                next.sums.insert(limit.name().to_owned(), left);
            }
        }
        next.sums.entry(ALL.to_owned()).or_default();
        next.drop_ended_leases(now);
        // Additions write nothing but sums: they may come until the bucket ends.
        let window = limits
            .iter()
            .map(|limit| limit.padded_us() + limit.bucket_us());
        let window = window.max().unwrap_or(0).min(span(SIGNAL_MAX));
        next.formerly_blocked = Some(ceil_millis(micros(now) + window));
        next
    }

    /// Counts `limit` as used up: what cannot be read is full for a window.
    fn fill(&mut self, limit: &Limit, now: Timestamp) {
        if limit.permits().is_none() {
            let cell = Cell {
                at: present(limit, now),
                ..Cell::default()
            };
            self.cells.insert(limit.name().to_owned(), cell);
            self.sums.insert(limit.name().to_owned(), limit.most());
        }
    }

    /// How many of the calls with these costs may start; the item is turned.
    fn room(&self, limits: &[&Limit], costs: &[u32], share: u16, now: Timestamp) -> usize {
        if self.blocked_until.is_some() {
            return 0;
        }
        let rates = limits.iter().filter(|limit| limit.permits().is_none());
        let fitting = rates.map(|limit| {
            let (bound, sum) = (self.bound(limit, share, now), self.sum(limit));
            let mut after = sum;
            let fits = |cost: &&u32| {
                after += limit.units(**cost);
                // One that no window holds goes alone.
                after <= bound || (after - limit.units(**cost) == 0 && bound > 0 && sum == 0)
            };
            costs.iter().take_while(fits).count()
        });
        let room = fitting.min().unwrap_or(costs.len());
        room.min(self.free_permits(limits))
    }

    /// What the sum of `limit` may come to at `now`.
    fn bound(&self, limit: &Limit, share: u16, now: Timestamp) -> i64 {
        let Some(cell) = self.cells.get(limit.name()) else {
            return limit.most();
        };
        // Further than clocks differ and tokens are drawn ahead.
        if cell.is_ahead(limit, now, span(limit.slack() + limit.lead_max())) {
            return 0;
        }
        let most = most(limit, share);
        let refilled = match limit.kind() {
            Kind::Bucket { interval, .. } => micros(now).saturating_sub(cell.at).max(0) / interval,
            _ => 0,
        };
        let others = cell.others.map_or(0, |others| i64::from(others.left));
        let bound = most + refilled - others;
        let quota = cell
            .quota
            .map(|quota| self.sum(limit) + i64::from(quota.left));
        bound.min(quota.unwrap_or(bound))
    }

    /// How many calls were ever granted.
    pub(super) fn calls(&self) -> i64 {
        self.sums.get(ALL).copied().unwrap_or(0)
    }

    /// What `limit` has let through and still counts.
    pub(super) fn sum(&self, limit: &Limit) -> i64 {
        self.sums.get(limit.name()).copied().unwrap_or(0)
    }

    pub(super) fn spend(&mut self, limit: &Limit, units: i64) {
        *self.sums.entry(limit.name().to_owned()).or_default() += units;
        if let Some(quota) = self
            .cells
            .get_mut(limit.name())
            .and_then(|cell| cell.quota.as_mut())
        {
            quota.left = quota
                .left
                .saturating_sub(u32::try_from(units).unwrap_or(u32::MAX));
        }
    }

    /// When `limit`, which then may hold `most`, allows `units`, if nothing is drawn until then; the item is turned.
    fn allows_at(&self, limit: &Limit, units: i64, most: i64, now: Timestamp) -> Timestamp {
        let (Some(cell), sum) = (self.cells.get(limit.name()), self.sum(limit)) else {
            return now;
        };
        let quota = cell.quota.filter(|quota| i64::from(quota.left) < units);
        let stopped = quota.map_or(now, |quota| quota.until);
        let mut over = sum + units - most;
        let at = match limit.kind() {
            Kind::Concurrency { .. } => 0,
            Kind::Bucket { interval, .. } => cell.at + over * interval,
            Kind::Window { .. } => {
                let others = cell
                    .others
                    .filter(|others| over + i64::from(others.left) > 0);
                let mut leaves = others.map_or(0, |others| micros(others.until));
                for (number, count) in cell.counts(sum) {
                    if over <= 0 {
                        break;
                    }
                    over -= count;
                    leaves = leaves.max(leaves_at(limit, number));
                }
                leaves
            }
        };
        ceil_millis(at).max(stopped).max(now)
    }

    /// From when on calls that are granted for `now` may start: with the bucket that counts them, if nothing else keeps them.
    /// Somebody whose calls take longer may have begun it ahead of time.
    fn begins_at(&self, limits: &[&Limit], now: Timestamp) -> Timestamp {
        let begins = limits.iter().map(|limit| match limit.kind() {
            Kind::Window { .. } => ceil_millis(self.bucket(limit, now) * limit.bucket_us()),
            _ => now,
        });
        let stopped = self.cells.values().any(|cell| cell.quota.is_some());
        let begins = begins.max().unwrap_or(now);
        if stopped { begins.max(now) } else { begins }
    }

    /// The bucket of a window that counts what is granted for `now`; the item is turned.
    fn bucket(&self, limit: &Limit, now: Timestamp) -> i64 {
        let present = bucket_of(limit, now);
        let cell = self.cells.get(limit.name());
        cell.map_or(present, |cell| cell.at.max(present))
    }

    /// What `limit` gets back, and when: the item is turned. Of a bucket with a refill one unit an interval.
    pub(super) fn comes_back(&self, limit: &Limit, now: Timestamp) -> ComesBack {
        let cell = self.cells.get(limit.name());
        let (parts, period) = match (limit.kind(), cell) {
            (Kind::Window { .. }, Some(cell)) => {
                let counts = cell.counts(self.sum(limit));
                let kept = counts.filter(|(_, count)| *count > 0);
                let parts =
                    kept.map(|(bucket, count)| (ceil_millis(leaves_at(limit, bucket)), count));
                (parts.collect(), (BUCKETS + 1) * limit.bucket_us())
            }
            _ => (Vec::new(), limit.interval_us()),
        };
        let parts = if parts.is_empty() {
            vec![(now, 1)]
        } else {
            parts
        };
        ComesBack {
            parts,
            period: Duration::from_micros(period.unsigned_abs()),
        }
    }

    /// Until when calls that are granted at `now` may start: a moment after the end of the bucket that counts them.
    fn lapses_at(&self, limits: &[&Limit], now: Timestamp) -> Timestamp {
        let of_limit = |limit: &&Limit| {
            let from = match limit.kind() {
                Kind::Window { .. } => (self.bucket(limit, now) + 1) * limit.bucket_us(),
                _ => micros(now),
            };
            Timestamp::from_millis((from + span(limit.lapse())) / 1_000 - 1)
        };
        limits
            .iter()
            .map(of_limit)
            .min()
            .unwrap_or(now + SIGNAL_MAX)
    }

    /// Lets the item of a fine scope go some hours after it has nothing left to say.
    pub(super) fn expire(&mut self, limits: &[&Limit], now: Timestamp) {
        let fine = limits
            .iter()
            .any(|limit| matches!(limit.scope(), ScopeKey::Field(_)));
        self.expires_at = fine.then(|| {
            let rested = limits.iter().filter_map(|limit| self.rested_at(limit, now));
            let quotas = self.cells.values().filter_map(|cell| cell.quota);
            let permits = self.permits.values().flat_map(BTreeMap::values);
            let last = rested
                .chain(quotas.map(|quota| quota.until))
                .chain(permits.map(|permit| permit.until))
                .fold(now, Timestamp::max);
            // Whoever draws by additions later in the same bucket writes no new end.
            let bucket = limits
                .iter()
                .map(|limit| limit.padded_us())
                .max()
                .unwrap_or(0);
            (ceil_millis(micros(last) + bucket) + FINE_KEPT).as_secs_ceil()
        });
    }
}

/// What `limit` may hold at this share of the rate.
fn most(limit: &Limit, share: u16) -> i64 {
    (limit.most() * i64::from(share) / i64::from(FULL_RATE)).max(1)
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
