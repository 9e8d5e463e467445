//! What a claim becomes.

use crate::Timestamp;
use crate::ledger::{LIFE, Record, Response, Status};
use crate::outcome::{Code, Deferral, code, truncate};

/// An attempt that ended, as far as the ledger cares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// When the call started.
    pub at: Timestamp,
    /// Hash of the call.
    pub wire_hash: String,
    /// Whether any byte of it reached an established connection.
    pub sent: bool,
    /// Whether it may have taken effect.
    pub ambiguous: bool,
    /// Whether the answer speaks for every earlier sending too: the vendor honours the key that all were sent under.
    pub settles_earlier: bool,
    /// The vendor's HTTP status, where it answered.
    pub status: Option<u16>,
}

/// Why a record is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Closing {
    /// The bounded word.
    pub code: Code,
    /// In more words, redacted.
    pub detail: String,
}

impl Closing {
    /// A reason to close.
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self {
            code,
            detail: detail.into(),
        }
    }
}

/// What a held claim becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Settlement {
    /// It took effect.
    Completed {
        /// The vendor's HTTP status.
        status: u16,
        /// The vendor's id of what was made.
        object_id: Option<String>,
    },
    /// It failed and is due again at `due`.
    Retrying {
        /// When.
        due: Timestamp,
        /// Why.
        code: Code,
    },
    /// No call was made, or the vendor still works on an earlier one: due again at `due`, no attempt spent.
    Released {
        /// When.
        due: Timestamp,
        /// Why.
        reason: Deferral,
    },
    /// It ended for good; where an attempt is in doubt, unknown, with this reason as its detail.
    Rejected(Closing),
    /// It may have taken effect.
    Unknown(Closing),
}

/// What `record`, held by us, becomes at `now`; `attempt` is the call that was made, if one was.
pub fn settle(
    record: &Record,
    attempt: Option<&Attempt>,
    settlement: &Settlement,
    now: Timestamp,
) -> Record {
    let mut next = Record {
        alone: false,
        crashes: 0,
        ..record.clone()
    };
    if let Some(attempt) = attempt {
        if attempt.sent {
            next.first_sent_at = next.first_sent_at.or(Some(attempt.at));
            next.wire_hash = Some(attempt.wire_hash.clone());
        }
        next.last_attempt = Some(attempt.at);
        next.ambiguous = attempt.ambiguous || (next.ambiguous && !attempt.settles_earlier);
        next.response = attempt.status.map(|status| Response {
            status,
            object_id: None,
        });
        if !matches!(settlement, Settlement::Released { .. }) {
            if next.attempts == 0 {
                next.series_since = attempt.at;
            }
            next.attempts += 1;
        }
    }
    if !next.ambiguous && !matches!(settlement, Settlement::Completed { .. }) {
        // Every send is proven void: the vendor's memory, and the settling of doubt, begin with the next one.
        next.first_sent_at = None;
    }
    match settlement {
        Settlement::Completed { status, object_id } => {
            next.status = Status::Completed;
            next.ambiguous = false;
            next.code = None;
            let mut object_id = object_id.clone();
            if let Some(id) = &mut object_id {
                truncate(id, Record::MAX_OBJECT_ID_BYTES);
            }
            next.response = Some(Response {
                status: *status,
                object_id,
            });
            next.lease_until = None;
            expire(&mut next, now);
        }
        Settlement::Retrying { due, code } => release(&mut next, *due, Some(code.clone()), now),
        Settlement::Released { due, .. } => {
            release(&mut next, *due, None, now);
        }
        Settlement::Rejected(reason) => next = ended(&next, reason, now),
        Settlement::Unknown(reason) => {
            next.ambiguous = true;
            next = closed(&next, Status::Unknown, reason, now);
        }
    }
    next
}

fn release(next: &mut Record, due: Timestamp, code: Option<Code>, now: Timestamp) {
    next.status = Status::Retrying;
    next.next_attempt_at = Some(due);
    next.lease_until = None;
    if code.is_some() {
        next.code = code;
    }
    expire(next, now);
}

/// The end of `record` for `reason`: rejected says that it had no effect and none will come, so that what is in doubt
/// ends unknown.
pub(super) fn ended(record: &Record, reason: &Closing, now: Timestamp) -> Record {
    if !record.ambiguous {
        return closed(record, Status::Rejected, reason, now);
    }
    let detail = format!("{}: {}", reason.code, reason.detail);
    let reason = Closing::new(code::OUTCOME_UNKNOWN, detail);
    closed(record, Status::Unknown, &reason, now)
}

pub(super) fn closed(record: &Record, status: Status, reason: &Closing, now: Timestamp) -> Record {
    let mut detail = reason.detail.clone();
    truncate(&mut detail, record.detail_room());
    let mut next = Record {
        status,
        lease_until: None,
        next_attempt_at: None,
        code: Some(reason.code.clone()),
        detail: Some(detail),
        closing: record.generation,
        closed_at: Some(now),
        ..record.clone()
    };
    expire(&mut next, now);
    next
}

/// A record with an attempt that may have taken effect is kept until somebody settles it.
fn expire(next: &mut Record, now: Timestamp) {
    next.expires_at = (!next.ambiguous).then(|| (now + LIFE).as_secs_ceil());
}
