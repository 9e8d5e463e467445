//! The rate limits as messages meet them.

use std::sync::Arc;

use serde_json::Value;

use super::crashes::Yielding;
use super::*;
use crate::Timestamp;
use crate::clock::Clock;
use crate::lanes::StateStore;
use crate::lanes::watched::WatchedStates;
use crate::limiter::{CLOCK_SLACK, LimitState};
use crate::queue::Message;

/// A request that one desk's own limit applies to: one call a second.
fn at_desk(id: &str, desk: &str) -> Message {
    let mut request = request(id, "orders.post");
    request["payload"]["desk"] = desk.into();
    message(id, request.to_string())
}

fn limit(world: &World, scope: &str) -> LimitState {
    let stored = world
        .states
        .values()
        .remove(&format!("acme#default#limit#{scope}"));
    let value = stored.map_or(Value::Null, |stored| stored.value);
    serde_json::from_value(value).unwrap_or_default()
}

fn deferred(outcome: &Outcome) -> (Deferral, Timestamp) {
    match outcome {
        Outcome::Deferred { reason, until } => (*reason, *until),
        other => panic!("expected a deferral, got {other:?}"),
    }
}

#[tokio::test]
async fn what_the_limit_refuses_comes_back_in_slots_of_its_own_without_a_trace_in_the_ledger() {
    let world = World::new();
    let batch = [
        at_desk("a", "north"),
        at_desk("b", "north"),
        at_desk("c", "north"),
        at_desk("d", "south"),
    ];
    let mut report = world.receive(batch.clone()).await;
    report
        .entries
        .sort_by(|one, other| one.message_id.cmp(&other.message_id));
    assert_eq!(report.entries[0].outcome, Outcome::Delivered);
    assert_eq!(
        report.entries[3].outcome,
        Outcome::Delivered,
        "another desk has a limit of its own"
    );
    let (reason, second) = deferred(&report.entries[1].outcome);
    assert_eq!(reason, Deferral::RateLimited);
    let (_, third) = deferred(&report.entries[2].outcome);
    for slot in [second, third] {
        assert!(NOON + secs(1) < slot && slot < NOON + secs(4), "{slot}");
    }
    assert_eq!(report.retained().len(), 2);
    assert!(world.record("b").is_none() && world.record("c").is_none());

    // Slots stand closer than tokens come, so that no token waits for a message: who finds none gets another.
    let mut waiting = vec![(second, batch[1].clone()), (third, batch[2].clone())];
    for _ in 0..6 {
        waiting.sort_by_key(|(slot, _)| std::cmp::Reverse(*slot));
        let Some((slot, message)) = waiting.pop() else {
            break;
        };
        world.clock.sleep_until(slot).await;
        let outcome = world.outcome(message.again()).await;
        if outcome != Outcome::Delivered {
            waiting.push((deferred(&outcome).1, message));
        }
    }
    let calls = world.vendor.calls();
    assert_eq!(calls.len(), 4);
    assert!(calls[2].at.since(calls[0].at) > secs(1) && calls[3].at.since(calls[2].at) > secs(1));
}

#[tokio::test]
async fn a_token_that_a_narrower_limit_wasted_goes_back() {
    let world = World::new();
    world
        .receive([at_desk("a", "north"), at_desk("b", "north")])
        .await;
    assert_eq!(limit(&world, "account").sums["account"], 1, "one call");
}

#[tokio::test]
async fn a_vendors_retry_after_stops_the_narrowest_scope_only() {
    let world = World::new();
    world.vendor.script([Reply::TryAfter(30)]);
    let outcome = world.outcome(at_desk("a", "north")).await;
    let Outcome::Retry { code, until } = outcome else {
        panic!("{outcome:?}");
    };
    let told = world.vendor.calls()[0].at;
    assert_eq!((code, until), (code::RATE_LIMITED, told + secs(30)));
    assert_eq!(
        limit(&world, "desk=north").blocked_until,
        Some(told + secs(30) + CLOCK_SLACK)
    );
    assert_eq!(limit(&world, "account").blocked_until, None);
    assert_eq!(
        world.breaker(),
        Default::default(),
        "a limit is no ill health"
    );

    world.clock.advance(secs(5));
    let (reason, until) = deferred(&world.outcome(at_desk("b", "north")).await);
    assert_eq!(reason, Deferral::RateLimited);
    assert!(until >= NOON + secs(30));
    assert_eq!(
        world.outcome(at_desk("c", "south")).await,
        Outcome::Delivered
    );
    assert_eq!(world.vendor.calls().len(), 2);
}

#[tokio::test]
async fn without_a_narrower_scope_the_account_stands_still() {
    let world = World::new();
    world.vendor.script([Reply::TryAfter(30)]);
    world
        .outcome(message("m1", body("a", "orders.create")))
        .await;
    assert_eq!(
        limit(&world, "account").blocked_until,
        Some(NOON + secs(30) + CLOCK_SLACK)
    );
    let (reason, _) = deferred(&world.outcome(at_desk("b", "north")).await);
    assert_eq!(reason, Deferral::RateLimited);
}

#[tokio::test]
async fn two_waits_that_come_at_once_are_both_heard() {
    // Both corrections carried one mark, so that the loser took the winner's write for its own, and the longer wait
    // was forgotten by all but this environment.
    let states = Arc::new(WatchedStates::default());
    let shared: Arc<dyn StateStore> = states.clone();
    let world = World::with(|seams| seams.states = Arc::new(Yielding(shared)));
    world
        .vendor
        .script([Reply::TryAfter(10), Reply::TryAfter(60)]);
    world
        .receive([
            message("m1", body("a", "orders.create")),
            message("m2", body("b", "orders.create")),
        ])
        .await;
    let stored = states.inner.values().remove("acme#default#limit#account");
    let value = stored.expect("tokens were taken").value;
    assert_eq!(
        value["stopped_until"],
        (NOON + secs(60) + CLOCK_SLACK).as_millis()
    );
}

#[tokio::test]
async fn when_nobody_can_be_asked_for_leave_nothing_is_called() {
    let states = Arc::new(WatchedStates::default());
    let world = World::with(|seams| seams.states = states.clone());
    states.fail(true);
    let first = message("m1", body("a", "orders.create"));
    let (reason, until) = deferred(&world.outcome(first.clone()).await);
    assert_eq!(reason, Deferral::StoreUnavailable);
    assert!(until > world.clock.now());
    assert!(world.vendor.calls().is_empty() && world.ledger.records().is_empty());

    states.fail(false);
    world.clock.advance(secs(10));
    assert_eq!(world.outcome(first.again()).await, Outcome::Delivered);
}
