//! The JSON Schemas that producers see.

use causeway::provider::Operation;
use serde_json::Value;

use crate::{Breach, Line};

pub fn check(operations: &[&'static Operation], is_open: bool, found: &mut Vec<Breach>) {
    for operation in operations {
        let schema = operation.schema().to_value();
        let mut broken = |what: String| {
            found.push(Breach::new(Line::SchemaStrict, operation.name, what));
        };
        if schema["type"] != "object" {
            broken(format!("its type is {}", schema["type"]));
        }
        // A pack of a document that is older than the API lets them pass, and its page says so.
        if schema["additionalProperties"] != Value::Bool(false) && !is_open {
            broken("unknown fields pass".to_owned());
        }
        if let Err(error) = jsonschema::validator_for(&schema) {
            broken(error.to_string());
        }
    }
}
