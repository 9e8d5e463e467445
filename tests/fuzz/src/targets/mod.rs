//! What is fuzzed, and what must hold: properties of any input, not of known ones.

pub mod canonical;
pub mod form;
pub mod mapping;
mod members;
pub mod number;
pub mod payload;
pub mod request;
pub mod signal;

use serde_json::Value;

/// How deep `value` is: 1 for a plain one.
fn depth(value: &Value) -> usize {
    let inside = match value {
        Value::Array(items) => items.iter().map(depth).max(),
        Value::Object(fields) => fields.values().map(depth).max(),
        _ => None,
    };
    1 + inside.unwrap_or(0)
}

/// `value` as JSON with every object's keys the other way round and blanks wherever they may stand.
fn reversed(value: &Value, text: &mut String) {
    match value {
        Value::Object(fields) => {
            text.push_str("{ ");
            for (nth, (key, value)) in fields.iter().rev().enumerate() {
                text.push_str(if nth > 0 { " ,\n" } else { "" });
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push_str(" : ");
                reversed(value, text);
            }
            text.push_str(" }");
        }
        Value::Array(items) => {
            text.push_str("[ ");
            for (nth, item) in items.iter().enumerate() {
                text.push_str(if nth > 0 { "\t,\r" } else { "" });
                reversed(item, text);
            }
            text.push_str(" ]");
        }
        plain => text.push_str(&plain.to_string()),
    }
}
