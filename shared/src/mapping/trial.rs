//! A mapping tried out: what it makes of a sample, and what the schemas say of both ends.
//!
//! For tools and tests. A lane has no schema at hand: it checks what a mapping makes by the operation's type.

use jsonschema::Validator;
use serde_json::Value;

use super::{FORMATS, Mapping, MappingError};
use crate::Timestamp;

/// A validator of what a mapping's source sends: `format` is a rule there, [`FORMATS`] too.
///
/// # Errors
/// When `schema` is no JSON Schema.
pub fn source_validator(schema: &Value) -> Result<Validator, String> {
    let options = jsonschema::options().should_validate_formats(true);
    let options = FORMATS.iter().fold(options, |options, (name, holds)| {
        options.with_format(*name, *holds)
    });
    options.build(schema).map_err(|error| not_a_schema(&error))
}

fn not_a_schema(error: &impl std::fmt::Display) -> String {
    format!("this is no JSON Schema: {error}")
}

/// A mapping with the schemas of both its ends, compiled.
pub struct Bench<'m> {
    mapping: &'m Mapping,
    source: Validator,
    canonical: Validator,
}

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

impl<'m> Bench<'m> {
    /// For `mapping`, whose operation has `schema`.
    ///
    /// # Errors
    /// When one of the two is no JSON Schema.
    pub fn new(mapping: &'m Mapping, schema: &Value) -> Result<Self, String> {
        Ok(Self {
            mapping,
            source: source_validator(mapping.source())?,
            canonical: jsonschema::validator_for(schema).map_err(|error| not_a_schema(&error))?,
        })
    }

    /// Runs the mapping on `input`. `created_at` stands for the request's.
    pub fn try_out(&self, input: Value, created_at: Timestamp) -> Trial {
        let output = self.mapping.apply(&input, created_at);
        Trial {
            input_faults: faults(&self.source, &input),
            output_faults: output
                .as_ref()
                .map_or_else(|_| Vec::new(), |output| faults(&self.canonical, output)),
            input,
            output,
        }
    }
}

/// What is wrong with `value`: the place and the rule.
fn faults(validator: &Validator, value: &Value) -> Vec<String> {
    validator
        .iter_errors(value)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}
