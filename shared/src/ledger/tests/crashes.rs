//! Leases that ended without a word.

use super::*;

/// Somebody's next try once the lease of `record` has ended.
fn survivor(record: &Record, alone: bool, safety: Safety) -> Ask<'static> {
    let now = record.lease_until.expect("a held record");
    Ask {
        alone,
        safety,
        ..later(now, "survivor")
    }
}

#[test]
fn whoever_died_with_it_runs_apart_from_the_next_batch() {
    let record = held();
    assert_eq!(
        found(claim(Some(&record), &survivor(&record, false, KEYED))),
        Finding::Suspect
    );
    let alone = taken(claim(Some(&record), &survivor(&record, true, KEYED)));
    assert!(alone.alone);
    assert_eq!(alone.generation, 2);
}

#[test]
fn a_dead_holder_counts_as_an_attempt_that_may_have_taken_effect() {
    let record = held();
    for safety in [KEYED, Safety::Natural] {
        let next = taken(claim(Some(&record), &survivor(&record, true, safety)));
        assert!(next.ambiguous);
        assert_eq!((next.attempts, next.series), (1, 1));
        assert_eq!(
            next.first_sent_at,
            Some(NOON),
            "the vendor's memory may have begun with the dead holder's claim"
        );
    }
}

#[test]
fn what_was_never_sent_before_is_in_doubt_only_since_the_dead_holders_claim() {
    // Connections failed for a day; then a holder died. The vendor's memory of the key cannot be older than its claim.
    let unsent = Attempt {
        sent: false,
        status: None,
        ..answered(0)
    };
    let later_on = NOON + RETENTION;
    let waiting = settle(&held(), Some(&unsent), &retrying(later_on), NOON);
    let dead = taken(claim(Some(&waiting), &later(later_on, "dead")));
    let next = taken(claim(Some(&dead), &survivor(&dead, true, KEYED)));
    assert_eq!(next.first_sent_at, Some(later_on));
}

#[test]
fn an_unsafe_operation_ends_unknown_without_another_run() {
    let record = held();
    for alone in [false, true] {
        let end = closed(claim(
            Some(&record),
            &survivor(&record, alone, Safety::Unsafe),
        ));
        assert_eq!(end.status, Status::Unknown);
        assert_eq!(end.code, Some(code::OUTCOME_UNKNOWN));
        assert_eq!((end.attempts, end.expires_at), (1, None));
    }
}

#[test]
fn a_keyed_operation_ends_unknown_once_the_vendor_has_forgotten_the_key() {
    let record = held();
    let late = Ask {
        now: NOON + RETENTION,
        ..survivor(&record, false, KEYED)
    };
    assert_eq!(closed(claim(Some(&record), &late)).status, Status::Unknown);
}

#[test]
fn the_third_lease_that_ended_alone_ends_the_request() {
    // The first crash took a whole batch along and says nothing about this record.
    let mut record = held();
    for crash in 0..state::MAX_CRASHES {
        let next = taken(claim(Some(&record), &survivor(&record, true, KEYED)));
        assert_eq!(next.crashes, crash);
        record = next;
    }
    let end = closed(claim(Some(&record), &survivor(&record, true, KEYED)));
    assert_eq!(
        end.status,
        Status::Unknown,
        "one of the dead may have called"
    );
    assert_eq!(end.code, Some(code::OUTCOME_UNKNOWN));
    let detail = end.detail.unwrap_or_default();
    assert!(detail.starts_with("crash_loop: "), "{detail}");
    assert_eq!(end.crashes, 3);
    assert_eq!(end.attempts, 4, "each dead holder may have called");
    assert!(end.ambiguous);
    assert_eq!(end.expires_at, None);
}

#[test]
fn a_redrive_of_a_crash_loop_gets_three_more_lives_under_the_old_key() {
    let end = Record {
        alone: true,
        crashes: 2,
        ..held()
    };
    let end = closed(claim(Some(&end), &survivor(&end, true, KEYED)));
    let again = taken(claim(
        Some(&end),
        &Ask {
            message_id: "m2",
            mark: Some(end.closing),
            ..later(NOON + secs(3600), "2")
        },
    ));
    assert_eq!((again.crashes, again.series), (0, 1));
}

#[test]
fn one_settled_run_clears_the_suspicion() {
    let alone = Record {
        alone: true,
        crashes: 2,
        ..held()
    };
    let waiting = settle(&alone, Some(&answered(503)), &retrying(NOON), NOON);
    assert_eq!((waiting.alone, waiting.crashes), (false, 0));
    let next = taken(claim(Some(&waiting), &later(NOON, "2")));
    assert_eq!(next.crashes, 0);
}
