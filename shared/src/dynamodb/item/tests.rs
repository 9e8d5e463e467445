//! Held against `serde_dynamo`.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::*;
use crate::dynamodb::json;

/// What DynamoDB would read.
fn read(object: &impl Serialize) -> HashMap<String, AttributeValue> {
    let mut text = String::new();
    write(object, &mut text).expect("an item");
    json::item(serde_json::from_str(&text).expect("typed JSON"))
}

#[derive(Serialize)]
enum Kind {
    Unit,
    New(i32),
    Two(i8, u64),
    Named { at: f32 },
}

#[test]
fn every_shape_is_what_serde_dynamo_makes_of_it() {
    #[derive(Serialize)]
    struct Wrapped(Vec<Kind>);
    #[derive(Serialize)]
    struct All {
        kinds: Wrapped,
        none: Option<u8>,
        some: Option<&'static str>,
        letter: char,
        pair: (i16, bool),
        unit: (),
        map: std::collections::BTreeMap<String, u16>,
    }
    let all = All {
        kinds: Wrapped(vec![
            Kind::Unit,
            Kind::New(-1),
            Kind::Two(1, u64::MAX),
            Kind::Named { at: 1.5 },
        ]),
        none: None,
        some: Some("\"\\/\u{0}\u{1f}\u{7f}é\u{2028}"),
        letter: '"',
        pair: (i16::MIN, true),
        unit: (),
        map: [(String::new(), 1), ("\n".to_owned(), 2)].into(),
    };
    let theirs: HashMap<String, AttributeValue> = serde_dynamo::to_item(&all).expect("an item");
    assert_eq!(read(&all), theirs);
}

#[test]
fn what_is_no_object_is_no_item() {
    for value in [json!("{\"M\":{}}"), json!([1]), json!(null), json!(7)] {
        assert!(write(&value, &mut String::new()).is_err(), "{value}");
    }
}

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<u64>().prop_map(Value::from),
        (-1e30..1e30).prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(3, 24, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::vec((any::<String>(), inner), 0..5)
                .prop_map(|pairs| Value::Object(pairs.into_iter().collect::<Map<_, _>>())),
        ]
    })
}

proptest! {
    #[test]
    fn any_state_is_what_serde_dynamo_makes_of_it(value in any_json()) {
        let object = json!({ "value": value });
        let theirs: HashMap<String, AttributeValue> = serde_dynamo::to_item(&object).expect("an item");
        prop_assert_eq!(read(&object), theirs);
    }
}
