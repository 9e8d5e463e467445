//! Requests in their producer's own shape.

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::lanes::watched::WatchedStates;
use crate::lanes::{StateStore, Swap};
use crate::mapping::MappingError;
use crate::pipeline::state;

fn mapped(key: &str, operation: &str, mapping: &str, payload: Value) -> Message {
    let mut request = request(key, operation);
    request["mapping"] = json!(mapping);
    request["payload"] = payload;
    message(&format!("m-{key}"), request.to_string())
}

fn order(key: &str) -> Message {
    let payload = json!({"article": "tea", "count": 2});
    mapped(key, "orders.create", "till-order", payload)
}

fn post(key: &str, desk: u32) -> Message {
    let payload = json!({"article": key, "desk": {"number": desk}});
    mapped(key, "orders.post", "till-post", payload)
}

fn failed(outcome: &Outcome, words: &str) {
    let Outcome::Rejected(reason) = outcome else {
        panic!("{outcome:?}")
    };
    assert_eq!(reason.code, code::MAPPING_FAILED);
    assert!(reason.detail.contains(words), "{}", reason.detail);
}

async fn keep(world: &World, name: &str, document: Value) {
    let (key, value) = (
        format!("acme#default#{name}"),
        json!({"document": document}),
    );
    let swap = world.mappings.swap(&key, None, &value, "a test").await;
    assert!(matches!(swap, Ok(Swap::Swapped { .. })));
}

fn document(expression: &str) -> Value {
    json!({
        "name": "till-order", "version": 9, "provider": "acme", "operation": "orders.create",
        "description": "Of this connection alone.",
        "source": {"type": "object"},
        "expression": expression,
        "examples": [{"name": "one", "input": {}, "output": {}}],
    })
}

#[tokio::test]
async fn the_vendor_gets_the_canonical_shape() {
    let world = World::new();
    assert_eq!(world.outcome(order("k")).await, Outcome::Delivered);
    assert_eq!(world.vendor.calls()[0].body, r#"{"item":"tea","amount":2}"#);
    // The same request again is a duplicate, though the ledger never saw the canonical payload.
    let again = Message {
        id: "m-again".into(),
        origin: "m-again".into(),
        ..order("k")
    };
    assert_eq!(world.outcome(again).await, Outcome::Duplicate);
}

#[tokio::test]
async fn a_mapping_that_nobody_knows_or_that_fails_is_a_rejection_with_its_place() {
    let world = World::new();
    let unknown = mapped("k1", "orders.create", "no-such", json!({}));
    failed(&world.outcome(unknown).await, "`no-such` is not known");
    let other = mapped("k2", "orders.replace", "till-order", json!({}));
    failed(&world.outcome(other).await, "serves `acme/orders.create`");
    let count = json!({"article": "tea", "count": 5_000});
    let unfit = mapped("k3", "orders.create", "till-order", count);
    let outcome = world.outcome(unfit).await;
    failed(
        &outcome,
        "mapping till-order@3 makes an unfit payload: payload.amount: must be",
    );
    assert!(world.vendor.calls().is_empty());
    assert_eq!(world.letters().len(), 3);
    assert_eq!(
        world.record("k3").expect("a record").status,
        Status::Rejected
    );
}

#[tokio::test]
async fn a_connections_own_mapping_comes_first() {
    let world = World::new();
    keep(
        &world,
        "till-order",
        document(r#"{"item": "own", "amount": 1}"#),
    )
    .await;
    assert_eq!(world.outcome(order("k")).await, Outcome::Delivered);
    assert_eq!(world.vendor.calls()[0].body, r#"{"item":"own","amount":1}"#);
}

/// The copy was put on the queue a minute later, and is the same call to the vendor.
#[tokio::test]
async fn without_a_time_of_its_own_a_request_has_that_of_its_first_receive_at_every_attempt() {
    let world = World::new();
    keep(
        &world,
        "till-order",
        document(r#"{"item": $now(), "amount": 1}"#),
    )
    .await;
    let timeless = |id: &str, sent_at| {
        let mut request: Value = serde_json::from_str(&order("k").body).expect("JSON");
        request
            .as_object_mut()
            .expect("an object")
            .remove("created_at");
        Message {
            sent_at,
            first_seen: sent_at,
            ..message(id, request.to_string())
        }
    };
    world.vendor.script([Reply::Status(503, "")]);
    let outcome = world.outcome(timeless("m-1", NOON)).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    world.clock.advance(secs(3600));
    let copy = timeless("m-2", NOON + secs(60));
    assert_eq!(world.outcome(copy).await, Outcome::Delivered);
    let bodies: Vec<_> = world
        .vendor
        .calls()
        .into_iter()
        .map(|call| call.body)
        .collect();
    let expected = r#"{"item":"2026-11-22T10:00:00.000Z","amount":1}"#;
    assert_eq!(bodies, [expected, expected]);
}

#[tokio::test]
async fn a_stored_document_that_cannot_be_compiled_is_a_rejection() {
    let world = World::new();
    keep(&world, "till-order", document(r#"{"item": "#)).await;
    failed(&world.outcome(order("k")).await, "till-order@9: expression");
}

#[tokio::test]
async fn a_table_that_does_not_answer_costs_time_and_no_attempt() {
    let table = Arc::new(WatchedStates::default());
    let world = World::with(|seams| seams.mappings = table.clone());
    table.fail(true);
    let outcome = world.outcome(post("k", 1)).await;
    assert_eq!(outcome.code(), Some("store_unavailable"));
    let record = world.record("k").expect("a record");
    assert_eq!((record.status, record.attempts), (Status::Retrying, 0));
    assert!(world.vendor.calls().is_empty() && world.letters().is_empty());

    table.fail(false);
    world.clock.advance(secs(10));
    assert_eq!(
        world.outcome(post("k", 1).again()).await,
        Outcome::Delivered
    );
}

/// A rejection for good came of 500 ms on a fraction of a core, where the same mapping takes a millisecond.
#[test]
fn the_clock_of_a_mapping_defers_three_times_and_its_steps_never() {
    let failed = |code: &str| MappingError::Failed {
        mapping: "till-order@3".to_owned(),
        place: Box::default(),
        code: code.to_owned(),
        message: "takes longer than 500 ms".to_owned(),
    };
    let deferred = |code, receives, claims| state::may_be_quicker(&failed(code), receives, claims);
    assert!((1..=3).all(|time| deferred("D1012", time, u64::from(time))));
    assert!(!deferred("D1012", 4, 4));
    // Receives of a message that waited for its limit, and claims of a request that was redriven, do not count alone.
    assert!(deferred("D1012", 40, 1) && deferred("D1012", 1, 9));
    assert!(!deferred("U1006", 1, 1));
}

#[tokio::test]
async fn limits_of_a_field_go_by_what_the_mapping_made() {
    let world = World::new();
    let batch = [post("k1", 1), post("k2", 1), post("k3", 2)];
    let report = world.receive(batch).await;
    let outcome = |id: &str| {
        let mut entries = report.entries.iter();
        let entry = entries.find(|entry| entry.message_id == id);
        entry.map(|entry| entry.outcome.clone()).expect("an end")
    };
    let ends = ["m-k1", "m-k2"].map(outcome);
    // One a second and desk: one of the two goes, the other waits for its slot.
    let delivered = ends.iter().filter(|end| **end == Outcome::Delivered);
    assert_eq!(delivered.count(), 1);
    let later = ends.iter().find(|end| **end != Outcome::Delivered);
    let Some(Outcome::Deferred {
        reason: Deferral::RateLimited,
        until,
    }) = later
    else {
        panic!("{later:?}")
    };
    assert!(*until >= NOON + secs(1));
    assert_eq!(outcome("m-k3"), Outcome::Delivered);
    assert_eq!(world.vendor.calls().len(), 2);

    // At its slot it goes, and no attempt was spent on the way.
    let waiting = if ends[0] == Outcome::Delivered { 2 } else { 1 };
    world.clock.advance(until.since(NOON));
    let key = format!("k{waiting}");
    let again = world.outcome(post(&key, 1).again()).await;
    assert_eq!(again, Outcome::Delivered);
    assert_eq!(world.record(&key).expect("a record").attempts, 1);
}
