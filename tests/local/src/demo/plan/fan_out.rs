//! One event, several lanes: what a system says once in words of its own, each lane makes its request of by a mapping.
//!
//! The mappings stand in the table `Mappings`, where operators put those of a connection.

use serde_json::{Value, json};

use super::{Expect, Request, body_hash};

/// The event: a reservation, as a property-management system tells it.
const EVENT: &str = include_str!("fan_out/reservation.json");

/// What all mappings of the event are called.
const MAPPING: &str = "reservation";

/// Where an event goes.
#[derive(Debug)]
pub(crate) struct Leg {
    pub provider: &'static str,
    pub operation: &'static str,
    /// The document that makes the operation's payload of the event.
    pub document: &'static str,
}

impl Leg {
    const fn new(provider: &'static str, operation: &'static str, document: &'static str) -> Self {
        Self {
            provider,
            operation,
            document,
        }
    }
}

/// The lanes that hear of a reservation.
pub(crate) const LEGS: &[Leg] = &[
    Leg::new(
        "guesty",
        "reservations.create",
        include_str!("fan_out/guesty.json"),
    ),
    Leg::new(
        "hubspot",
        "contacts.upsert",
        include_str!("fan_out/hubspot.json"),
    ),
    Leg::new(
        "seam",
        "access_codes.create",
        include_str!("fan_out/seam.json"),
    ),
    Leg::new(
        "shopify",
        "customers.upsert",
        include_str!("fan_out/shopify.json"),
    ),
    Leg::new(
        "slack",
        "chat.postMessage",
        include_str!("fan_out/slack.json"),
    ),
    Leg::new(
        "stripe",
        "payment_intents.create",
        include_str!("fan_out/stripe.json"),
    ),
];

/// What belongs into the table `Mappings`: values by primary key.
pub(crate) fn documents() -> impl Iterator<Item = (String, Value)> {
    LEGS.iter().map(|leg| {
        let document: Value = serde_json::from_str(leg.document).unwrap_or_default();
        let key = format!("{}#default#{MAPPING}", leg.provider);
        (key, json!({ "document": document }))
    })
}

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
        "provider": provider, "operation": leg.operation, "mapping": MAPPING, "idempotency_key": marker,
        "created_at": "2026-11-22T10:00:00Z", "payload": reservation(&marker, event),
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

/// The event with an id and a place of its own: a lock takes ten codes a minute, and a room one party a night.
fn reservation(id: &str, n: usize) -> Value {
    let mut event: Value = serde_json::from_str(EVENT).unwrap_or_default();
    event["id"] = json!(id);
    event["listing"]["id"] = json!(format!("5f92cbf10cf2175{n:09}"));
    event["listing"]["lock"] = json!(format!("a5036385-adcb-41b5-88c3-{n:012}"));
    event
}

#[cfg(test)]
mod tests {
    use causeway::Timestamp;
    use causeway::mapping::Mapping;

    use super::*;

    #[test]
    fn every_leg_makes_its_payload_of_the_event_and_carries_its_mark() {
        for leg in LEGS {
            let mapping = Mapping::parse(leg.document).unwrap_or_else(|error| panic!("{error}"));
            assert_eq!(
                (mapping.name(), mapping.provider(), mapping.operation()),
                (MAPPING, leg.provider, leg.operation)
            );
            let made = |payload: &Value| {
                let made = mapping.apply(payload, Timestamp::from_millis(0));
                made.unwrap_or_else(|error| panic!("{error}"))
            };
            let payload = made(&reservation("reservation-00007", 7));
            assert!(
                payload.to_string().contains("reservation-00007"),
                "{payload}"
            );
            for example in mapping.examples() {
                assert_eq!(made(&example.input), example.output, "{}", leg.provider);
            }
        }
    }
}
