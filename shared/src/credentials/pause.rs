//! Paused connections: their messages wait, the others go on.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How often one call tries a paused connection's credentials.
pub(super) const TRIAL_EVERY: Duration = Duration::from_secs(15 * 60);

/// Longest wait of a paused connection's message: the sooner it asks, the more it costs, and the longer the pause has
/// lasted, the less likely is its end.
const MAX_WAIT: Duration = Duration::from_secs(60 * 60);

/// Why a connection is paused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The vendor refused fresh credentials.
    Unauthorised,
    /// The refresh token is dead, or was lost with those who used it: a person must authorise the connection anew.
    ReauthoriseNeeded,
    /// There is no secret, or it does not hold what the scheme needs.
    SecretMissing,
    /// The vendor gives out no more tokens for now.
    RefreshBudget,
    /// The account answers with another address.
    Moved,
    /// The credentials are good, and may not do this operation: it alone is paused.
    Forbidden,
}

impl Reason {
    /// The bounded word for logs.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unauthorised => "unauthorised",
            Self::ReauthoriseNeeded => "reauthorise_needed",
            Self::SecretMissing => "secret_missing",
            Self::RefreshBudget => "refresh_budget",
            Self::Moved => "moved",
            Self::Forbidden => "forbidden",
        }
    }
}

/// A pause, as stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pause {
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
    /// When one call may try again. Whoever moves it on makes that call; if it dies, the next trial is the next one's.
    pub next_trial: Timestamp,
}

/// What those who wait are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paused {
    /// Why.
    pub reason: Reason,
    /// Since when.
    pub since: Timestamp,
    /// Its end, where that is known.
    pub until: Option<Timestamp>,
}

impl Paused {
    pub(super) fn of(pause: &Pause) -> Self {
        Self {
            reason: pause.reason,
            since: pause.since,
            until: None,
        }
    }

    pub(super) fn by_budget(until: Timestamp) -> Self {
        Self {
            reason: Reason::RefreshBudget,
            since: until,
            until: Some(until),
        }
    }

    /// For those who wait while one call tries.
    pub(crate) fn awaiting_trial(now: Timestamp) -> Self {
        Self {
            reason: Reason::Unauthorised,
            since: now,
            until: None,
        }
    }

    /// How long a message waits at least: as long as the pause has lasted, 15 min to an hour, or until its known
    /// end.
    pub fn wait(&self, now: Timestamp) -> Duration {
        match self.until {
            Some(end) => end.since(now),
            None => now.since(self.since).clamp(TRIAL_EVERY, MAX_WAIT),
        }
    }

    /// When a message asks again: later than [`wait`](Self::wait) by up to a half, at most half an hour, so that they
    /// do not come together.
    pub fn ask_again(&self, now: Timestamp, jitter: f64) -> Timestamp {
        let wait = self.wait(now);
        now + wait + wait.clamp(TRIAL_EVERY, MAX_WAIT).mul_f64(0.5 * jitter)
    }
}

/// Whether calls may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// They may.
    Going,
    /// One may.
    TrialDue(Paused),
    /// None may.
    Paused(Paused),
}
