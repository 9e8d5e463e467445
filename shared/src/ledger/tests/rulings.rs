//! What operators say of requests that nobody else can tell of.

use super::super::state::resolve;
use super::*;

const LATER: Timestamp = Timestamp::from_millis(NOON.as_millis() + 600_000);

fn ruling(ruled: Ruled) -> Ruling<'static> {
    Ruling {
        ruled,
        by: "ada",
        reason: "looked it up in the vendor's dashboard",
        mark: "ruling-1",
        now: LATER,
    }
}

fn unknown() -> Record {
    let end = Settlement::Unknown(Closing::new(code::OUTCOME_UNKNOWN, "no answer"));
    settle(&held(), Some(&lost()), &end, NOON)
}

fn rejected_in_doubt() -> Record {
    let spent = Settlement::Rejected(Closing::new(code::ATTEMPTS_SPENT, "no answer"));
    settle(&held(), Some(&lost()), &spent, NOON)
}

fn written(resolution: Resolution) -> Record {
    match resolution {
        Resolution::Write(record) => record,
        other => panic!("expected a ruling, got {other:?}"),
    }
}

/// Message `m2`, made of `m1`'s letter.
fn redrive() -> Ask<'static> {
    Ask {
        message_id: "m2",
        mark: Some(1),
        ..later(LATER, "2")
    }
}

#[test]
fn unknown_becomes_completed_and_says_who_when_and_how() {
    let record = written(resolve(Some(&unknown()), &ruling(Ruled::Completed)));
    assert_eq!(record.status, Status::Completed);
    assert_eq!(record.owner, "operator/ada/ruling-1");
    assert_eq!(record.resolved_at, Some(LATER));
    assert_eq!(record.code, Some(code::RESOLVED));
    assert_eq!(
        record.detail.as_deref(),
        Some("looked it up in the vendor's dashboard")
    );
    assert_eq!((record.generation, record.ambiguous), (2, false));
    assert_eq!(record.expires_at, Some((LATER + LIFE).as_secs_ceil()));
    // Every copy is a duplicate from now on, redriven or not.
    for ask in [redrive(), later(LATER, "2")] {
        assert_eq!(found(claim(Some(&record), &ask)), Finding::Duplicate);
    }
}

#[test]
fn unknown_becomes_rejected_and_a_redrive_carries_it_out_under_a_new_vendor_key() {
    let record = written(resolve(Some(&unknown()), &ruling(Ruled::Rejected)));
    assert_eq!((record.status, record.ambiguous), (Status::Rejected, false));
    let same_message = found(claim(Some(&record), &later(LATER, "2")));
    assert_eq!(same_message, Finding::Closed(record.clone()));
    let anew = taken(claim(Some(&record), &redrive()));
    assert_eq!((anew.series, anew.attempts, anew.ambiguous), (2, 0, false));
    assert_eq!((anew.first_sent_at, anew.resolved_at), (None, None));
}

#[test]
fn a_rejection_in_doubt_can_be_ruled_on_too() {
    for (ruled, status) in [
        (Ruled::Completed, Status::Completed),
        (Ruled::Rejected, Status::Rejected),
    ] {
        let record = written(resolve(Some(&rejected_in_doubt()), &ruling(ruled)));
        assert_eq!((record.status, record.ambiguous), (status, false));
    }
}

#[test]
fn what_is_proven_is_not_overruled() {
    let done = settle(&held(), Some(&answered(200)), &completed(), NOON);
    let sure = settle(&held(), Some(&answered(422)), &rejected(), NOON);
    for (record, ruled) in [(done, Ruled::Rejected), (sure, Ruled::Completed)] {
        let status = record.status;
        assert_eq!(
            resolve(Some(&record), &ruling(ruled)),
            Resolution::Refused(Unresolvable::Settled(status))
        );
    }
}

#[test]
fn what_had_no_effect_is_dropped_once_and_still_says_why_it_ended() {
    let sure = settle(&held(), Some(&answered(422)), &rejected(), NOON);
    let dropped = written(resolve(Some(&sure), &ruling(Ruled::Dropped)));
    assert_eq!(
        (dropped.status, &dropped.code),
        (Status::Rejected, &sure.code)
    );
    assert_eq!(dropped.owner, "operator/ada/ruling-1");
    assert_eq!(dropped.resolved_at, Some(LATER));
    let again = resolve(Some(&dropped), &ruling(Ruled::Dropped));
    assert_eq!(again, Resolution::Already(dropped));
}

#[test]
fn what_may_have_taken_effect_is_not_dropped() {
    for record in [unknown(), rejected_in_doubt()] {
        assert_eq!(
            resolve(Some(&record), &ruling(Ruled::Dropped)),
            Resolution::Refused(Unresolvable::InDoubt)
        );
    }
}

#[test]
fn what_a_lane_has_in_hand_is_left_to_the_lane() {
    let waiting = settle(&held(), Some(&lost()), &retrying(LATER), NOON);
    for record in [held(), waiting] {
        for ruled in [Ruled::Completed, Ruled::Rejected, Ruled::Dropped] {
            assert_eq!(
                resolve(Some(&record), &ruling(ruled)),
                Resolution::Refused(Unresolvable::Open(record.status))
            );
        }
    }
}

#[test]
fn what_is_not_there_cannot_be_ruled_on() {
    let forgotten = settle(&held(), Some(&answered(422)), &rejected(), NOON - 2 * LIFE);
    for stored in [None, Some(&forgotten)] {
        assert_eq!(
            resolve(stored, &ruling(Ruled::Rejected)),
            Resolution::Refused(Unresolvable::Absent)
        );
    }
}

#[test]
fn the_same_ruling_again_changes_nothing() {
    for ruled in [Ruled::Completed, Ruled::Rejected] {
        let record = written(resolve(Some(&unknown()), &ruling(ruled)));
        let again = Ruling {
            mark: "ruling-2",
            ..ruling(ruled)
        };
        assert_eq!(
            resolve(Some(&record), &again),
            Resolution::Already(record.clone())
        );
    }
}
