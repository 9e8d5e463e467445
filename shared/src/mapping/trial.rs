//! A mapping tried out: what it makes of a sample, and what the schemas say of both ends.
//!
//! For tools and tests. A lane has no schema at hand: it checks what a mapping makes by the operation's type.

use serde_json::Value;

use super::{Mapping, MappingError};
use crate::Timestamp;

/// What a mapping makes of one payload, and what the schemas say of both ends.
#[derive(Debug)]
pub struct Trial {
    /// The payload.
    pub input: Value,
    /// What the mapping's source schema finds wrong with it.
    pub input_faults: Vec<String>,
    /// The canonical payload.
    pub output: Result<Value, MappingError>,
    /// What the operation's schema finds wrong with that.
    pub output_faults: Vec<String>,
}

impl Trial {
    /// Whether the lane would send it.
    pub fn is_good(&self) -> bool {
        self.input_faults.is_empty() && self.output.is_ok() && self.output_faults.is_empty()
    }
}

/// Runs `mapping` on `input`; `schema` is the operation's. `created_at` stands for the request's.
pub fn try_out(mapping: &Mapping, schema: &Value, input: Value, created_at: Timestamp) -> Trial {
    let input_faults = faults(mapping.source(), &input);
    let output = mapping.apply(&input, created_at);
    let output_faults = output
        .as_ref()
        .map_or_else(|_| Vec::new(), |output| faults(schema, output));
    Trial {
        input,
        input_faults,
        output,
        output_faults,
    }
}

/// What `schema` finds wrong with `value`: the place and the rule.
fn faults(schema: &Value, value: &Value) -> Vec<String> {
    match jsonschema::validator_for(schema) {
        Err(error) => vec![format!("this is no JSON Schema: {error}")],
        Ok(validator) => validator
            .iter_errors(value)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect(),
    }
}
