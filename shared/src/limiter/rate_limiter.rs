//! The fleet's limits as one environment sees them: one write an item and batch, and none while tokens that were
//! drawn ahead last, or while asking is known to be pointless.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::limit::lead;
use super::pace::Pace;
use super::{Demand, Draw, FULL_RATE, Feedback, Limit, LimitState, TAKE_MAX, Taken, allotment};
use crate::cache::{Cache, FunctionMemory, Weigh};
use crate::clock::Clock;
use crate::lanes::{self, Added, Addition, Additions, Known, StateStore, Swap, Versioned};
use crate::{StoreError, Timestamp};

/// Limit items' part of the function's memory: a 16th of 256 MB holds some 10,000 (a few an account, one a channel).
const MEMORY_PARTS: usize = 16;

/// What an item holds elsewhere: a map with room for eleven cells, and their names.
const MAPS_BYTES: usize = 1024;

/// A take that comes this soon after the one before is a stream worth drawing ahead for.
const STREAM: Duration = Duration::from_secs(1);

/// For how long what an environment remembers of an item is trusted as the starting point of a write. Items of fine
/// scopes are deleted hours after their last write, and one made anew counts its versions from 1 again.
const MEMORY: Duration = Duration::from_secs(60 * 60);

/// How often a draw is tried when others write in between. Each loss means that somebody else got on.
const TRIES: u32 = 8;

/// The longest wait after the first lost race but one, of which a random part is waited for; it doubles each time.
const RACE_WAIT: Duration = Duration::from_millis(8);

/// Of a call's way from its draw to its start no more is believed: a stall is no habit.
const WAY_MAX: Duration = Duration::from_secs(1);

/// The part that the last call has in the mean of the ways.
const WAY_PARTS: u64 = 4;

/// Within which what no full window refused comes back.
const SOON: Duration = Duration::from_secs(5);

/// One environment's view of its lane's limits.
pub struct RateLimiter {
    states: Arc<dyn StateStore>,
    environment: String,
    seen: Cache<Seen>,
    updates: AtomicU64,
    /// How long after their draw calls were ready lately: means, in microseconds.
    ways: [AtomicU64; 2],
}

/// What is between a draw and its call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// A claim, and all else that makes a call ready.
    Claim,
    /// Nothing: it is drawn for at the last moment.
    Call,
}

/// What this environment knows of one item.
#[derive(Clone, Debug, Default)]
struct Seen {
    known: Known<LimitState>,
    /// When it last heard of the item.
    heard: Timestamp,
    /// When it last took, and how many it wanted.
    last_take: Option<(Timestamp, usize)>,
    /// Tokens drawn ahead: until when they may be used.
    ahead: Vec<Timestamp>,
    /// The limits that granted them: an operation may draw on more of an item's limits than another.
    granted_by: Vec<&'static str>,
    pace: Pace,
}

impl Weigh for Seen {
    fn bytes(&self) -> usize {
        let lists = size_of_val(&*self.ahead) + size_of_val(&*self.granted_by);
        size_of::<Self>() + lists + MAPS_BYTES
    }
}

impl RateLimiter {
    /// The view of `environment`.
    pub fn new(states: Arc<dyn StateStore>, environment: String) -> Self {
        Self {
            states,
            environment,
            seen: Cache::new(FunctionMemory::USUAL.part(MEMORY_PARTS)),
            updates: AtomicU64::new(0),
            ways: [AtomicU64::new(0), AtomicU64::new(0)],
        }
    }

    /// In its part of `memory`.
    pub fn remembering(self, memory: FunctionMemory) -> Self {
        let seen = Cache::new(memory.part(MEMORY_PARTS));
        Self { seen, ..self }
    }

    /// Takes what is demanded from the item under `key`, as far as its limits allow now. One write where the item is as
    /// this environment saw it last; none where tokens drawn ahead suffice, or where there is nothing to be had. What is
    /// refused may ask again from [`Taken::again`] on, or gets [slots](Self::slots).
    ///
    /// # Errors
    /// When the store does not answer: nothing is granted. Permits that were written all the same come back with their
    /// lease.
    pub async fn take(
        &self,
        key: &str,
        limits: &[&Limit],
        demand: &Demand<'_>,
        clock: &dyn Clock,
    ) -> Result<Taken, StoreError> {
        let life = allotment(limits);
        if let Some(taken) = self.take_drawn(key, limits, demand, clock.now()) {
            return Ok(taken);
        }
        let mut looked = false;
        for lost in 0..TRIES {
            let now = clock.now();
            let seen = self.seen(key, now);
            let from = seen.pace.ask_from(demand.share);
            if now < from {
                return Ok(Taken::refused(from));
            }
            let mut costs = demand.costs.to_vec();
            costs.resize(costs.len() + ahead(&seen, demand, life, now), 1);
            let asked = Demand {
                costs: &costs,
                ..*demand
            };
            let draw = seen.known.value.draw(limits, &asked, now + demand.lead);
            let Some(next) = &draw.next else {
                let may_err = now.since(seen.heard) > seen.known.value.kept_for(limits, now);
                if may_err && !looked {
                    looked = true;
                    let known = lanes::read(self.states.as_ref(), key).await?;
                    self.remember(key, known, now, |_| {});
                    continue;
                }
                let again = self.line_up(key, limits, demand, now);
                return Ok(Taken::refused(again));
            };
            match self.write(key, &seen.known, next, &draw).await? {
                Ok(known) => {
                    return Ok(self.taken(key, limits, demand, known, &draw, now));
                }
                Err(current) => {
                    looked = true;
                    let known = lanes::parse(current)?;
                    self.remember(key, known, now, |_| {});
                }
            }
            if lost > 0 {
                let wait = RACE_WAIT.mul_f64(self.chance()) * (1 << lost);
                clock.sleep_until(clock.now() + wait).await;
            }
        }
        // Others get on. Whoever has time asks again in a moment.
        Ok(Taken::refused(clock.now() + RACE_WAIT))
    }

    /// A call was ready to start `after` its tokens were drawn, in time or not: the next are drawn for then.
    pub fn was_ready(&self, before: Before, after: Duration) {
        let after = u64::try_from(after.min(WAY_MAX).as_micros()).unwrap_or(0);
        let mean = |way: u64| Some(way - way / WAY_PARTS + after / WAY_PARTS);
        // It always has a next value.
        let way = &self.ways[before as usize];
        let _ = way.fetch_update(Ordering::Relaxed, Ordering::Relaxed, mean);
    }

    /// How far ahead calls draw that draw on all of `limits`, by how long the last ones took.
    pub fn lead<'a>(&self, limits: impl Iterator<Item = &'a Limit>, before: Before) -> Duration {
        let way = self.ways[before as usize].load(Ordering::Relaxed);
        lead(limits, Duration::from_micros(way))
    }

    /// How many of the first calls with these `costs` may be granted, as far as this environment knows.
    pub fn hopeful(
        &self,
        key: &str,
        limits: &[&Limit],
        demand: &Demand<'_>,
        now: Timestamp,
    ) -> usize {
        let seen = self.seen(key, now);
        if now < seen.pace.ask_from(demand.share) && seen.ahead.is_empty() {
            return 0;
        }
        seen.known
            .value
            .draw(limits, demand, now)
            .granted
            .max(seen.ahead.len())
    }

    /// When messages with these `costs`, which were refused, ask again: a slot for each.
    pub fn slots(
        &self,
        key: &str,
        limits: &[&Limit],
        costs: &[u32],
        now: Timestamp,
    ) -> Vec<Timestamp> {
        let seen = self.seen(key, now);
        let mut pace = seen.pace.clone();
        let state = seen.known.value.turned(limits, now);
        let slots = costs.iter().map(|cost| {
            match state.slowest(limits, *cost, now) {
                // Nothing is full: it was a race, or tokens that lapsed over a slow store. A ramp takes longer.
                Some(_)
                    if !pace.is_in_ramp()
                        && state.ready_at(limits, *cost, FULL_RATE, now) <= now =>
                {
                    now + SOON.mul_f64(self.chance())
                }
                Some(full) => {
                    let comes_back = state.comes_back(full, now);
                    let units = full.units(*cost);
                    // What is taken anew leaves a bucket later than was foreseen: who comes too early goes to the end.
                    let spread = Duration::from_micros(full.bucket_us().unsigned_abs() * 2);
                    pace.slot((full, units), state.calls(), &comes_back, now)
                        + spread.mul_f64(self.chance())
                }
                // Permits come back when calls end.
                None => state.permit_at(limits, now, self.chance()),
            }
        });
        let slots = slots.collect();
        self.seen.entry(key, |seen| seen.pace = pace);
        slots
    }

    /// Gives back what `taken` drew for the calls at the positions `unused`.
    ///
    /// # Errors
    /// When the store does not answer: tokens lapse, and permits come back with their lease.
    pub async fn give_back(
        &self,
        key: &str,
        limits: &[&Limit],
        taken: &Taken,
        unused: &[usize],
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        if taken.buckets.is_empty() && taken.holder.is_empty() {
            // They were drawn ahead, and are ahead again.
            self.seen.update(key, |seen| {
                let back = std::iter::repeat_n(taken.until, unused.len());
                seen.ahead.extend(back);
            });
            return Ok(());
        }
        self.change(key, clock, |state, now| {
            state.give_back(limits, taken, unused, now)
        })
        .await?;
        Ok(())
    }

    /// Stores what a batch has learned; no round trip where that is nothing new to this environment.
    ///
    /// # Errors
    /// When the store does not answer. The vendor will say it again, permits come back with their lease, and a cost
    /// above its reservation stays unpaid.
    pub async fn heed(
        &self,
        key: &str,
        limits: &[&Limit],
        feedback: &Feedback<'_>,
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let news = self
            .change(key, clock, |state, now| state.heed(limits, feedback, now))
            .await?;
        let now = clock.now();
        let told =
            feedback.signals.blocked_until.is_some() || !feedback.signals.remaining.is_empty();
        if told {
            self.seen.update(key, |seen| {
                // Tokens drawn ahead are worth nothing once the vendor has said less.
                if news || seen.known.value.ready_at(limits, 1, FULL_RATE, now) > now {
                    seen.ahead.clear();
                }
            });
        }
        Ok(())
    }

    /// How much of the fullest of `limits` is in use, in percent, as far as this environment knows.
    pub fn fullest(
        &self,
        key: &str,
        limits: &[&Limit],
        now: Timestamp,
    ) -> Option<(&'static str, u8)> {
        let state = self.seen.update(key, |seen| seen.known.value.clone())?;
        let used = limits
            .iter()
            .map(|limit| (limit.name(), state.used_percent(limit, now)));
        used.max_by_key(|(_, percent)| *percent)
    }

    /// Writes a draw: what stands there then, or what stands in its way.
    async fn write(
        &self,
        key: &str,
        known: &Known<LimitState>,
        next: &LimitState,
        draw: &Draw,
    ) -> Result<Result<Known<LimitState>, Option<Versioned>>, StoreError> {
        let mark = self.mark();
        let Some(additions) = &draw.additions else {
            let value = serde_json::to_value(next)
                .map_err(|_| StoreError::new("storing a limit", "it is no JSON"))?;
            let swap = self.states.swap(key, known.version, &value, &mark).await?;
            return Ok(match swap {
                Swap::Swapped { version } => Ok(Known {
                    value: next.clone(),
                    version: Some(version),
                }),
                Swap::Lost(current) => Err(current),
            });
        };
        let all: Vec<Addition<'_>> = additions
            .iter()
            .map(|(name, amount, at_most)| Addition {
                name,
                amount: *amount,
                at_most: *at_most,
            })
            .collect();
        let additions = Additions {
            guard: ("turn", known.value.turn),
            field: "sums",
            all: &all,
        };
        Ok(match self.states.add(key, &additions, &mark).await? {
            Added::Added(stored) => Ok(lanes::parse(Some(stored))?),
            Added::Refused(current) => Err(current),
        })
    }

    /// Notes what was drawn; what is left of the demand lines up.
    fn taken(
        &self,
        key: &str,
        limits: &[&Limit],
        demand: &Demand<'_>,
        known: Known<LimitState>,
        draw: &Draw,
        now: Timestamp,
    ) -> Taken {
        let wanted = demand.costs.len();
        let life = allotment(limits);
        let mut taken = Taken {
            at: now,
            ..known.value.taken(limits, draw, demand)
        };
        self.remember(key, known, now, |seen| {
            seen.last_take = Some((now, wanted));
            let more = draw.granted.saturating_sub(wanted);
            seen.ahead = vec![draw.until.min(now + life); more];
            seen.granted_by = limits.iter().map(|limit| limit.name()).collect();
            seen.pace.granted(draw.granted, seen.known.value.calls());
        });
        if taken.granted < wanted {
            taken.again = self.line_up(key, limits, demand, now);
        }
        taken
    }

    /// When this environment asks again for what was refused.
    fn line_up(
        &self,
        key: &str,
        limits: &[&Limit],
        demand: &Demand<'_>,
        now: Timestamp,
    ) -> Timestamp {
        let chance = self.chance();
        let cost = demand.costs.last().copied().unwrap_or(1);
        self.seen.entry(key, |seen| {
            let state = &seen.known.value;
            let Some(full) = state.slowest(limits, cost, now) else {
                return state.permit_at(limits, now, chance);
            };
            let ready = state.ready_at(limits, cost, demand.share, now);
            let refused = (full, demand.share);
            seen.pace
                .refused(refused, state.calls(), (now, ready), chance);
            seen.pace.ask_from(demand.share)
        })
    }

    /// Whether anything had to be written.
    async fn change(
        &self,
        key: &str,
        clock: &dyn Clock,
        decide: impl Fn(&LimitState, Timestamp) -> Option<LimitState>,
    ) -> Result<bool, StoreError> {
        let now = clock.now();
        let known = self.seen(key, now).known;
        let before = known.version;
        let mark = self.mark();
        let done = lanes::update(
            self.states.as_ref(),
            clock,
            key,
            &mark,
            known,
            |state, now| {
                let next = decide(state, now);
                let writes = next.is_some();
                (next, writes)
            },
        )
        .await?;
        let (known, writes) = done.ok_or(StoreError::new(
            "correcting a limit",
            "the item is contended",
        ))?;
        if writes || known.version != before {
            self.remember(key, known, now, |_| {});
        }
        Ok(writes)
    }

    /// What is known of the item, as far as it may be believed.
    fn seen(&self, key: &str, now: Timestamp) -> Seen {
        let seen = self.seen.get(key);
        seen.filter(|seen| now.since(seen.heard) < MEMORY)
            .unwrap_or_default()
    }

    /// Unique per update, and not only per moment: two calls of one batch that are throttled together correct one
    /// item at the same time, and the loser must not take the winner's write for its own.
    fn mark(&self) -> String {
        let update = self.updates.fetch_add(1, Ordering::Relaxed);
        format!("{}/{update}", self.environment)
    }

    /// A number in `0.0..1.0` that no other environment has at the same time: what spreads needs no better chance.
    fn chance(&self) -> f64 {
        let mut hasher = DefaultHasher::new();
        (
            &self.environment,
            self.updates.fetch_add(1, Ordering::Relaxed),
        )
            .hash(&mut hasher);
        (hasher.finish() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Serves the demand from tokens drawn ahead, all or nothing.
    fn take_drawn(
        &self,
        key: &str,
        limits: &[&Limit],
        demand: &Demand<'_>,
        now: Timestamp,
    ) -> Option<Taken> {
        let want = demand.costs.len();
        let drawn = self.seen.update(key, |seen| {
            seen.ahead.retain(|until| now < *until);
            let same = seen.granted_by.iter().copied();
            if want == 0
                || demand.share != FULL_RATE
                || seen.ahead.len() < want
                || !same.eq(limits.iter().map(|limit| limit.name()))
            {
                return None;
            }
            seen.last_take = Some((now, want));
            // A token that comes back is as old as it was.
            let until = seen.ahead.drain(..want).min();
            Some(Taken::drawn_before(want, now, until.unwrap_or(now)))
        });
        drawn.flatten()
    }

    fn remember(
        &self,
        key: &str,
        known: Known<LimitState>,
        now: Timestamp,
        note: impl FnOnce(&mut Seen),
    ) {
        self.seen.entry(key, |seen| {
            seen.known = known;
            seen.heard = now;
            note(seen);
        });
    }
}

/// How many tokens to draw beyond what is needed: as many as the last take, when it was just now and the limits'
/// windows are so long that they last.
fn ahead(seen: &Seen, demand: &Demand<'_>, life: Duration, now: Timestamp) -> usize {
    match seen.last_take {
        Some((at, count))
            if !life.is_zero() && demand.share == FULL_RATE && now.since(at) < STREAM =>
        {
            count.min(TAKE_MAX)
        }
        _ => 0,
    }
}

#[cfg(test)]
mod tests;
