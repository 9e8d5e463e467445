//! From a message's text to a [`Request`], or to the rule that it breaks.

use serde::de::IgnoredAny;
use serde_json::{Map, Value};

use super::key::{Content, Identity};
use super::path::{Segment, show_path};
use super::scan::scan;
use super::{DecodeError, Hash, IdempotencyKey, Name, Request};
use crate::Timestamp;

/// Longest request: 256 KiB, which leaves room for a letter's attributes below the queues' own limits.
pub const MAX_REQUEST_BYTES: usize = 256 * 1024;

/// How many objects and arrays may stand in each other, the request itself included: what serde_json's limit of 128
/// lets pass, so that every later step (it reads or writes recursively) has the same bound.
pub const MAX_DEPTH: usize = 127;

const FIELDS: [&str; 9] = [
    "id",
    "provider",
    "operation",
    "connection",
    "idempotency_key",
    "created_at",
    "payload",
    "mapping",
    "deadline",
];

const NAME_RULE: &str = "must match [A-Za-z0-9._-]{1,64}";

pub(super) fn decode(body: &str) -> Result<Request, DecodeError> {
    let mut fields = Fields(parse(body)?);
    fields.refuse_unknown()?;
    let (provider, operation) = (fields.name("provider")?, fields.name("operation")?);
    let (created_text, payload) = (fields.text("created_at")?, fields.take("payload"));
    let (provider, operation) = (given(provider, "provider")?, given(operation, "operation")?);
    let mut payload = given(payload, "payload")?;
    if !payload.is_object() {
        return Err(DecodeError::InvalidField {
            field: "payload",
            rule: "must be a JSON object",
        });
    }
    // Two bodies with one hash are one request: what is made of them must not depend on the order of their fields.
    payload.sort_all_objects();
    let date_time = |text: Option<&str>, field| text.map(|text| date_time(text, field)).transpose();
    let created_at = date_time(created_text.as_deref(), "created_at")?;
    let id = fields.text("id")?;
    if id.as_deref().is_some_and(|id| !is_uuid_v7(id)) {
        return Err(DecodeError::InvalidField {
            field: "id",
            rule: "must be a UUIDv7",
        });
    }
    let connection = fields
        .name("connection")?
        .unwrap_or_else(Name::default_connection);
    let mapping = fields.name("mapping")?;
    let deadline = date_time(fields.text("deadline")?.as_deref(), "deadline")?;
    let given_key = fields.key()?;

    let content = || Content {
        mapping: mapping.as_ref().map(Name::as_str),
        operation: operation.as_str(),
        payload: &payload,
    };
    let payload_hash = Hash::of_json(&content()).map_err(|_| not_canonical())?;
    let key = match (given_key, &created_text) {
        (Some(key), _) => key,
        (None, None) => {
            return Err(DecodeError::MissingField {
                field: "created_at",
                rule: "must be given where no idempotency_key is",
            });
        }
        (None, Some(created_at)) => Identity {
            connection: connection.as_str(),
            created_at,
            provider: provider.as_str(),
            content: content(),
        }
        .derived_key()
        .map_err(|_| not_canonical())?,
    };
    let (operation, mapping) = (operation.into(), mapping.map(Into::into));
    Ok(Request {
        id,
        provider,
        operation,
        connection,
        key,
        created_at,
        payload,
        mapping,
        deadline,
        payload_hash,
    })
}

/// The body as an object with nothing in it that JSON readers disagree about.
fn parse(body: &str) -> Result<Map<String, Value>, DecodeError> {
    if body.len() > MAX_REQUEST_BYTES {
        return Err(DecodeError::TooLarge { bytes: body.len() });
    }
    match serde_json::from_str(body) {
        Ok(Value::Object(fields)) => {
            scan(body)?;
            Ok(fields)
        }
        Ok(_) => Err(DecodeError::Malformed {
            problem: "it is another kind of value".to_owned(),
        }),
        Err(error) => {
            // Numbers beyond all doubles and deep nesting are good JSON that serde_json cannot hold: they have
            // codes and words of their own.
            if serde_json::from_str::<IgnoredAny>(body).is_ok() {
                scan(body)?;
            }
            // Its syntax errors are fixed words and a position, without any of the text.
            Err(DecodeError::Malformed {
                problem: error.to_string(),
            })
        }
    }
}

/// The canonical writer refuses what no JSON text can hold, so this is never seen; it is no reason to panic either.
fn not_canonical() -> DecodeError {
    DecodeError::Malformed {
        problem: "it has no canonical form".to_owned(),
    }
}

fn given<T>(found: Option<T>, field: &'static str) -> Result<T, DecodeError> {
    found.ok_or(DecodeError::MissingField {
        field,
        rule: "must be given",
    })
}

fn date_time(text: &str, field: &'static str) -> Result<Timestamp, DecodeError> {
    Timestamp::parse_rfc3339(text).map_err(|_| DecodeError::InvalidField {
        field,
        rule: "must be an RFC 3339 date-time",
    })
}

/// RFC 9562: 8-4-4-4-12 hexadecimal digits, version 7, variant 10.
pub(super) fn is_uuid_v7(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            14 => byte == b'7',
            19 => matches!(byte.to_ascii_lowercase(), b'8' | b'9' | b'a' | b'b'),
            _ => byte.is_ascii_hexdigit(),
        })
}

/// The top-level fields that nobody has asked for yet.
struct Fields(Map<String, Value>);

impl Fields {
    fn refuse_unknown(&self) -> Result<(), DecodeError> {
        match self.0.keys().find(|key| !FIELDS.contains(&key.as_str())) {
            Some(key) => Err(DecodeError::UnknownField {
                path: show_path([&Segment::Key(key.into())]),
            }),
            None => Ok(()),
        }
    }

    fn take(&mut self, field: &'static str) -> Option<Value> {
        self.0.remove(field)
    }

    fn text(&mut self, field: &'static str) -> Result<Option<String>, DecodeError> {
        match self.take(field) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(_) => Err(DecodeError::InvalidField {
                field,
                rule: "must be text",
            }),
        }
    }

    fn name(&mut self, field: &'static str) -> Result<Option<Name>, DecodeError> {
        let name = self.text(field)?.map(Name::try_from).transpose();
        name.map_err(|_| DecodeError::InvalidField {
            field,
            rule: NAME_RULE,
        })
    }

    fn key(&mut self) -> Result<Option<IdempotencyKey>, DecodeError> {
        let field = "idempotency_key";
        let key = self.text(field)?.map(IdempotencyKey::try_from).transpose();
        key.map_err(|_| DecodeError::InvalidField {
            field,
            rule: "must be 1 to 255 printable ASCII characters",
        })
    }
}

#[cfg(test)]
mod tests;
