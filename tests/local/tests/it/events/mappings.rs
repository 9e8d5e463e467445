//! A mapping of one connection, from the table to the vendor.

use causeway::lanes::{DynamoStates, StateStore};
use causeway_fakes::Server;
use causeway_local::stack::LocalStack;
use serde_json::{Value, json};

use super::letters;
use crate::interface_emulator::{invoke, received};

/// A shop's own words for an order that has left, made into a message for its room.
fn document(name: &str) -> Value {
    json!({
        "name": name,
        "version": 3,
        "provider": "slack",
        "operation": "chat.postMessage",
        "description": "Tells a shop's room that an order has left.",
        "source": {
            "type": "object",
            "properties": {"order": {"type": "string"}, "room": {"type": "string"}},
            "required": ["order", "room"],
        },
        "expression": r#"{ "channel": room, "text": "Gone. [ref:" & order & "]" }"#,
        "examples": [{
            "name": "an order",
            "input": {"order": "o-1", "room": "C0ROOM"},
            "output": {"channel": "C0ROOM", "text": "Gone. [ref:o-1]"},
        }],
    })
}

/// What one connection's table item says counts for that connection alone; a request that names a mapping which nobody
/// knows is a letter that says so, and a document that is none hurts no other request.
pub async fn a_connections_own_mapping_is_used_for_it_alone(stack: &LocalStack, fakes: &Server) {
    let table = stack.output("MappingsTable").expect("an output");
    let states = DynamoStates::new(aws_sdk_dynamodb::Client::new(&stack.sdk_config()), table);
    let mut broken = document("order-lost");
    broken["expression"] = json!("{ \"channel\": (");
    for (key, document) in [
        ("slack#shop-b#order-gone", document("order-gone")),
        ("slack#shop-b#order-lost", broken),
    ] {
        let value = json!({ "document": document });
        let stored = states.swap(key, None, &value, "test").await;
        stored.expect("a new item");
    }
    let token = json!({"bot_token": "xoxb-shop-b"});
    let stored = stack.put_secret("slack", "shop-b", &token).await;
    stored.expect("a secret");

    let request = |connection: &str, mapping: &str, order: &str| {
        json!({
            "provider": "slack", "operation": "chat.postMessage", "connection": connection,
            "mapping": mapping, "idempotency_key": order, "created_at": "2026-11-22T10:00:00Z",
            "payload": {"order": order, "room": format!("C0{}", order.to_uppercase())},
        })
    };
    let event = received(&[
        request("shop-b", "order-gone", "mapped-1"),
        request("default", "order-gone", "mapped-2"),
        request("shop-b", "order-lost", "mapped-3"),
        request("shop-b", "order-gone", "mapped-4"),
    ]);
    let answer = invoke(stack, "Slack", &event).await;

    assert_eq!(answer, json!({"batchItemFailures": []}));
    let effects = |order| fakes.journal().effects_of("slack", order);
    let counted = ["mapped-1", "mapped-2", "mapped-3", "mapped-4"].map(effects);
    assert_eq!(counted, [1, 0, 0, 1]);
    let letters = letters(stack, "Slack", 2).await;
    let of = |order: &str| {
        let found = letters.iter().find(|letter| letter.body.contains(order));
        found.unwrap_or_else(|| panic!("no letter of {order}"))
    };
    for order in ["mapped-2", "mapped-3"] {
        assert_eq!(of(order).code, "mapping_failed", "{order}");
    }
    assert!(
        of("mapped-3").detail.contains("order-lost@3"),
        "it is named"
    );
}
