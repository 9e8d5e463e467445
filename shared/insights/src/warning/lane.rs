//! One lane's signals together: when to look at it, when a warning begins, when it is over.

use serde::{Deserialize, Serialize};

use super::forecast::{self, BREAKER_OPENS, Forecasts};
use super::latency::Latency;
use super::rate::{Rate, SUSPICIOUS};
use super::{FALSE_ALARMS_A_DAY, Minute, Signal, Trend, short};

/// The version that the state is written in; what has another one is begun anew.
const VERSION: u8 = 1;

/// False alarms a day of one signal. A limit's forecast has none of its own: it is arithmetic.
const A_DAY: f64 = FALSE_ALARMS_A_DAY / 3.0;

/// From this share of a threshold on a lane is looked at each minute: one failure of a lane with few calls reaches it.
const WATCHED: f64 = 0.2;

/// Minutes between two looks at a lane of which nothing is suspected: what is asked for is paid for.
pub const EVERY: u32 = 5;

/// Minutes that a minute's numbers are given to arrive: CloudWatch takes them from log lines, some seconds to a minute
/// after they are written.
pub const SETTLED: u32 = 2;

/// The most minutes that one look goes back. After a longer gap the statistics have faded anyway.
pub const BACK_MAX: u32 = 15;

/// Minutes without a signal after which an episode is over; whatever comes before that is the same one.
const QUIET: u32 = 30;

/// Percent of a limit below which its end is not foreseen.
const LIMIT_FROM: f64 = 50.0;

/// Minutes ahead from which on a limit's end is a warning.
const LIMIT_AHEAD: f64 = 90.0;

/// Looks in a row that must foresee it, and by how much each may miss the next one, in percent points: a day's quota
/// fills evenly, a minute's limit jumps.
const LIMIT_STEADY: u8 = 15;

/// When a limit is spent: percents are published whole, cut off, so that a value stands for half of one more.
const SPENT: f64 = 99.5;

/// See [`LIMIT_STEADY`].
const LIMIT_ERROR: f64 = 1.5;

/// Half-lives of what a limit's and a backlog's trend remember, in minutes.
const LIMIT_TREND: f64 = 10.0;

/// See [`LIMIT_TREND`].
const BACKLOG_TREND: f64 = 10.0;

/// A limit that fills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Filling {
    #[serde(rename = "l")]
    trend: Trend,
    /// Minutes in a row that were as foreseen, with the end near.
    #[serde(rename = "k")]
    steady: u8,
    /// The latest value.
    #[serde(rename = "v", serialize_with = "short::number")]
    latest: f64,
}

impl Filling {
    fn see(&mut self, at: u32, percent: f64) {
        let foreseen = self
            .trend
            .line()
            .map(|line| line.value + line.slope * f64::from(at.saturating_sub(self.trend.at())));
        let as_foreseen = foreseen.is_some_and(|value| (value - percent).abs() <= LIMIT_ERROR);
        // The vendor counts anew: what was before says nothing of it.
        if percent < self.latest - 20.0 {
            self.trend = Trend::default();
        }
        self.trend.note(at, percent, 1.0, LIMIT_TREND);
        self.latest = percent;
        let near = self
            .trend
            .line()
            .and_then(|line| line.reaches(SPENT))
            .is_some_and(|left| left <= LIMIT_AHEAD);
        self.steady = if as_foreseen && near && percent >= LIMIT_FROM {
            self.steady.saturating_add(1)
        } else {
            0
        };
    }

    fn spent(&self) -> Option<u32> {
        (self.latest >= LIMIT_FROM && self.latest < 100.0)
            .then(|| forecast::reaches(&self.trend, SPENT))?
    }

    const fn speaks(&self) -> bool {
        self.steady >= LIMIT_STEADY
    }
}

/// An episode: from its first signal until all have been silent for half an hour.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Episode {
    /// The minute in which it began.
    pub since: u32,
    /// The last minute in which a signal spoke.
    pub last: u32,
    /// Who has spoken, in that order.
    pub signals: Vec<Signal>,
}

/// A signal that speaks, and what for.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// Which.
    pub signal: Signal,
    /// The minute.
    pub at: u32,
    /// Whether an episode begins with it. The others join one.
    pub begins: bool,
    /// The statistic, in thresholds; of a limit its share, in hundredths.
    pub level: f64,
    /// What is measured of late: a share of calls, milliseconds, percent.
    pub value: f64,
    /// What is usual; of a limit its end.
    pub usual: f64,
}

/// What is kept of a lane. [`Default`] is a lane of which nothing is known.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct LaneWatch {
    version: u8,
    /// Minutes up to this one have been shown.
    at: u32,
    #[serde(rename = "f")]
    failures: Rate,
    #[serde(rename = "t")]
    throttles: Rate,
    #[serde(rename = "l")]
    latency: Latency,
    #[serde(rename = "u")]
    limit: Filling,
    #[serde(rename = "b")]
    backlog: Trend,
    #[serde(skip_serializing_if = "Option::is_none")]
    episode: Option<Episode>,
}

impl LaneWatch {
    /// The minutes that a look at `now` (minutes since the epoch) should show: none where it is not time yet.
    #[must_use]
    pub fn due(&self, now: u32) -> Option<std::ops::RangeInclusive<u32>> {
        let to = now.saturating_sub(SETTLED);
        let every = if self.is_suspicious() { 1 } else { EVERY };
        if to < self.at.saturating_add(every) {
            return None;
        }
        let from = self.at.max(to.saturating_sub(BACK_MAX)) + 1;
        Some(from..=to)
    }

    /// Whether the lane is worth a look each minute.
    #[must_use]
    pub fn is_suspicious(&self) -> bool {
        self.episode.is_some() || self.levels().iter().any(|(_, level)| *level >= WATCHED)
    }

    fn levels(&self) -> [(Signal, f64); 3] {
        [
            (Signal::Failures, self.failures.level(A_DAY)),
            (Signal::Throttles, self.throttles.level(A_DAY)),
            (Signal::Latency, self.latency.level(A_DAY)),
        ]
    }

    /// Sees a minute, and says which signals speak that were silent before. A minute that is not after the last one was
    /// seen before, and changes nothing.
    pub fn observe(&mut self, minute: &Minute) -> Vec<Finding> {
        if self.version != VERSION {
            *self = Self {
                version: VERSION,
                at: minute.at.saturating_sub(1),
                ..Self::default()
            };
        }
        if minute.at <= self.at {
            return Vec::new();
        }
        let Minute { at, calls, .. } = *minute;
        self.failures.see(at, minute.failures, calls, A_DAY);
        self.throttles.see(at, minute.throttled, calls, A_DAY);
        if let Some(median) = minute.latency_ms {
            self.latency.see(at, median, calls, A_DAY);
        }
        if let Some(percent) = minute.limit_used {
            self.limit.see(at, percent);
        }
        if let Some(waiting) = minute.backlog {
            self.backlog.note(at, waiting as f64, 1.0, BACKLOG_TREND);
        }
        self.at = at;
        self.settle(calls > 0)
    }

    /// Nothing was measured up to minute `to`.
    pub fn pass(&mut self, to: u32) {
        if to > self.at && self.version == VERSION {
            self.at = to;
            self.settle(false);
        }
    }

    /// Begins, joins and ends the episode. Only what was `measured` speaks.
    fn settle(&mut self, measured: bool) -> Vec<Finding> {
        let speaking: Vec<Signal> = if measured {
            self.speaking()
        } else {
            Vec::new()
        };
        let at = self.at;
        if speaking.is_empty() {
            let over = |episode: &Episode| at - episode.last.min(at) >= QUIET;
            self.episode = self.episode.take().filter(|episode| !over(episode));
            return Vec::new();
        }
        let known = self.episode.take();
        let begins = known.is_none();
        let mut episode = known.unwrap_or(Episode {
            since: at,
            last: at,
            signals: Vec::new(),
        });
        episode.last = at;
        let mut found = Vec::new();
        for signal in speaking {
            if !episode.signals.contains(&signal) {
                episode.signals.push(signal);
                found.push(self.finding(signal, begins));
            }
        }
        self.episode = Some(episode);
        found
    }

    fn speaking(&self) -> Vec<Signal> {
        let levels = self.levels();
        let loud = levels.iter().filter(|(_, level)| *level >= 1.0);
        let limit = self.limit.speaks().then_some(Signal::Limit);
        loud.map(|(signal, _)| *signal).chain(limit).collect()
    }

    /// How a signal stands.
    #[must_use]
    pub fn finding(&self, signal: Signal, begins: bool) -> Finding {
        let (value, usual) = match signal {
            Signal::Failures => (self.failures.trend().mean(), self.failures.usual()),
            Signal::Throttles => (self.throttles.trend().mean(), self.throttles.usual()),
            Signal::Latency => {
                let usual = self.latency.usual_ms(self.at);
                (usual * self.latency.times(), usual)
            }
            Signal::Limit => (self.limit.latest, 100.0),
        };
        let level = self
            .levels()
            .iter()
            .find(|(of, _)| *of == signal)
            .map(|(_, level)| *level);
        Finding {
            signal,
            at: self.at,
            begins,
            level: level.unwrap_or(self.limit.latest / 100.0),
            value,
            usual,
        }
    }

    /// What comes when, if it goes on so.
    #[must_use]
    pub fn forecasts(&self) -> Forecasts {
        let failing = self.failures.level(A_DAY) >= SUSPICIOUS;
        Forecasts {
            breaker_opens: failing
                .then(|| forecast::reaches(self.failures.trend(), BREAKER_OPENS))
                .flatten(),
            limit_spent: self.limit.spent(),
            backlog_drained: forecast::drained(&self.backlog),
        }
    }

    /// The episode that is on.
    #[must_use]
    pub const fn episode(&self) -> Option<&Episode> {
        self.episode.as_ref()
    }

    /// Minutes up to this one, since the epoch, have been shown.
    #[must_use]
    pub const fn seen_to(&self) -> u32 {
        self.at
    }
}
