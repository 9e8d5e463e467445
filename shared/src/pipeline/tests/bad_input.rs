//! Whatever a producer sends: a letter with its code and a detail that names field and rule, and nobody else's loss.

use serde_json::{Value, json};

use super::*;
use crate::request::MAX_REQUEST_BYTES;

/// Stands wherever a payload may hold a person's data.
const SECRET: &str = "ada@private.example";

/// Bodies that are no good: what is wrong, the body, the code, and what the detail must name.
fn bad_bodies() -> Vec<(&'static str, String, &'static str, &'static str)> {
    let with = |field: &str, value: Value| {
        let mut request = request("bad", "orders.create");
        request["payload"]["item"] = SECRET.into();
        request[field] = value;
        request.to_string()
    };
    let without = |fields: &[&str]| {
        let mut request: Value =
            serde_json::from_str(&with("connection", "default".into())).expect("JSON");
        let object = request.as_object_mut().expect("an object");
        object.retain(|name, _| !fields.contains(&name.as_str()));
        request.to_string()
    };
    let payload = |payload: Value| with("payload", payload);
    let raw = |payload: &str| {
        let good = request("bad", "orders.create");
        let (body, replaced) = (good.to_string(), good["payload"].to_string());
        assert!(body.contains(&replaced));
        body.replace(&replaced, payload)
    };
    vec![
        (
            "malformed JSON",
            format!(r#"{{"provider":"acme","payload":{{"item":"{SECRET}"#),
            "malformed_json",
            "line 1",
        ),
        (
            "no object",
            "[]".into(),
            "malformed_json",
            "one JSON object",
        ),
        (
            "unknown provider",
            with("provider", "bolt".into()),
            "unknown_provider",
            "provider: this lane serves `acme`",
        ),
        (
            "unknown operation",
            with("operation", "orders.eat".into()),
            "unknown_operation",
            "operation: must be one of orders.create",
        ),
        (
            "neither key nor time",
            without(&["created_at", "idempotency_key"]),
            "missing_field",
            "created_at: must be given where no idempotency_key is",
        ),
        (
            "missing payload",
            without(&["payload"]),
            "missing_field",
            "payload: must be given",
        ),
        (
            "wrongly typed field",
            with("connection", json!(7)),
            "invalid_field",
            "connection: must be text",
        ),
        (
            "wrong date",
            with("deadline", "tomorrow".into()),
            "invalid_field",
            "deadline: must be an RFC 3339",
        ),
        (
            "oversize",
            with(
                "payload",
                json!({"item": SECRET.repeat(MAX_REQUEST_BYTES / SECRET.len())}),
            ),
            "request_too_large",
            "262144",
        ),
        (
            "unknown top-level field",
            with("dead_line", "2026-11-23T10:00:00Z".into()),
            "unknown_field",
            "dead_line: is not a field",
        ),
        (
            "duplicate field",
            raw(&format!(r#"{{"item":"{SECRET}","item":"b"}}"#)),
            "duplicate_field",
            "payload.item: is given more than once",
        ),
        (
            "inexact number",
            raw(r#"{"item":"a","amount":9007199254740993}"#),
            "number_not_exact",
            "payload.amount: ",
        ),
        (
            "deadline past",
            with("deadline", "2026-11-22T09:59:59Z".into()),
            "deadline_exceeded",
            "deadline: has passed",
        ),
        (
            "payload without a field",
            payload(json!({"item": SECRET})),
            "payload_invalid",
            "payload: missing field `amount`",
        ),
        (
            "payload of a wrong type",
            payload(json!({"item": "a", "amount": SECRET})),
            "payload_invalid",
            "payload.amount: must be a whole number from 1 to 1000",
        ),
        (
            "payload beyond its bounds",
            payload(json!({"item": SECRET.repeat(3), "amount": 1})),
            "payload_invalid",
            "payload.item: must be text of 1 to 40",
        ),
        (
            "payload with a field too many",
            payload(json!({"item": SECRET, "amount": 1, "x": SECRET})),
            "payload_invalid",
            "payload.x: unknown field",
        ),
        (
            "unknown mapping",
            with("mapping", "pms-guest".into()),
            "mapping_failed",
            "mapping: `pms-guest` is not known",
        ),
    ]
}

#[tokio::test]
async fn every_bad_body_becomes_a_letter_that_names_field_and_rule_and_blocks_nobody() {
    for (what, bad, code, named) in bad_bodies() {
        let world = World::new();
        let good = (0..9).map(|n| {
            message(
                &format!("good-{n}"),
                body(&format!("k{n}"), "orders.create"),
            )
        });
        let batch = std::iter::once(message("bad", bad.clone())).chain(good);
        let report = world.receive(batch).await;

        assert!(
            report.retained().is_empty(),
            "{what}: {:?}",
            report.retained()
        );
        let delivered = report
            .entries
            .iter()
            .filter(|entry| entry.outcome == Outcome::Delivered);
        assert_eq!(delivered.count(), 9, "{what}");
        let letters = world.letters();
        assert_eq!(letters.len(), 1, "{what}");
        let letter = &letters[0];
        assert_eq!(letter.reason.code.as_str(), code, "{what}");
        assert!(
            letter.reason.detail.contains(named),
            "{what}: {}",
            letter.reason.detail
        );
        assert!(
            !letter.reason.detail.contains("private"),
            "{what}: {}",
            letter.reason.detail
        );
        assert_eq!(letter.body, bad, "{what}: the body goes along as it came");
        assert_eq!(
            (letter.reason.attempts, letter.first_seen),
            (0, NOON),
            "{what}"
        );
        assert_eq!(
            world.vendor.calls().len(),
            9,
            "{what}: only the good ones were called"
        );
    }
}

#[tokio::test]
async fn a_body_that_cannot_be_read_leaves_its_ledger_untouched_and_a_readable_one_says_whose_it_is()
 {
    let world = World::new();
    let mut readable = request("k", "orders.create");
    readable["id"] = "0199a3c1-7d2e-7abc-8def-0123456789ab".into();
    readable["surplus"] = 1.into();
    world
        .receive([message("m1", "{"), message("m2", readable.to_string())])
        .await;
    assert!(world.ledger.records().is_empty());
    let letters = world.letters();
    assert_eq!(
        (&letters[0].connection, &letters[0].operation),
        (&None, &None)
    );
    assert_eq!(letters[1].connection.as_deref(), Some("default"));
    assert_eq!(letters[1].operation.as_deref(), Some("orders.create"));
    assert_eq!(letters[1].request_id.as_deref(), readable["id"].as_str());
}

#[tokio::test]
async fn a_payload_that_never_had_a_chance_may_be_corrected_under_its_key() {
    let world = World::new();
    let mut wrong = request("k", "orders.create");
    wrong["payload"]["amount"] = 0.into();
    assert!(matches!(
        world.outcome(message("m1", wrong.to_string())).await,
        Outcome::Rejected(_)
    ));
    let right = Message {
        sent_at: NOON + secs(6),
        ..message("m2", body("k", "orders.create"))
    };
    assert_eq!(world.outcome(right).await, Outcome::Delivered);
}

#[tokio::test]
async fn a_request_that_was_done_before_its_deadline_is_a_duplicate_after_it() {
    let world = World::new();
    let mut request = request("k", "orders.create");
    request["deadline"] = "2026-11-22T10:00:30Z".into();
    let first = message("m1", request.to_string());
    assert_eq!(world.outcome(first.clone()).await, Outcome::Delivered);
    world.clock.advance(secs(60));
    assert_eq!(world.outcome(first.again()).await, Outcome::Duplicate);
    let second = message("m2", first.body);
    assert_eq!(world.outcome(second).await, Outcome::Duplicate);
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_retry_that_would_miss_the_deadline_ends_the_request_now() {
    let world = World::new();
    world.vendor.script([Reply::TryAfter(60)]);
    let mut request = request("k", "orders.create");
    request["deadline"] = "2026-11-22T10:00:30Z".into();
    assert!(matches!(
        world.outcome(message("m1", request.to_string())).await,
        Outcome::Rejected(_)
    ));
    assert_eq!(world.letters()[0].reason.code, code::DEADLINE_EXCEEDED);
}
