//! What every operation that a pack offers must do, held to its schema alone: no fixture is needed.

use causeway::pack::Pack;
use causeway::pack::example::Extent;
use causeway::provider::{Operation, Provider, Secret, Token, Wire};
use jsonschema::Validator;
use serde_json::{Map, Value};

use crate::payloads::validator;
use crate::variants::variants;

/// Changed payloads that an operation is tried with: the suite is over all operations of all packs.
const CHANGED: usize = 20;

/// What is wrong with the operation of that name.
#[must_use]
pub fn of_schema(pack: &Pack, name: &str) -> Vec<String> {
    let Some(operation) = pack.spec().operation(name) else {
        return vec![
            "its line cannot be read, or the page says something of it that cannot be".to_owned(),
        ];
    };
    let schema = operation.schema().to_value();
    let validator = match validator(&schema) {
        Ok(validator) => validator,
        Err(error) => return vec![format!("its schema is none: {error}")],
    };
    let mut found = Vec::new();
    for extent in [Extent::Minimal, Extent::Full] {
        let payload = pack.example(name, extent).unwrap_or_default();
        found.extend(agreed(operation, &validator, &payload, extent));
        match operation.prepare(&payload) {
            Ok(wire) => found.extend(call(pack, operation, &wire)),
            Err(error) => found.push(format!("{extent:?}: the example is refused: {error}")),
        }
    }
    let full = pack.example(name, Extent::Full).unwrap_or_default();
    let changed = variants(&schema, &full);
    let stride = changed.len().div_ceil(CHANGED).max(1);
    for variant in changed.iter().step_by(stride) {
        let told = agreed(operation, &validator, &variant.payload, &variant.what);
        found.extend(told);
    }
    found
}

/// Whether lane and `jsonschema` say the same of a payload.
fn agreed(
    operation: &Operation,
    validator: &Validator,
    payload: &Value,
    what: impl std::fmt::Debug,
) -> Option<String> {
    let lane = operation.check(payload, 1).pop();
    match (lane, validator.validate(payload)) {
        (None, Ok(())) | (Some(_), Err(_)) => None,
        (Some(error), Ok(())) => Some(format!("{what:?}: only the lane refuses it: {error}")),
        (None, Err(error)) => Some(format!("{what:?}: only `jsonschema` refuses it: {error}")),
    }
}

/// What is wrong with a call in whichever way of connecting an account: it must be complete, and carry the credentials.
fn call(pack: &Pack, operation: &Operation, wire: &Wire) -> Option<String> {
    let ways = pack.spec().secret_fields();
    let mut found = ways
        .iter()
        .map(|way| shown_by(pack, operation, wire.clone(), way));
    let first = found.next()?;
    if first.is_none() || found.any(|found| found.is_none()) {
        return None;
    }
    first
}

fn shown_by(
    pack: &Pack,
    operation: &Operation,
    wire: Wire,
    way: &[&'static str],
) -> Option<String> {
    let fields: Map<String, Value> = way
        .iter()
        .map(|&name| (name.into(), "marker".into()))
        .collect();
    let secret = Secret::parse(&Value::Object(fields).to_string()).ok()?;
    let token = Token::new("marker");
    let shown = causeway::provider::Shown {
        secret: &secret,
        token: Some(&token),
    };
    let keyed = operation.keyed(wire, "cw-1");
    let dressed = match pack.spec().sign(keyed, shown) {
        Ok(dressed) => dressed,
        Err(error) => return Some(format!("it cannot be signed: {error}")),
    };
    if dressed.path.contains(['{', '}', ' ']) {
        return Some(format!("its path is not complete: {}", dressed.path));
    }
    let headers = dressed
        .headers
        .values()
        .any(http::HeaderValue::is_sensitive);
    let elsewhere = dressed.path.contains("marker")
        || String::from_utf8_lossy(&dressed.body).contains("marker");
    (!headers && !elsewhere).then(|| "it carries no credentials".to_owned())
}
