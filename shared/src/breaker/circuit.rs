//! The fleet's breaker as one environment sees it: decisions on the shared item, with as few round trips as the
//! promise allows.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join;

use super::{ASK_AGAIN, Admission, BatchResults, Breaker, BreakerSpec, State};
use crate::cache::{Cache, FunctionMemory, Weigh};
use crate::clock::Clock;
use crate::lanes::{self, Known, StateStore};
use crate::{StoreError, Timestamp};

/// How long a closed state is trusted without looking.
const TRUST: Duration = Duration::from_secs(1);

/// Breakers' part of the function's memory: a 32nd of 256 MB holds some 7,000, and most lanes have one.
const MEMORY_PARTS: usize = 32;

/// What a breaker holds elsewhere: a window of 12 buckets, and the names of two suspects and a prober.
const LISTS_BYTES: usize = 512;

/// Connections whose calls one environment remembers for a census; the next ones of the window are not counted.
const MAX_CALLERS: usize = 1000;

/// The states that calls were admitted under; goes into [`CircuitBreaker::record`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Epochs {
    /// The breaker's own.
    pub own: u64,
    /// The provider's, where the call is the probe of that breaker.
    pub probe_above: Option<u64>,
}

/// Leave for a batch to make calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Gate {
    /// Calls may be made, at this share of the lane's rate.
    Open {
        /// Share of the full rate, in permille.
        permille: u16,
        /// What they are admitted under.
        epoch: Epochs,
    },
    /// One call may be made, and its end must be told, or the probe handed back.
    Probe {
        /// What it is admitted under.
        epoch: Epochs,
        /// When the others of the batch may ask again.
        others: Timestamp,
    },
    /// No call may be made before this time.
    Shut {
        /// When to ask again.
        until: Timestamp,
    },
}

impl Gate {
    /// A connection's own leave under that of its provider, which is not shut.
    fn under(self, above: Self) -> Self {
        match (above, self) {
            (Self::Shut { until }, _) | (_, Self::Shut { until }) => Self::Shut { until },
            (
                Self::Probe {
                    epoch: above,
                    others,
                },
                own,
            ) => Self::Probe {
                epoch: Epochs {
                    own: own.epoch(),
                    probe_above: Some(above.own),
                },
                others,
            },
            (Self::Open { permille: most, .. }, Self::Open { permille, epoch }) => Self::Open {
                permille: permille.min(most),
                epoch,
            },
            (Self::Open { .. }, own) => own,
        }
    }

    const fn epoch(&self) -> u64 {
        match self {
            Self::Open { epoch, .. } | Self::Probe { epoch, .. } => epoch.own,
            Self::Shut { .. } => 0,
        }
    }
}

/// One environment's view of its lane's breakers.
pub struct CircuitBreaker {
    states: Arc<dyn StateStore>,
    spec: BreakerSpec,
    environment: String,
    seen: Cache<Seen>,
    /// The connections that calls were made for, and when the last one was, where connections have breakers.
    callers: Mutex<HashMap<String, Timestamp>>,
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
            callers: Mutex::default(),
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
        let is_closed = |key: &str| {
            self.seen.get(key).is_none_or(|(known, _)| {
                let breaker = &known.value;
                let admission = breaker.admit(&self.spec, now, &self.environment, Duration::ZERO);
                admission == Admission::All
            })
        };
        let above = self.spec.scope.above(key);
        is_closed(key) && above.is_none_or(|(above, _)| is_closed(&above))
    }

    /// Asks for leave to call: a connection's breaker, and the provider's above it. No round trip where a breaker was
    /// seen closed within the last second, one read otherwise, and one more write for the elected prober.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn admit(
        &self,
        key: &str,
        clock: &dyn Clock,
        probe_lease: Duration,
    ) -> Result<Gate, StoreError> {
        let now = clock.now();
        let Some((above, _)) = self.spec.scope.above(key) else {
            let known = self.look(key, now).await?;
            return self.ask(key, known, clock, probe_lease).await;
        };
        let (known_above, known) = join(self.look(&above, now), self.look(key, now)).await;
        let (known_above, known) = (known_above?, known?);
        let known_above = self.heard_above(&above, known_above, clock).await?;
        let leave = self.ask(&above, known_above, clock, probe_lease).await?;
        if matches!(leave, Gate::Shut { .. }) {
            return Ok(leave);
        }
        let own = self.ask(key, known, clock, probe_lease).await;
        if !matches!(own, Ok(Gate::Open { .. } | Gate::Probe { .. })) {
            self.release(&above, clock).await?;
        }
        Ok(own?.under(leave))
    }

    /// The state under `key`, at most a second old.
    async fn look(&self, key: &str, now: Timestamp) -> Result<Known<Breaker>, StoreError> {
        let trusted = self
            .seen
            .get(key)
            .filter(|(known, at)| is_trusted(known, *at, now));
        match trusted {
            Some((known, _)) => Ok(known),
            None => Ok(self.remember(key, lanes::read(self.states.as_ref(), key).await?, now)),
        }
    }

    async fn ask(
        &self,
        key: &str,
        known: Known<Breaker>,
        clock: &dyn Clock,
        probe_lease: Duration,
    ) -> Result<Gate, StoreError> {
        // What comes back was so when it was asked for, however long that took.
        let asked = clock.now();
        let decide = |breaker: &Breaker, now| {
            let admission = breaker.admit(&self.spec, now, &self.environment, probe_lease);
            let epoch = |breaker: &Breaker| Epochs {
                own: breaker.epoch,
                probe_above: None,
            };
            let open = |permille| Gate::Open {
                permille,
                epoch: epoch(breaker),
            };
            match admission {
                Admission::All => (None, open(1000)),
                Admission::Share { permille } => (None, open(permille)),
                Admission::Refuse { until, .. } => (None, Gate::Shut { until }),
                Admission::Probe { next } => {
                    let gate = Gate::Probe {
                        epoch: epoch(&next),
                        others: now + ASK_AGAIN,
                    };
                    (Some(*next), gate)
                }
            }
        };
        let mark = self.mark(asked);
        let decided = lanes::update(self.states.as_ref(), clock, key, &mark, known, decide);
        Ok(match decided.await? {
            Some((known, gate)) => {
                self.remember_if_new(key, known, asked);
                gate
            }
            None => Gate::Shut {
                until: clock.now() + ASK_AGAIN,
            },
        })
    }

    /// While openings are counted, tells the provider's breaker whom this environment called for.
    async fn heard_above(
        &self,
        above: &str,
        known: Known<Breaker>,
        clock: &dyn Clock,
    ) -> Result<Known<Breaker>, StoreError> {
        if !known.value.is_counting(&self.spec, clock.now()) {
            return Ok(known);
        }
        self.survey(above, None, clock).await?;
        Ok(self.known(above))
    }

    async fn survey(
        &self,
        above: &str,
        opened: Option<&str>,
        clock: &dyn Clock,
    ) -> Result<(), StoreError> {
        let callers = self.callers(clock.now());
        self.change(above, clock, |breaker, now| {
            let callers = callers.iter().map(String::as_str);
            breaker.surveyed(&self.spec, now, opened, callers)
        })
        .await?;
        Ok(())
    }

    /// The connections that calls were made for within the window.
    fn callers(&self, now: Timestamp) -> Vec<String> {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        callers.retain(|_, at| now.since(*at) < self.spec.window);
        callers.keys().cloned().collect()
    }

    fn note_caller(&self, connection: &str, now: Timestamp) {
        let mut callers = self.callers.lock().unwrap_or_else(PoisonError::into_inner);
        if callers.len() >= MAX_CALLERS {
            callers.retain(|_, at| now.since(*at) < self.spec.window);
        }
        if callers.len() < MAX_CALLERS || callers.contains_key(connection) {
            callers.insert(connection.to_owned(), now);
        }
    }

    /// Tells how a batch's calls ended. No round trip while the lane is healthy.
    ///
    /// # Errors
    /// When the store does not answer: the results are lost, which a breaker that counts bad luck survives.
    pub async fn record(
        &self,
        key: &str,
        clock: &dyn Clock,
        epoch: Epochs,
        results: &BatchResults,
        jitter: f64,
    ) -> Result<(), StoreError> {
        let judge = |epoch: u64| {
            move |breaker: &Breaker, now| {
                breaker.record(&self.spec, now, &self.environment, epoch, results, jitter)
            }
        };
        let opened = self.change(key, clock, judge(epoch.own)).await;
        let Some((above, connection)) = self.spec.scope.above(key) else {
            return opened.map(|_| ());
        };
        if results.calls() > 0 {
            self.note_caller(connection, clock.now());
        }
        if let Some(epoch) = epoch.probe_above {
            self.change(&above, clock, judge(epoch)).await?;
        }
        if opened? {
            self.survey(&above, Some(connection), clock).await?;
        }
        Ok(())
    }

    /// Hands back a probe that made no call, the connection's or the provider's.
    ///
    /// # Errors
    /// When the store does not answer: the lease then ends by itself.
    pub async fn release_probe(&self, key: &str, clock: &dyn Clock) -> Result<(), StoreError> {
        if let Some((above, _)) = self.spec.scope.above(key) {
            self.release(&above, clock).await?;
        }
        self.release(key, clock).await
    }

    async fn release(&self, key: &str, clock: &dyn Clock) -> Result<(), StoreError> {
        let decide = |breaker: &Breaker, _| breaker.release_probe(&self.environment);
        let released = self.change(key, clock, decide);
        released.await.map(|_| ())
    }

    /// Stores what `decide` makes of the breaker; whether that opened it.
    async fn change(
        &self,
        key: &str,
        clock: &dyn Clock,
        decide: impl Fn(&Breaker, Timestamp) -> Option<Breaker>,
    ) -> Result<bool, StoreError> {
        let known = self.known(key);
        let asked = clock.now();
        let mark = self.mark(asked);
        let decide = |breaker: &Breaker, now| {
            let next = decide(breaker, now);
            let opens = |next: &Breaker| next.state == State::Open && next.epoch != breaker.epoch;
            let opened = next.as_ref().is_some_and(opens);
            (next, opened)
        };
        let done = lanes::update(self.states.as_ref(), clock, key, &mark, known, decide);
        let Some((known, opened)) = done.await? else {
            return Ok(false);
        };
        self.remember_if_new(key, known, asked);
        Ok(opened)
    }

    fn known(&self, key: &str) -> Known<Breaker> {
        let known = self.seen.get(key).map(|(known, _)| known);
        known.unwrap_or_default()
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
    let is_young = now.since(at) < TRUST;
    known.value.state == State::Closed && is_young
}

#[cfg(test)]
mod tests;
