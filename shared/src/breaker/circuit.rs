//! The fleet's breaker as one environment sees it: decisions on the shared item, with as few round trips as the
//! promise allows.

use std::sync::Arc;
use std::time::Duration;

use super::{ASK_AGAIN, Admission, BatchResults, Breaker, BreakerSpec, State};
use crate::bugs::{self, Bug};
use crate::cache::{Cache, FunctionMemory, Weigh};
use crate::lanes::{self, Known, StateStore};
use crate::{StoreError, Timestamp};

/// How long a closed state is trusted without looking.
const TRUST: Duration = Duration::from_secs(1);

/// Breakers' part of the function's memory: a 32nd of 256 MB holds some 7,000, and most lanes have one.
const MEMORY_PARTS: usize = 32;

/// What a breaker holds elsewhere: a window of 12 buckets, and the names of two suspects and a prober.
const LISTS_BYTES: usize = 512;

/// Leave for a batch to make calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Calls may be made, at this share of the lane's rate.
    Open {
        /// Share of the full rate, in permille.
        permille: u16,
        /// Goes into [`CircuitBreaker::record`].
        epoch: u64,
    },
    /// One call may be made, and its end must be told, or the probe handed back.
    Probe {
        /// Goes into [`CircuitBreaker::record`].
        epoch: u64,
        /// When the others of the batch may ask again.
        others: Timestamp,
    },
    /// No call may be made before this time.
    Shut {
        /// When to ask again.
        until: Timestamp,
    },
}

/// One environment's view of its lane's breakers.
pub struct CircuitBreaker {
    states: Arc<dyn StateStore>,
    spec: BreakerSpec,
    environment: String,
    seen: Cache<Seen>,
}

/// A breaker, and when it was seen so.
type Seen = (Known<Breaker>, Timestamp);

impl Weigh for Seen {
    fn bytes(&self) -> usize {
        size_of::<Self>() + LISTS_BYTES
    }
}

impl CircuitBreaker {
    /// The view of `environment`.
    pub fn new(states: Arc<dyn StateStore>, spec: BreakerSpec, environment: String) -> Self {
        Self {
            states,
            spec,
            environment,
            seen: Cache::new(FunctionMemory::USUAL.part(MEMORY_PARTS)),
        }
    }

    /// In its part of `memory`.
    pub fn remembering(self, memory: FunctionMemory) -> Self {
        let seen = Cache::new(memory.part(MEMORY_PARTS));
        Self { seen, ..self }
    }

    /// The parameters it decides by.
    pub const fn spec(&self) -> &BreakerSpec {
        &self.spec
    }

    /// Whether the breaker let everything through when last seen, or was never seen: asking it may then run beside
    /// other work, since it will hardly refuse. While admission ramps up it comes first: its share is what others ask
    /// for.
    pub fn believed_closed(&self, key: &str, now: Timestamp) -> bool {
        self.seen.get(key).is_none_or(|(known, _)| {
            let admission = known
                .value
                .admit(&self.spec, now, &self.environment, Duration::ZERO);
            admission == Admission::All
        })
    }

    /// Asks for leave to call. No round trip where the breaker was seen closed within the last second, one read
    /// otherwise, and one more write for the elected prober.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn admit(
        &self,
        key: &str,
        now: Timestamp,
        probe_lease: Duration,
    ) -> Result<Gate, StoreError> {
        let trusted = self
            .seen
            .get(key)
            .filter(|(known, at)| is_trusted(known, *at, now));
        let known = match trusted {
            Some((known, _)) => known,
            None => self.remember(key, lanes::read(self.states.as_ref(), key).await?, now),
        };
        let decide = |breaker: &Breaker| match breaker.admit(
            &self.spec,
            now,
            &self.environment,
            probe_lease,
        ) {
            Admission::All => (
                None,
                Gate::Open {
                    permille: 1000,
                    epoch: breaker.epoch,
                },
            ),
            Admission::Share { permille } => (
                None,
                Gate::Open {
                    permille,
                    epoch: breaker.epoch,
                },
            ),
            Admission::Refuse { until, .. } => (None, Gate::Shut { until }),
            Admission::Probe { next } => {
                let gate = Gate::Probe {
                    epoch: next.epoch,
                    others: now + ASK_AGAIN,
                };
                (Some(*next), gate)
            }
        };
        let mark = self.mark(now);
        Ok(
            match lanes::update(self.states.as_ref(), key, &mark, known, decide).await? {
                Some((known, gate)) => {
                    self.remember_if_new(key, known, now);
                    gate
                }
                None => Gate::Shut {
                    until: now + ASK_AGAIN,
                },
            },
        )
    }

    /// Tells how a batch's calls ended. No round trip while the lane is healthy.
    ///
    /// # Errors
    /// When the store does not answer: the results are lost, which a breaker that counts bad luck survives.
    pub async fn record(
        &self,
        key: &str,
        now: Timestamp,
        epoch: u64,
        results: &BatchResults,
        jitter: f64,
    ) -> Result<(), StoreError> {
        self.change(key, now, |breaker| {
            breaker.record(&self.spec, now, &self.environment, epoch, results, jitter)
        })
        .await
    }

    /// Hands back a probe that made no call.
    ///
    /// # Errors
    /// When the store does not answer: the lease then ends by itself.
    pub async fn release_probe(&self, key: &str, now: Timestamp) -> Result<(), StoreError> {
        self.change(key, now, |breaker| breaker.release_probe(&self.environment))
            .await
    }

    async fn change(
        &self,
        key: &str,
        now: Timestamp,
        decide: impl Fn(&Breaker) -> Option<Breaker>,
    ) -> Result<(), StoreError> {
        let known = self.seen.get(key).map(|(known, _)| known);
        let known = known.unwrap_or_default();
        let mark = self.mark(now);
        let done = lanes::update(self.states.as_ref(), key, &mark, known, |breaker| {
            (decide(breaker), ())
        })
        .await?;
        if let Some((known, ())) = done {
            self.remember_if_new(key, known, now);
        }
        Ok(())
    }

    fn mark(&self, now: Timestamp) -> String {
        format!("{}/{}", self.environment, now.as_millis())
    }

    fn remember(&self, key: &str, known: Known<Breaker>, now: Timestamp) -> Known<Breaker> {
        self.seen.insert(key, (known.clone(), now));
        known
    }

    /// A state that came back from a write is fresh; one that needed none is as old as it was.
    fn remember_if_new(&self, key: &str, known: Known<Breaker>, now: Timestamp) {
        let seen = self.seen.update(key, |(seen, _)| seen.version);
        if seen != Some(known.version) {
            self.remember(key, known, now);
        }
    }
}

fn is_trusted(known: &Known<Breaker>, at: Timestamp, now: Timestamp) -> bool {
    let is_young = now.since(at) < TRUST || bugs::is(Bug::TrustClosedForEver);
    known.value.state == State::Closed && is_young
}

#[cfg(test)]
mod tests;
