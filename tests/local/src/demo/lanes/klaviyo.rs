//! Klaviyo, a lane that is a pack alone: catalog items without a key, which are found by the shop's own id.

use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use super::{Ask, Mark, Part, Trouble, invalid};

pub(super) const PART: Part = Part {
    provider: "klaviyo",
    ordinary: |Mark { marker, n, .. }| item(json!({"external_id": marker, "price": 10 + n})),
    hopeless: &[
        invalid(|marker| item(json!({"external_id": marker, "price": "much"}))),
        invalid(|marker| item(json!({"external_id": marker, "colour": "red"}))),
    ],
    trouble: Trouble {
        faults,
        begin_at: 0,
        for_s: 10,
        said: "klaviyo loses one reply in seven for 10 s: it is asked for the items",
    },
    tokens_max: None,
};

fn item(more: Value) -> Ask {
    let mut attributes = json!({
        "title": "A lamp", "description": "It shines.", "url": "https://shop.example/lamp",
    });
    if let (Value::Object(attributes), Value::Object(more)) = (&mut attributes, more) {
        attributes.extend(more);
    }
    Ask::new(
        "create_catalog_item",
        json!({"data": {"type": "catalog-item", "attributes": attributes}}),
    )
}

/// All after the item was made: one that was not is only made again once the list can no longer lag.
fn faults() -> Vec<Fault> {
    vec![Fault::new(Mode::LostReply, 0.15)]
}
