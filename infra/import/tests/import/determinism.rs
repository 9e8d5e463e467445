//! The same document gives the same bytes, in whatever order it lists its members.

use proptest::prelude::*;
use proptest::test_runner::TestRng;
use serde_json::{Map, Value, json};

use crate::fixtures::{body, openapi, page, try_import};

fn document() -> Value {
    let large: Map<String, Value> = (0..20)
        .map(|at| {
            (
                format!("f{at}"),
                json!({"type": "string", "maxLength": at + 1}),
            )
        })
        .collect();
    let of = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    openapi(
        json!({
            "/v1/a": {"post": {"operationId": "same", "requestBody": body(of("Tree"))}},
            "/v2/a": {"post": {"operationId": "same", "requestBody": body(json!({"allOf": [of("Large"), {"type": "object", "properties": {"b": of("Large")}}]}))}},
            "/v3/a/{id}": {"put": {"requestBody": body(json!({"oneOf": [of("Large"), of("Tree")]}))}, "delete": {}},
        }),
        json!({
            "Large": {"type": "object", "properties": large, "required": ["f3", "f1"]},
            "Tree": {"type": "object", "properties": {"left": of("Tree"), "right": of("Tree"), "large": of("Large")}},
        }),
    )
}

/// The document's text with every object's members in another order.
fn shuffled(value: &Value, rng: &mut TestRng) -> String {
    match value {
        Value::Object(fields) => {
            let mut members: Vec<_> = fields.iter().collect();
            for at in (1..members.len()).rev() {
                members.swap(at, (rng.next_u32() as usize) % (at + 1));
            }
            let members: Vec<_> = members
                .iter()
                .map(|(name, it)| format!("{}:{}", Value::from(name.as_str()), shuffled(it, rng)))
                .collect();
            format!("{{{}}}", members.join(","))
        }
        Value::Array(all) => {
            let all: Vec<_> = all.iter().map(|it| shuffled(it, rng)).collect();
            format!("[{}]", all.join(","))
        }
        other => other.to_string(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_members_makes_no_difference(rng in any::<u64>().prop_perturb(|_, rng| rng)) {
        let mut rng = rng;
        let wanted = try_import(&document(), &page(""), None).expect("a pack");
        let bytes = shuffled(&document(), &mut rng).into_bytes();
        let given = [("api".to_owned(), "acme.json".to_owned(), bytes)];
        let is = causeway_import::import(&given, &page(""), None).expect("a pack");
        prop_assert_eq!(is.lines, wanted.lines);
    }

    #[test]
    fn a_broken_document_is_refused_and_nothing_panics(cut in 0_usize..3_000, at in 0_usize..3_000, byte in any::<u8>()) {
        let mut bytes = document().to_string().into_bytes();
        let length = bytes.len();
        bytes[at % length] = byte;
        bytes.truncate(length - cut % length);
        let given = [("api".to_owned(), "acme.json".to_owned(), bytes)];
        let _ = causeway_import::import(&given, &page(""), None);
    }
}
