//! Ordinary things that the stores keep.

use std::time::Duration;

use causeway::Timestamp;
use causeway::ledger::{Record, Status};
use causeway::outcome::{Reason, code};
use causeway::queue::{Again, Letter, Message};

/// Any time will do.
pub const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

/// A claim of `owner`'s.
pub fn claim(pk: &str, owner: &str) -> Record {
    Record {
        pk: pk.to_owned(),
        format_version: 1,
        status: Status::InProgress,
        payload_hash: "5f".repeat(32),
        wire_hash: None,
        owner: owner.to_owned(),
        generation: 1,
        series: 1,
        lease_until: Some(NOON),
        claimed_at: None,
        attempts: 0,
        series_since: NOON,
        next_attempt_at: None,
        first_seen: NOON,
        first_sent_at: None,
        last_attempt: None,
        ambiguous: false,
        alone: false,
        crashes: 0,
        message_id: "a-message".to_owned(),
        response: None,
        code: None,
        detail: None,
        closing: 0,
        closed_at: None,
        resolved_at: None,
        expires_at: None,
    }
}

/// A letter with this body.
pub fn letter(body: &str) -> Letter {
    Letter {
        body: body.to_owned(),
        reason: Reason::new(code::OUTCOME_UNKNOWN, "nobody knows"),
        first_seen: NOON,
        request_id: None,
        connection: None,
        operation: None,
        revision: None,
        group_id: None,
        trace_header: None,
    }
}

/// A message with this body, to be sent again at once.
pub fn again(body: &str) -> Again {
    Again {
        message: Message {
            id: "a-message".to_owned(),
            origin: "its-first-id".to_owned(),
            receipt_handle: String::new(),
            body: body.to_owned(),
            receive_count: 3,
            sent_at: NOON,
            mark: None,
            revision: None,
            first_seen: NOON,
            group_id: None,
            trace_header: None,
        },
        delay: Duration::ZERO,
    }
}
