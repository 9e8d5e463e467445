//! Early warning: what will break, said ahead.
//!
//! [`LaneWatch`] is what is kept of a lane: some hundred bytes, however long it has run. It is shown each minute once,
//! in order ([`Minute`]), and says in which minute an episode began and what speaks for it ([`Finding`]).
//!
//! | signal | what is watched | how |
//! |---|---|---|
//! | [`Signal::Failures`], [`Signal::Throttles`] | calls that failed or were refused, of all calls | [`rate`]: a clipped binomial CUSUM against the lane's own usual rate |
//! | [`Signal::Latency`] | the median of the minute's answers | [`latency`]: CUSUM of its logarithm against level, scale and hour of day |
//! | [`Signal::Limit`] | the fullest limit, in percent | [`forecast`]: the trend reaches 100 % before long |
//!
//! - **Clipped**: no minute says more than [`CLIP`], so that a blip of two minutes, which falls into three, wakes nobody.
//! - **One threshold for all lanes**: it is given in false alarms a day; what statistic that is on this lane, the lane's
//!   own quiet hours tell ([`tail`]).
//! - **Episodes**: signals that speak at once or soon after one another are one warning, told once.
//! - **Forecasts**: a limit spent, a backlog drained, a breaker open, a credential at its end ([`forecast`]).
//!
//! A sudden outage cannot be foreseen: nothing in the minutes before tells of it.

pub mod forecast;
mod lane;
pub mod latency;
pub mod rate;
mod record;
mod short;
pub mod tail;
pub mod text;
mod trend;

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

pub use forecast::{Credential, Forecasts};
pub use lane::{Episode, Finding, LaneWatch};
pub use record::{ASK_LASTS, Alert, Record, Said, TELL_AGAIN, key};
pub use trend::Trend;

/// The most that one minute adds to a statistic, in units of evidence (nats for rates, deviations for latency). A
/// blip's two minutes fall into three of the clock's: [`tail::LEAST`] is above three times this.
pub const CLIP: f64 = 2.5;

/// False alarms a day that a lane's signals together should come to; each signal gets a third.
pub const FALSE_ALARMS_A_DAY: f64 = 0.06;

/// How a lane did in one minute, as CloudWatch tells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Minute {
    /// Minutes since the epoch.
    pub at: u32,
    /// Calls to the vendor: samples of `ProviderLatency`. None in a minute: it is no evidence.
    pub calls: u32,
    /// Of them, those that failed: `Retried` and `Unknown`, without what was [`throttled`](Self::throttled). A rejection
    /// is the request's fault and no ill health.
    pub failures: u32,
    /// Of them, those that a limit or quota of the vendor's refused: `Throttled`.
    pub throttled: u32,
    /// Median of their duration, in milliseconds.
    pub latency_ms: Option<f64>,
    /// The fullest limit, in percent: `RateLimitUsed`.
    pub limit_used: Option<f64>,
    /// Messages in the queue, put off or not.
    pub backlog: Option<u64>,
}

/// What is watched.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    /// Calls fail more often than usual.
    Failures,
    /// The vendor refuses more calls than usual.
    Throttles,
    /// Answers take longer than usual.
    Latency,
    /// A limit will be spent.
    Limit,
}

impl Signal {
    /// All of them, the most telling first.
    pub const ALL: [Self; 4] = [Self::Failures, Self::Throttles, Self::Latency, Self::Limit];

    /// A few words for a table and a subject.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Failures => "failures rising",
            Self::Throttles => "throttles rising",
            Self::Latency => "latency rising",
            Self::Limit => "limit filling",
        }
    }
}
