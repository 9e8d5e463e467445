//! The fleet's limits as one environment sees them: one update an item and batch, and none while tokens that were
//! drawn ahead last.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::{FULL_RATE, Limit, LimitState, Signal, Taken, allotment};
use crate::lanes::{self, Known, StateStore};
use crate::{StoreError, Timestamp};

/// Limit items that one environment remembers (a few an account, one a channel); beyond it the memory starts anew.
const MAX_REMEMBERED: usize = 10_000;

/// A take that comes this soon after the one before is a stream worth drawing ahead for.
const STREAM: Duration = Duration::from_secs(1);

/// One environment's view of its lane's limits.
pub struct RateLimiter {
    states: Arc<dyn StateStore>,
    environment: String,
    seen: Mutex<HashMap<String, Seen>>,
    updates: AtomicU64,
}

/// What this environment knows of one item.
#[derive(Clone, Debug, Default)]
struct Seen {
    known: Known<LimitState>,
    /// When it last took, and how many it wanted.
    last_take: Option<(Timestamp, u32)>,
    /// Tokens drawn ahead: the instants they were granted for.
    ahead: Vec<Timestamp>,
}

impl RateLimiter {
    /// The view of `environment`.
    pub fn new(states: Arc<dyn StateStore>, environment: String) -> Self {
        Self {
            states,
            environment,
            seen: Mutex::default(),
            updates: AtomicU64::new(0),
        }
    }

    /// Takes up to `want` tokens from the item under `key`, at `share` of its rate. One round trip where the item is
    /// as this environment saw it last; none where tokens drawn ahead suffice.
    ///
    /// # Errors
    /// When the store does not answer, or others write faster than this environment can: nothing is granted.
    pub async fn take(
        &self,
        key: &str,
        limits: &[&Limit],
        want: u32,
        now: Timestamp,
        inline_wait: Duration,
        share: u16,
    ) -> Result<Taken, StoreError> {
        let life = allotment(limits);
        if share == FULL_RATE
            && let Some(taken) = self.take_drawn(key, want, now, life)
        {
            return Ok(taken);
        }
        let seen = self.lock().get(key).cloned().unwrap_or_default();
        let ahead = ahead(&seen, now, life, share);
        let decide = |state: &LimitState| {
            let taken = state.take(limits, now, want, inline_wait, share);
            let drawn = draw_ahead(&taken, limits, now, ahead);
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
            seen.last_take = Some((now, want));
            seen.ahead = drawn.map(|drawn| drawn.grants).unwrap_or_default();
        });
        Ok(taken)
    }

    /// Gives back the last `unused` tokens of `taken`.
    ///
    /// # Errors
    /// When the store does not answer: the tokens lapse.
    pub async fn give_back(
        &self,
        key: &str,
        limits: &[&Limit],
        taken: &Taken,
        unused: u32,
    ) -> Result<(), StoreError> {
        if taken.next.is_none() {
            // They were drawn ahead, and are ahead again.
            if let Some(seen) = self.lock().get_mut(key) {
                let unused = usize::try_from(unused).unwrap_or(usize::MAX);
                seen.ahead.extend(taken.grants.iter().rev().take(unused));
                seen.ahead.sort_unstable();
            }
            return Ok(());
        }
        self.change(key, |state| state.give_back(limits, taken, unused))
            .await
    }

    /// Stores what the vendor said.
    ///
    /// # Errors
    /// When the store does not answer: the vendor will say it again.
    pub async fn correct(
        &self,
        key: &str,
        limits: &[&Limit],
        signal: &Signal,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        self.change(key, |state| state.correct(limits, signal, now))
            .await?;
        if let Some(seen) = self.lock().get_mut(key) {
            seen.ahead.clear();
        }
        Ok(())
    }

    async fn change(
        &self,
        key: &str,
        decide: impl Fn(&LimitState) -> Option<LimitState>,
    ) -> Result<(), StoreError> {
        let known = self
            .lock()
            .get(key)
            .map(|seen| seen.known.clone())
            .unwrap_or_default();
        let mark = self.mark();
        let done = lanes::update(self.states.as_ref(), key, &mark, known, |state| {
            (decide(state), ())
        })
        .await?;
        if let Some((known, ())) = done {
            self.remember(key, known, |_| {});
        }
        Ok(())
    }

    /// Unique per update, and not only per moment: two calls of one batch that are throttled together correct one
    /// item at the same time, and the loser must not take the winner's write for its own.
    fn mark(&self) -> String {
        let update = self.updates.fetch_add(1, Ordering::Relaxed);
        format!("{}/{update}", self.environment)
    }

    /// Serves `want` from tokens drawn ahead, all or nothing.
    fn take_drawn(&self, key: &str, want: u32, now: Timestamp, life: Duration) -> Option<Taken> {
        let mut all = self.lock();
        let seen = all.get_mut(key)?;
        seen.ahead.retain(|granted| now < *granted + life);
        let want = usize::try_from(want).ok()?;
        if want == 0 || seen.ahead.len() < want {
            return None;
        }
        seen.last_take = Some((now, u32::try_from(want).ok()?));
        // With the instants they were granted for: a token that comes back is as old as it was.
        Some(Taken::drawn_before(seen.ahead.drain(..want).collect()))
    }

    fn remember(&self, key: &str, known: Known<LimitState>, note: impl FnOnce(&mut Seen)) {
        let mut all = self.lock();
        if all.len() >= MAX_REMEMBERED && !all.contains_key(key) {
            all.clear();
        }
        let seen = all.entry(key.to_owned()).or_default();
        seen.known = known;
        note(seen);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many tokens to draw beyond what is needed: as many as the last take, when it was just now and the limits'
/// bursts pay for it.
fn ahead(seen: &Seen, now: Timestamp, life: Duration, share: u16) -> u32 {
    match seen.last_take {
        Some((at, count)) if !life.is_zero() && share == FULL_RATE && now.since(at) < STREAM => {
            count
        }
        _ => 0,
    }
}

/// Takes `ahead` more, if nobody had to be deferred; what is refused of them gets no slot.
fn draw_ahead(taken: &Taken, limits: &[&Limit], now: Timestamp, ahead: u32) -> Option<Taken> {
    let state = taken
        .next
        .as_ref()
        .filter(|_| ahead > 0 && taken.slots.is_empty())?;
    let mut more = state.take(limits, now, ahead, Duration::ZERO, FULL_RATE);
    if let Some(next) = &mut more.next {
        next.slot = state.slot;
        next.takes = state.takes;
    }
    Some(more)
}

#[cfg(test)]
mod tests;
