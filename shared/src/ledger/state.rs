//! The pure decisions: who may claim a request, and what a claim becomes.

mod resolve;
mod settle;

use std::time::Duration;

use super::record::FORMAT_VERSION;
use super::{Record, Status};
use crate::Timestamp;
use crate::bugs::{self, Bug};
use crate::outcome::code;
use crate::provider::{Safety, Settling};

pub use resolve::{MAX_BY_BYTES, Resolution, Ruled, Ruling, Unresolvable, resolve};
use settle::closed;
pub use settle::{Attempt, Closing, Settlement, settle, waiting};

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
    /// The SQS message that asks.
    pub message_id: &'a str,
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
    /// Since when a call may have been sent that no record tells of: the message was received before, and its
    /// operation needs no claim on a first receive (see [`guard`]).
    pub maybe_sent_since: Option<Timestamp>,
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

/// A record that was written this long before a message's first receive was there to be seen by it. The queue's clock
/// and those of two environments may differ by a second; the rest is for a write that is under way: a client gives up
/// on it within seconds, and it may still land.
const WRITE_UNDER_WAY: Duration = Duration::from_secs(60);

/// The record under which a first call may be made without a claim: the vendor's own idempotency key is the guard, and
/// one write ends it. None where the operation has no such key, a call may have been sent before, or `stored` has a
/// word in it.
pub fn guard(stored: Option<&Record>, ask: &Ask<'_>) -> Option<Record> {
    let may = matches!(ask.safety, Safety::Keyed { .. }) && ask.maybe_sent_since.is_none();
    match stored {
        _ if !may => None,
        None => Some(fresh(ask, 1)),
        Some(old) => old
            .is_expired(ask.now)
            .then(|| fresh(ask, old.generation + 1)),
    }
}

/// What `stored`, written by somebody else while a guarded call was under way, becomes now that the call ended as
/// `ours`; none where it stays as it is, and decides.
pub fn merge(stored: &Record, ours: &Record) -> Option<Record> {
    if matches!(stored.status, Status::Completed | Status::Unknown) {
        return None;
    }
    let generation = stored.generation + 1;
    if ours.status == Status::Completed {
        // Both went out under one key. What the vendor made of it is done, whoever else still tries.
        return Some(Record {
            generation,
            series: stored.series.max(ours.series),
            ..ours.clone()
        });
    }
    ours.ambiguous.then(|| Record {
        generation,
        ambiguous: true,
        first_sent_at: earlier(stored.first_sent_at, ours.first_sent_at),
        expires_at: None,
        ..stored.clone()
    })
}

fn earlier(a: Option<Timestamp>, b: Option<Timestamp>) -> Option<Timestamp> {
    [a, b].into_iter().flatten().min()
}

/// Decides on `ask`, given the stored record.
pub fn claim(stored: Option<&Record>, ask: &Ask<'_>) -> Claim {
    let Some(stored) = stored else {
        return first(ask, 1);
    };
    if stored.is_expired(ask.now) {
        return first(ask, stored.generation + 1);
    }
    let own_call = unrecorded_call(stored, ask);
    let stored = &with_unrecorded_call(stored, own_call);
    let same_payload = stored.payload_hash == ask.payload_hash || bugs::is(Bug::IgnoreConflict);
    match stored.status {
        Status::Unknown if bugs::is(Bug::ReopenUnknown) => resume(stored, ask, false, 0),
        Status::Rejected if bugs::is(Bug::RedriveIsDuplicate) => Claim::Found(Finding::Duplicate),
        Status::Unknown => Claim::Found(Finding::Closed(stored.clone())),
        Status::Rejected if stored.message_id == ask.message_id => {
            Claim::Found(Finding::Closed(stored.clone()))
        }
        Status::Rejected if same_payload || !stored.ambiguous => restart(stored, ask),
        _ if !same_payload && own_call.is_some() => conflict_in_doubt(stored, ask),
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
        // A rejected request with an ambiguous attempt keeps its payload: another one is a conflict, above.
        Status::Rejected => Claim::Found(Finding::Conflict),
    }
}

/// A first claim on a key.
fn first(ask: &Ask<'_>, generation: u64) -> Claim {
    let mut next = fresh(ask, generation);
    if bugs::is(Bug::CompleteBeforeSending) {
        next.status = Status::Completed;
    }
    let Some(since) = ask.maybe_sent_since else {
        return Claim::Take(next);
    };
    next.ambiguous = true;
    next.first_sent_at = Some(since);
    settled_or(&next.clone(), ask, next)
}

/// Since when the asker may have sent a call under `stored`'s key, before another message made that record. Where the
/// request took effect it does not matter: both went out under one key.
fn unrecorded_call(stored: &Record, ask: &Ask<'_>) -> Option<Timestamp> {
    let is_open = !matches!(stored.status, Status::Completed | Status::Unknown);
    let is_anothers = stored.message_id != ask.message_id;
    ask.maybe_sent_since
        .filter(|since| is_open && is_anothers && stored.series_since + WRITE_UNDER_WAY >= *since)
}

fn with_unrecorded_call(stored: &Record, since: Option<Timestamp>) -> Record {
    Record {
        ambiguous: stored.ambiguous || since.is_some(),
        first_sent_at: earlier(stored.first_sent_at, since),
        ..stored.clone()
    }
}

/// `stored` with the asker's unrecorded call in it; none where it needs none, or somebody works on it just now.
pub fn doubted(stored: &Record, ask: &Ask<'_>) -> Option<Record> {
    let since = unrecorded_call(stored, ask)?;
    let is_held = stored.status == Status::InProgress
        && stored.lease_until.is_some_and(|until| until > ask.now);
    let doubted = Record {
        generation: stored.generation + 1,
        expires_at: None,
        ..with_unrecorded_call(stored, Some(since))
    };
    let is_news =
        (doubted.ambiguous, doubted.first_sent_at) != (stored.ambiguous, stored.first_sent_at);
    (is_news && !is_held).then_some(doubted)
}

/// The record is another payload's, and the asker's own may have taken effect under the same key: only a person can
/// tell which of the two did. A holder gets to its end first.
fn conflict_in_doubt(stored: &Record, ask: &Ask<'_>) -> Claim {
    match stored.lease_until {
        Some(until) if stored.status == Status::InProgress && until > ask.now => {
            Claim::Found(Finding::InProgress(until))
        }
        _ => {
            let reason = Closing::new(
                code::OUTCOME_UNKNOWN,
                "idempotency_key: two payloads were sent under it, and either may have taken effect",
            );
            Claim::Close(closed(
                &held(stored, ask),
                Status::Unknown,
                &reason,
                ask.now,
            ))
        }
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
        lease_until: Some(if bugs::is(Bug::NoLease) {
            ask.now
        } else {
            ask.lease_until
        }),
        attempts: 0,
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
        resolved_at: None,
        expires_at: None,
    }
}

/// A rejected request that comes back in a new message: a new start. Only where nothing can have taken effect does
/// the vendor get a new key.
fn restart(stored: &Record, ask: &Ask<'_>) -> Claim {
    let mut next = held(stored, ask);
    next.payload_hash = ask.payload_hash.to_owned();
    next.attempts = 0;
    next.crashes = 0;
    next.series_since = ask.now;
    next.code = None;
    next.detail = None;
    next.response = None;
    next.resolved_at = None;
    if stored.ambiguous && !bugs::is(Bug::RestartInDoubt) {
        return settled_or(stored, ask, next);
    }
    next.series = stored.series + 1;
    next.first_sent_at = None;
    next.wire_hash = None;
    Claim::Take(next)
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
    // Whether the dead holder sent anything is unknown: the series' first claim is the earliest that it can have been,
    // the end of the lease the latest.
    let stored = Record {
        first_sent_at: stored.first_sent_at.or(Some(stored.series_since)),
        attempts: stored.attempts + 1,
        last_attempt: stored.last_attempt.max(stored.lease_until),
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
        let mut next = closed(
            &Record {
                ambiguous: true,
                ..held(&stored, ask)
            },
            Status::Rejected,
            &reason,
            ask.now,
        );
        next.crashes = crashes;
        return Claim::Close(next);
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
            Claim::Close(closed(&next, Status::Unknown, &reason, ask.now))
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
        next_attempt_at: None,
        message_id: ask.message_id.to_owned(),
        alone: ask.alone,
        // While a claim is held nobody can say that nothing took effect: no expiry.
        expires_at: None,
        ..stored.clone()
    }
}
