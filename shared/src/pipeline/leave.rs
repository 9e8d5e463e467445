//! The limiter's leave for a call, and how long it holds.

use std::time::Duration;

use crate::Timestamp;

/// The limiter's word on one job.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Leave {
    /// For a term, which begins now or in a moment.
    Granted(Term),
    /// Not yet; from this time on it may ask again, and wait in the function.
    Again(Timestamp),
    /// Not before this time, and then it must ask again.
    Later(Timestamp),
    /// The store did not answer.
    Unknown,
}

impl Leave {
    /// Leave from two scopes: the shorter one counts, and one refusal refuses.
    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::Later(a), Self::Later(b)) => Self::Later(a.max(b)),
            (Self::Later(a), _) | (_, Self::Later(a)) => Self::Later(a),
            (Self::Again(a), Self::Again(b)) => Self::Again(a.max(b)),
            (Self::Again(a), _) | (_, Self::Again(a)) => Self::Again(a),
            (Self::Granted(a), Self::Granted(b)) => Self::Granted(a.and(b)),
        }
    }
}

/// When a call may start, on this environment's clock.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Term {
    /// When its tokens were drawn.
    pub drawn: Timestamp,
    pub from: Timestamp,
    pub until: Timestamp,
}

/// What a call that draws on no limit waits for: nothing, for longer than a function runs.
const UNLIMITED: Duration = Duration::from_secs(60 * 60);

impl Term {
    /// Of a call that draws on nothing.
    pub fn unlimited(now: Timestamp) -> Self {
        Self {
            drawn: now,
            from: now,
            until: now + UNLIMITED,
        }
    }

    /// What is left of two.
    pub fn and(self, other: Self) -> Self {
        Self {
            drawn: self.drawn.min(other.drawn),
            from: self.from.max(other.from),
            until: self.until.min(other.until),
        }
    }
}
