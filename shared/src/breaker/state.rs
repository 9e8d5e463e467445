//! The breaker's item and who may call while it stands as it does.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::BreakerSpec;
use super::census::Census;
use super::window::{Bucket, Suspect};
use crate::timestamp::Timestamp;

/// While a probe is out, whoever else asks is told to ask again after this long (or at the end of the
/// probe's lease, if that is sooner): a probe that succeeds in 200 ms should not hold a lane for a minute.
pub const ASK_AGAIN: Duration = Duration::from_secs(5);

/// The longest lease a probe gets: no Lambda invocation lasts longer.
pub const PROBE_LEASE_MAX: Duration = Duration::from_secs(15 * 60);

/// The longest an operator may force a lane open; messages live 14 days.
pub const FORCED_OPEN_MAX: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// The longest reason an operator may give, in bytes: the item stays below 1 KB, one write unit.
pub const REASON_MAX: usize = 200;

/// The breaker's state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum State {
    /// Calls are made.
    #[default]
    Closed,
    /// No calls until `open_until`.
    Open,
    /// One probe at a time.
    HalfOpen,
    /// As `Open`, by an operator's will.
    ForcedOpen,
}

/// The shared state of one provider (or connection). [`Default`] is what a missing item means: healthy.
///
/// Every field has a default and unknown ones are ignored, so that two releases can share one item.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Breaker {
    /// Where the breaker stands.
    pub state: State,
    /// Changes with `state` and only with it; results admitted under an older one are dropped.
    pub epoch: u64,
    /// Openings out of `Closed` so far; a failed probe continues an opening, and an operator's are not counted.
    pub opened: u64,
    /// When the present (or latest) open window began.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub opened_at: Option<Timestamp>,
    /// When the present open window ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub open_until: Option<Timestamp>,
    /// Failed probes since the last close: each doubles the next window.
    #[serde(skip_serializing_if = "is_zero")]
    pub reopenings: u32,
    /// The environment that holds the probe.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_owner: Option<String>,
    /// When its lease ends.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub probe_until: Option<Timestamp>,
    /// Successful probes since the open window ended.
    #[serde(skip_serializing_if = "is_zero")]
    pub successes: u32,
    /// Faults since the last answer that anyone recorded.
    #[serde(skip_serializing_if = "is_zero")]
    pub consecutive: u32,
    /// The environment whose fault began that run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_by: Option<String>,
    /// When the run's first batch was recorded.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run_since: Option<Timestamp>,
    /// Whether a second environment, or a second batch 2 s later, confirmed the run.
    #[serde(skip_serializing_if = "is_false")]
    pub corroborated: bool,
    /// The sliding window, oldest bucket first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub window: Vec<Bucket>,
    /// Up to two environments that saw bad calls within the window.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub suspects: Vec<Suspect>,
    /// The connections whose breakers opened, and those that called: of a provider whose connections have their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub census: Option<Census>,
    /// When the breaker last closed: admission ramps from here.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// Why it is not closed, for people.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What a caller may do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admission {
    /// Call as limits allow.
    All,
    /// Call at this share of the lane's rate limit, or of its concurrency where it has no limit.
    Share {
        /// Share of the full rate, in permille.
        permille: u16,
    },
    /// Make **one** call once `next` is written by compare-and-swap; everything else in the batch is refused
    /// as if by [`Admission::Refuse`] until [`ASK_AGAIN`] has passed.
    Probe {
        /// The state that holds the caller's lease.
        next: Box<Breaker>,
    },
    /// Call nothing; defer to `until` plus jitter.
    Refuse {
        /// The earliest time at which asking again can make sense.
        until: Timestamp,
        /// What stands in the way.
        reason: Refusal,
    },
}

/// Why no call may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The provider is ill.
    Open,
    /// Somebody else probes.
    Probing,
    /// An operator wants it so.
    Forced,
}

/// Why an operator's command was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum ForceError {
    /// The end is not after now.
    #[error("the end of a forced opening must lie in the future")]
    EndPassed,
    /// The end is more than [`FORCED_OPEN_MAX`] away.
    #[error("a lane can be forced open for at most 7 days")]
    TooLong,
    /// No reason, or one over [`REASON_MAX`] bytes.
    #[error("a forced opening needs a reason of 1 to {REASON_MAX} bytes")]
    Reason,
}

impl Breaker {
    /// Decides whether the environment `owner` may call now. `probe_lease` must outlast the one call that a
    /// probe makes; it is cut to [`PROBE_LEASE_MAX`].
    pub fn admit(
        &self,
        spec: &BreakerSpec,
        now: Timestamp,
        owner: &str,
        probe_lease: Duration,
    ) -> Admission {
        let (held_until, reason) = match self.state {
            State::Closed => return self.ramp(spec, now),
            State::Open => (self.open_until, Refusal::Open),
            State::ForcedOpen => (self.open_until, Refusal::Forced),
            State::HalfOpen => (self.probe_until, Refusal::Probing),
        };
        match held_until {
            Some(until) if now < until && reason == Refusal::Probing => Admission::Refuse {
                until: until.min(now + ASK_AGAIN),
                reason,
            },
            Some(until) if now < until => Admission::Refuse { until, reason },
            _ => Admission::Probe {
                next: Box::new(self.elect(now, owner, probe_lease)),
            },
        }
    }

    /// Hands back the lease of a probe that made no call; `None` when `owner` holds none.
    pub fn release_probe(&self, owner: &str) -> Option<Self> {
        let holds = self.state == State::HalfOpen && self.probe_owner.as_deref() == Some(owner);
        holds.then(|| Self {
            probe_owner: None,
            probe_until: None,
            ..self.clone()
        })
    }

    /// An operator's opening until `until`; forcing again replaces reason and end.
    ///
    /// # Errors
    /// When the end has passed or is more than [`FORCED_OPEN_MAX`] away, or the reason is empty or too long.
    pub fn force_open(
        &self,
        now: Timestamp,
        reason: &str,
        until: Timestamp,
    ) -> Result<Self, ForceError> {
        if until <= now {
            return Err(ForceError::EndPassed);
        }
        if until.since(now) > FORCED_OPEN_MAX {
            return Err(ForceError::TooLong);
        }
        if reason.is_empty() || reason.len() > REASON_MAX {
            return Err(ForceError::Reason);
        }
        let mut next = self.entering(State::ForcedOpen);
        next.reopenings = 0;
        next.opened_at = Some(now);
        next.open_until = Some(until);
        next.reason = Some(reason.to_owned());
        Ok(next)
    }

    /// An operator's close, out of any state; admission ramps as after any close. On a `Closed` breaker it
    /// only forgets what speaks against the provider.
    pub fn force_close(&self, now: Timestamp) -> Self {
        if self.state == State::Closed {
            let mut next = self.clone();
            next.clear_counts();
            return next;
        }
        self.close(now)
    }

    /// `Closed`, healthy, at the foot of the ramp.
    pub(super) fn close(&self, now: Timestamp) -> Self {
        let mut next = self.entering(State::Closed);
        next.reopenings = 0;
        next.open_until = None;
        next.closed_at = Some(now);
        next.reason = None;
        next
    }

    /// This breaker in `state`, without lease and counts; the epoch moves only when the state does.
    pub(super) fn entering(&self, state: State) -> Self {
        let mut next = self.clone();
        if next.state != state {
            next.epoch = next.epoch.saturating_add(1);
        }
        next.state = state;
        next.successes = 0;
        next.probe_owner = None;
        next.probe_until = None;
        next.clear_counts();
        next
    }

    fn elect(&self, now: Timestamp, owner: &str, lease: Duration) -> Self {
        let mut next = match self.state {
            State::HalfOpen => self.clone(),
            State::Closed | State::Open | State::ForcedOpen => self.entering(State::HalfOpen),
        };
        next.open_until = None;
        next.probe_owner = Some(owner.to_owned());
        next.probe_until = Some(now + lease.min(PROBE_LEASE_MAX));
        next
    }

    fn ramp(&self, spec: &BreakerSpec, now: Timestamp) -> Admission {
        let Some(closed_at) = self.closed_at else {
            return Admission::All;
        };
        let mut end = closed_at;
        for permille in spec.ramp {
            end = end + spec.ramp_step;
            if now < end {
                return Admission::Share { permille };
            }
        }
        Admission::All
    }
}

const fn is_zero(count: &u32) -> bool {
    *count == 0
}

const fn is_false(flag: &bool) -> bool {
    !*flag
}
