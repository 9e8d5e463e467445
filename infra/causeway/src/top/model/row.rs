//! What is known of one lane, and in which order lanes stand.

use causeway::Timestamp;
use causeway::breaker::State;

use crate::metrics::{LaneMetrics, Series};

/// A lane as the latest look found it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Row {
    /// The provider.
    pub provider: String,
    /// Its breakers that are not closed; one that is where all are.
    pub breakers: Vec<BreakerRow>,
    /// Whether each connection has a breaker of its own.
    pub by_connection: bool,
    /// The fullest limit: its name, and percent in use.
    pub limit: Option<(String, u8)>,
    /// Messages waiting to be received, and those under way or put off; none where they could not be read.
    pub queue: Option<(u64, u64)>,
    /// Dead letters; none where they could not be counted.
    pub dead: Option<u64>,
    /// How the event source stands; none where it could not be read.
    pub source: Option<String>,
    /// Paused connections, each with its reason.
    pub paused: Vec<String>,
    /// What early warning says is likely to come.
    pub warning: Option<String>,
}

/// One breaker.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct BreakerRow {
    /// The connection that it stands for; none where it stands for the provider.
    pub connection: Option<String>,
    /// How it stands.
    pub state: State,
    /// The end of the open window.
    pub until: Option<Timestamp>,
    /// Why it is not closed.
    pub reason: Option<String>,
}

impl Row {
    /// How the worst of its breakers stands.
    #[must_use]
    pub fn state(&self) -> State {
        let states = self.breakers.iter().map(|breaker| breaker.state);
        states
            .max_by_key(|state| severity(*state))
            .unwrap_or_default()
    }

    /// The connections whose breaker is not closed; an empty name where it stands for the provider.
    #[must_use]
    pub fn open_connections(&self) -> Vec<String> {
        let open = self.breakers.iter();
        open.filter(|breaker| breaker.state != State::Closed)
            .map(|breaker| breaker.connection.clone().unwrap_or_default())
            .collect()
    }
}

/// The later in this order, the more it wants a person.
const fn severity(state: State) -> u8 {
    match state {
        State::Closed => 0,
        State::ForcedOpen => 1,
        State::HalfOpen => 2,
        State::Open => 3,
    }
}

/// What lanes are sorted by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sort {
    /// By provider.
    #[default]
    Name,
    /// Breakers that are not closed, paused connections and warnings first, then dead letters.
    Trouble,
    /// The most requests in the last whole minute first.
    Rate,
    /// The most messages in the queue first.
    Depth,
}

impl Sort {
    /// The one after it, round and round.
    #[must_use]
    pub const fn next(self) -> Self {
        match self {
            Self::Name => Self::Trouble,
            Self::Trouble => Self::Rate,
            Self::Rate => Self::Depth,
            Self::Depth => Self::Name,
        }
    }

    /// A word for the header.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::Trouble => "trouble",
            Self::Rate => "rate",
            Self::Depth => "depth",
        }
    }

    /// Smaller stands higher; the provider's name breaks ties.
    pub(super) fn key(self, row: &Row, metrics: Option<&LaneMetrics>) -> (i64, i64, i64) {
        let less = |count: u64| -i64::try_from(count).unwrap_or(i64::MAX);
        let (ready, hidden) = row.queue.unwrap_or_default();
        match self {
            Self::Name => (0, 0, 0),
            Self::Trouble => (
                -i64::from(severity(row.state())),
                less(row.paused.len() as u64 + u64::from(row.warning.is_some())),
                less(row.dead.unwrap_or_default()),
            ),
            // Whole requests are precise enough to sort by.
            Self::Rate => (-(metrics.and_then(rate).unwrap_or_default() as i64), 0, 0),
            Self::Depth => (less(ready.saturating_add(hidden)), 0, 0),
        }
    }
}

/// Requests that came to an end, minute by minute.
#[must_use]
pub fn ends(metrics: &LaneMetrics) -> Series {
    let all = [
        &metrics.delivered,
        &metrics.rejected,
        &metrics.unknown,
        &metrics.duplicate,
    ];
    let of_minute = |minute: usize| {
        let values = all.iter().filter_map(|series| *series.get(minute)?);
        values.fold(None, |sum, value| Some(sum.unwrap_or(0.0) + value))
    };
    (0..metrics.delivered.len()).map(of_minute).collect()
}

/// Requests that came to an end in the last whole minute; none where nothing is known of any minute.
#[must_use]
pub fn rate(metrics: &LaneMetrics) -> Option<f64> {
    let ends = ends(metrics);
    ends.iter().flatten().next()?;
    let whole = ends.len().checked_sub(2)?;
    Some(ends[whole].unwrap_or(0.0))
}

/// The latest value that is known.
#[must_use]
pub fn latest(series: &Series) -> Option<f64> {
    series.iter().rev().flatten().next().copied()
}

/// All of a counter's minutes.
#[must_use]
pub fn total(series: &Series) -> f64 {
    // The sum of nothing would be -0.
    series.iter().flatten().fold(0.0, |sum, value| sum + value)
}
