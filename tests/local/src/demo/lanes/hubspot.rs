//! HubSpot: up to a hundred requests in one call, each with its own outcome.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid, marked, refused};

pub(super) const PART: Part = Part {
    provider: "hubspot",
    ordinary,
    hopeless: &[
        // Has the whole call refused in which it goes; the others must not suffer.
        refused(|marker| contact(&format!("no address of {marker}"), marker)),
        // Is refused alone, in an answer that tells of each.
        refused(|marker| {
            deal(
                marker,
                json!({"dealname": marked("Stay", marker), "unknown": "1"}),
            )
        }),
        invalid(|marker| deal("", json!({"dealname": marker}))),
    ],
    trouble: Trouble {
        faults,
        begin_at: 0,
        for_s: 20,
        said: "hubspot breaks down or loses the reply of one call in four for 20 s",
    },
    tokens_max: None,
};

/// Contacts by their address, and deals by a number that the account gave a property of its own for.
fn ordinary(mark: Mark<'_>) -> Ask {
    let Mark { marker, n, .. } = mark;
    match n % 3 {
        2 => deal(marker, json!({"dealname": marked("Stay", marker)})),
        k => contact(&format!("guest{k}.{marker}@example.com"), marker),
    }
}

fn contact(email: &str, marker: &str) -> Ask {
    Ask::new(
        "contacts.upsert",
        json!({
            "id_property": "email", "id": email,
            "properties": {"firstname": "Ada", "lastname": "Example", "jobtitle": marked("Guest", marker)},
        }),
    )
}

fn deal(number: &str, properties: Value) -> Ask {
    Ask::new(
        "deals.upsert",
        json!({"id_property": "order_id", "id": number, "properties": properties}),
    )
}

/// An upsert that was lost, or half done, is sent again; what is written already changes nothing.
fn faults() -> Vec<Fault> {
    vec![
        Fault::new(Mode::Error503, 0.1),
        Fault::new(Mode::LostReply, 0.15),
    ]
}
