//! The pure decisions: who may claim a request, and what a claim becomes.

mod ended;
mod resolve;
mod settle;

use std::time::Duration;

use super::record::FORMAT_VERSION;
use super::{Record, Status};
use crate::Timestamp;
use crate::outcome::code;
use crate::provider::{Safety, Settling};

use ended::after_end;
pub use resolve::{MAX_BY_BYTES, Resolution, Ruled, Ruling, Unresolvable, resolve};
pub use settle::{Attempt, Closing, Settlement, settle};

/// How long a lease outlasts the invocation's deadline: the function is gone by then, whatever its clock said.
pub const LEASE_MARGIN: Duration = Duration::from_secs(5);

/// Leases that may end while a request runs alone before it is taken for the killer that it seems to be.
pub const MAX_CRASHES: u32 = 3;

/// One record's wish to work on a request.
#[derive(Clone, Debug)]
pub struct Ask<'a> {
    /// `provider#connection#key`.
    pub pk: &'a str,
    /// Hash of what is asked for.
    pub payload_hash: &'a str,
    /// The SQS message that asks, or the one that it was when the producer sent it.
    pub message_id: &'a str,
    /// When that was put on the queue.
    pub sent_at: Timestamp,
    /// The end that the message is a letter of, where it is one: the record's [`closing`](Record::closing) then.
    pub mark: Option<u64>,
    /// Who asks: unique per invocation and record.
    pub owner: &'a str,
    /// When.
    pub now: Timestamp,
    /// Until when the claim would be held: a little after the invocation's own deadline.
    pub lease_until: Timestamp,
    /// When the request was first seen.
    pub first_seen: Timestamp,
    /// Whether the asker runs it apart from its batch.
    pub alone: bool,
    /// What an ambiguous end means for this operation.
    pub safety: Safety,
}

/// What a claim decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// Write this; then the request is ours to carry out.
    Take(Record),
    /// Write this terminal record; then the message goes to the dead-letter queue.
    Close(Record),
    /// Nothing to write: the stored record decides.
    Found(Finding),
}

/// How things stand with a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// It is ours.
    Granted(Record),
    /// It took effect before.
    Duplicate,
    /// The key was used with another payload.
    Conflict,
    /// It ended, now or before, and its letter must be sent (again).
    Closed(Record),
    /// Its next attempt is not due before this time.
    NotDue(Timestamp),
    /// Somebody works on it, until this time at the latest.
    InProgress(Timestamp),
    /// Its last holder died: only a record that runs alone may take it.
    Suspect,
    /// Others changed it faster than we could look.
    Busy,
}

/// Decides on `ask`, given the stored record.
pub fn claim(stored: Option<&Record>, ask: &Ask<'_>) -> Claim {
    let stored = match stored {
        None => return Claim::Take(fresh(ask, 1)),
        Some(old) if old.is_expired(ask.now) => return Claim::Take(fresh(ask, old.generation + 1)),
        Some(stored) => stored,
    };
    let same_payload = stored.payload_hash == ask.payload_hash;
    match stored.status {
        Status::Rejected | Status::Unknown => after_end(stored, ask),
        _ if !same_payload => Claim::Found(Finding::Conflict),
        Status::Completed => Claim::Found(Finding::Duplicate),
        Status::Retrying => match stored.next_attempt_at {
            Some(due) if due > ask.now => Claim::Found(Finding::NotDue(due)),
            _ => resume(stored, ask, false, stored.crashes),
        },
        Status::InProgress => match stored.lease_until {
            Some(until) if until > ask.now => Claim::Found(Finding::InProgress(until)),
            _ => take_over(stored, ask),
        },
    }
}

/// Decides on `ask` where the request is to end without a call, for `reason`: whoever may claim it, ends it; and nobody
/// waits for what is not due.
pub fn end(stored: Option<&Record>, ask: &Ask<'_>, reason: &Closing) -> Claim {
    let alone = Ask {
        alone: true,
        ..ask.clone()
    };
    let end = |record: &Record| Claim::Close(settle::ended(record, reason, ask.now));
    match (claim(stored, &alone), stored) {
        (Claim::Take(next), _) => end(&next),
        (Claim::Found(Finding::NotDue(_)), Some(waiting)) => end(&held(waiting, ask)),
        (decided, _) => decided,
    }
}

fn fresh(ask: &Ask<'_>, generation: u64) -> Record {
    Record {
        pk: ask.pk.to_owned(),
        format_version: FORMAT_VERSION,
        status: Status::InProgress,
        payload_hash: ask.payload_hash.to_owned(),
        wire_hash: None,
        owner: ask.owner.to_owned(),
        generation,
        series: 1,
        lease_until: Some(ask.lease_until),
        attempts: 0,
        claimed_at: Some(ask.now),
        series_since: ask.now,
        next_attempt_at: None,
        first_seen: ask.first_seen,
        first_sent_at: None,
        last_attempt: None,
        ambiguous: false,
        alone: ask.alone,
        crashes: 0,
        message_id: ask.message_id.to_owned(),
        response: None,
        code: None,
        detail: None,
        closing: 0,
        closed_at: None,
        resolved_at: None,
        expires_at: None,
    }
}

/// The next attempt of a request that is due.
fn resume(stored: &Record, ask: &Ask<'_>, ambiguous: bool, crashes: u32) -> Claim {
    let mut next = held(stored, ask);
    next.ambiguous = stored.ambiguous || ambiguous;
    next.crashes = crashes;
    if next.ambiguous {
        return settled_or(stored, ask, next);
    }
    Claim::Take(next)
}

/// A lease that ended without a word: the holder died, and its call may have taken effect.
fn take_over(stored: &Record, ask: &Ask<'_>) -> Claim {
    // Whether the dead holder sent anything is unknown: its claim is the earliest that it can have been, the end of the
    // lease the latest.
    let claimed = stored.claimed_at.unwrap_or(stored.series_since);
    let stored = Record {
        first_sent_at: stored.first_sent_at.or(Some(claimed)),
        attempts: stored.attempts + 1,
        last_attempt: stored.last_attempt.max(stored.lease_until),
        ambiguous: true,
        ..stored.clone()
    };
    if ask.safety.settling(stored.first_sent_at, ask.now) != Settling::Unknown && !ask.alone {
        return Claim::Found(Finding::Suspect);
    }
    let crashes = stored.crashes + u32::from(stored.alone);
    if crashes >= MAX_CRASHES {
        let reason = Closing::new(
            code::CRASH_LOOP,
            "the function died with this request alone in hand, three times",
        );
        let dead = Record {
            crashes,
            ..held(&stored, ask)
        };
        return Claim::Close(settle::ended(&dead, &reason, ask.now));
    }
    resume(&stored, ask, true, crashes)
}

/// `next`, unless its ambiguous attempt can only be settled by a person.
fn settled_or(stored: &Record, ask: &Ask<'_>, next: Record) -> Claim {
    match ask.safety.settling(stored.first_sent_at, ask.now) {
        Settling::Resend | Settling::LookUp => Claim::Take(next),
        Settling::Unknown => {
            let reason = Closing::new(
                code::OUTCOME_UNKNOWN,
                "an earlier attempt may have taken effect",
            );
            Claim::Close(settle::closed(&next, Status::Unknown, &reason, ask.now))
        }
    }
}

/// `stored`, held by the asker.
fn held(stored: &Record, ask: &Ask<'_>) -> Record {
    Record {
        status: Status::InProgress,
        owner: ask.owner.to_owned(),
        generation: stored.generation + 1,
        lease_until: Some(ask.lease_until),
        claimed_at: Some(ask.now),
        next_attempt_at: None,
        message_id: ask.message_id.to_owned(),
        alone: ask.alone,
        // While a claim is held nobody can say that nothing took effect: no expiry.
        expires_at: None,
        ..stored.clone()
    }
}
