//! A document made of a source's fields alone, where nobody gave a sample.

use serde_json::{Map, Value, json};

use super::conversion::TimeForm;
use super::flatten::{Fields, Leaf};
use super::forms::{Form, form};
use super::path::Step;

/// A document that has every field once.
pub(super) fn document(fields: &Fields) -> Value {
    let mut document = Value::Object(Map::new());
    for leaf in &fields.leaves {
        put(&mut document, leaf.path.steps(), value(leaf));
    }
    document
}

fn put(place: &mut Value, steps: &[Step], value: Value) {
    let Some((step, rest)) = steps.split_first() else {
        *place = value;
        return;
    };
    match step {
        Step::Key(key) => {
            if !place.is_object() {
                *place = Value::Object(Map::new());
            }
            if let Some(object) = place.as_object_mut() {
                put(
                    object.entry(key.clone()).or_insert(Value::Null),
                    rest,
                    value,
                );
            }
        }
        Step::Each => {
            if !place.is_array() {
                *place = json!([null]);
            }
            if let Some(element) = place.get_mut(0) {
                put(element, rest, value);
            }
        }
    }
}

fn value(leaf: &Leaf) -> Value {
    if let Some(value) = leaf.values().first() {
        return value.clone();
    }
    let types = leaf.kind.types;
    let text = |text: &str| {
        let least = usize::try_from(leaf.min_length).unwrap_or(0).min(1_000);
        let most = leaf
            .max_length
            .and_then(|most| usize::try_from(most).ok())
            .unwrap_or(usize::MAX);
        let filled = text.chars().chain(std::iter::repeat('a'));
        json!(
            filled
                .take(text.chars().count().max(least).min(most))
                .collect::<String>()
        )
    };
    match form(leaf) {
        Form::Time(TimeForm::Date) => json!("2026-12-18"),
        Form::Time(TimeForm::Seconds) => json!(1_797_552_000),
        Form::Time(TimeForm::Millis) => json!(1_797_552_000_000_i64),
        Form::Time(_) => json!("2026-12-18T15:00:00Z"),
        Form::Clock => json!("15:00"),
        Form::Email => json!("someone@example.com"),
        Form::Url => json!("https://example.com/"),
        Form::Phone => json!("+15550100"),
        Form::Uuid => json!("00000000-0000-4000-8000-000000000000"),
        Form::Currency => json!("EUR"),
        Form::Country => json!("PT"),
        Form::Language => json!("en"),
        Form::Zone => json!("Europe/Lisbon"),
        Form::Truth if types.boolean => json!(true),
        Form::Object => json!({}),
        _ if types.numeric() => json!(leaf.minimum.map_or(1, |least| least.ceil() as i64).max(1)),
        _ if types.text => text("text"),
        _ => Value::Null,
    }
}
