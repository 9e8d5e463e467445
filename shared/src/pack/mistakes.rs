//! What people are told about a payload that does not fit, word for word: field, rule and, of names, the nearest.

use serde_json::{Value, json};

use super::Pack;
use crate::provider::Provider;

const PAGE: &str = "name = \"acme\"\ntitle = \"Acme\"\nauth = [{ show = [{ bearer = \"key\" }], src = \"ours: x\" }]\n\
    [address]\nbase = \"https://acme.test\"\n";

/// An operation whose payload has a field of each kind.
fn pack() -> Pack {
    let guest = json!({"type": "object", "additionalProperties": false, "required": ["email"], "properties": {
        "email": {"type": "string", "format": "email"}, "born": {"type": "string", "format": "date"},
    }});
    let countries = [
        "at", "be", "ch", "de", "dk", "es", "fi", "fr", "gb", "gr", "it", "nl", "pt",
    ];
    let properties = json!({
        "guest": guest,
        "id": {"type": "string", "format": "uuid"},
        "at": {"type": "string", "format": "date-time"},
        "site": {"type": "string", "format": "uri"},
        "code": {"type": "string", "pattern": "^[0-9]{4,6}$"},
        "note": {"type": "string", "minLength": 2, "maxLength": 5},
        "nights": {"type": "integer", "minimum": 1, "maximum": 90},
        "price": {"type": "number", "exclusiveMinimum": 0, "multipleOf": 0.01},
        "tags": {"type": "array", "minItems": 1, "maxItems": 2, "uniqueItems": true, "items": {"type": "string"}},
        "country": {"enum": countries},
        "unit": {"enum": ["room", "bed"]},
        "labels": {"type": "object", "maxProperties": 1, "additionalProperties": {"type": "string"}},
        "paid": {"anyOf": [{"type": "boolean"}, {"type": "object", "required": ["by"]}]},
        "kind": {"const": "stay"},
    });
    let schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
    let line = json!({"op": "stays.create", "doc": "hand", "method": "POST", "path": "/stays", "media": "json", "schema": schema});
    // A line starts with its key.
    let line = line.to_string();
    let line = line.replacen("\"op\":\"stays.create\",", "", 1);
    let line = line.replacen('{', "{\"op\":\"stays.create\",", 1);
    Pack::new(PAGE, line.leak()).expect("a sound pack")
}

#[test]
fn a_payload_that_does_not_fit_is_told_field_rule_and_nearest_name() {
    let operation = pack()
        .spec()
        .operation("stays.create")
        .expect("it is there");
    let told = |payload: &Value| {
        let errors = operation.check(payload, 3);
        let told: Vec<String> = errors.iter().map(ToString::to_string).collect();
        told.join("; ")
    };
    for (payload, wanted) in [
        (
            json!({"guests": {}}),
            "payload.guests: is no field of this payload; the nearest is `guest`",
        ),
        (
            json!({"zip": "1010"}),
            "payload.zip: is no field of this payload",
        ),
        (json!({"guest": {}}), "payload.guest.email: must be given"),
        (
            json!({"guest": {"email": "ada@example.com", "e_mail": "x"}}),
            "payload.guest.e_mail: is no field of this payload; the nearest is `email`",
        ),
        (
            json!({"guest": {"email": "ada at example"}}),
            "payload.guest.email: must be an e-mail address",
        ),
        (
            json!({"guest": {"email": "ada@example.com", "born": "1.12.1990"}}),
            "payload.guest.born: must be a date such as 2026-12-01",
        ),
        (json!({"id": "4711"}), "payload.id: must be a UUID"),
        (
            json!({"at": "2026-12-01 15:00"}),
            "payload.at: must be a time such as 2026-12-01T15:00:00Z",
        ),
        (
            json!({"site": "example.com"}),
            "payload.site: must be an address such as https://example.com/",
        ),
        (
            json!({"code": "12a4"}),
            "payload.code: must match ^[0-9]{4,6}$",
        ),
        (
            json!({"note": "x"}),
            "payload.note: must be text of 2 to 5 characters",
        ),
        (
            json!({"nights": 91}),
            "payload.nights: must be a whole number from 1 to 90",
        ),
        (
            json!({"nights": "two"}),
            "payload.nights: must be a whole number from 1 to 90",
        ),
        (
            json!({"price": 0}),
            "payload.price: must be a number, more than 0",
        ),
        (
            json!({"price": 1.005}),
            "payload.price: must be a multiple of 0.01",
        ),
        (
            json!({"tags": []}),
            "payload.tags: must have 1 to 2 elements",
        ),
        (
            json!({"tags": ["a", "a"]}),
            "payload.tags: must not name one thing twice",
        ),
        (json!({"tags": ["a", 7]}), "payload.tags[1]: must be text"),
        (
            json!({"country": "ded"}),
            "payload.country: must be one of 13 values; the nearest is `de`",
        ),
        (
            json!({"unit": "rooms"}),
            "payload.unit: must be one of room, bed",
        ),
        (
            json!({"labels": {"a": "x", "b": "y"}}),
            "payload.labels: must have at most 1 fields",
        ),
        (json!({"paid": {"on": 1}}), "payload.paid.by: must be given"),
        (
            json!({"paid": "yes"}),
            "payload.paid: fits none of its alternatives",
        ),
        (json!({"kind": "visit"}), "payload.kind: must be \"stay\""),
        (
            json!({"kind": 1, "nights": 0, "unit": "x"}),
            "payload.kind: must be \"stay\"; payload.nights: must be a whole number from 1 to 90; \
             payload.unit: must be one of room, bed",
        ),
        (json!("stay"), "payload: must be an object"),
    ] {
        assert_eq!(told(&payload), wanted, "{payload}");
    }
}
