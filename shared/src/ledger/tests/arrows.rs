//! Every arrow of the diagram in the module's page.

use super::*;

const LATER: Timestamp = Timestamp::from_millis(NOON.as_millis() + 600_000);

#[test]
fn absent_becomes_in_progress_of_generation_one() {
    let record = held();
    assert_eq!(record.status, Status::InProgress);
    assert_eq!(
        (record.generation, record.series, record.attempts),
        (1, 1, 0)
    );
    assert_eq!(record.lease_until, Some(NOON + LEASE));
    assert_eq!(record.message_id, "m1");
    assert_eq!(
        record.expires_at, None,
        "a held claim may be an effect that nobody knows of"
    );
}

#[test]
fn an_expired_record_is_as_good_as_none_even_while_the_table_still_has_it() {
    let done = settle(&held(), Some(&answered(200)), &completed(), NOON);
    let edge = NOON + LIFE;
    assert_eq!(
        found(claim(Some(&done), &later(edge, "2"))),
        Finding::Duplicate
    );

    let after = later(edge + Duration::from_millis(1), "2");
    let again = taken(claim(
        Some(&done),
        &Ask {
            payload_hash: "another",
            ..after
        },
    ));
    assert_eq!((again.generation, again.series, again.attempts), (2, 1, 0));
    assert_eq!(again.payload_hash, "another");
    assert_eq!(again.response, None);
}

#[test]
fn in_progress_becomes_completed_with_the_vendors_answer() {
    let done = settle(&held(), Some(&answered(201)), &completed(), LATER);
    assert_eq!(done.status, Status::Completed);
    assert_eq!(done.attempts, 1);
    assert_eq!(done.first_sent_at, Some(NOON));
    assert_eq!(done.lease_until, None);
    let response = done.response.clone().expect("the vendor answered");
    assert_eq!(response.status, 201);
    assert_eq!(response.object_id.as_deref(), Some("obj_1"));
    assert_eq!(done.expires_at, Some((LATER + LIFE).as_secs_ceil()));
}

#[test]
fn in_progress_becomes_retrying_one_attempt_the_poorer() {
    let waiting = settle(&held(), Some(&answered(503)), &retrying(LATER), NOON);
    assert_eq!(waiting.status, Status::Retrying);
    assert_eq!(waiting.attempts, 1);
    assert_eq!(waiting.next_attempt_at, Some(LATER));
    assert_eq!(waiting.code, Some(code::PROVIDER_UNAVAILABLE));
    assert_eq!((waiting.owner, waiting.generation), (held().owner, 1));
}

#[test]
fn a_release_without_a_call_spends_no_attempt() {
    let released = Settlement::Released {
        due: LATER,
        reason: Deferral::ConnectionPaused,
    };
    let waiting = settle(&held(), None, &released, NOON);
    assert_eq!((waiting.status, waiting.attempts), (Status::Retrying, 0));
    assert_eq!(waiting.first_sent_at, None);
    // The vendor's "key in use" came after a call, and spends none either; but something of ours is under way there.
    let waiting = settle(&held(), Some(&lost()), &released, NOON);
    assert_eq!((waiting.attempts, waiting.ambiguous), (0, true));
    assert_eq!(waiting.first_sent_at, Some(NOON));
}

#[test]
fn in_progress_becomes_rejected_with_its_reason() {
    let record = settle(&held(), Some(&answered(422)), &rejected(), NOON);
    assert_eq!(record.status, Status::Rejected);
    assert_eq!(record.code, Some(code::PROVIDER_REJECTED));
    assert_eq!(record.detail.as_deref(), Some("HTTP 422"));
    assert_eq!(record.expires_at, Some((NOON + LIFE).as_secs_ceil()));
}

#[test]
fn in_progress_becomes_unknown_and_is_kept_until_somebody_resolves_it() {
    let unknown = Settlement::Unknown(Closing::new(code::OUTCOME_UNKNOWN, "no answer"));
    let record = settle(&held(), Some(&lost()), &unknown, NOON);
    assert_eq!(record.status, Status::Unknown);
    assert!(record.ambiguous);
    assert_eq!(record.expires_at, None);
    assert!(!record.is_expired(NOON + 100 * LIFE));
}

#[test]
fn retrying_waits_until_it_is_due_and_is_then_claimed_again() {
    let waiting = settle(&held(), Some(&answered(503)), &retrying(LATER), NOON);
    let early = later(LATER - Duration::from_millis(1), "2");
    assert_eq!(found(claim(Some(&waiting), &early)), Finding::NotDue(LATER));
    let again = taken(claim(Some(&waiting), &later(LATER, "2")));
    assert_eq!((again.generation, again.series, again.attempts), (2, 1, 1));
    assert_eq!(again.owner, "2");
    assert!(
        !again.ambiguous,
        "a definite failure leaves nothing to doubt"
    );
    assert_eq!(again.expires_at, None);
}

#[test]
fn a_lease_that_lasts_keeps_everybody_out() {
    let end = NOON + LEASE;
    let early = later(end - Duration::from_millis(1), "2");
    assert_eq!(
        found(claim(Some(&held()), &early)),
        Finding::InProgress(end)
    );
}

#[test]
fn completed_absorbs_the_same_request_from_whichever_message() {
    let done = settle(&held(), Some(&answered(200)), &completed(), NOON);
    for message_id in ["m1", "m2"] {
        let again = Ask {
            message_id,
            ..later(LATER, "2")
        };
        assert_eq!(found(claim(Some(&done), &again)), Finding::Duplicate);
    }
}

#[test]
fn another_payload_under_the_key_is_a_conflict_whatever_the_record_does() {
    let other = Ask {
        payload_hash: "b",
        message_id: "m2",
        ..later(LATER, "2")
    };
    let waiting = settle(&held(), Some(&answered(503)), &retrying(NOON), NOON);
    let done = settle(&held(), Some(&answered(200)), &completed(), NOON);
    for record in [held(), waiting, done] {
        let status = record.status;
        assert_eq!(
            found(claim(Some(&record), &other)),
            Finding::Conflict,
            "{status:?}"
        );
    }
}

#[test]
fn success_proves_earlier_doubts_void() {
    let doubtful = settle(&held(), Some(&lost()), &retrying(LATER), NOON);
    assert!(doubtful.ambiguous);
    assert_eq!(
        doubtful.expires_at, None,
        "what may have taken effect is not forgotten"
    );
    let again = taken(claim(Some(&doubtful), &later(LATER, "2")));
    assert!(again.ambiguous);
    let done = settle(&again, Some(&answered(200)), &completed(), LATER);
    assert!(!done.ambiguous);
    assert_eq!(done.expires_at, Some((LATER + LIFE).as_secs_ceil()));
}

#[test]
fn a_definite_failure_does_not_settle_an_earlier_doubt() {
    let doubtful = settle(&held(), Some(&lost()), &retrying(LATER), NOON);
    let again = taken(claim(Some(&doubtful), &later(LATER, "2")));
    let record = settle(&again, Some(&answered(403)), &rejected(), LATER);
    assert_eq!(record.status, Status::Unknown);
    assert_eq!(record.code, Some(code::OUTCOME_UNKNOWN));
    assert_eq!(
        record.detail.as_deref(),
        Some("provider_rejected: HTTP 422")
    );
    assert!(record.ambiguous);
    assert_eq!(record.expires_at, None);
    let speaks = Attempt {
        settles_earlier: true,
        ..answered(402)
    };
    let record = settle(&again, Some(&speaks), &rejected(), LATER);
    assert_eq!((record.status, record.ambiguous), (Status::Rejected, false));
}

#[test]
fn what_is_proven_void_was_never_sent() {
    // The vendor's memory, which a resend counts on, runs from the earliest send that may have taken effect.
    let sure = settle(&held(), Some(&answered(503)), &retrying(LATER), NOON);
    assert_eq!(sure.first_sent_at, None);
    let doubtful = settle(&held(), Some(&lost()), &retrying(LATER), NOON);
    assert_eq!(doubtful.first_sent_at, Some(NOON));
}

#[test]
fn a_request_that_nobody_holds_ends_without_a_call() {
    let spent = Closing::new(code::QUEUE_TIME_SPENT, "last deferral: breaker_open");
    let at = later(LATER, "2");
    let fresh = closed(end(None, &at, &spent));
    assert_eq!(fresh.status, Status::Rejected);
    assert_eq!((fresh.attempts, fresh.closing), (0, fresh.generation));
    assert_eq!(fresh.expires_at, Some((LATER + LIFE).as_secs_ceil()));

    for due in [NOON, LATER + secs(60)] {
        let sure = settle(&held(), Some(&answered(503)), &retrying(due), NOON);
        let ended = closed(end(Some(&sure), &at, &spent));
        assert_eq!(ended.status, Status::Rejected, "due at {due}");
        assert_eq!(ended.code, Some(code::QUEUE_TIME_SPENT));
        let doubtful = settle(&held(), Some(&lost()), &retrying(due), NOON);
        let ended = closed(end(Some(&doubtful), &at, &spent));
        assert_eq!(ended.status, Status::Unknown, "due at {due}");
        let detail = ended.detail.unwrap_or_default();
        assert!(detail.starts_with("queue_time_spent: "), "{detail}");
    }
    assert_eq!(
        closed(end(Some(&held()), &at, &spent)).status,
        Status::Unknown
    );
}

#[test]
fn an_end_without_a_call_leaves_alone_what_others_have_in_hand_or_have_ended() {
    let spent = Closing::new(code::QUEUE_TIME_SPENT, "last deferral: key_in_progress");
    let early = later(NOON + secs(1), "2");
    let running = found(end(Some(&held()), &early, &spent));
    assert_eq!(running, Finding::InProgress(NOON + LEASE));
    let done = settle(&held(), Some(&answered(200)), &completed(), NOON);
    assert_eq!(found(end(Some(&done), &early, &spent)), Finding::Duplicate);
    let refused = settle(&held(), Some(&answered(422)), &rejected(), NOON);
    assert_eq!(
        found(end(Some(&refused), &early, &spent)),
        Finding::Closed(refused)
    );
}
