//! The JSON Schema of documents that were seen: what a mapping's source is where nobody gave one.

use serde_json::{Map, Value, json};

use super::conversion::TimeForm;
use super::flatten::MAX_DEPTH;
use super::shapes::time_form;

/// The schema that all of `samples` are of.
pub(super) fn schema(samples: &[Value]) -> Value {
    let samples: Vec<&Value> = samples.iter().collect();
    let mut schema = of(&samples, 0);
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema
}

fn of(values: &[&Value], depth: usize) -> Value {
    let mut types: Vec<&str> = values.iter().map(|value| kind(value)).collect();
    types.sort_unstable();
    types.dedup();
    if types.contains(&"number") {
        types.retain(|name| *name != "integer");
    }
    let mut schema = Map::new();
    match types.as_slice() {
        [] => return json!({}),
        [one] => schema.insert("type".to_owned(), json!(one)),
        several => schema.insert("type".to_owned(), json!(several)),
    };
    let objects: Vec<&Map<String, Value>> = values
        .iter()
        .filter_map(|value| value.as_object())
        .collect();
    if !objects.is_empty() && depth < MAX_DEPTH {
        let mut keys: Vec<&String> = objects.iter().flat_map(|object| object.keys()).collect();
        keys.sort_unstable();
        keys.dedup();
        let always: Vec<&String> = keys
            .iter()
            .copied()
            .filter(|key| objects.iter().all(|object| object.contains_key(*key)))
            .collect();
        let inner = keys.iter().map(|key| {
            let values: Vec<&Value> = objects
                .iter()
                .filter_map(|object| object.get(*key))
                .collect();
            ((*key).clone(), of(&values, depth + 1))
        });
        schema.insert("properties".to_owned(), Value::Object(inner.collect()));
        if !always.is_empty() {
            schema.insert("required".to_owned(), json!(always));
        }
    }
    let elements: Vec<&Value> = values
        .iter()
        .filter_map(|value| value.as_array())
        .flatten()
        .collect();
    if !elements.is_empty() && depth < MAX_DEPTH {
        schema.insert("items".to_owned(), of(&elements, depth + 1));
    }
    let texts: Vec<Value> = values
        .iter()
        .filter(|value| value.is_string())
        .map(|value| (*value).clone())
        .collect();
    let format = match time_form(&texts) {
        Some(TimeForm::Date) => Some("date"),
        Some(TimeForm::DateTime)
            if texts
                .iter()
                .all(|text| text.as_str().is_some_and(|text| text.contains('T'))) =>
        {
            Some("date-time")
        }
        _ => None,
    };
    if let Some(format) = format {
        schema.insert("format".to_owned(), json!(format));
    }
    Value::Object(schema)
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(number) if number.is_f64() => "number",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    }
}
