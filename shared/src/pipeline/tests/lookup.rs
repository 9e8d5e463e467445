//! Operations whose doubt the vendor itself can settle.

use super::acme::{EXISTS, SETTLE, THEIRS};
use super::*;

const FOUND: Reply = Reply::Status(200, r#"{"id":"obj_found"}"#);
const NOT_FOUND: Reply = Reply::Status(404, "{}");

/// A booking whose answer was lost, received again when the vendor shows what it has done.
async fn booked_in_doubt() -> (World, Message) {
    let world = World::new();
    let first = message("m1", body("k", "orders.book"));
    world.vendor.script([Reply::Lost]);
    let outcome = world.outcome(first.clone()).await;
    let Outcome::Retry { until, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(
        until >= NOON + SETTLE,
        "nobody asks before the vendor can tell"
    );
    let reference = crate::request::vendor_key("acme#default#k", 1);
    assert!(world.vendor.calls()[0].body.contains(&reference));
    world.clock.advance(until.since(NOON));
    (world, first.again())
}

#[tokio::test]
async fn what_is_found_is_done_without_another_call() {
    let (world, again) = booked_in_doubt().await;
    world.vendor.script([FOUND]);
    assert_eq!(world.outcome(again).await, Outcome::Delivered);
    let record = world.record("k").expect("a record");
    assert_eq!(
        (record.status, record.ambiguous),
        (Status::Completed, false)
    );
    let response = record.response.expect("what was found");
    assert_eq!(
        (response.status, response.object_id.as_deref()),
        (200, Some("obj_found"))
    );
    let calls = world.vendor.calls();
    let reference = crate::request::vendor_key("acme#default#k", 1);
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[1].path, format!("/orders/{reference}"));
    assert_eq!(calls[1].authorization.as_deref(), Some("Bearer t0ken"));
    assert_eq!(world.vendor.effects().values().sum::<u32>(), 1);
}

#[tokio::test]
async fn what_was_never_done_is_sent_again_and_a_refusal_then_leaves_no_doubt() {
    let (world, again) = booked_in_doubt().await;
    world.vendor.script([NOT_FOUND, Reply::Status(422, "{}")]);
    world.outcome(again.clone()).await;
    world.clock.advance(secs(2));
    assert!(matches!(
        world.outcome(again.again()).await,
        Outcome::Rejected(_)
    ));
    let record = world.record("k").expect("a record");
    assert_eq!((record.status, record.ambiguous), (Status::Rejected, false));
    assert!(record.expires_at.is_some());
}

#[tokio::test]
async fn an_answer_that_does_not_tell_is_asked_for_again_and_spends_no_attempt() {
    let (world, again) = booked_in_doubt().await;
    world.vendor.script([Reply::Status(500, "{}")]);
    let outcome = world.outcome(again.clone()).await;
    let Outcome::Deferred {
        reason: Deferral::Settling,
        until,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert_eq!(world.record("k").expect("a record").attempts, 1);
    world.clock.advance(secs(60).max(until.since(NOON)));
    world.vendor.script([FOUND]);
    assert_eq!(world.outcome(again.again()).await, Outcome::Delivered);
}

#[tokio::test]
async fn not_found_counts_only_when_the_vendor_has_had_its_time_since_a_dead_holders_lease() {
    let world = World::new();
    let first = message("m1", body("k", "orders.book"));
    world.vendor.script([Reply::Hang]);
    {
        let mut running = Box::pin(world.receive([first.clone()]));
        assert!(futures_util::poll!(&mut running).is_pending());
    }
    // The lease ends 5 s after the function's 60; the holder may have sent until then.
    world.clock.advance(secs(66));
    world.vendor.script([NOT_FOUND]);
    let outcome = world.outcome(first.again()).await;
    let Outcome::Deferred {
        reason: Deferral::Settling,
        until,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(until >= NOON + secs(65) + SETTLE, "{until}");
    world.clock.advance(until.since(NOON + secs(66)));
    world.vendor.script([FOUND]);
    assert_eq!(
        world.outcome(first.again().again()).await,
        Outcome::Delivered
    );
    assert_eq!(world.vendor.effects().values().sum::<u32>(), 1);
}

#[tokio::test]
async fn a_vendor_that_does_not_tell_for_a_day_leaves_it_to_a_person() {
    let (world, again) = booked_in_doubt().await;
    world.vendor.always(Some(Reply::Status(500, "{}")));
    world.clock.advance(secs(25 * 60 * 60));
    let outcome = world.outcome(again).await;
    let Outcome::Unknown(reason) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reason.code, code::OUTCOME_UNKNOWN);
    assert_eq!(world.letters().len(), 1);
}

#[tokio::test]
async fn asking_is_a_whole_attempts_call_and_what_was_learned_is_kept() {
    let (world, again) = booked_in_doubt().await;
    let before = world.vendor.calls().len();
    world.vendor.script([NOT_FOUND]);
    assert_eq!(world.outcome(again.clone()).await.code(), Some("settling"));
    assert_eq!(world.vendor.calls().len(), before + 1);
    assert!(!world.record("k").expect("a record").ambiguous);

    world.clock.advance(secs(2));
    assert_eq!(world.outcome(again.again()).await, Outcome::Delivered);
    assert_eq!(world.vendor.calls().len(), before + 2);
}

/// A booking that the vendor says is there already, received again when the vendor can be asked.
async fn booked_and_there() -> (World, Message) {
    let world = World::new();
    let first = message("m1", body("k", "orders.book"));
    world.vendor.script([Reply::Status(EXISTS, "{}")]);
    let outcome = world.outcome(first.clone()).await;
    let Outcome::Retry { until, code } = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(code, code::ALREADY_EXISTS);
    world.clock.advance(until.since(NOON));
    (world, first.again())
}

#[tokio::test]
async fn what_exists_and_is_ours_is_done() {
    let (world, again) = booked_and_there().await;
    world.vendor.script([FOUND]);
    assert_eq!(world.outcome(again).await, Outcome::Delivered);
    assert_eq!(world.vendor.calls().len(), 2);
}

#[tokio::test]
async fn what_exists_and_cannot_be_found_or_is_somebody_elses_is_rejected_without_doubt() {
    for answer in [NOT_FOUND, Reply::Status(200, THEIRS)] {
        let (world, again) = booked_and_there().await;
        world.vendor.script([answer]);
        let outcome = world.outcome(again).await;
        assert!(
            matches!(&outcome, Outcome::Rejected(reason) if reason.code == code::PROVIDER_REJECTED),
            "{outcome:?}"
        );
        assert_eq!(world.vendor.calls().len(), 2, "it is not sent again");
        let record = world.record("k").expect("a record");
        assert!(!record.ambiguous && record.expires_at.is_some());
    }
}

#[tokio::test]
async fn what_exists_is_a_rejection_where_nobody_can_be_asked() {
    let world = World::new();
    world.vendor.script([Reply::Status(EXISTS, "{}")]);
    let outcome = world
        .outcome(message("m1", body("k", "orders.replace")))
        .await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    assert_eq!(world.letters()[0].reason.detail, "taken");
}

/// A 401 that may be the token's and not the vendor's judgement: with a dead token both the call and the lookup get
/// one, and a later "not found" must not reject what nobody has judged.
#[tokio::test]
async fn what_seemed_to_exist_is_forgotten_when_the_lookup_is_refused_for_its_credentials() {
    let (world, again) = booked_and_there().await;
    world.vendor.script([Reply::Status(401, "{}")]);
    let outcome = world.outcome(again.clone()).await;
    assert!(matches!(outcome, Outcome::Deferred { .. }), "{outcome:?}");
    let record = world.record("k").expect("a record");
    assert_eq!((record.ambiguous, record.code), (true, None));

    world.secrets.put("default", r#"{"token":"another"}"#);
    world.clock.advance(secs(3600));
    world.vendor.script([NOT_FOUND]);
    let outcome = world.outcome(again.again()).await;
    assert_eq!(outcome.code(), Some("settling"), "{outcome:?}");
    world.clock.advance(secs(2));
    let delivered = world.outcome(again.again().again()).await;
    assert_eq!(delivered, Outcome::Delivered);
}
