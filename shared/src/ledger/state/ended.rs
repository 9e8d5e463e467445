//! A message that finds its request at an end: a redrive, a copy, or one whose letter may never have been sent.
//!
//! A letter carries the mark of the end that it tells of, and keeps it wherever it is sent: a person's redrive is told
//! from a producer's copy without asking a clock. Only where a message has no mark does its time count.

use std::time::Duration;

use super::{Ask, Claim, Finding, Record, held, settled_or};
use crate::Timestamp;
use crate::ledger::Status;
use crate::provider::Settling;

/// By how much the clocks of SQS and of an environment may differ. Amazon's are within milliseconds of each other; an
/// environment that was frozen may be late by a second or two.
const CLOCKS: Duration = Duration::from_secs(5);

/// What the message is to the end that it finds.
enum Relation {
    /// A person, or a command of theirs, sent the end's own letter again.
    Redrive,
    /// It was sent before the end, or is an older end's letter: the end's letter speaks for it, too.
    Copy,
    /// Perhaps nobody has heard of the end yet: its letter goes out (again).
    Untold,
    /// It asks for something else under the same key.
    Other,
}

/// Decides on `ask`, whose request has ended without being completed.
pub(super) fn after_end(stored: &Record, ask: &Ask<'_>) -> Claim {
    let in_doubt = stored.ambiguous || stored.status == Status::Unknown;
    match relation(stored, ask) {
        Relation::Redrive if !in_doubt => restart(stored, ask),
        Relation::Redrive if !same_payload(stored, ask) => Claim::Found(Finding::Conflict),
        Relation::Redrive => take_up(stored, ask),
        Relation::Copy => Claim::Found(Finding::Duplicate),
        Relation::Untold => Claim::Found(Finding::Closed(stored.clone())),
        Relation::Other if in_doubt => Claim::Found(Finding::Conflict),
        Relation::Other => match stored.closed_at {
            Some(closed) if ask.sent_at <= closed + CLOCKS => Claim::Found(Finding::Conflict),
            _ => restart(stored, ask),
        },
    }
}

fn relation(stored: &Record, ask: &Ask<'_>) -> Relation {
    let closed = stored.closed_at.unwrap_or(Timestamp::from_millis(0));
    match ask.mark {
        _ if stored.message_id == ask.message_id => Relation::Untold,
        Some(mark) if mark == stored.closing => Relation::Redrive,
        Some(mark) if mark < stored.closing => Relation::Copy,
        // Of an end that the ledger has forgotten: nobody is swallowed, and nothing is sent.
        Some(_) => Relation::Untold,
        None if !same_payload(stored, ask) => Relation::Other,
        None if ask.sent_at + CLOCKS < closed => Relation::Copy,
        None => Relation::Untold,
    }
}

fn same_payload(stored: &Record, ask: &Ask<'_>) -> bool {
    stored.payload_hash == ask.payload_hash
}

/// A new start of what had no effect, with the payload as it is now and under a new vendor key.
fn restart(stored: &Record, ask: &Ask<'_>) -> Claim {
    Claim::Take(Record {
        payload_hash: ask.payload_hash.to_owned(),
        series: stored.series + 1,
        ambiguous: false,
        first_sent_at: None,
        wire_hash: None,
        ..anew(stored, ask)
    })
}

/// What may have taken effect is tried again where that can settle it: under the same vendor key, and in doubt.
fn take_up(stored: &Record, ask: &Ask<'_>) -> Claim {
    match ask.safety.settling(stored.first_sent_at, ask.now) {
        // Nothing has changed, and nothing is written.
        Settling::Unknown => Claim::Found(Finding::Closed(stored.clone())),
        Settling::Resend | Settling::LookUp => {
            let next = Record {
                ambiguous: true,
                ..anew(stored, ask)
            };
            settled_or(stored, ask, next)
        }
    }
}

/// `stored`, held by the asker, with all attempts before it.
fn anew(stored: &Record, ask: &Ask<'_>) -> Record {
    Record {
        attempts: 0,
        crashes: 0,
        series_since: ask.now,
        code: None,
        detail: None,
        response: None,
        resolved_at: None,
        ..held(stored, ask)
    }
}
