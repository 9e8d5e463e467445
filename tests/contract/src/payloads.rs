//! Bad payloads, generated from the schema: schema and lane must refuse the same ones, in the same words.

use causeway::provider::Operation;
use jsonschema::{ValidationError, Validator};
use serde_json::Value;

use crate::fixture::Fixture;
use crate::guard::guard;
use crate::variants::{Variant, variants};
use crate::{Breach, Line};

/// A mistake in one type shows up in many variants; the first few say enough.
const SHOWN_MAX: usize = 5;

pub fn check(operation: &'static Operation, fixture: &Fixture, found: &mut Vec<Breach>) {
    let schema = operation.schema().to_value();
    let Ok(validator) = validator(&schema) else {
        return; // the structural part has said so
    };
    let mut broken = Vec::new();
    for case in &fixture.payloads {
        let place = format!("{}, payload `{}`", operation.name, case.name);
        if let Err(error) = validator.validate(&case.payload) {
            found.push(Breach::new(
                Line::GoodPayload,
                place,
                format!("the schema refuses it: {error}"),
            ));
            continue;
        }
        for variant in variants(&schema, &case.payload) {
            let is_valid = validator.is_valid(&variant.payload);
            try_variant(operation, &place, &variant, is_valid, &mut broken);
        }
    }
    for line in Line::ALL {
        found.extend(
            broken
                .iter()
                .filter(|breach| breach.line == line)
                .take(SHOWN_MAX)
                .cloned(),
        );
    }
}

/// The `jsonschema` crate's word on a payload, with the formats that lanes hold: `functions/PACKS.md` lists them.
pub fn validator(schema: &Value) -> Result<Validator, ValidationError<'static>> {
    let options = jsonschema::options().should_validate_formats(true);
    // Addresses are held loosely: the crate goes by their whole grammar.
    let has_no_gap = |text: &str| !text.contains(char::is_whitespace);
    let email = move |text: &str| {
        let around = text.rsplit_once('@').map(|(a, b)| a.len().min(b.len()));
        text.is_empty() || (around > Some(0) && has_no_gap(text))
    };
    let uri = move |text: &str| {
        let starts = text.starts_with(|char: char| char.is_ascii_alphabetic());
        let scheme = text.find(|char: char| !char.is_ascii_alphanumeric() && !"+-.".contains(char));
        let ends = scheme.is_some_and(|at| text[at..].starts_with(':') && at + 1 < text.len());
        text.is_empty() || (starts && ends && has_no_gap(text))
    };
    let loosely = options.with_format("email", email).with_format("uri", uri);
    loosely.build(schema)
}

fn try_variant(
    operation: &'static Operation,
    place: &str,
    variant: &Variant,
    is_valid: bool,
    found: &mut Vec<Breach>,
) {
    let place = format!("{place} with {}", variant.what);
    let Some(prepared) = guard(&place, found, || operation.prepare(&variant.payload)) else {
        return;
    };
    let refusal = prepared.err().map(|error| error.to_string());
    match (is_valid, &refusal) {
        (true, None) => {}
        (true, Some(error)) => found.push(Breach::new(
            Line::Agreement,
            &place,
            format!("the schema takes it, the lane says: {error}"),
        )),
        (false, None) => found.push(Breach::new(
            Line::Agreement,
            &place,
            "the lane takes it, the schema refuses it",
        )),
        (false, Some(error)) => refused_well(variant, error, &place, found),
    }
}

fn refused_well(variant: &Variant, error: &str, place: &str, found: &mut Vec<Breach>) {
    if let Some(field) = &variant.field
        && !error.contains(field.as_str())
    {
        found.push(Breach::new(
            Line::FieldNamed,
            place,
            format!("`{field}` is not in: {error}"),
        ));
    }
    if let Some(value) = &variant.value
        && quotes(error, value)
    {
        found.push(Breach::new(Line::ValueKept, place, error));
    }
}

/// Whether `error` holds the text that stands in the offending place. Texts below four characters are part of too
/// many words to tell.
fn quotes(error: &str, value: &Value) -> bool {
    match value {
        Value::String(text) => text.len() >= 4 && error.contains(text.as_str()),
        Value::Array(items) => items.iter().any(|item| quotes(error, item)),
        Value::Object(fields) => fields.values().any(|field| quotes(error, field)),
        Value::Number(number) => {
            let text = number.to_string();
            text.len() >= 4 && error.contains(&text)
        }
        Value::Bool(_) | Value::Null => false,
    }
}
