//! Payloads held against JSON Schemas, compiled once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use causeway::mapping::{FORMATS, Mapping};
use causeway::provider::Operation;
use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::problem::{FieldError, MAX_ERRORS};

/// Compiled schemas of mappings' sources that an environment keeps, a few kilobytes each: as many as a lane's function
/// keeps mappings.
const SOURCES_MAX: usize = 256;

/// The compiled schemas.
#[derive(Default)]
pub struct Schemas {
    payloads: Mutex<BTreeMap<(&'static str, &'static str), Arc<Validator>>>,
    sources: Mutex<Vec<(Arc<Mapping>, Arc<Validator>)>>,
}

/// A schema that is none: the mapping's author is to be told.
#[derive(Debug, thiserror::Error)]
#[error("its source schema is not a JSON Schema")]
pub(super) struct NoSchema;

impl Schemas {
    /// What is wrong with `payload` by the operation's schema: nothing, or up to [`MAX_ERRORS`] fields.
    pub(super) fn payload(
        &self,
        provider: &'static str,
        operation: &'static Operation,
        payload: &Value,
    ) -> Result<Vec<FieldError>, NoSchema> {
        let key = (provider, operation.name);
        let known = lock(&self.payloads).get(&key).cloned();
        let validator = match known {
            Some(known) => known,
            None => {
                let compiled = compile(operation.schema().as_value())?;
                lock(&self.payloads).insert(key, compiled.clone());
                compiled
            }
        };
        Ok(errors(&validator, payload))
    }

    /// What is wrong with `payload` by what the mapping says its source sends.
    pub(super) fn source(
        &self,
        mapping: &Arc<Mapping>,
        payload: &Value,
    ) -> Result<Vec<FieldError>, NoSchema> {
        let known = lock(&self.sources)
            .iter()
            .find(|(known, _)| Arc::ptr_eq(known, mapping))
            .map(|(_, validator)| validator.clone());
        let validator = match known {
            Some(known) => known,
            None => {
                let compiled = compile_source(mapping.source())?;
                let mut sources = lock(&self.sources);
                if sources.len() >= SOURCES_MAX {
                    sources.remove(0);
                }
                sources.push((mapping.clone(), compiled.clone()));
                compiled
            }
        };
        Ok(errors(&validator, payload))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn compile(schema: &Value) -> Result<Arc<Validator>, NoSchema> {
    let compiled = jsonschema::validator_for(schema).map_err(|_| NoSchema)?;
    Ok(Arc::new(compiled))
}

/// Of a mapping's source, where `format` is a rule.
fn compile_source(schema: &Value) -> Result<Arc<Validator>, NoSchema> {
    let options = jsonschema::options().should_validate_formats(true);
    let options = FORMATS.iter().fold(options, |options, (name, holds)| {
        options.with_format(*name, *holds)
    });
    let compiled = options.build(schema).map_err(|_| NoSchema)?;
    Ok(Arc::new(compiled))
}

fn errors(validator: &Validator, payload: &Value) -> Vec<FieldError> {
    let errors = validator.iter_errors(payload).take(MAX_ERRORS);
    errors.map(|error| field_error(&error)).collect()
}

/// The field that an error is about, as the lane would name it, and the rule without the field's value.
fn field_error(error: &ValidationError<'_>) -> FieldError {
    let mut field = "payload".to_owned();
    for segment in error.instance_path().as_str().split('/').skip(1) {
        let segment = segment.replace("~1", "/").replace("~0", "~");
        if segment.bytes().all(|byte| byte.is_ascii_digit()) && !segment.is_empty() {
            field += &format!("[{segment}]");
        } else {
            field += &format!(".{segment}");
        }
    }
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let property = property.as_str().unwrap_or_default();
            FieldError::new(format!("{field}.{property}"), "must be given")
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            let first = unexpected.first().map_or("", String::as_str);
            FieldError::new(format!("{field}.{first}"), "is not a field of this payload")
        }
        _ => FieldError::new(field, error.masked_with("the value").to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue;
    use serde_json::json;

    #[test]
    fn errors_name_field_and_rule_and_never_the_value() {
        let seam = catalogue::provider("seam").expect("seam");
        let operation = seam.spec().operation("access_codes.create").expect("it");
        let schemas = Schemas::default();
        let wrong = json!({"device_id": 12, "code": "secret-12", "stray": 1});
        let found = schemas
            .payload("seam", operation, &wrong)
            .expect("a schema");
        let told: Vec<String> = found
            .iter()
            .map(|error| format!("{}: {}", error.field, error.rule))
            .collect();
        let told = told.join("\n");
        for line in [
            "payload.name: must be given",
            "payload.stray: is not a field of this payload",
            "payload.device_id: ",
        ] {
            assert!(told.contains(line), "{told}");
        }
        assert!(!told.contains("secret"), "{told}");
    }

    #[test]
    fn dates_zones_and_currencies_of_a_source_are_looked_at() {
        let seam = catalogue::provider("seam").expect("seam");
        let document = seam.spec().mappings[0];
        let mapping = Arc::new(Mapping::parse(document).expect("a mapping"));
        let schemas = Schemas::default();
        let input = &mapping.examples()[1].input;
        let told = |pointer: &str, value: &str| {
            let mut input = input.clone();
            *input.pointer_mut(pointer).expect("a field") = json!(value);
            let found = schemas.source(&mapping, &input).expect("a schema");
            found
                .into_iter()
                .map(|error| error.field)
                .collect::<Vec<_>>()
        };
        assert!(told("/reservation_id", "R-2").is_empty());
        for (pointer, value, field) in [
            ("/stay/arrival", "2026-02-30", "payload.stay.arrival"),
            ("/stay/check_in_time", "3 PM", "payload.stay.check_in_time"),
            ("/property/timezone", "Lisbon", "payload.property.timezone"),
            ("/price/currency", "XXX", "payload.price.currency"),
        ] {
            assert_eq!(told(pointer, value), [field], "{value}");
        }
    }

    #[test]
    fn every_operation_has_a_schema_that_compiles() {
        let schemas = Schemas::default();
        for provider in catalogue::providers() {
            let spec = provider.spec();
            for operation in spec.operations.iter() {
                let found = schemas.payload(spec.name, operation, &json!([]));
                let found = found.unwrap_or_else(|_| panic!("{}", operation.name));
                assert!(!found.is_empty(), "{}", operation.name);
            }
        }
    }
}
