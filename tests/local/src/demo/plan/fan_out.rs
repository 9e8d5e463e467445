//! One event, several lanes: what a system of one's own says once, each lane makes its own request of by a mapping.

use serde_json::{Value, json};

use super::{Expect, Request, body_hash};

/// The event: a reservation, as a property-management system would tell it.
const EVENT: &str = "{}";

/// Where an event goes.
#[derive(Debug)]
pub(crate) struct Leg {
    pub provider: &'static str,
    pub operation: &'static str,
    /// The mapping that makes the operation's payload of the event.
    pub mapping: &'static str,
}

/// The lanes that hear of a reservation.
pub(crate) const LEGS: &[Leg] = &[];

/// Every leg of so many events. Each leg's message carries the event as it is.
pub(super) fn requests(run: &str, events: usize) -> Vec<Request> {
    let all = (0..events).flat_map(|event| LEGS.iter().map(move |leg| (event, leg)));
    all.map(|(event, leg)| request(run, event, leg)).collect()
}

fn request(run: &str, event: usize, leg: &Leg) -> Request {
    // The same for all legs: effects are told apart by their vendors.
    let marker = format!("{run}reservation-{event:05}");
    let provider = leg.provider;
    let body = json!({
        "provider": provider, "operation": leg.operation, "mapping": leg.mapping,
        "idempotency_key": marker, "created_at": "2026-11-22T10:00:00Z", "payload": reservation(&marker, event),
    })
    .to_string();
    Request {
        provider,
        pk: Some(format!("{provider}#default#{marker}")),
        marker,
        hash: body_hash(&body),
        body,
        copies: 1,
        expect: Expect::Delivered,
        event: Some(event),
    }
}

/// The event with an id of its own.
fn reservation(marker: &str, _event: usize) -> Value {
    let mut event: Value = serde_json::from_str(EVENT).unwrap_or_default();
    event["id"] = json!(marker);
    event
}
