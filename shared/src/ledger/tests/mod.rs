//! The ledger's rules as stories, its invariants as properties.

mod arrows;
mod crashes;
mod properties;
mod redrive;
mod replies;
mod rulings;

use std::time::Duration;

use super::state::{Attempt, Closing, claim, end, settle};
use super::*;
use crate::Timestamp;
use crate::outcome::{Deferral, code};
use crate::provider::{KeyPlace, Safety};

const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
const PK: &str = "acme#default#order-1";

/// The vendor remembers a key for this long.
const RETENTION: Duration = Duration::from_secs(24 * 60 * 60);

const KEYED: Safety = Safety::Keyed {
    place: KeyPlace::Header("idempotency-key"),
    retention: RETENTION,
    looks_up_first: true,
};

const LEASE: Duration = Duration::from_secs(60);

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A first wish of message `m1` at noon; stories change what they are about.
fn ask() -> Ask<'static> {
    Ask {
        pk: PK,
        payload_hash: "a",
        message_id: "m1",
        sent_at: NOON,
        mark: None,
        owner: "environment/1/m1",
        now: NOON,
        lease_until: NOON + LEASE,
        first_seen: NOON,
        alone: false,
        safety: KEYED,
    }
}

/// `ask` at another time, by another invocation.
fn later(now: Timestamp, owner: &'static str) -> Ask<'static> {
    Ask {
        now,
        lease_until: now + LEASE,
        owner,
        ..ask()
    }
}

fn taken(claim: Claim) -> Record {
    match claim {
        Claim::Take(record) => record,
        other => panic!("expected a claim, got {other:?}"),
    }
}

fn closed(claim: Claim) -> Record {
    match claim {
        Claim::Close(record) => record,
        other => panic!("expected a terminal record, got {other:?}"),
    }
}

fn found(claim: Claim) -> Finding {
    match claim {
        Claim::Found(finding) => finding,
        other => panic!("expected a finding, got {other:?}"),
    }
}

/// The record after the first claim.
fn held() -> Record {
    taken(claim(None, &ask()))
}

/// A call that was sent at noon and answered definitely.
fn answered(status: u16) -> Attempt {
    Attempt {
        at: NOON,
        wire_hash: "wire".into(),
        sent: true,
        ambiguous: false,
        settles_earlier: false,
        status: Some(status),
    }
}

/// A call whose answer was lost.
fn lost() -> Attempt {
    Attempt {
        ambiguous: true,
        status: None,
        ..answered(0)
    }
}

fn retrying(due: Timestamp) -> Settlement {
    Settlement::Retrying {
        due,
        code: code::PROVIDER_UNAVAILABLE,
    }
}

fn completed() -> Settlement {
    Settlement::Completed {
        status: 201,
        object_id: Some("obj_1".into()),
    }
}

fn rejected() -> Settlement {
    Settlement::Rejected(Closing::new(code::PROVIDER_REJECTED, "HTTP 422"))
}
