//! What an answer means: decided once, where the answer is first understood; everything later obeys.

use std::time::Duration;

use serde::Deserialize;

use super::{Answer, Safety};
use crate::Timestamp;
use crate::limiter::signal::retry_after;
use crate::outcome::{Code, code};

/// From here on a vendor's wait is not its limit's but its account's: a quota of the day, a migration. No vendor's
/// short limits count longer than an hour.
pub const LONG_WAIT: Duration = Duration::from_secs(60 * 60);

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
    /// It definitely had no effect: these credentials are known, and may not do this. It ends the request; what it says
    /// about the others of its operation and connection, [`Credentials`](crate::credentials::Credentials) counts. It
    /// never costs a token.
    Forbidden {
        /// The vendor's own words for it: codes and field names only, never values.
        detail: String,
    },
    /// It definitely had no effect: the account has another address now. The connection waits for it.
    Moved,
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

    /// Refused by a rate limit, for as long as `Retry-After` says. A wait of [hours](LONG_WAIT) is a quota's.
    pub fn throttled(answer: &Answer, now: Timestamp) -> Self {
        Self::waiting(hint(answer, now), now)
    }

    /// Refused by a rate limit of a vendor whose documentation names the wait, for as long as `Retry-After` says, and
    /// for `documented` where there is none.
    pub fn throttled_for(answer: &Answer, now: Timestamp, documented: Duration) -> Self {
        Self::waiting(hint(answer, now).or(Some(documented)), now)
    }

    pub(crate) fn waiting(after: Option<Duration>, now: Timestamp) -> Self {
        match after {
            Some(wait) if wait >= LONG_WAIT => Self::QuotaSpent { until: now + wait },
            after => Self::Throttled { after },
        }
    }

    /// The account is closed for a while (a quota of the day, a migration): until `Retry-After`, or for `documented`
    /// where there is none.
    pub fn parked(answer: &Answer, now: Timestamp, documented: Duration) -> Self {
        Self::QuotaSpent {
            until: now + hint(answer, now).unwrap_or(documented),
        }
    }

    /// What the call is about is held by somebody else for a moment: this request alone comes again, for as long after
    /// as `Retry-After` says.
    pub fn locked(answer: &Answer, now: Timestamp) -> Self {
        Self::Retry {
            code: code::LOCKED,
            after: hint(answer, now),
            fault: false,
        }
    }

    /// A 403 that the vendor's documentation does not name otherwise. One whose body is not `in_shape`, the vendor's
    /// own for errors, is a firewall's or a gateway's: nobody who knows the credentials has seen the call.
    pub fn forbidden(in_shape: bool, detail: impl Into<String>) -> Self {
        if in_shape {
            let detail = detail.into();
            return Self::Forbidden { detail };
        }
        Self::Retry {
            code: code::BLOCKED,
            after: None,
            fault: true,
        }
    }

    /// There already; `detail` in the vendor's codes, never in its values.
    pub fn exists(detail: impl Into<String>) -> Self {
        Self::Exists {
            detail: detail.into(),
        }
    }

    /// What an answer to a call with `elements` elements that names none of them means for each. Where the vendor has
    /// refused several because of one, nobody knows which: each goes again in a call of its own, whose answer tells.
    /// What is about the connection or the provider's health would be the same for each alone.
    pub fn of_whole(self, elements: usize) -> Vec<Self> {
        if elements < 2 {
            return vec![self; elements];
        }
        let each = match self {
            Self::Rejected { .. } | Self::Exists { .. } | Self::Forbidden { .. } => Self::alone(),
            Self::Retry { fault: false, .. } => Self::alone(),
            // A firewall looks at what a call says, too.
            Self::Retry { code, after, fault } if code == code::BLOCKED => Self::Retry {
                code: code::BATCH_REFUSED,
                after,
                fault,
            },
            other => other,
        };
        vec![each; elements]
    }

    /// The call was refused, without effect, because of one of its elements: each is sent again in a call of its own,
    /// whose answer will tell. Not for calls with a single element.
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

    /// What HTTP's own rules say, for a vendor without peculiarities: 2xx took effect, 429 is a limit, 401 is the
    /// credentials, 403 their rights, a lasting redirect another address; a lock (423) and a call that came too early
    /// (421, 425) pass; 303, 408, 5xx and whatever else is no definite answer are ambiguous; other 4xx are final.
    ///
    /// <https://www.rfc-editor.org/rfc/rfc9110#section-15>, <https://www.rfc-editor.org/rfc/rfc4918#section-11.3>,
    /// <https://www.rfc-editor.org/rfc/rfc8470#section-5.2>
    pub fn by_status(answer: &Answer, now: Timestamp) -> Self {
        let after = hint(answer, now);
        match answer.status {
            200..=299 => Self::delivered(answer.json::<WithId>().map(|body| body.id)),
            301 | 302 | 307 | 308 => Self::Moved,
            // "See Other" is what a server says after it has done something.
            300..=399 => Self::Ambiguous {
                code: code::REDIRECTED,
                after,
                resend_helps: true,
                fault: false,
            },
            401 => Self::Unauthorized,
            403 => Self::forbidden(answer.json::<Fields>().is_some(), "HTTP 403"),
            421 | 425 => Self::Retry {
                code: code::TOO_EARLY,
                after,
                fault: false,
            },
            423 => Self::locked(answer, now),
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
pub(crate) fn hint(answer: &Answer, now: Timestamp) -> Option<Duration> {
    let until = retry_after(answer.header("retry-after")?, now)?;
    Some(until.since(now))
}

/// A JSON object: what nearly every vendor says no with, and no firewall.
type Fields = serde_json::Map<String, serde_json::Value>;

/// Most vendors name what was made `id`.
#[derive(Deserialize)]
struct WithId {
    id: String,
}

#[cfg(test)]
mod tests;
