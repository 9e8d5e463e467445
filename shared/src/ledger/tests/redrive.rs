//! A message that finds its request at an end: a person's redrive of the end's letter, a copy, or the end's own message.

use super::*;

const LATER: Timestamp = Timestamp::from_millis(NOON.as_millis() + 600_000);

/// Message `m2`, made of the letter of `end`.
fn redrive(end: &Record, payload_hash: &'static str) -> Ask<'static> {
    Ask {
        message_id: "m2",
        payload_hash,
        sent_at: LATER,
        mark: Some(end.closing),
        ..later(LATER, "2")
    }
}

/// Message `m2` of the same producer, sent at `sent_at` and received ten minutes after the end.
fn copy(sent_at: Timestamp, payload_hash: &'static str) -> Ask<'static> {
    Ask {
        message_id: "m2",
        payload_hash,
        sent_at,
        ..later(LATER, "2")
    }
}

fn refused() -> Record {
    settle(&held(), Some(&answered(422)), &rejected(), NOON)
}

fn in_doubt() -> Record {
    let spent = Settlement::Rejected(Closing::new(code::ATTEMPTS_SPENT, "no answer"));
    settle(&held(), Some(&lost()), &spent, NOON)
}

#[test]
fn an_end_says_which_one_it_is_and_when() {
    for end in [refused(), in_doubt()] {
        assert_eq!((end.closing, end.closed_at), (1, Some(NOON)));
    }
}

#[test]
fn the_message_that_ended_it_finds_its_letter_and_no_new_attempt() {
    for end in [refused(), in_doubt()] {
        let again = found(claim(Some(&end), &later(LATER, "2")));
        assert_eq!(again, Finding::Closed(end.clone()));
        // Its mark is of the end before: a redrive whose own letter was never sent.
        let redriven = Ask {
            mark: Some(0),
            ..later(LATER, "2")
        };
        assert_eq!(found(claim(Some(&end), &redriven)), Finding::Closed(end));
    }
}

#[test]
fn five_copies_of_a_refused_request_make_one_attempt() {
    // A batch of five copies, the card declined: each of the other four was taken for a redrive, and went out under a
    // vendor key of its own.
    let end = refused();
    for sent_at in [NOON - secs(4), NOON, NOON + secs(4)] {
        let again = found(claim(Some(&end), &copy(sent_at, "a")));
        assert_eq!(again, Finding::Closed(end.clone()), "nobody may have heard");
    }
    let long_before = found(claim(Some(&end), &copy(NOON - secs(6), "a")));
    assert_eq!(long_before, Finding::Duplicate);
}

#[test]
fn five_letters_of_one_end_that_go_again_together_make_one_series() {
    for first in [refused(), in_doubt()] {
        let again = taken(claim(Some(&first), &redrive(&first, "a")));
        let end = settle(&again, Some(&answered(422)), &rejected(), LATER);
        let other = Ask {
            message_id: "m3",
            mark: Some(first.closing),
            ..redrive(&end, "a")
        };
        assert_eq!(found(claim(Some(&end), &other)), Finding::Duplicate);
    }
}

#[test]
fn a_redrive_after_a_definite_rejection_starts_a_new_series_with_all_attempts() {
    let again = taken(claim(Some(&refused()), &redrive(&refused(), "a")));
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
fn a_letter_from_before_letters_had_marks_is_of_a_record_that_has_none() {
    let old = Record {
        closing: 0,
        closed_at: None,
        ..refused()
    };
    assert_eq!(taken(claim(Some(&old), &redrive(&old, "a"))).series, 2);
}

#[test]
fn a_corrected_payload_may_take_the_place_of_one_that_had_no_effect() {
    let again = taken(claim(Some(&refused()), &redrive(&refused(), "b")));
    assert_eq!((again.series, again.payload_hash.as_str()), (2, "b"));
    // A producer's own correction, under the same key.
    let again = taken(claim(Some(&refused()), &copy(NOON + secs(6), "b")));
    assert_eq!((again.series, again.payload_hash.as_str()), (2, "b"));
    let meanwhile = found(claim(Some(&refused()), &copy(NOON + secs(4), "b")));
    assert_eq!(meanwhile, Finding::Conflict, "it was sent beside the first");
}

#[test]
fn a_redrive_after_doubt_keeps_the_vendors_key_and_the_doubt() {
    // A new key would let the vendor do twice what it may have done once.
    let again = taken(claim(Some(&in_doubt()), &redrive(&in_doubt(), "a")));
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
    let record = in_doubt();
    for ask in [redrive(&record, "b"), copy(NOON + secs(6), "b")] {
        assert_eq!(found(claim(Some(&record), &ask)), Finding::Conflict);
    }
}

#[test]
fn what_nothing_can_settle_stays_unknown_and_its_letter_goes_out_again() {
    let record = in_doubt();
    let late = Ask {
        now: NOON + RETENTION,
        ..redrive(&record, "a")
    };
    let hopeless = Ask {
        safety: Safety::Unsafe,
        ..redrive(&record, "a")
    };
    for ask in [late, hopeless] {
        assert_eq!(
            found(claim(Some(&record), &ask)),
            Finding::Closed(record.clone())
        );
    }
}

#[test]
fn a_letter_of_an_end_that_the_ledger_has_forgotten_is_neither_swallowed_nor_sent() {
    let ask = Ask {
        mark: Some(9),
        ..redrive(&refused(), "a")
    };
    assert_eq!(
        found(claim(Some(&refused()), &ask)),
        Finding::Closed(refused())
    );
}

#[test]
fn a_ruling_leaves_the_mark_so_that_the_letter_can_go_again() {
    let ruling = Ruling {
        ruled: Ruled::Rejected,
        by: "ada",
        reason: "looked",
        mark: "ruling-1",
        now: LATER,
    };
    let Resolution::Write(ruled) = state::resolve(Some(&in_doubt()), &ruling) else {
        panic!("an unknown end can be ruled on");
    };
    let again = taken(claim(Some(&ruled), &redrive(&in_doubt(), "a")));
    assert_eq!((again.series, again.ambiguous), (2, false));
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
