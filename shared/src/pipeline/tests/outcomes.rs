//! One story per row of the table of outcomes: what SQS, the ledger and the breaker get to see.

use std::sync::atomic::Ordering;

use super::acme::IN_USE;
use super::*;

#[tokio::test]
async fn delivered_is_acknowledged_and_completed_with_the_vendors_id() {
    let world = World::new();
    let report = world
        .receive([message("m1", body("k", "orders.create"))])
        .await;
    assert_eq!(report.entries[0].outcome, Outcome::Delivered);
    assert!(report.retained().is_empty());
    assert_eq!(report.calls.len(), 1);

    let record = world.record("k").expect("a record");
    assert_eq!((record.status, record.attempts), (Status::Completed, 1));
    let response = record.response.expect("an answer");
    assert_eq!(
        (response.status, response.object_id.as_deref()),
        (200, Some("obj_1"))
    );
    assert_eq!(
        world.breaker(),
        Default::default(),
        "nobody writes while the lane is healthy"
    );

    let call = &world.vendor.calls()[0];
    assert_eq!(call.authorization.as_deref(), Some("Bearer t0ken"));
    assert_eq!(call.body, r#"{"item":"k","amount":1}"#);
    let key = crate::request::vendor_key("acme#default#k", 1);
    assert_eq!(call.key.as_deref(), Some(key.as_str()));
}

#[tokio::test]
async fn an_answered_failure_is_retried_with_an_attempt_less_and_told_to_the_breaker() {
    let world = World::new();
    world.vendor.script([Reply::Status(503, "{}")]);
    let report = world
        .receive([message("m1", body("k", "orders.create"))])
        .await;
    let Outcome::Retry { code, until } = report.entries[0].outcome.clone() else {
        panic!("{:?}", report.entries[0].outcome);
    };
    assert_eq!(code, code::PROVIDER_UNAVAILABLE);
    assert_eq!(report.retained(), ["m1"]);
    assert_eq!(
        world.hidden_s(),
        until.since(NOON).as_millis().div_ceil(1000) as u64
    );
    let record = world.record("k").expect("a record");
    assert_eq!((record.status, record.attempts), (Status::Retrying, 1));
    assert_eq!(record.next_attempt_at, Some(until));
    assert_eq!(world.breaker().consecutive, 1);
}

#[tokio::test]
async fn a_refusal_goes_to_the_dead_letter_queue_with_its_reason_and_is_no_ill_health() {
    let world = World::new();
    world.vendor.script([Reply::Status(422, "{}")]);
    let report = world
        .receive([message("m1", body("k", "orders.create"))])
        .await;
    assert!(matches!(report.entries[0].outcome, Outcome::Rejected(_)));
    assert!(report.retained().is_empty(), "the letter acknowledges it");
    let letter = &world.letters()[0];
    assert_eq!(letter.reason.code, code::PROVIDER_REJECTED);
    assert_eq!(letter.reason.detail, "HTTP 422");
    assert_eq!(
        (letter.reason.attempts, letter.reason.provider_status),
        (1, Some(422))
    );
    assert_eq!(letter.reason.last_attempt, Some(NOON));
    assert_eq!(letter.body, body("k", "orders.create"));
    assert_eq!(
        world.record("k").map(|record| record.status),
        Some(Status::Rejected)
    );
    assert_eq!(world.breaker(), Default::default());
}

#[tokio::test]
async fn a_lost_answer_of_an_unsafe_operation_is_unknown_and_a_fault() {
    let world = World::new();
    world.vendor.script([Reply::Lost]);
    let report = world
        .receive([message("m1", body("k", "orders.post"))])
        .await;
    assert!(matches!(report.entries[0].outcome, Outcome::Unknown(_)));
    assert!(report.retained().is_empty());
    assert_eq!(world.letters()[0].reason.code, code::OUTCOME_UNKNOWN);
    assert_eq!(
        world.record("k").map(|record| record.status),
        Some(Status::Unknown)
    );
    assert_eq!(world.breaker().consecutive, 1);
}

/// It was called a timeout, counted against the provider and asked for again: five long answers opened the breaker.
#[tokio::test]
async fn an_answer_that_cannot_be_read_is_no_fault_and_not_asked_for_twice() {
    for operation in ["orders.create", "orders.replace", "orders.post"] {
        let world = World::new();
        world.vendor.script([Reply::Unreadable]);
        let outcome = world.outcome(message("m1", body("k", operation))).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
        let reason = &world.letters()[0].reason;
        assert_eq!(reason.code, code::OUTCOME_UNKNOWN);
        assert!(reason.detail.starts_with("answer_unreadable"), "{reason:?}");
        assert_eq!(reason.provider_status, Some(200));
        assert_eq!(world.breaker(), Default::default(), "{operation}");
    }
    // Where the vendor can be asked, what it says of the one object may be short enough.
    let world = World::new();
    world
        .vendor
        .script([Reply::Unreadable, Reply::Status(200, r#"{"id":"obj_1"}"#)]);
    let first = message("m1", body("k", "orders.book"));
    let outcome = world.outcome(first.clone()).await;
    assert!(
        matches!(outcome, Outcome::Retry { ref code, .. } if *code == code::ANSWER_UNREADABLE),
        "{outcome:?}"
    );
    world.clock.advance(secs(60));
    assert_eq!(world.outcome(first.again()).await, Outcome::Delivered);
    assert!(world.vendor.calls()[1].path.starts_with("/orders/cw"));
    assert_eq!(world.breaker(), Default::default());
}

/// A pooled connection that the vendor is closing takes the request's bytes and never answers: in doubt for nothing.
#[tokio::test]
async fn only_a_call_whose_doubt_nothing_settles_has_a_connection_of_its_own() {
    let world = World::new();
    for (operation, fresh) in [
        ("orders.create", false),
        ("orders.replace", false),
        ("orders.book", false),
        ("orders.post", true),
    ] {
        world
            .outcome(message(operation, body(operation, operation)))
            .await;
        let last = world.vendor.calls().pop().expect("a call");
        assert_eq!(last.fresh, fresh, "{operation}");
    }
}

#[tokio::test]
async fn what_was_never_sent_is_retried_even_where_nothing_may_be_repeated() {
    let world = World::new();
    world.vendor.script([Reply::NotSent]);
    let outcome = world.outcome(message("m1", body("k", "orders.post"))).await;
    assert!(matches!(outcome, Outcome::Retry { ref code, .. } if *code == code::CONNECT_FAILED));
    let record = world.record("k").expect("a record");
    assert!(!record.ambiguous && record.first_sent_at.is_none());
    assert_eq!(
        world.breaker().consecutive,
        1,
        "a provider that cannot be reached is unwell"
    );
}

#[tokio::test]
async fn a_lost_answer_of_a_keyed_operation_is_sent_again_under_the_same_key() {
    let world = World::new();
    world.vendor.script([Reply::Lost]);
    let first = message("m1", body("k", "orders.create"));
    let outcome = world.outcome(first.clone()).await;
    assert!(matches!(outcome, Outcome::Retry { ref code, .. } if *code == code::PROVIDER_TIMEOUT));
    world.clock.advance(secs(60));
    assert_eq!(world.outcome(first.again()).await, Outcome::Delivered);
    let calls = world.vendor.calls();
    assert_eq!(calls.len(), 2);
    assert_eq!(calls[0].key, calls[1].key);
    assert_eq!(world.vendor.effects().len(), 1);
}

#[tokio::test]
async fn a_retry_that_is_not_due_is_deferred_without_a_call() {
    let world = World::new();
    world.vendor.script([Reply::TryAfter(100)]);
    let first = message("m1", body("k", "orders.replace"));
    assert!(matches!(
        world.outcome(first.clone()).await,
        Outcome::Retry { .. }
    ));
    world.clock.advance(secs(40));
    let due = world.record("k").and_then(|record| record.next_attempt_at);
    let until = due.expect("a due time");
    let not_due = Outcome::Deferred {
        reason: Deferral::NotDue,
        until,
    };
    // Another message with the key, read for the first time, finds it at the claim; the same one, before.
    assert_eq!(world.vendor.calls().len(), 1);
    assert_eq!(world.outcome(first.again()).await, not_due);
    assert_eq!(world.hidden_s(), 60);
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_key_that_the_vendor_still_works_on_is_deferred_without_an_attempt() {
    let world = World::new();
    world.vendor.script([Reply::Status(IN_USE, "{}")]);
    let outcome = world
        .outcome(message("m1", body("k", "orders.create")))
        .await;
    assert!(matches!(
        outcome,
        Outcome::Deferred {
            reason: Deferral::KeyInProgress,
            ..
        }
    ));
    let record = world.record("k").expect("a record");
    assert_eq!((record.status, record.attempts), (Status::Retrying, 0));
    assert!(record.ambiguous, "the earlier call may yet take effect");
}

#[tokio::test]
async fn refused_credentials_pause_the_connection_and_forget_the_secret() {
    let world = World::new();
    world.vendor.script([Reply::Status(401, "{}")]);
    let outcome = world
        .outcome(message("m1", body("k", "orders.create")))
        .await;
    assert!(matches!(
        outcome,
        Outcome::Deferred {
            reason: Deferral::ConnectionPaused,
            ..
        }
    ));
    assert_eq!(world.secrets.forgotten.load(Ordering::SeqCst), 1);
    assert!(world.hidden_s() >= 15 * 60);
    assert_eq!(world.record("k").map(|record| record.attempts), Some(0));
    assert_eq!(
        world.breaker(),
        Default::default(),
        "our key is no ill health of theirs"
    );
}

#[tokio::test]
async fn a_connection_without_a_secret_is_paused_before_any_call() {
    let world = World::new();
    let mut request = request("k", "orders.create");
    request["connection"] = "nobody".into();
    let outcome = world.outcome(message("m1", request.to_string())).await;
    assert!(matches!(
        outcome,
        Outcome::Deferred {
            reason: Deferral::ConnectionPaused,
            ..
        }
    ));
    assert!(world.vendor.calls().is_empty());
}
