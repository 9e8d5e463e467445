//! What comes when, if it goes on as it does.

use serde::{Deserialize, Serialize};

use super::trend::{Line, Trend};

/// The longest that is foreseen, in minutes: what lies further ahead, a trend of minutes does not tell.
pub const HORIZON: f64 = 180.0;

/// The share of faults at which a breaker opens ([`causeway::breaker::BreakerSpec::DEFAULT`]).
pub const BREAKER_OPENS: f64 = causeway::breaker::BreakerSpec::DEFAULT.rate_percent as f64 / 100.0;

/// A token that ends this soon and could not be exchanged lately needs a person, in minutes.
const CREDENTIAL_SOON: u32 = 60;

/// What is foreseen of a lane; instants are minutes since the epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Forecasts {
    /// The share of failures reaches the breaker's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker_opens: Option<u32>,
    /// The fullest limit, or the day's quota, is spent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit_spent: Option<u32>,
    /// Nothing waits any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backlog_drained: Option<u32>,
}

/// The minute at which `trend` reaches `value`; none where that is further ahead than [`HORIZON`], or never.
#[must_use]
pub fn reaches(trend: &Trend, value: f64) -> Option<u32> {
    let left = trend.line()?.reaches(value)?;
    (left <= HORIZON).then(|| trend.at().saturating_add(left.round() as u32))
}

/// The minute at which a backlog of `trend` is gone; none where nothing waits, or it does not shrink.
#[must_use]
pub fn drained(trend: &Trend) -> Option<u32> {
    let line: Line = trend.line()?;
    (line.value >= 1.0 && line.slope < 0.0).then_some(())?;
    reaches(trend, 0.0)
}

/// What is known of a token, without the token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Credential {
    /// When the vendor ends it, in minutes since the epoch.
    pub expires: u32,
    /// Attempts in a row to exchange it that brought none.
    pub failures: u32,
}

impl Credential {
    /// The minute at which a connection will be without a token: a lane exchanges its tokens ahead of their end, so
    /// only one that it lately failed to exchange is worth a word.
    #[must_use]
    pub fn lost(&self, now: u32) -> Option<u32> {
        let soon = self.expires.saturating_sub(now) <= CREDENTIAL_SOON;
        (self.failures > 0 && soon && self.expires > now).then_some(self.expires)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_backlog_that_shrinks_has_an_end_and_one_that_grows_has_none() {
        let (mut shrinking, mut growing) = (Trend::default(), Trend::default());
        for at in 1000..1020 {
            shrinking.note(at, 400.0 - 10.0 * f64::from(at - 1000), 1.0, 10.0);
            growing.note(at, 10.0 * f64::from(at - 1000), 1.0, 10.0);
        }
        assert_eq!(drained(&shrinking), Some(1040));
        assert_eq!(drained(&growing), None);
        assert_eq!(drained(&Trend::default()), None);
    }

    #[test]
    fn what_lies_too_far_ahead_is_not_foreseen() {
        let mut trend = Trend::default();
        for at in 0..30 {
            trend.note(at, 0.01 * f64::from(at), 1.0, 10.0);
        }
        assert_eq!(reaches(&trend, 50.0), None);
    }

    #[test]
    fn only_a_token_that_could_not_be_exchanged_is_worth_a_word() {
        let token = |expires, failures| Credential { expires, failures };
        assert_eq!(token(130, 0).lost(100), None);
        assert_eq!(token(130, 2).lost(100), Some(130));
        assert_eq!(token(200, 2).lost(100), None);
        assert_eq!(token(90, 2).lost(100), None);
    }
}
