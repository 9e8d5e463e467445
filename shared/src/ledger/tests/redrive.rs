//! A rejected request that comes back: which message brings it, with which payload, and under which vendor key.

use super::*;

const LATER: Timestamp = Timestamp::from_millis(NOON.as_millis() + 600_000);

/// Message `m2`, made of `m1`'s letter.
fn redrive(payload_hash: &'static str) -> Ask<'static> {
    Ask {
        message_id: "m2",
        payload_hash,
        ..later(LATER, "2")
    }
}

fn after_definite_rejection() -> Record {
    settle(&held(), Some(&answered(422)), &rejected(), NOON)
}

fn after_doubtful_rejection() -> Record {
    let spent = Settlement::Rejected(Closing::new(code::ATTEMPTS_SPENT, "no answer"));
    settle(&held(), Some(&lost()), &spent, NOON)
}

#[test]
fn the_same_message_finds_its_letter_and_no_new_attempt() {
    let record = after_definite_rejection();
    let again = found(claim(Some(&record), &later(LATER, "2")));
    assert_eq!(again, Finding::Closed(record));
}

#[test]
fn a_redrive_after_a_definite_rejection_starts_a_new_series_with_all_attempts() {
    let again = taken(claim(Some(&after_definite_rejection()), &redrive("a")));
    assert_eq!((again.generation, again.series, again.attempts), (2, 2, 0));
    assert_eq!(again.series_since, LATER);
    assert_eq!(again.message_id, "m2");
    assert_eq!((again.first_sent_at, again.wire_hash), (None, None));
    assert_eq!(
        (again.code, again.detail, again.response),
        (None, None, None)
    );
    assert_eq!(again.first_seen, NOON, "it is still the same request");
}

#[test]
fn a_corrected_payload_may_take_the_place_of_one_that_had_no_effect() {
    let again = taken(claim(Some(&after_definite_rejection()), &redrive("b")));
    assert_eq!((again.series, again.payload_hash.as_str()), (2, "b"));
}

#[test]
fn a_redrive_after_doubt_keeps_the_vendors_key_and_the_doubt() {
    // A new key would let the vendor do twice what it may have done once.
    let again = taken(claim(Some(&after_doubtful_rejection()), &redrive("a")));
    assert_eq!((again.series, again.attempts), (1, 0));
    assert!(again.ambiguous);
    assert_eq!(
        again.first_sent_at,
        Some(NOON),
        "the vendor's memory is counted from the first sending"
    );
    assert_eq!(again.wire_hash.as_deref(), Some("wire"));
}

#[test]
fn a_corrected_payload_is_a_conflict_where_the_first_may_have_taken_effect() {
    let record = after_doubtful_rejection();
    assert_eq!(
        found(claim(Some(&record), &redrive("b"))),
        Finding::Conflict
    );
}

#[test]
fn a_redrive_that_comes_after_the_vendor_forgot_the_key_ends_unknown() {
    let record = after_doubtful_rejection();
    let late = Ask {
        now: NOON + RETENTION,
        ..redrive("a")
    };
    let end = closed(claim(Some(&record), &late));
    assert_eq!(end.status, Status::Unknown);
    assert_eq!(end.code, Some(code::OUTCOME_UNKNOWN));
    assert_eq!(end.expires_at, None);
}

#[test]
fn a_doubtful_attempt_of_an_operation_that_cannot_be_repeated_ends_unknown() {
    let record = after_doubtful_rejection();
    let end = closed(claim(
        Some(&record),
        &Ask {
            safety: Safety::Unsafe,
            ..redrive("a")
        },
    ));
    assert_eq!(end.status, Status::Unknown);
}

#[test]
fn retrying_beyond_the_vendors_memory_ends_unknown_only_where_there_is_doubt() {
    let due = NOON + RETENTION;
    let sure = settle(&held(), Some(&answered(503)), &retrying(due), NOON);
    assert_eq!(taken(claim(Some(&sure), &later(due, "2"))).series, 1);
    let doubtful = settle(&held(), Some(&lost()), &retrying(due), NOON);
    assert_eq!(
        closed(claim(Some(&doubtful), &later(due, "2"))).status,
        Status::Unknown
    );
}
