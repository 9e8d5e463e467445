//! A lane whose pack is older than the one that accepted a message: it waits for its own, and not for ever.

use serde_json::json;

use super::*;
use crate::clock::Clock;

/// What ingest accepted with a pack of this revision; the lane's own is 0.
fn accepted(revision: u32, id: &str, body: String) -> Message {
    Message {
        revision: Some(revision),
        ..message(id, body)
    }
}

fn newer_field(key: &str) -> String {
    let mut request = request(key, "orders.create");
    request["payload"]["coupon"] = json!("x");
    request.to_string()
}

#[tokio::test]
async fn what_a_newer_pack_accepted_waits_without_an_attempt() {
    let world = World::new();
    for (id, body) in [
        ("operation", body("a", "orders.eat")),
        ("field", newer_field("b")),
    ] {
        let outcome = world.outcome(accepted(1, id, body)).await;
        let Outcome::Deferred { reason, until } = outcome else {
            panic!("{id}: {outcome:?}");
        };
        assert_eq!(reason, Deferral::PackOlder, "{id}");
        // Two minutes, and some jitter.
        let wait = until.since(NOON).as_secs();
        assert!((120..150).contains(&wait), "{id}: {wait} s");
    }
    assert!(world.letters().is_empty() && world.vendor.calls().is_empty());
    assert!(world.record("a").is_none(), "nothing is known of it");
    assert!(world.record("b").is_none_or(|record| record.attempts == 0));
    // Its own pack takes it.
    let delivered = world
        .outcome(accepted(1, "good", body("c", "orders.create")))
        .await;
    assert_eq!(delivered, Outcome::Delivered);
}

#[tokio::test]
async fn what_no_newer_pack_accepted_is_refused_at_once() {
    let world = World::new();
    for (key, revision) in [("a", Some(0)), ("b", None)] {
        for (body, expected) in [
            (
                body(&format!("{key}1"), "orders.eat"),
                code::UNKNOWN_OPERATION,
            ),
            (newer_field(&format!("{key}2")), code::PAYLOAD_INVALID),
        ] {
            let message = Message {
                revision,
                ..message(&format!("{key}-{expected}"), body)
            };
            let Outcome::Rejected(reason) = world.outcome(message).await else {
                panic!("{key}");
            };
            assert_eq!(reason.code, expected);
        }
    }
}

#[tokio::test]
async fn a_pack_that_never_comes_is_waited_for_a_day() {
    let world = World::new();
    world.clock.advance(Duration::from_secs(24 * 60 * 60 - 1));
    let waiting = world
        .outcome(accepted(1, "a", body("a", "orders.eat")))
        .await;
    assert!(matches!(waiting, Outcome::Deferred { .. }), "{waiting:?}");
    world.clock.advance(Duration::from_secs(1));
    for (id, body, expected) in [
        ("b", body("b", "orders.eat"), code::UNKNOWN_OPERATION),
        ("c", newer_field("c"), code::PAYLOAD_INVALID),
    ] {
        let Outcome::Rejected(reason) = world.outcome(accepted(1, id, body)).await else {
            panic!("{id}");
        };
        assert_eq!(reason.code, expected);
    }
    let letters = world.letters();
    assert!(
        letters.iter().all(|letter| letter.revision == Some(1)),
        "a redrive waits anew"
    );
    let again = world
        .outcome(Message {
            sent_at: world.clock.now(),
            ..redriven("d", &letters[0])
        })
        .await;
    assert!(
        matches!(
            again,
            Outcome::Deferred {
                reason: Deferral::PackOlder,
                ..
            }
        ),
        "{again:?}"
    );
}
