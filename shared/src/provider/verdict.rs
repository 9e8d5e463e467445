//! What an answer means: decided once, where the answer is first understood; everything later obeys.

use std::time::Duration;

use serde::Deserialize;

use super::{Answer, Safety};
use crate::Timestamp;
use crate::limiter::signal::retry_after;
use crate::outcome::{Code, code};

/// The answer to a call of several does not tell what became of one of them.
const UNTOLD: Code = Code::new("untold_element");

/// What a provider's answer says about the request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect.
    Delivered {
        /// The vendor's id of what was made, to be found again later.
        object_id: Option<String>,
    },
    /// It definitely had no effect, and repeating it cannot help.
    Rejected {
        /// The vendor's own words for it: codes and field names only, never values.
        detail: String,
    },
    /// It definitely had no effect because of a rate limit. No ill health.
    Throttled {
        /// The vendor's hint, where it gave one; without one the lane waits some seconds.
        after: Option<Duration>,
    },
    /// It definitely had no effect because the account's quota of the day (or of a longer time) is spent. The
    /// connection is parked until the reset, without an attempt spent. No ill health.
    QuotaSpent {
        /// When the vendor starts to count anew.
        until: Timestamp,
    },
    /// It definitely had no effect, and may be repeated.
    Retry {
        /// What was wrong.
        code: Code,
        /// The vendor's hint, where it gave one.
        after: Option<Duration>,
        /// Whether it speaks of the provider's ill health.
        fault: bool,
    },
    /// It may have taken effect. The operation's [`Safety`](super::Safety) settles it.
    Ambiguous {
        /// What was wrong.
        code: Code,
        /// The vendor's hint, where it gave one.
        after: Option<Duration>,
        /// False where the vendor replays this very answer for the key, so that sending it again proves nothing.
        resend_helps: bool,
        /// Whether it speaks of the provider's ill health.
        fault: bool,
    },
    /// What was to be made is there already, under a name that can only be given once. Where the operation has
    /// [`Safety::Lookup`](super::Safety::Lookup), the vendor is asked whether it is what we made; elsewhere it is a
    /// rejection.
    Exists {
        /// The vendor's own words for it: codes and field names only, never values.
        detail: String,
    },
    /// The vendor still works on an earlier call with our key.
    KeyInUse,
    /// The connection's credentials were refused.
    Unauthorized,
}

impl Verdict {
    /// Took effect; the vendor names what was made `object_id`.
    pub fn delivered(object_id: Option<String>) -> Self {
        Self::Delivered { object_id }
    }

    /// Refused for good; `detail` in the vendor's codes, never in its values.
    pub fn rejected(detail: impl Into<String>) -> Self {
        Self::Rejected {
            detail: detail.into(),
        }
    }

    /// Refused by a rate limit, for as long as `Retry-After` says.
    pub fn throttled(answer: &Answer, now: Timestamp) -> Self {
        Self::Throttled {
            after: hint(answer, now),
        }
    }

    /// Refused by a rate limit of a vendor whose documentation names the wait, for as long as `Retry-After` says, and
    /// for `documented` where there is none.
    pub fn throttled_for(answer: &Answer, now: Timestamp, documented: Duration) -> Self {
        Self::Throttled {
            after: hint(answer, now).or(Some(documented)),
        }
    }

    /// There already; `detail` in the vendor's codes, never in its values.
    pub fn exists(detail: impl Into<String>) -> Self {
        Self::Exists {
            detail: detail.into(),
        }
    }

    /// The call was refused as a whole, without effect, because of one of its elements: each is sent again in a call
    /// of its own, whose answer will tell. Not for calls with a single element.
    pub fn alone() -> Self {
        Self::Retry {
            code: code::BATCH_REFUSED,
            after: None,
            fault: false,
        }
    }

    /// What the answer to a call of several says of one element: `named` is what stands there under its name. An
    /// answer that does not name it, or that says two things of it, leaves open what became of it.
    pub fn of_element(mut named: impl Iterator<Item = Self>) -> Self {
        match (named.next(), named.next()) {
            (Some(verdict), None) => verdict,
            _ => Self::Ambiguous {
                code: UNTOLD,
                after: None,
                resend_helps: true,
                fault: false,
            },
        }
    }

    /// May have taken effect, and the provider is unwell.
    pub fn unwell() -> Self {
        Self::Ambiguous {
            code: code::PROVIDER_UNAVAILABLE,
            after: None,
            resend_helps: true,
            fault: true,
        }
    }

    /// What it means for an operation of this safety: [`Exists`](Self::Exists) is a question only where the vendor can
    /// be asked.
    pub(crate) fn under(self, safety: Safety) -> Self {
        match (self, safety) {
            (Self::Exists { detail }, safety) if !matches!(safety, Safety::Lookup { .. }) => {
                Self::Rejected { detail }
            }
            (verdict, _) => verdict,
        }
    }

    /// Whether this counts against the provider's health in the circuit breaker.
    pub fn is_fault(&self) -> bool {
        matches!(
            self,
            Self::Retry { fault: true, .. } | Self::Ambiguous { fault: true, .. }
        )
    }

    /// What HTTP's own rules say, for a vendor without peculiarities: 2xx took effect, 429 is a limit, 401 and
    /// 403 are the credentials, 408, 5xx and whatever else is no definite answer are ambiguous, other 4xx are final.
    pub fn by_status(answer: &Answer, now: Timestamp) -> Self {
        let after = hint(answer, now);
        match answer.status {
            200..=299 => Self::delivered(answer.json::<WithId>().map(|body| body.id)),
            401 | 403 => Self::Unauthorized,
            429 => Self::throttled(answer, now),
            400..=499 if answer.status != 408 => Self::rejected(format!("HTTP {}", answer.status)),
            408 => Self::Ambiguous {
                code: code::PROVIDER_TIMEOUT,
                after,
                resend_helps: true,
                fault: true,
            },
            _ => Self::Ambiguous {
                code: code::PROVIDER_UNAVAILABLE,
                after,
                resend_helps: true,
                fault: true,
            },
        }
    }
}

/// How long the vendor asks to wait, where it does.
fn hint(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let until = retry_after(answer.header("retry-after")?, now)?;
    Some(until.since(now))
}

/// Most vendors name what was made `id`.
#[derive(Deserialize)]
struct WithId {
    id: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::{HeaderMap, HeaderValue};

    fn answer(status: u16) -> Answer {
        Answer {
            status,
            headers: HeaderMap::new(),
            body: "{}".into(),
        }
    }

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    #[test]
    fn only_definite_answers_are_definite() {
        for status in [301, 304, 408, 500, 502, 503, 504, 599] {
            let verdict = Verdict::by_status(&answer(status), NOW);
            assert!(
                matches!(verdict, Verdict::Ambiguous { .. }),
                "{status}: {verdict:?}"
            );
            assert!(verdict.is_fault(), "{status}");
        }
        for status in [400, 404, 409, 422] {
            let verdict = Verdict::by_status(&answer(status), NOW);
            assert!(
                matches!(verdict, Verdict::Rejected { .. }),
                "{status}: {verdict:?}"
            );
            assert!(!verdict.is_fault(), "a 4xx is no ill health: {status}");
        }
    }

    #[test]
    fn an_element_is_what_the_answer_says_of_it_once() {
        let done = || Verdict::delivered(Some("7".to_owned()));
        assert_eq!(Verdict::of_element([done()].into_iter()), done());
        for unclear in [vec![], vec![done(), Verdict::rejected("code=x")]] {
            let verdict = Verdict::of_element(unclear.into_iter());
            assert!(matches!(verdict, Verdict::Ambiguous { .. }), "{verdict:?}");
            assert!(!verdict.is_fault(), "an answer came");
        }
    }

    #[test]
    fn a_throttle_is_no_fault_and_carries_the_vendors_hint() {
        let mut throttled = answer(429);
        throttled
            .headers
            .insert("retry-after", HeaderValue::from_static("30"));
        let verdict = Verdict::by_status(&throttled, NOW);
        assert_eq!(
            verdict,
            Verdict::Throttled {
                after: Some(Duration::from_secs(30))
            }
        );
        assert!(!verdict.is_fault());
    }
}
