//! What a provider may tune about its breaker. Numbers without a source of their own are DESIGN's, section 5.

use std::time::Duration;

/// Whom one breaker stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// All connections fail together: the vendor has one service for all accounts.
    Provider,
    /// Each connection fails alone: every account has a host of its own. Together they fail too.
    Connection,
}

impl Scope {
    /// Key of the item that holds the breaker of a call for `connection`.
    pub fn key(self, provider: &str, connection: &str) -> String {
        match self {
            Self::Provider => format!("{provider}#*#breaker"),
            Self::Connection => format!("{provider}#{connection}#breaker"),
        }
    }

    /// Of the breaker under `key`, which a connection's may stand for alone: the provider's, and the connection.
    pub(super) fn above(self, key: &str) -> Option<(String, &str)> {
        let (provider, rest) = key.split_once('#')?;
        let connection = rest.strip_suffix("#breaker")?;
        (self == Self::Connection).then(|| (Self::Provider.key(provider, ""), connection))
    }
}

/// When a breaker opens, for how long, and how it closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerSpec {
    /// Consecutive faults that open the breaker.
    pub faults_to_open: u32,
    /// Percentage of bad calls (faults and slow ones) in the window that opens the breaker.
    pub rate_percent: u32,
    /// Calls that the window must hold before the percentage means anything.
    pub rate_min_calls: u32,
    /// Length of the sliding window; kept in [`Self::BUCKETS`] buckets.
    pub window: Duration,
    /// An answered call that took longer is bad. A lane whose vendor is slow in good health raises it.
    pub slow_call: Duration,
    /// How long the first opening lasts; each failed probe doubles it.
    pub open: Duration,
    /// The longest that doubling makes an opening.
    pub open_max: Duration,
    /// Successful probes that close the breaker.
    pub probe_successes: u32,
    /// Share of full admission, in permille, for each step after closing; then everything.
    pub ramp: [u16; 2],
    /// How long each step of the ramp lasts.
    pub ramp_step: Duration,
    /// Whom the breaker stands for.
    pub scope: Scope,
}

impl BreakerSpec {
    /// The design's defaults.
    pub const DEFAULT: Self = Self {
        faults_to_open: 5,
        rate_percent: 50,
        rate_min_calls: 20,
        window: Duration::from_secs(60),
        slow_call: Duration::from_secs(10),
        open: Duration::from_secs(60),
        open_max: Duration::from_secs(15 * 60),
        probe_successes: 3,
        ramp: [250, 500],
        ramp_step: Duration::from_secs(30),
        scope: Scope::Provider,
    };

    /// These parameters, for each connection by itself: for vendors whose accounts have hosts of their own.
    pub const fn by_connection(mut self) -> Self {
        self.scope = Scope::Connection;
        self
    }

    /// Buckets that the window is kept in: its effective length is 11/12 to 12/12 of [`Self::window`],
    /// in an item of a few hundred bytes.
    pub const BUCKETS: u32 = 12;

    /// How long the `reopenings`-th opening in a row lasts. `jitter` is in `0.0..1.0`.
    ///
    /// The first lasts exactly [`Self::open`]: whoever waits for it may count on it. Later ones carry up to
    /// 10 % of jitter, so that lanes of one vendor that fell together do not probe together for ever; it
    /// is taken off at the cap, which thus stays a cap.
    pub(super) fn open_for(&self, reopenings: u32, jitter: f64) -> Duration {
        if reopenings == 0 {
            return self.open.min(self.open_max);
        }
        let nominal = self
            .open
            .saturating_mul(1_u32.checked_shl(reopenings).unwrap_or(u32::MAX));
        let tenth = jitter.clamp(0.0, 1.0) / 10.0;
        if nominal < self.open_max {
            nominal.mul_f64(1.0 + tenth).min(self.open_max)
        } else {
            self.open_max.mul_f64(1.0 - tenth)
        }
    }
}
