//! What a batch's results make of the breaker.

use super::{BatchResults, Breaker, BreakerSpec, State};
use crate::timestamp::Timestamp;

impl Breaker {
    /// Decides what to write after a batch; `None` means nothing: the lane is healthy and stayed so, or the
    /// results belong to an earlier epoch, or to a probe that lost its lease to another.
    ///
    /// `epoch_at_admission` is the epoch under which the calls were admitted (a probe's is that of the `next`
    /// it wrote), `owner` the environment, `jitter` a draw from `0.0..1.0`.
    pub fn record(
        &self,
        spec: &BreakerSpec,
        now: Timestamp,
        owner: &str,
        epoch_at_admission: u64,
        results: &BatchResults,
        jitter: f64,
    ) -> Option<Self> {
        if results.calls() == 0 || epoch_at_admission < self.epoch {
            return None;
        }
        match self.state {
            State::Closed => self.record_batch(spec, now, owner, results),
            State::HalfOpen => self.record_probe(spec, now, owner, results, jitter),
            // Nobody was admitted under these: the calls belong to a state that is gone.
            State::Open | State::ForcedOpen => None,
        }
    }

    fn record_batch(
        &self,
        spec: &BreakerSpec,
        now: Timestamp,
        owner: &str,
        results: &BatchResults,
    ) -> Option<Self> {
        let mut next = self.clone();
        next.forget_old(spec, now);
        if results.bad() == 0 && !next.is_watching() {
            return None;
        }
        next.count(spec, now, owner, results);
        Some(match next.cause_to_open(spec) {
            Some(reason) => next.open(spec, now, reason),
            None => next,
        })
    }

    fn record_probe(
        &self,
        spec: &BreakerSpec,
        now: Timestamp,
        owner: &str,
        results: &BatchResults,
        jitter: f64,
    ) -> Option<Self> {
        if self.probe_owner.as_deref() != Some(owner) {
            return None;
        }
        // A slow answer is no recovery: the rate rule would open the lane again at once.
        if results.bad() > 0 {
            return Some(self.reopen(spec, now, jitter));
        }
        let successes = self.successes.saturating_add(results.successes());
        if successes >= spec.probe_successes {
            return Some(self.close(now));
        }
        Some(Self {
            successes,
            probe_owner: None,
            probe_until: None,
            ..self.clone()
        })
    }

    pub(super) fn open(&self, spec: &BreakerSpec, now: Timestamp, reason: String) -> Self {
        let mut next = self.entering(State::Open);
        next.opened = next.opened.saturating_add(1);
        next.reopenings = 0;
        next.opened_at = Some(now);
        next.open_until = Some(now + spec.open_for(0, 0.0));
        next.reason = Some(reason);
        next
    }

    fn reopen(&self, spec: &BreakerSpec, now: Timestamp, jitter: f64) -> Self {
        let mut next = self.entering(State::Open);
        next.reopenings = next.reopenings.saturating_add(1);
        next.opened_at = Some(now);
        next.open_until = Some(now + spec.open_for(next.reopenings, jitter));
        next
    }
}
