//! What becomes of a message: the six ends that the pipeline knows, and the words to explain them.

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// Why something ended as it did: one lower-case word of a bounded vocabulary, fit for grouping.
///
/// What the vendor said in its own words belongs into a [`Reason`]'s detail, never in here.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Code(Cow<'static, str>);

impl Code {
    /// A word known at compile time.
    pub const fn new(word: &'static str) -> Self {
        Self(Cow::Borrowed(word))
    }

    /// A word of a pack's page.
    pub(crate) fn of(word: String) -> Self {
        Self(Cow::Owned(word))
    }

    /// The word itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The codes that the pipeline itself gives. Decoding has its own
/// ([`DecodeError::code`](crate::request::DecodeError::code)).
pub mod code {
    use super::Code;

    /// The request names a provider that this lane does not serve.
    pub const UNKNOWN_PROVIDER: Code = Code::new("unknown_provider");
    /// The provider has no such operation.
    pub const UNKNOWN_OPERATION: Code = Code::new("unknown_operation");
    /// The request's own `deadline` has passed.
    pub const DEADLINE_EXCEEDED: Code = Code::new("deadline_exceeded");
    /// The payload does not have the operation's canonical shape.
    pub const PAYLOAD_INVALID: Code = Code::new("payload_invalid");
    /// The mapping is not known here, or its output is not the canonical shape.
    pub const MAPPING_FAILED: Code = Code::new("mapping_failed");
    /// The idempotency key was used before with another payload.
    pub const IDEMPOTENCY_CONFLICT: Code = Code::new("idempotency_conflict");
    /// The message has been in the queue for as long as the queue can hold it safely.
    pub const QUEUE_TIME_SPENT: Code = Code::new("queue_time_spent");
    /// The function died three times with nothing but this request in hand.
    pub const CRASH_LOOP: Code = Code::new("crash_loop");
    /// Every attempt that the retry policy allows was made.
    pub const ATTEMPTS_SPENT: Code = Code::new("attempts_spent");
    /// The request may have taken effect, and the operation has no way to tell.
    pub const OUTCOME_UNKNOWN: Code = Code::new("outcome_unknown");
    /// An operator said what became of a request that nobody else could tell of.
    pub const RESOLVED: Code = Code::new("resolved");
    /// The lane's own code panicked on this record.
    pub const PANICKED: Code = Code::new("panicked");
    /// The provider refused the request for good.
    pub const PROVIDER_REJECTED: Code = Code::new("provider_rejected");
    /// The provider answered that it is unwell (5xx).
    pub const PROVIDER_UNAVAILABLE: Code = Code::new("provider_unavailable");
    /// The provider did not answer in time, or the connection broke after the request was sent.
    pub const PROVIDER_TIMEOUT: Code = Code::new("provider_timeout");
    /// The provider answered with more than is read, or in a coding that nobody asked for.
    pub const ANSWER_UNREADABLE: Code = Code::new("answer_unreadable");
    /// No connection to the provider could be made, or it closed before the request began: nothing was sent.
    pub const CONNECT_FAILED: Code = Code::new("connect_failed");
    /// The provider refused a call of several requests because of one of them; each goes alone now.
    pub const BATCH_REFUSED: Code = Code::new("batch_refused");
    /// The provider says that what was to be made is there already.
    pub const ALREADY_EXISTS: Code = Code::new("already_exists");
    /// The provider knows the credentials, and they may not do this.
    pub const FORBIDDEN: Code = Code::new("forbidden");
    /// Something before the provider (a firewall, a gateway) refused the call.
    pub const BLOCKED: Code = Code::new("blocked");
    /// What the call is about was held by somebody else.
    pub const LOCKED: Code = Code::new("locked");
    /// The provider would not take the call yet, or not on this connection.
    pub const TOO_EARLY: Code = Code::new("too_early");
    /// The provider sent the call elsewhere, which says nothing about what became of it.
    pub const REDIRECTED: Code = Code::new("redirected");
    /// The provider's own rate limit refused the call.
    pub const RATE_LIMITED: Code = Code::new("rate_limited");
}

/// Why a message is put off without an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Deferral {
    /// The rate limiter gave it a later slot.
    RateLimited,
    /// The account's quota of the day is spent.
    QuotaSpent,
    /// The circuit breaker is not closed.
    BreakerOpen,
    /// Another record works on the same idempotency key, here or at the vendor.
    KeyInProgress,
    /// The ledger says that the next attempt is not due yet.
    NotDue,
    /// The connection's credentials are missing or were refused.
    ConnectionPaused,
    /// An access token is being obtained, or was refused and will be.
    CredentialsRefreshing,
    /// The invocation has too little time left for a call that can time out and settle.
    OutOfTime,
    /// An earlier attempt may have taken effect, and the vendor may take a while to show it.
    Settling,
    /// The last holder of this request died; it runs alone, and this was not the moment.
    Suspect,
    /// The lane has made as many retries as its first attempts allow.
    RetryBudget,
    /// A table or secret could not be read or written.
    StoreUnavailable,
    /// The request's mapping ran into its clock.
    MappingSlow,
    /// It was accepted by a newer pack than the lane has, and the lane's own does not know it.
    PackOlder,
}

impl Deferral {
    /// The bounded word for logs and metrics.
    pub const fn code(self) -> &'static str {
        match self {
            Self::RateLimited => "rate_limited",
            Self::QuotaSpent => "quota_spent",
            Self::BreakerOpen => "breaker_open",
            Self::KeyInProgress => "key_in_progress",
            Self::NotDue => "not_due",
            Self::ConnectionPaused => "connection_paused",
            Self::CredentialsRefreshing => "credentials_refreshing",
            Self::OutOfTime => "out_of_time",
            Self::Settling => "settling",
            Self::Suspect => "suspect",
            Self::RetryBudget => "retry_budget",
            Self::MappingSlow => "mapping_slow",
            Self::PackOlder => "pack_older",
            Self::StoreUnavailable => "store_unavailable",
        }
    }

    /// Whether it concerns the lane as a whole, and not one request, one key or one connection. An open breaker is told by
    /// its own metric.
    pub const fn is_the_lanes(self) -> bool {
        match self {
            Self::RateLimited
            | Self::QuotaSpent
            | Self::OutOfTime
            | Self::RetryBudget
            | Self::StoreUnavailable
            | Self::PackOlder => true,
            Self::BreakerOpen
            | Self::KeyInProgress
            | Self::NotDue
            | Self::ConnectionPaused
            | Self::CredentialsRefreshing
            | Self::Settling
            | Self::Suspect
            | Self::MappingSlow => false,
        }
    }
}

/// Longest detail in bytes: it travels as an SQS message attribute and is read by a person at night.
pub const MAX_DETAIL_BYTES: usize = 1024;

/// What a dead letter says about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// The group it belongs to.
    pub code: Code,
    /// Field and rule, or the vendor's own code; redacted, at most [`MAX_DETAIL_BYTES`].
    pub detail: String,
    /// Attempts made in this series.
    pub attempts: u32,
    /// The HTTP status of the provider's last answer.
    pub provider_status: Option<u16>,
    /// When the last attempt was made.
    pub last_attempt: Option<Timestamp>,
    /// Which end of its request it tells of, where the ledger has one: the letter's mark.
    pub closing: Option<u64>,
}

impl Reason {
    /// A reason for a request that was never attempted.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        truncate(&mut detail, MAX_DETAIL_BYTES);
        Self {
            code,
            detail,
            attempts: 0,
            provider_status: None,
            last_attempt: None,
            closing: None,
        }
    }
}

/// Cuts `text` to at most `max` bytes, at a character boundary.
pub fn truncate(text: &mut String, max: usize) {
    if text.len() > max {
        let end = (0..=max)
            .rev()
            .find(|&at| text.is_char_boundary(at))
            .unwrap_or(0);
        text.truncate(end);
    }
}

/// What became of one message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It took effect: acknowledged.
    Delivered,
    /// It had taken effect before: acknowledged without a call.
    Duplicate,
    /// Not now: it comes back at `until`, and no attempt is spent.
    Deferred {
        /// Why.
        reason: Deferral,
        /// When it may come back.
        until: Timestamp,
    },
    /// An attempt failed: it comes back at `until`, one attempt the poorer.
    Retry {
        /// What failed.
        code: Code,
        /// When the next attempt is due.
        until: Timestamp,
    },
    /// For good: it goes to the dead-letter queue with its reason.
    Rejected(Reason),
    /// It may have taken effect and nobody can tell: to the dead-letter queue, for a person.
    Unknown(Reason),
}

impl Outcome {
    /// The name of the metric and of the `outcome` field in the log line.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delivered => "Delivered",
            Self::Duplicate => "Duplicate",
            Self::Deferred { .. } => "Deferred",
            Self::Retry { .. } => "Retried",
            Self::Rejected(_) => "Rejected",
            Self::Unknown(_) => "Unknown",
        }
    }

    /// The bounded word that says why, where there is one.
    pub fn code(&self) -> Option<&str> {
        match self {
            Self::Delivered | Self::Duplicate => None,
            Self::Deferred { reason, .. } => Some(reason.code()),
            Self::Retry { code, .. } => Some(code.as_str()),
            Self::Rejected(reason) | Self::Unknown(reason) => Some(reason.code.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn details_are_cut_at_a_character_boundary() {
        let reason = Reason::new(code::PAYLOAD_INVALID, "é".repeat(600));
        assert_eq!(reason.detail.len(), MAX_DETAIL_BYTES);
        let reason = Reason::new(code::PAYLOAD_INVALID, format!("x{}", "é".repeat(600)));
        assert_eq!(reason.detail.len(), MAX_DETAIL_BYTES - 1);
    }
}
