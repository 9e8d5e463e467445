//! Places in an answer, a payload or a call, as a page names them.

use std::borrow::Cow;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use super::Scene;

/// The most values that a place with `*` is read for: answers are bounded, but a row's condition must be, too.
const SEEN_MAX: usize = 1_000;

/// A place whose value a page reads: `/a/0/b` in the answer's body (`*` is any element or member), `header:x`,
/// `payload:/a`, or `text`, the whole body without the space around it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum Place {
    /// In the answer's body.
    Answer(Pointer),
    /// A header of the answer, in lower case.
    Header(String),
    /// In the request's payload.
    Payload(Pointer),
    /// The answer's whole body as text.
    Text,
}

/// A JSON pointer ([RFC 6901](https://www.rfc-editor.org/rfc/rfc6901)) that may have `*` for any element or member.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Pointer(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Any,
    Named(String),
}

/// A place in a call: where a field, a key or a fixed value stands.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(try_from = "String")]
pub enum CallPlace {
    /// A placeholder of the path.
    Path(String),
    /// A parameter of the query.
    Query(String),
    /// A header, in lower case.
    Header(String),
    /// Inside the body: the names of the objects and lists on the way, and its own.
    Body(Vec<String>),
}

/// Text that is no place.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no place: {rule}")]
pub struct PlaceError {
    text: String,
    rule: &'static str,
}

/// What stands in a place.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Seen<'a> {
    Json(&'a Value),
    Text(Cow<'a, str>),
}

impl TryFrom<String> for Place {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, PlaceError> {
        let rule = "`/pointer`, `header:name`, `payload:/pointer` or `text`";
        if let Some(name) = text.strip_prefix("header:") {
            return Ok(Self::Header(name.to_ascii_lowercase()));
        }
        let pointer = |text: &str| Pointer::parse(text).ok_or(());
        let place = match text.strip_prefix("payload:") {
            Some(inner) => pointer(inner).map(Self::Payload),
            None if text == "text" => Ok(Self::Text),
            None => pointer(&text).map(Self::Answer),
        };
        place.map_err(|()| PlaceError { text, rule })
    }
}

impl Place {
    /// What stands there: nothing, one value, or several where the place has a `*`.
    pub(super) fn read<'a>(&self, scene: &Scene<'a>) -> Vec<Seen<'a>> {
        match self {
            Self::Answer(pointer) => pointer.read(scene.body).map(Seen::Json).collect(),
            Self::Payload(pointer) => pointer.read(scene.payload).map(Seen::Json).collect(),
            Self::Header(name) => {
                let value = scene.headers.get(name.as_str());
                let text = value.and_then(|value| value.to_str().ok());
                text.map(|text| Seen::Text(text.into()))
                    .into_iter()
                    .collect()
            }
            Self::Text => vec![Seen::Text(scene.text.trim().into())],
        }
    }
}

impl Pointer {
    /// None where `text` neither is empty nor starts with `/`.
    pub(super) fn parse(text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        let steps = text.strip_prefix('/')?.split('/').map(|step| match step {
            "*" => Step::Any,
            named => Step::Named(named.replace("~1", "/").replace("~0", "~")),
        });
        Some(Self(steps.collect()))
    }

    /// Every value there.
    pub(super) fn read<'a>(&self, value: &'a Value) -> impl Iterator<Item = &'a Value> + use<'a> {
        let mut at = vec![value];
        for step in &self.0 {
            let mut next = Vec::new();
            for value in at {
                match (step, value) {
                    (Step::Any, Value::Array(items)) => next.extend(items),
                    (Step::Any, Value::Object(fields)) => next.extend(fields.values()),
                    (Step::Named(name), Value::Object(fields)) => next.extend(fields.get(name)),
                    (Step::Named(name), Value::Array(items)) => {
                        next.extend(name.parse().ok().and_then(|at: usize| items.get(at)));
                    }
                    _ => {}
                }
            }
            next.truncate(SEEN_MAX);
            at = next;
        }
        at.into_iter()
    }

    /// The names on the way, where it has no `*`.
    pub(super) fn names(&self) -> Option<Vec<String>> {
        let name = |step: &Step| match step {
            Step::Named(name) => Some(name.clone()),
            Step::Any => None,
        };
        self.0.iter().map(name).collect()
    }
}

impl<'a> Seen<'a> {
    /// As text: a string, a number or a word.
    pub(super) fn as_text(&self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(text) => Some(text.clone()),
            Self::Json(Value::String(text)) => Some(text.as_str().into()),
            Self::Json(Value::Number(number)) => Some(number.to_string().into()),
            Self::Json(Value::Bool(is)) => Some(is.to_string().into()),
            Self::Json(_) => None,
        }
    }

    /// As text, where it is a string and nothing that only looks like one.
    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            Self::Json(value) => value.as_str(),
        }
    }

    /// As a number, which headers write as text.
    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Json(value) => value.as_f64(),
        }
    }
}

impl TryFrom<String> for CallPlace {
    type Error = PlaceError;

    fn try_from(text: String) -> Result<Self, PlaceError> {
        let rule = "`path:name`, `query:name`, `header:name` or `body:/pointer`";
        let place = match text.split_once(':') {
            Some(("path", name)) if !name.is_empty() => Some(Self::Path(name.to_owned())),
            Some(("query", name)) if !name.is_empty() => Some(Self::Query(name.to_owned())),
            Some(("header", name)) if http::HeaderName::try_from(name).is_ok() => {
                Some(Self::Header(name.to_ascii_lowercase()))
            }
            Some(("body", pointer)) if pointer.starts_with('/') => {
                let names = Pointer::parse(pointer).and_then(|pointer| pointer.names());
                names.map(Self::Body)
            }
            _ => None,
        };
        place.ok_or(PlaceError { text, rule })
    }
}

impl fmt::Display for CallPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Path(name) => write!(f, "path:{name}"),
            Self::Query(name) => write!(f, "query:{name}"),
            Self::Header(name) => write!(f, "header:{name}"),
            Self::Body(names) => {
                f.write_str("body:")?;
                let escaped = names
                    .iter()
                    .map(|name| name.replace('~', "~0").replace('/', "~1"));
                escaped
                    .into_iter()
                    .try_for_each(|name| write!(f, "/{name}"))
            }
        }
    }
}

impl serde::Serialize for CallPlace {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl JsonSchema for Place {
    fn schema_name() -> Cow<'static, str> {
        "Place".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(text|header:.+|(payload:)?(/.*)?)$"})
    }
}

impl JsonSchema for CallPlace {
    fn schema_name() -> Cow<'static, str> {
        "CallPlace".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string", "pattern": "^(path:.+|query:.+|header:.+|body:/.*)$"})
    }
}
