//! What is measured: fixed loads on one lane, with a vendor in a mood.

use std::time::Duration;

use clap::ValueEnum;
use serde::Serialize;

/// How the vendor is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mood {
    /// Answers everything.
    Well,
    /// Fails one call in so many with a 503.
    OneIn(u64),
    /// Fails every call for a while.
    Away {
        /// From when on.
        from: Duration,
        /// Until when.
        to: Duration,
    },
    /// Lets in so many calls a second, whatever its documents say, and refuses the others with a 429.
    Takes {
        /// How many.
        a_second: usize,
    },
}

/// A load, and what becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Scenario {
    /// Nothing fails.
    Healthy,
    /// One call in a hundred fails for a moment.
    Transient,
    /// The vendor is away for ten minutes.
    Outage,
    /// The vendor takes less than a quarter of what it documents.
    Throttled,
}

/// How much is sent.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Batches of ten that producers send.
    pub batches: u64,
    /// How far apart.
    pub every: Duration,
}

impl Scenario {
    /// All of them.
    pub const ALL: [Self; 4] = [
        Self::Healthy,
        Self::Transient,
        Self::Outage,
        Self::Throttled,
    ];

    /// Its name in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Transient => "transient",
            Self::Outage => "outage",
            Self::Throttled => "throttled",
        }
    }

    /// The same for people.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Healthy => "healthy",
            Self::Transient => "1 % transient errors",
            Self::Outage => "10 min outage of 30",
            Self::Throttled => "throttled vendor",
        }
    }

    /// The vendor's mood.
    #[must_use]
    pub const fn mood(self) -> Mood {
        match self {
            Self::Healthy => Mood::Well,
            Self::Transient => Mood::OneIn(100),
            Self::Outage => Mood::Away {
                from: Duration::from_secs(600),
                to: Duration::from_secs(1200),
            },
            Self::Throttled => Mood::Takes { a_second: 5 },
        }
    }

    /// What is sent. Ten requests in two seconds leave every limit of the vendor's room, so that what is counted is the
    /// lane's and not the limits'.
    #[must_use]
    pub const fn load(self) -> Load {
        let every = Duration::from_secs(2);
        match self {
            Self::Healthy | Self::Transient => Load {
                batches: 300,
                every,
            },
            // Half an hour, a third of it without the vendor.
            Self::Outage => Load {
                batches: 180,
                every: Duration::from_secs(10),
            },
            // Twice what the vendor takes.
            Self::Throttled => Load {
                batches: 100,
                every: Duration::from_secs(1),
            },
        }
    }

    /// The most that a million requests may cost, in US dollars, backups, traces and traffic left out: CI fails above it.
    ///
    /// A ratchet: what was measured on 2026-11-30 ($2.265, $2.492, $6.969, $12.359; a run counts the same every time), and
    /// a tenth for what a change of the limiter's draws or of a log line may move. The goal for the first is
    /// [`GOAL`](crate::bill::GOAL).
    #[must_use]
    pub const fn budget(self) -> f64 {
        match self {
            Self::Healthy => 2.45,
            Self::Transient => 2.75,
            Self::Outage => 7.65,
            Self::Throttled => 13.60,
        }
    }
}
