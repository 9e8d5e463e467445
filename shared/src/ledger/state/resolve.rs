//! What an operator makes of a request that only a person can settle.

use thiserror::Error;

use crate::Timestamp;
use crate::ledger::{LIFE, Record, Status};
use crate::outcome::{code, truncate};

/// Longest name of whom a ruling is by. With the words around it an owner stays as short as a lane's, so that the
/// record stays one write unit.
pub const MAX_BY_BYTES: usize = 40;

/// What became of the request at the vendor, as somebody has seen who looked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruled {
    /// It took effect: no copy of it is ever sent again.
    Completed,
    /// It had no effect, and none is under way: a redrive may carry it out anew, under a new vendor key.
    Rejected,
    /// It had no effect, and nobody will have it carried out: its letter is thrown away. The end's code stays.
    Dropped,
}

/// An operator's ruling on a request.
#[derive(Clone, Debug)]
pub struct Ruling<'a> {
    /// What became of it.
    pub ruled: Ruled,
    /// Who says so: printable, at most [`MAX_BY_BYTES`]; the rest is cut.
    pub by: &'a str,
    /// How they know, without secrets or personal data; cut to the record's [room](Record::detail_room).
    pub reason: &'a str,
    /// Unique for this ruling (at most 36 bytes), so that a write whose reply was lost is known for our own.
    pub mark: &'a str,
    /// When.
    pub now: Timestamp,
}

/// What a ruling makes of a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// Write this.
    Write(Record),
    /// It stands so already: nothing to write.
    Already(Record),
    /// Nobody may rule on it.
    Refused(Unresolvable),
}

/// Why nobody may rule on a request.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Unresolvable {
    /// The ledger knows nothing of it.
    #[error("the ledger has no record of this key")]
    Absent,
    /// A lane has it in hand, or will: it settles it itself.
    #[error("the request is {0:?}: its lane still works on it, and settles it itself")]
    Open(Status),
    /// It ended, and no doubt is left: nothing to rule on.
    #[error("the request is {0:?}, without any doubt: what is proven is not overruled")]
    Settled(Status),
    /// An attempt may have taken effect: first somebody says what became of it.
    #[error("an attempt may have taken effect: what became of the request comes first")]
    InDoubt,
    /// Others changed the record faster than it could be written.
    #[error("the record kept changing under the ruling")]
    Busy,
}

/// Decides on `ruling`, given the stored record.
///
/// A ruling is asked for where the record is `UNKNOWN`, or `REJECTED` with an attempt that may have taken effect. What
/// is proven absorbs it: nobody makes a rejected request of a completed one. Only what is proven to have had no effect
/// is dropped. The same ruling twice is one.
pub fn resolve(stored: Option<&Record>, ruling: &Ruling<'_>) -> Resolution {
    let Some(stored) = stored.filter(|record| !record.is_expired(ruling.now)) else {
        return Resolution::Refused(Unresolvable::Absent);
    };
    match (stored.status, ruling.ruled) {
        (Status::Rejected, Ruled::Dropped) if !stored.ambiguous => {
            let mut dropped = ruled(stored, ruling);
            dropped.code.clone_from(&stored.code);
            match stored.resolved_at.is_some() && stored.detail == dropped.detail {
                true => Resolution::Already(stored.clone()),
                false => Resolution::Write(dropped),
            }
        }
        (Status::Unknown | Status::Rejected, Ruled::Dropped) => {
            Resolution::Refused(Unresolvable::InDoubt)
        }
        (Status::Completed, Ruled::Completed) => Resolution::Already(stored.clone()),
        (Status::Rejected, Ruled::Rejected) if !stored.ambiguous => {
            Resolution::Already(stored.clone())
        }
        (Status::Unknown, _) => Resolution::Write(ruled(stored, ruling)),
        (Status::Rejected, _) if stored.ambiguous => Resolution::Write(ruled(stored, ruling)),
        (Status::Completed | Status::Rejected, _) => {
            Resolution::Refused(Unresolvable::Settled(stored.status))
        }
        (Status::InProgress | Status::Retrying, _) => {
            Resolution::Refused(Unresolvable::Open(stored.status))
        }
    }
}

fn ruled(stored: &Record, ruling: &Ruling<'_>) -> Record {
    let mut by = ruling.by.to_owned();
    truncate(&mut by, MAX_BY_BYTES);
    let mut detail = ruling.reason.to_owned();
    truncate(&mut detail, stored.detail_room());
    Record {
        status: match ruling.ruled {
            Ruled::Completed => Status::Completed,
            Ruled::Rejected | Ruled::Dropped => Status::Rejected,
        },
        owner: format!("operator/{by}/{}", ruling.mark),
        // Fences whoever still believes to hold it.
        generation: stored.generation + 1,
        lease_until: None,
        next_attempt_at: None,
        ambiguous: false,
        alone: false,
        crashes: 0,
        code: Some(code::RESOLVED),
        detail: Some(detail),
        resolved_at: Some(ruling.now),
        expires_at: Some((ruling.now + LIFE).as_secs_ceil()),
        ..stored.clone()
    }
}
