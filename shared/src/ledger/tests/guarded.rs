//! Calls that the vendor's own key guards: no claim before them, one write after them.

use super::super::state::{guard, merge};
use super::*;
use crate::ledger::note_put_off;

/// `message`'s ask at `now`; on a later receive a call may have been sent since noon.
fn ask_of(message: &'static str, now: Timestamp, receive: u32) -> Ask<'static> {
    Ask {
        message_id: message,
        maybe_sent_since: (receive > 1).then_some(NOON),
        ..later(now, message)
    }
}

fn guarded(ask: &Ask<'_>) -> Hold {
    let record = guard(None, ask).expect("nothing stands in the way");
    Hold::guarded(record, ask.now)
}

/// A refusal under a key that the vendor honours.
fn refused() -> Attempt {
    Attempt {
        settles_earlier: true,
        ..answered(422)
    }
}

async fn ended(
    store: &MemoryLedger,
    hold: &Hold,
    attempt: Option<&Attempt>,
    how: &Settlement,
) -> Settled {
    let next = settle(&hold.record, attempt, how, NOON);
    super::super::settle(store, hold, &next)
        .await
        .expect("memory does not fail")
}

fn stored(store: &MemoryLedger) -> Record {
    store.records().remove(PK).expect("a record")
}

#[test]
fn only_a_first_receive_of_a_keyed_operation_without_a_record_needs_no_claim() {
    assert!(guard(None, &ask()).is_some());
    assert!(guard(None, &ask_of("m1", NOON, 2)).is_none());
    for safety in [Safety::Natural, Safety::Unsafe] {
        assert!(guard(None, &Ask { safety, ..ask() }).is_none());
    }
    let done = settle(&held(), Some(&answered(200)), &completed(), NOON);
    assert!(guard(Some(&done), &ask()).is_none());
    let forgotten = NOON + LIFE + secs(2);
    let anew = guard(Some(&done), &later(forgotten, "2")).expect("the record has expired");
    assert_eq!(anew.generation, done.generation + 1);
}

#[tokio::test]
async fn one_write_ends_it_and_a_duplicate_finds_it() {
    let store = MemoryLedger::default();
    let settled = ended(&store, &guarded(&ask()), Some(&answered(200)), &completed()).await;
    assert_eq!(settled, Settled::Ours);
    assert_eq!(stored(&store).status, Status::Completed);
    assert_eq!(
        found(claim(Some(&stored(&store)), &ask_of("m2", NOON, 1))),
        Finding::Duplicate
    );
}

#[test]
fn a_missing_record_on_a_later_receive_counts_as_a_call_sent_since_the_first() {
    let record = taken(claim(None, &ask_of("m1", NOON + secs(60), 2)));
    assert!(record.ambiguous);
    assert_eq!(record.first_sent_at, Some(NOON));
    let too_late = closed(claim(None, &ask_of("m1", NOON + RETENTION, 2)));
    assert_eq!(too_late.status, Status::Unknown);
}

#[test]
fn a_refusal_under_the_same_key_proves_the_earlier_calls_void() {
    let record = taken(claim(None, &ask_of("m1", NOON + secs(60), 2)));
    let next = settle(&record, Some(&refused()), &rejected(), NOON + secs(60));
    assert!(!next.ambiguous && next.expires_at.is_some());
    let unproven = settle(&record, Some(&answered(422)), &rejected(), NOON + secs(60));
    assert!(unproven.ambiguous && unproven.expires_at.is_none());
}

/// Found by model checking: a duplicate in a message of its own was first received while the first message's call was
/// under way, and sent a call that no record tells of. The first call's record bore the time of the call's start, so
/// that it seemed to have stood there already when the duplicate came. On its next receive the duplicate then started
/// anew under another vendor key, and the request could take effect twice.
#[tokio::test]
async fn a_record_written_after_a_duplicate_s_first_receive_does_not_hide_the_duplicate_s_call() {
    let store = MemoryLedger::default();
    let hold = guarded(&ask());
    let (received, end) = (NOON + secs(100), NOON + secs(200));
    let next = settle(&hold.record, Some(&answered(429)), &rejected(), end);
    let settled = super::super::settle(&store, &hold, &next).await;
    assert_eq!(settled, Ok(Settled::Ours));
    let again = Ask {
        message_id: "m2",
        maybe_sent_since: Some(received),
        ..later(end + secs(100), "2")
    };
    let record = taken(claim(Some(&stored(&store)), &again));
    assert!(record.ambiguous);
    assert_eq!(record.series, 1, "the vendor must see the same key");
}

#[tokio::test]
async fn what_was_noted_as_never_sent_is_claimed_without_doubt_however_late() {
    let store = MemoryLedger::default();
    note_put_off(&store, &ask())
        .await
        .expect("memory does not fail");
    let late = ask_of("m1", NOON + RETENTION * 3, 2);
    let record = taken(claim(Some(&stored(&store)), &late));
    assert!(!record.ambiguous && record.first_sent_at.is_none() && record.attempts == 0);
}

#[tokio::test]
async fn a_note_leaves_a_record_alone() {
    let store = MemoryLedger::default();
    ended(&store, &guarded(&ask()), Some(&answered(200)), &completed()).await;
    let before = stored(&store);
    note_put_off(&store, &ask_of("m2", NOON, 1))
        .await
        .expect("memory does not fail");
    assert_eq!(stored(&store), before);
}

#[tokio::test]
async fn of_two_guarded_calls_the_second_to_end_is_a_duplicate() {
    let store = MemoryLedger::default();
    let (one, two) = (guarded(&ask()), guarded(&ask_of("m2", NOON, 1)));
    ended(&store, &one, Some(&answered(200)), &completed()).await;
    let first = stored(&store);
    let settled = ended(&store, &two, Some(&answered(200)), &completed()).await;
    assert_eq!(settled, Settled::Lost(Some(Box::new(first.clone()))));
    assert_eq!(stored(&store), first);
}

#[tokio::test]
async fn a_delivered_call_outlives_a_copy_that_was_rejected_or_claimed_meanwhile() {
    let meanwhile = [
        settle(
            &guarded(&ask_of("m2", NOON, 1)).record,
            None,
            &rejected(),
            NOON,
        ),
        taken(claim(None, &ask_of("m2", NOON, 1))),
    ];
    for other in meanwhile {
        let store = MemoryLedger::default();
        let absent = Expected::AbsentOrExpired { now: NOON };
        store
            .write(&other, &absent)
            .await
            .expect("memory does not fail");
        let settled = ended(&store, &guarded(&ask()), Some(&answered(200)), &completed()).await;
        assert_eq!(settled, Settled::Ours);
        assert_eq!(stored(&store).status, Status::Completed);
        assert!(
            stored(&store).generation > other.generation,
            "the other one is fenced out"
        );
    }
}

#[tokio::test]
async fn a_call_that_may_have_taken_effect_leaves_its_doubt_on_the_record_that_came_between() {
    let store = MemoryLedger::default();
    ended(&store, &guarded(&ask_of("m2", NOON, 1)), None, &rejected()).await;
    let settled = ended(&store, &guarded(&ask()), Some(&lost()), &retrying(NOON)).await;
    let doubtful = stored(&store);
    assert_eq!(settled, Settled::Lost(Some(Box::new(doubtful.clone()))));
    assert!(doubtful.ambiguous && doubtful.expires_at.is_none());
    // A redrive must not get a new key at the vendor.
    let again = taken(claim(Some(&doubtful), &ask_of("m3", NOON + secs(9), 1)));
    assert_eq!(again.series, 1);
}

#[test]
fn a_call_that_died_unrecorded_leaves_its_doubt_too() {
    // m1 was received at noon and died; m2, a copy of it, was rejected after that.
    let rejected_later = settle(
        &guarded(&ask_of("m2", NOON, 1)).record,
        None,
        &rejected(),
        NOON,
    );
    let again = taken(claim(
        Some(&rejected_later),
        &ask_of("m1", NOON + secs(60), 2),
    ));
    assert!(again.ambiguous);
    assert_eq!((again.series, again.first_sent_at), (1, Some(NOON)));
    // A record older than the message's first receive was there to be read: nothing was sent unrecorded.
    let old = Record {
        series_since: NOON - secs(3600),
        ..rejected_later
    };
    let redriven = taken(claim(Some(&old), &ask_of("m1", NOON + secs(60), 2)));
    assert!(!redriven.ambiguous);
    assert_eq!(redriven.series, 2);
}

#[test]
fn a_closed_record_and_a_call_without_news_change_nothing() {
    let done = settle(&held(), Some(&answered(200)), &completed(), NOON);
    let ours = settle(
        &guarded(&ask()).record,
        Some(&lost()),
        &retrying(NOON),
        NOON,
    );
    assert_eq!(merge(&done, &ours), None);
    let waiting = settle(&held(), Some(&answered(503)), &retrying(NOON), NOON);
    let refused = settle(&guarded(&ask()).record, Some(&refused()), &rejected(), NOON);
    assert_eq!(merge(&waiting, &refused), None);
}

#[test]
fn a_conflict_that_meets_the_askers_own_unrecorded_call_is_for_a_person() {
    let other = |ask: Ask<'static>| Ask {
        payload_hash: "b",
        ..ask
    };
    let rejected_meanwhile = settle(
        &guarded(&other(ask_of("m2", NOON, 1))).record,
        None,
        &rejected(),
        NOON,
    );
    let back = ask_of("m1", NOON + secs(60), 2);
    let unknown = closed(claim(Some(&rejected_meanwhile), &back));
    assert_eq!(unknown.status, Status::Unknown);
    assert!(unknown.ambiguous && unknown.expires_at.is_none());
    // A holder gets to its end first, and what took effect under the key was not ours.
    let working = taken(claim(None, &other(ask_of("m2", NOON, 1))));
    assert_eq!(
        found(claim(Some(&working), &ask_of("m1", NOON + secs(6), 2))),
        Finding::InProgress(NOON + LEASE)
    );
    let done = settle(&working, Some(&answered(200)), &completed(), NOON);
    assert_eq!(found(claim(Some(&done), &back)), Finding::Conflict);
    // A first receive has sent nothing yet.
    assert_eq!(
        found(claim(Some(&working), &ask_of("m3", NOON + secs(6), 1))),
        Finding::Conflict
    );
}

#[tokio::test]
async fn a_long_wait_leaves_the_doubt_on_a_record_that_a_copy_has_made() {
    let store = MemoryLedger::default();
    // m1 was received at noon and died; m2, a copy of it, is put off for long, and so is m1 when it comes back.
    note_put_off(&store, &ask_of("m2", NOON + secs(5), 1))
        .await
        .expect("memory does not fail");
    note_put_off(&store, &ask_of("m1", NOON + secs(360), 2))
        .await
        .expect("memory does not fail");
    let doubtful = stored(&store);
    assert!(doubtful.ambiguous && doubtful.expires_at.is_none());
    assert_eq!(doubtful.first_sent_at, Some(NOON));
    // When the vendor has forgotten the key, nobody sends it again.
    let late = closed(claim(Some(&doubtful), &ask_of("m2", NOON + RETENTION, 2)));
    assert_eq!(late.status, Status::Unknown);
    // Told once, it is no news.
    note_put_off(&store, &ask_of("m1", NOON + secs(720), 3))
        .await
        .expect("memory does not fail");
    assert_eq!(stored(&store), doubtful);
}
