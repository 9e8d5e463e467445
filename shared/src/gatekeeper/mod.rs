//! The gatekeeper: turns a lane's event source down, off, up and on as its circuit breaker says.
//!
//! A lane whose breaker is open defers every message that it receives, which takes a function call for each batch and
//! ages the messages by one receive. The gatekeeper stops that at the source: it looks at a lane when its breaker
//! changes, and at all lanes once a minute. The second is the dead man's handle: whatever was lost (an event, an
//! update, the gatekeeper itself for a while), a lane is disabled for no longer than its open window and a minute.
//!
//! [`decide`] says what a source needs; [`Gatekeeper::run`] reads, decides and sets. It acts on a consistent read of
//! the breaker's item, never on what an event says of it: events come late, twice and in another's wake. Nothing here
//! is retried: the next minute is the retry.

mod letters;
mod onlook;
mod pauses;
mod state;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::Arc;

use futures_util::future::join_all;
use serde::{Deserialize, Serialize};

pub use letters::{Letters, letters_key};
pub use onlook::{Connection, Seen};
pub use pauses::{MORE, NAMED_MAX, pauses_key};
pub use state::{Report, STAY_ENABLED, awaits_probe, decide, report};

use crate::breaker::{Breaker, Scope};
use crate::clock::Clock;
use crate::lane_control::{EventSource, LaneControl, MAX_CONCURRENCY, MIN_CONCURRENCY, Setting};
use crate::lanes::{self, StateStore};
use crate::{StoreError, Timestamp};

/// Lanes that are looked at side by side. Each takes one read and at most one update, and Lambda's control plane
/// takes 15 requests a second from an account.
/// <https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html>
const SIDE_BY_SIDE: usize = 5;

/// A lane in the gatekeeper's care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WatchedLane {
    /// The provider, as breaker items and metrics name it.
    pub provider: String,
    /// Name of the lane's queue, by which its event source is known: the id is not known before the lane is, and fifty
    /// of them do not fit beside fifty lanes' names into one function's environment.
    pub source: String,
    /// Batches at once in good health.
    pub maximum_concurrency: u16,
}

/// A lane that cannot be watched.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a watched lane is `<provider>:<maximum concurrency>`: {0}")]
pub struct WatchedLaneError(&'static str);

impl WatchedLane {
    /// Reads `<provider>:<maximum concurrency>`, as `template.yaml` writes it, of the lane whose queue is `queue`.
    ///
    /// # Errors
    /// When the provider is missing, or the concurrency is none that an event source can have.
    pub fn read(queue: String, text: &str) -> Result<Self, WatchedLaneError> {
        let (provider, maximum) = text.split_once(':').unwrap_or((text, ""));
        if provider.is_empty() {
            return Err(WatchedLaneError("the provider is missing"));
        }
        let maximum_concurrency = maximum
            .parse()
            .ok()
            .filter(|number| (MIN_CONCURRENCY..=MAX_CONCURRENCY).contains(number))
            .ok_or(WatchedLaneError(
                "the maximum concurrency must be 2 to 1000",
            ))?;
        Ok(Self {
            provider: provider.to_owned(),
            source: queue,
            maximum_concurrency,
        })
    }

    /// Key of the item in which early warning asks to lower the lane.
    pub fn ask_key(&self) -> String {
        ask_key(&self.provider)
    }

    /// Key of the breaker that stands for the whole lane. One connection's breaker says nothing about the others,
    /// so it never turns the lane off.
    pub fn breaker_key(&self) -> String {
        Scope::Provider.key(&self.provider, "")
    }
}

/// Key of a provider's early warning, of which the gatekeeper reads the [`Ask`].
pub fn ask_key(provider: &str) -> String {
    format!("{provider}#*#warning")
}

/// What early warning asks for: the lane at its minimum concurrency for a while, whose end needs nobody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Ask {
    /// Until when.
    pub lower_until: Option<Timestamp>,
}

/// Why the gatekeeper runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cause {
    /// A minute has passed: all lanes.
    Schedule,
    /// Items of shared state changed: the lanes whose breaker is among these keys.
    Changed(Vec<String>),
}

/// What a run found and did.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Run {
    /// The lanes that were looked at.
    pub visits: Vec<Visit>,
    /// Whether the event sources could be read; where not, nothing was changed.
    pub sources_read: bool,
    /// What else is to be said of the lanes.
    pub seen: Seen,
}

/// What became of one lane in a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Visit {
    /// The lane's provider.
    pub provider: String,
    /// What is said of its breaker, where that is worth a word: see [`report`].
    pub breaker: Option<Report>,
    /// What its event source was set to; none where it was left alone.
    pub set: Option<Setting>,
    /// Whether reading or setting something failed; it is logged.
    pub failed: bool,
}

/// Watches over lanes' event sources.
pub struct Gatekeeper {
    lanes: Vec<WatchedLane>,
    states: Arc<dyn StateStore>,
    control: Arc<dyn LaneControl>,
    clock: Arc<dyn Clock>,
    heeds: bool,
}

impl Gatekeeper {
    /// A gatekeeper of `lanes`.
    pub fn new(
        lanes: Vec<WatchedLane>,
        states: Arc<dyn StateStore>,
        control: Arc<dyn LaneControl>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            lanes,
            states,
            control,
            clock,
            heeds: false,
        }
    }

    /// The same gatekeeper, which lowers a lane while early warning asks for it, or does not. Unasked it does not.
    #[must_use]
    pub fn heeding_warnings(mut self, heeds: bool) -> Self {
        self.heeds = heeds;
        self
    }

    /// Looks at the lanes that `cause` concerns and sets what is not as it should be. One lane's failure is logged
    /// and keeps nobody from the others. What else is to be said of lanes comes after their event sources.
    pub async fn run(&self, cause: &Cause) -> Run {
        let run = self.set_sources(cause).await;
        Run {
            seen: self.look_on(cause).await,
            ..run
        }
    }

    async fn set_sources(&self, cause: &Cause) -> Run {
        let lanes: Vec<&WatchedLane> = self.lanes.iter().filter(|lane| lane.is_in(cause)).collect();
        if lanes.is_empty() {
            return Run {
                sources_read: true,
                ..Run::default()
            };
        }
        let ids: Vec<String> = lanes.iter().map(|lane| lane.source.clone()).collect();
        let sources = match self.control.read(&ids).await {
            Ok(sources) => Some(sources),
            Err(error) => {
                tracing::error!(%error, "event sources could not be read; the next minute tries again");
                None
            }
        };
        let mut visits = Vec::with_capacity(lanes.len());
        for some in lanes.chunks(SIDE_BY_SIDE) {
            let look = some.iter().map(|lane| self.visit(lane, sources.as_ref()));
            visits.extend(join_all(look).await);
        }
        Run {
            visits,
            sources_read: sources.is_some(),
            seen: Seen::default(),
        }
    }

    async fn visit(
        &self,
        lane: &WatchedLane,
        sources: Option<&BTreeMap<String, EventSource>>,
    ) -> Visit {
        let read = lanes::read::<Breaker>(self.states.as_ref(), &lane.breaker_key()).await;
        let now = self.clock.now();
        let unreadable = read.as_ref().err().cloned();
        let breaker = read.ok().map(|known| known.value);
        let waiting = self.waiting(lane, breaker.as_ref(), now).await;
        let mut visit = Visit {
            provider: lane.provider.clone(),
            breaker: breaker
                .as_ref()
                .and_then(|breaker| report(breaker, waiting, now)),
            set: None,
            failed: unreadable.is_some(),
        };
        if let Some(error) = unreadable {
            tracing::error!(provider = lane.provider, %error, "a breaker is unreadable; its lane is taken for healthy");
        }
        let Some(sources) = sources else {
            visit.failed = true;
            return visit;
        };
        let Some(source) = sources.get(&lane.source) else {
            tracing::error!(
                provider = lane.provider,
                source = lane.source,
                "there is no such event source"
            );
            visit.failed = true;
            return visit;
        };
        let full = self.full(lane, now).await;
        if let Some(setting) = decide(breaker.as_ref(), source, full, now) {
            match self.set(lane, setting, breaker.as_ref()).await {
                Ok(()) => visit.set = Some(setting),
                Err(_) => visit.failed = true,
            }
        }
        visit
    }

    /// The lane's concurrency in good health: less while that is asked for. An ask that cannot be read is none, as a lane
    /// is never held back by what nobody knows.
    async fn full(&self, lane: &WatchedLane, now: Timestamp) -> u16 {
        if !self.heeds {
            return lane.maximum_concurrency;
        }
        let read = lanes::read::<Ask>(self.states.as_ref(), &lane.ask_key()).await;
        match read {
            Ok(known) if known.value.lower_until.is_some_and(|until| now < until) => {
                MIN_CONCURRENCY
            }
            Ok(_) => lane.maximum_concurrency,
            Err(error) => {
                tracing::warn!(provider = lane.provider, %error, "an early warning is unreadable; its lane is not lowered");
                lane.maximum_concurrency
            }
        }
    }

    /// How many messages wait for the lane, where it depends on that what is said of its breaker. A queue that cannot be
    /// read is no idle one.
    async fn waiting(
        &self,
        lane: &WatchedLane,
        breaker: Option<&Breaker>,
        now: Timestamp,
    ) -> Option<u64> {
        breaker.filter(|breaker| awaits_probe(breaker, now))?;
        match self.control.waiting(&lane.source).await {
            Ok(messages) => Some(messages),
            Err(error) => {
                tracing::warn!(provider = lane.provider, %error, "a queue's numbers could not be read");
                None
            }
        }
    }

    async fn set(
        &self,
        lane: &WatchedLane,
        setting: Setting,
        breaker: Option<&Breaker>,
    ) -> Result<(), StoreError> {
        let provider = lane.provider.as_str();
        let state = breaker.map(|breaker| format!("{:?}", breaker.state));
        let until = breaker.and_then(|breaker| Some(breaker.open_until?.to_string()));
        let maximum_concurrency = match setting {
            Setting::Disabled => None,
            Setting::Enabled {
                maximum_concurrency,
            } => Some(maximum_concurrency),
        };
        let enabled = setting != Setting::Disabled;
        let done = self.control.set(&lane.source, setting).await;
        match &done {
            Ok(()) => {
                tracing::info!(
                    provider,
                    state,
                    until,
                    enabled,
                    maximum_concurrency,
                    "event source set"
                );
            }
            Err(error) => {
                tracing::error!(provider, state, enabled, maximum_concurrency, %error, "event source not set; the next minute tries again");
            }
        }
        done
    }
}

impl WatchedLane {
    fn is_in(&self, cause: &Cause) -> bool {
        match cause {
            Cause::Schedule => true,
            Cause::Changed(keys) => keys.contains(&self.breaker_key()),
        }
    }
}
