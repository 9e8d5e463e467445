//! What can disagree.

use std::fmt;

/// One disagreement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the variants' fields are what their text names"
)]
pub enum Finding {
    /// Neither final in the ledger nor in a dead-letter queue.
    Lost { request: String },
    /// Too many effects at the vendor, or too few.
    Effects {
        request: String,
        least: u64,
        most: u64,
        effects: u64,
    },
    /// Ended without effect, but nothing in the dead-letter queue says so.
    NoLetter { request: String },
    /// A letter without one of the attributes that are always there.
    IncompleteLetter { request: String },
    /// A letter with another code than the request deserves.
    WrongCode {
        request: String,
        expected: &'static str,
        code: String,
    },
    /// An ordinary request that was rejected.
    NotDelivered { request: String, code: String },
    /// A bad request that was delivered.
    NotRejected { request: String, code: &'static str },
    /// Of two requests with one key not exactly one lost.
    Contest { key: String, losers: usize },
    /// A record of a request that nobody sent.
    StrangeRecord { pk: String, status: String },
    /// A letter of a message that nobody sent.
    StrangeLetter { code: String },
    /// Effects of requests that nobody sent.
    StrangeEffects { provider: String, effects: u64 },
    /// More access tokens than the vendor gives out.
    Tokens {
        provider: String,
        tokens: u64,
        most: u64,
    },
    /// There was an outage, and no breaker opened.
    BreakerNeverOpened,
    /// A breaker is not closed at the end.
    BreakerNotClosed { key: String, state: String },
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Lost { request } => write!(
                f,
                "{request} is lost: neither final in the ledger nor in a dead-letter queue"
            ),
            Self::Effects {
                request,
                least,
                most,
                effects,
            } if least == most => {
                write!(
                    f,
                    "{request} had {effects} effects at the vendor in place of {most}"
                )
            }
            Self::Effects {
                request,
                most,
                effects,
                ..
            } => {
                write!(
                    f,
                    "{request} had {effects} effects at the vendor, and may have {most} at most"
                )
            }
            Self::NoLetter { request } => {
                write!(f, "{request} has no letter in the dead-letter queue")
            }
            Self::IncompleteLetter { request } => {
                write!(
                    f,
                    "{request} has a letter without detail, attempts or first_seen"
                )
            }
            Self::WrongCode {
                request,
                expected,
                code,
            } => {
                write!(
                    f,
                    "{request} was rejected with {code} in place of {expected}"
                )
            }
            Self::NotDelivered { request, code } => write!(
                f,
                "{request} was rejected ({code}), though nothing is wrong with it"
            ),
            Self::NotRejected { request, code } => {
                write!(f, "{request} was delivered in place of rejected ({code})")
            }
            Self::Contest { key, losers } => write!(
                f,
                "of the two requests with key {key}, {losers} lost in place of one"
            ),
            Self::StrangeRecord { pk, status } => {
                write!(f, "the ledger holds {pk} ({status}), which nobody sent")
            }
            Self::StrangeLetter { code } => write!(
                f,
                "a dead-letter queue holds a message ({code}) that nobody sent"
            ),
            Self::StrangeEffects { provider, effects } => {
                write!(
                    f,
                    "{provider} counts {effects} effects of requests that nobody sent"
                )
            }
            Self::Tokens {
                provider,
                tokens,
                most,
            } => write!(
                f,
                "{provider} was asked for {tokens} access tokens, and may be for {most} at most"
            ),
            Self::BreakerNeverOpened => write!(f, "there was an outage, and no breaker opened"),
            Self::BreakerNotClosed { key, state } => {
                write!(f, "the breaker {key} is {state} at the end")
            }
        }
    }
}
