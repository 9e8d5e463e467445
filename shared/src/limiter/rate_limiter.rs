//! The fleet's limits as one environment sees them: one update an item and batch, and none while tokens that were
//! drawn ahead last.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::{Demand, FULL_RATE, Feedback, Limit, LimitState, TAKE_MAX, Taken, Unused, allotment};
use crate::cache::{Cache, FunctionMemory, Weigh};
use crate::lanes::{self, Known, StateStore};
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

/// One environment's view of its lane's limits.
pub struct RateLimiter {
    states: Arc<dyn StateStore>,
    environment: String,
    seen: Cache<Seen>,
    updates: AtomicU64,
}

/// What this environment knows of one item.
#[derive(Clone, Debug, Default)]
struct Seen {
    known: Known<LimitState>,
    /// When it last wrote the item.
    written: Timestamp,
    /// When it last took, and how many it wanted.
    last_take: Option<(Timestamp, usize)>,
    /// Tokens drawn ahead: the instants they were granted for.
    ahead: Vec<Timestamp>,
    /// The limits that granted them: an operation may draw on more of an item's limits than another.
    granted_by: Vec<&'static str>,
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
        }
    }

    /// In its part of `memory`.
    pub fn remembering(self, memory: FunctionMemory) -> Self {
        let seen = Cache::new(memory.part(MEMORY_PARTS));
        Self { seen, ..self }
    }

    /// Takes what is demanded from the item under `key`, as far as its limits allow. One round trip where the item is
    /// as this environment saw it last; none where tokens drawn ahead suffice.
    ///
    /// # Errors
    /// When the store does not answer, or others write faster than this environment can: nothing is granted. Permits
    /// that were written all the same come back with their lease.
    pub async fn take(
        &self,
        key: &str,
        limits: &[&Limit],
        demand: &Demand<'_>,
    ) -> Result<Taken, StoreError> {
        let life = allotment(limits);
        if let Some(taken) = self.take_drawn(key, limits, demand, life) {
            return Ok(taken);
        }
        let seen = self.seen(key, demand.now);
        let ahead = ahead(&seen, demand, life);
        let decide = |state: &LimitState| {
            let taken = state.take(limits, demand);
            let drawn = draw_ahead(&taken, limits, demand, ahead);
            let next = drawn
                .as_ref()
                .and_then(|drawn| drawn.next.clone())
                .or_else(|| taken.next.clone());
            (next, (taken, drawn))
        };
        let mark = self.mark();
        let updated = lanes::update(self.states.as_ref(), key, &mark, seen.known, decide).await?;
        let (known, (taken, drawn)) =
            updated.ok_or(StoreError::new("taking tokens", "the item is contended"))?;
        self.remember(key, known, |seen| {
            seen.written = demand.now;
            seen.last_take = Some((demand.now, demand.costs.len()));
            seen.ahead = drawn.map(|drawn| drawn.grants).unwrap_or_default();
            seen.granted_by = limits.iter().map(|limit| limit.name()).collect();
        });
        Ok(taken)
    }

    /// Gives back what is `unused` of `taken`.
    ///
    /// # Errors
    /// When the store does not answer: tokens lapse, and permits come back with their lease.
    pub async fn give_back(
        &self,
        key: &str,
        limits: &[&Limit],
        taken: &Taken,
        unused: Unused,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        if taken.next.is_none() {
            // They were drawn ahead, and are ahead again.
            self.seen.update(key, |seen| {
                let unused = usize::try_from(unused.last).unwrap_or(usize::MAX);
                seen.ahead.extend(taken.grants.iter().rev().take(unused));
                seen.ahead.sort_unstable();
            });
            return Ok(());
        }
        self.change(key, now, |state| state.give_back(limits, taken, unused))
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
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let news = self
            .change(key, now, |state| state.heed(limits, feedback, now))
            .await?;
        let told =
            feedback.signals.blocked_until.is_some() || !feedback.signals.remaining.is_empty();
        if told {
            self.seen.update(key, |seen| {
                // Tokens drawn ahead are worth nothing once the vendor has said less.
                if news || seen.known.value.ready_at(limits, now, 1) > now {
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

    /// Whether anything had to be written.
    async fn change(
        &self,
        key: &str,
        now: Timestamp,
        decide: impl Fn(&LimitState) -> Option<LimitState>,
    ) -> Result<bool, StoreError> {
        let known = self.seen(key, now).known;
        let before = known.version;
        let mark = self.mark();
        let done = lanes::update(self.states.as_ref(), key, &mark, known, |state| {
            let next = decide(state);
            let writes = next.is_some();
            (next, writes)
        })
        .await?;
        let (known, writes) = done.ok_or(StoreError::new(
            "correcting a limit",
            "the item is contended",
        ))?;
        if writes || known.version != before {
            self.remember(key, known, |seen| {
                if writes {
                    seen.written = now;
                }
            });
        }
        Ok(writes)
    }

    /// What is known of the item, as far as it may be believed.
    fn seen(&self, key: &str, now: Timestamp) -> Seen {
        let seen = self.seen.get(key);
        seen.filter(|seen| now.since(seen.written) < MEMORY)
            .unwrap_or_default()
    }

    /// Unique per update, and not only per moment: two calls of one batch that are throttled together correct one
    /// item at the same time, and the loser must not take the winner's write for its own.
    fn mark(&self) -> String {
        let update = self.updates.fetch_add(1, Ordering::Relaxed);
        format!("{}/{update}", self.environment)
    }

    /// Serves the demand from tokens drawn ahead, all or nothing.
    fn take_drawn(
        &self,
        key: &str,
        limits: &[&Limit],
        demand: &Demand<'_>,
        life: Duration,
    ) -> Option<Taken> {
        let (now, want) = (demand.now, demand.costs.len());
        let drawn = self.seen.update(key, |seen| {
            seen.ahead.retain(|granted| now < *granted + life);
            let same = seen.granted_by.iter().copied();
            if want == 0
                || demand.share != FULL_RATE
                || seen.ahead.len() < want
                || !same.eq(limits.iter().map(|limit| limit.name()))
            {
                return None;
            }
            seen.last_take = Some((now, want));
            // With the instants they were granted for: a token that comes back is as old as it was.
            Some(Taken::drawn_before(seen.ahead.drain(..want).collect()))
        });
        drawn.flatten()
    }

    fn remember(&self, key: &str, known: Known<LimitState>, note: impl FnOnce(&mut Seen)) {
        self.seen.entry(key, |seen| {
            seen.known = known;
            note(seen);
        });
    }
}

/// How many tokens to draw beyond what is needed: as many as the last take, when it was just now and the limits'
/// bursts pay for it.
fn ahead(seen: &Seen, demand: &Demand<'_>, life: Duration) -> usize {
    match seen.last_take {
        Some((at, count))
            if !life.is_zero() && demand.share == FULL_RATE && demand.now.since(at) < STREAM =>
        {
            count.min(TAKE_MAX)
        }
        _ => 0,
    }
}

/// Takes `ahead` more, if nobody had to be deferred; what is refused of them gets no slot.
fn draw_ahead(
    taken: &Taken,
    limits: &[&Limit],
    demand: &Demand<'_>,
    ahead: usize,
) -> Option<Taken> {
    let state = taken
        .next
        .as_ref()
        .filter(|_| ahead > 0 && taken.slots.is_empty())?;
    let more = Demand {
        costs: &vec![1; ahead],
        inline_wait: Duration::ZERO,
        ..*demand
    };
    let mut more = state.take(limits, &more);
    if let Some(next) = &mut more.next {
        next.restore_slots(state);
        next.takes = state.takes;
    }
    Some(more)
}

#[cfg(test)]
mod fleet;
#[cfg(test)]
mod tests;
