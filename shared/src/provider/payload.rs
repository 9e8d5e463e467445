//! From a request's payload to the call that it means, with errors that name the field and the rule.

use std::marker::PhantomData;

use schemars::{JsonSchema, Schema};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use super::{Shape, Wire};

/// The canonical shape of one operation's payload.
///
/// Derive `Deserialize` with `#[serde(deny_unknown_fields)]`, `Serialize` and `JsonSchema`: the type is the schema
/// that producers see, the check in the lane, and (through [`wire`](Self::wire)) what the vendor gets.
pub trait Payload: DeserializeOwned + Serialize + JsonSchema {
    /// The call that carries it out.
    fn wire(&self) -> Wire;
}

/// The canonical shape of one request's payload, where one call carries several.
///
/// Derived as [`Payload`] is.
pub trait BatchPayload: DeserializeOwned + Serialize + JsonSchema {
    /// What the vendor takes the element for, such as the address that an upsert goes by, in the vendor's own folding:
    /// two that are the same to the vendor must have the same identity.
    fn identity(&self) -> String;

    /// The call that carries out all `elements`.
    fn wire(elements: &[Self]) -> Wire;
}

/// A payload that does not have the operation's shape: which field, and which rule.
///
/// The field's value is never part of it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {rule}")]
pub struct PayloadError {
    /// The offending field, such as `payload.metadata.order`.
    pub path: String,
    /// What it must be.
    pub rule: String,
}

/// A shape that a type has: one request a call.
pub(super) struct One<P>(PhantomData<fn() -> P>);

impl<P: Payload + 'static> One<P> {
    pub(super) const SHAPE: &'static dyn Shape = &Self(PhantomData);
}

impl<P: Payload> Shape for One<P> {
    fn check(&self, payload: &Value, _most: usize) -> Vec<PayloadError> {
        typed::<P>(payload).err().into_iter().collect()
    }

    fn prepare(&self, payloads: &[&Value]) -> Result<Wire, PayloadError> {
        let payload = payloads.first().copied().unwrap_or(&Value::Null);
        Ok(typed::<P>(payload)?.wire())
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(P)
    }
}

/// A shape that a type has: several requests a call.
pub(super) struct Several<P>(PhantomData<fn() -> P>);

impl<P: BatchPayload + 'static> Several<P> {
    pub(super) const SHAPE: &'static dyn Shape = &Self(PhantomData);
}

impl<P: BatchPayload> Shape for Several<P> {
    fn check(&self, payload: &Value, _most: usize) -> Vec<PayloadError> {
        typed::<P>(payload).err().into_iter().collect()
    }

    fn prepare(&self, payloads: &[&Value]) -> Result<Wire, PayloadError> {
        let elements = payloads.iter().map(|payload| typed::<P>(payload));
        Ok(P::wire(&elements.collect::<Result<Vec<P>, _>>()?))
    }

    fn schema(&self) -> Schema {
        schemars::schema_for!(P)
    }

    fn identity(&self, payload: &Value) -> Result<Option<String>, PayloadError> {
        Ok(Some(typed::<P>(payload)?.identity()))
    }
}

fn typed<P: DeserializeOwned>(payload: &Value) -> Result<P, PayloadError> {
    // A derived struct would also take a list of its fields in order, which no schema allows.
    if !payload.is_object() {
        let (path, rule) = ("payload".to_owned(), "must be an object".to_owned());
        return Err(PayloadError { path, rule });
    }
    serde_path_to_error::deserialize(payload).map_err(|error| {
        let rule = rule(&error.inner().to_string());
        let inner = error.path().to_string();
        let path = if inner == "." {
            "payload".to_owned()
        } else {
            format!("payload.{inner}")
        };
        PayloadError { path, rule }
    })
}

/// serde's messages quote the value (`invalid type: string "secret", expected u64`); the rule is what follows it.
fn rule(message: &str) -> String {
    let is_about_names =
        message.starts_with("missing field") || message.starts_with("duplicate field");
    if is_about_names {
        return message.to_owned();
    }
    if let Some(rest) = message.strip_prefix("unknown field ") {
        // Field names are the producer's schema, not its data; a key is cut all the same.
        let name: String = rest.chars().take_while(|&c| c != ',').take(80).collect();
        return format!("unknown field {name}");
    }
    match message.rsplit_once(", expected ") {
        Some((_, expected)) => format!("must be {expected}"),
        None => "does not have the operation's shape".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::form::Arrays;
    use crate::provider::{Text, Whole};
    use serde::Deserialize;
    use serde_json::json;

    #[derive(Serialize, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Order {
        amount: Whole<1, 100>,
        note: Option<Text<1, 5>>,
    }

    impl Payload for Order {
        fn wire(&self) -> Wire {
            Wire::post("/orders").form(self, Arrays::Indexed)
        }
    }

    fn error(payload: Value) -> String {
        One::<Order>::SHAPE
            .prepare(&[&payload])
            .expect_err("a bad payload")
            .to_string()
    }

    #[test]
    fn errors_name_field_and_rule_and_never_the_value() {
        assert_eq!(
            error(json!({"amount": 0})),
            "payload.amount: must be a whole number from 1 to 100"
        );
        assert_eq!(
            error(json!({"amount": "secret"})),
            "payload.amount: must be a whole number from 1 to 100"
        );
        assert_eq!(error(json!({})), "payload: missing field `amount`");
        assert_eq!(
            error(json!({"amount": 1, "x": 1})),
            "payload.x: unknown field `x`"
        );
        assert_eq!(
            error(json!({"amount": 1, "note": "secrets"})),
            "payload.note: must be text of 1 to 5 characters"
        );
        assert_eq!(error(json!([])), "payload: must be an object");
    }
}
