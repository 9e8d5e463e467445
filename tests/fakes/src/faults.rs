//! Faults on command: what goes wrong, for how large a share of the calls, for how long.
//!
//! Which calls are hit follows from a seed and a counter, never from time or a random source: the
//! n-th call of an outage has the same fate in every run.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::vendor::mix;

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Status 400 in the vendor's own shape: it refuses what it took before, as after a bad release of theirs.
    #[serde(rename = "error_400")]
    Error400,
    /// Status 403 in the vendor's own shape: the credentials have lost a right.
    #[serde(rename = "error_403")]
    Error403,
    /// Status 301: the account has another address.
    Moved,
    /// Status 500 in the vendor's own shape.
    #[serde(rename = "error_500")]
    Error500,
    /// Status 503 in the vendor's own shape.
    #[serde(rename = "error_503")]
    Error503,
    /// The reply is held until [`Fault::hold_ms`] or the end of the outage, then sent.
    Timeout,
    /// The connection is closed before the body is read. (A connection that never opens cannot be had
    /// for one of several providers on one port: stop the server for that.)
    Refuse,
    /// The connection is closed in place of the reply.
    LostReply,
}

impl Mode {
    /// The mode's name in the control API and the journal.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error400 => "error_400",
            Self::Error403 => "error_403",
            Self::Moved => "moved",
            Self::Error500 => "error_500",
            Self::Error503 => "error_503",
            Self::Timeout => "timeout",
            Self::Refuse => "refuse",
            Self::LostReply => "lost_reply",
        }
    }

    /// The status of the error modes.
    pub fn status(self) -> Option<u16> {
        match self {
            Self::Error400 => Some(400),
            Self::Error403 => Some(403),
            Self::Moved => Some(301),
            Self::Error500 => Some(500),
            Self::Error503 => Some(503),
            Self::Timeout | Self::Refuse | Self::LostReply => None,
        }
    }
}

/// One fault and its share of the calls.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// How the call goes wrong.
    pub mode: Mode,
    /// Which part of the calls it hits, 0.0 to 1.0; the shares of one outage add up to at most 1.
    pub share: f64,
    /// Whether the vendor does the work before things go wrong. By default it does for
    /// [`Mode::LostReply`] only. A held reply without work does it after the wait, if the caller is still there.
    #[serde(default)]
    pub effect: Option<bool>,
    /// Error modes: whether the error becomes the stored outcome of the call's idempotency key, as
    /// Stripe does with a 500 (<https://docs.stripe.com/api/idempotent_requests>).
    #[serde(default)]
    pub stored: bool,
    /// [`Mode::Timeout`]: the longest wait, milliseconds; at most [`HOLD_MAX`].
    #[serde(default = "hold_ms_default")]
    pub hold_ms: u64,
}

/// No reply is held for longer: a caller that waits this long has no timeout at all.
pub const HOLD_MAX: Duration = Duration::from_secs(120);

fn hold_ms_default() -> u64 {
    60_000
}

impl Fault {
    /// A fault with the defaults of its mode.
    pub fn new(mode: Mode, share: f64) -> Self {
        Self {
            mode,
            share,
            effect: None,
            stored: false,
            hold_ms: hold_ms_default(),
        }
    }

    /// Whether the vendor does the work before things go wrong.
    pub fn has_effect(&self) -> bool {
        self.effect.unwrap_or(self.mode == Mode::LostReply)
    }

    /// How long a reply is held at most.
    pub fn hold(&self) -> Duration {
        Duration::from_millis(self.hold_ms).min(HOLD_MAX)
    }
}

/// A provider's faults over a span of time: the body of `PUT /_control/faults`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Outage {
    /// Whose calls go wrong.
    pub provider: String,
    /// What goes wrong; the rest of the calls go well.
    pub faults: Vec<Fault>,
    /// How long, milliseconds from now; without it until it is taken away.
    #[serde(default)]
    pub for_ms: Option<u64>,
    /// Chooses which calls are hit.
    #[serde(default)]
    pub seed: u64,
}

impl Outage {
    /// Says what is wrong with the outage, if anything.
    pub fn problem(&self) -> Option<&'static str> {
        if self.faults.is_empty() {
            return Some("faults: at least one");
        }
        if self
            .faults
            .iter()
            .any(|fault| !(0.0..=1.0).contains(&fault.share))
        {
            return Some("share: from 0.0 to 1.0");
        }
        // A little room for sums such as 0.1 + 0.2 + 0.7.
        let sum: f64 = self.faults.iter().map(|fault| fault.share).sum();
        (sum > 1.000_001).then_some("share: at most 1.0 together")
    }
}

/// An outage under way.
#[derive(Debug, Clone)]
pub struct Running {
    outage: Outage,
    until: Option<Duration>,
    calls: u64,
}

impl Running {
    /// Starts `outage` at `now` (time since the server started).
    pub fn start(outage: Outage, now: Duration) -> Self {
        let until = outage.for_ms.map(|ms| now + Duration::from_millis(ms));
        Self {
            outage,
            until,
            calls: 0,
        }
    }

    /// The outage, while it lasts.
    pub fn at(&self, now: Duration) -> Option<&Outage> {
        self.until
            .is_none_or(|until| now < until)
            .then_some(&self.outage)
    }

    /// The time until it ends by itself; `None` when it does not.
    pub fn left(&self, now: Duration) -> Option<Duration> {
        self.until.map(|until| until.saturating_sub(now))
    }

    /// The fate of the next call at `now`.
    pub fn next(&mut self, now: Duration) -> Option<Fault> {
        self.at(now)?;
        self.calls += 1;
        let draw = unit(mix(self.outage.seed ^ mix(self.calls)));
        let mut below = 0.0;
        self.outage
            .faults
            .iter()
            .find(|fault| {
                below += fault.share;
                draw < below
            })
            .cloned()
    }
}

/// 53 of the hash's bits as a number in 0.0..1.0: as many as a double holds.
fn unit(hash: u64) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a double exactly")]
    let numerator = (hash >> 11) as f64;
    numerator / 9_007_199_254_740_992.0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outage(faults: Vec<Fault>) -> Outage {
        Outage {
            provider: "stripe".into(),
            faults,
            for_ms: Some(1_000),
            seed: 7,
        }
    }

    #[test]
    fn shares_are_kept_and_the_choice_is_the_same_in_every_run() {
        let faults = vec![
            Fault::new(Mode::Error500, 0.5),
            Fault::new(Mode::LostReply, 0.3),
        ];
        let draw = || {
            let mut running = Running::start(outage(faults.clone()), Duration::ZERO);
            (0..10_000)
                .map(|_| running.next(Duration::ZERO).map(|f| f.mode))
                .collect::<Vec<_>>()
        };
        let fates = draw();
        let count = |mode| fates.iter().filter(|fate| **fate == mode).count();
        assert!((4_800..=5_200).contains(&count(Some(Mode::Error500))));
        assert!((2_850..=3_150).contains(&count(Some(Mode::LostReply))));
        assert_eq!(fates, draw());
    }

    #[test]
    fn share_of_one_hits_every_call_until_the_outage_ends() {
        let mut running =
            Running::start(outage(vec![Fault::new(Mode::Refuse, 1.0)]), Duration::ZERO);
        assert!((0..1_000).all(|_| running.next(Duration::from_millis(999)).is_some()));
        assert_eq!(running.next(Duration::from_millis(1_000)), None);
    }

    #[test]
    fn shares_beyond_one_are_refused() {
        let over = outage(vec![
            Fault::new(Mode::Error500, 0.7),
            Fault::new(Mode::Refuse, 0.7),
        ]);
        assert_eq!(over.problem(), Some("share: at most 1.0 together"));
        assert_eq!(
            outage(vec![Fault::new(Mode::Error500, 1.0)]).problem(),
            None
        );
    }
}
