//! Texts of a page with places in them.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Deserialize;
use serde_json::Value;

use super::place::{Pointer, Seen};
use super::time::Moment;
use super::{Place, Scene};

/// Longest word of an answer that goes into a detail, in bytes.
const WORD_MAX: usize = 128;

/// The most words that `{each:…}` and `{keys:…}` list.
const WORDS_MAX: usize = 5;

/// What a lookup asks for or compares with: `$reference`, `$payload:/a`, `$first_sent-5m`, or text with
/// `{payload:/a}` and `{reference}` in it.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub enum Given {
    /// Our reference.
    Reference,
    /// A value of the payload.
    Payload(Pointer),
    /// When the request was sent, as RFC 3339.
    Sent(Moment),
    /// Text.
    Text(Vec<Piece>),
}

/// What the vendor said, in codes and names of fields: `code={/error/code} fields={keys:/errors}`.
#[derive(Clone, Debug, Deserialize)]
#[serde(try_from = "String")]
pub struct Detail(Vec<Piece>);

/// A piece of a text.
#[derive(Clone, Debug)]
pub enum Piece {
    /// As it stands.
    Literal(String),
    /// `{status}`.
    Status,
    /// `{reference}`.
    Reference,
    /// `{PLACE}` or `{PLACE|default}`.
    Value(Place, String),
    /// `{keys:PLACE}`: the names of an object's members.
    Keys(Place),
    /// `{count:PLACE}`: how many elements a list has.
    Count(Place),
    /// `{join:PLACE}`: the texts of a list, with dots between.
    Join(Place),
    /// `{each:PLACE:prefix}`: up to five values, the prefix before each.
    Each(Place, String),
}

fn pieces(text: &str) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while let Some((literal, after)) = rest.split_once('{') {
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal.to_owned()));
        }
        let (inner, after) = after
            .split_once('}')
            .ok_or_else(|| format!("`{text}`: `{{` without `}}`"))?;
        pieces.push(Piece::parse(inner)?);
        rest = after;
    }
    if !rest.is_empty() {
        pieces.push(Piece::Literal(rest.to_owned()));
    }
    Ok(pieces)
}

impl Piece {
    fn parse(inner: &str) -> Result<Self, String> {
        let place =
            |text: &str| Place::try_from(text.to_owned()).map_err(|error| error.to_string());
        match inner.split_once(':') {
            _ if inner == "status" => Ok(Self::Status),
            _ if inner == "reference" => Ok(Self::Reference),
            Some(("keys", rest)) => place(rest).map(Self::Keys),
            Some(("count", rest)) => place(rest).map(Self::Count),
            Some(("join", rest)) => place(rest).map(Self::Join),
            Some(("each", rest)) => {
                let (at, prefix) = rest.rsplit_once(':').unwrap_or((rest, " "));
                Ok(Self::Each(place(at)?, prefix.to_owned()))
            }
            _ => {
                let (at, default) = inner.split_once('|').unwrap_or((inner, ""));
                Ok(Self::Value(place(at)?, default.to_owned()))
            }
        }
    }

    /// Its text; `word` lets through what may be shown.
    fn push(&self, text: &mut String, scene: &Scene<'_>, word: fn(&str) -> bool) {
        let words = |place: &Place| -> Vec<String> {
            let read = place.read(scene);
            let words = read.iter().filter_map(Seen::as_text);
            words.filter(|it| word(it)).map(Cow::into_owned).collect()
        };
        match self {
            Self::Literal(literal) => text.push_str(literal),
            Self::Status => text.push_str(&scene.status.to_string()),
            Self::Reference => text.push_str(scene.reference),
            Self::Value(place, default) => {
                let read = place.read(scene);
                match read.first().and_then(Seen::as_text) {
                    None => text.push_str(default),
                    Some(found) if word(&found) => text.push_str(&found),
                    Some(_) => {}
                }
            }
            Self::Keys(place) => {
                let read = place.read(scene);
                if let Some(Seen::Json(Value::Object(fields))) = read.first() {
                    // `_errors` is what schema checkers call the object's own.
                    let names = fields
                        .keys()
                        .filter(|name| *name != "_errors" && word(name));
                    let names: Vec<_> = names.take(WORDS_MAX).map(String::as_str).collect();
                    text.push_str(&names.join(","));
                }
            }
            Self::Count(place) => {
                let read = place.read(scene);
                let count = match read.first() {
                    Some(Seen::Json(Value::Array(items))) => items.len(),
                    _ => 0,
                };
                text.push_str(&count.to_string());
            }
            Self::Join(place) => {
                let read = place.read(scene);
                if let Some(Seen::Json(Value::Array(items))) = read.first() {
                    let items = items.iter().filter_map(Value::as_str).filter(|it| word(it));
                    text.push_str(&items.take(WORDS_MAX).collect::<Vec<_>>().join("."));
                }
            }
            Self::Each(place, prefix) => {
                let words = words(place);
                let words = words.iter().filter(|it| !it.is_empty()).take(WORDS_MAX);
                for word in words {
                    text.push_str(prefix);
                    text.push_str(word);
                }
            }
        }
    }
}

/// What looks like a code: prose holds people's data.
fn is_code(text: &str) -> bool {
    text.len() <= WORD_MAX && !text.contains(char::is_whitespace)
}

impl TryFrom<String> for Detail {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        pieces(&text).map(Self)
    }
}

impl Detail {
    /// What it is made of.
    pub(super) fn pieces(&self) -> &[Piece] {
        &self.0
    }

    /// The text for one answer.
    pub(super) fn of(&self, scene: &Scene<'_>) -> String {
        let mut text = String::new();
        for piece in &self.0 {
            piece.push(&mut text, scene, is_code);
        }
        text
    }
}

impl TryFrom<String> for Given {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        if text == "$reference" {
            return Ok(Self::Reference);
        }
        if let Some(pointer) = text.strip_prefix("$payload:") {
            let pointer = Pointer::parse(pointer);
            return pointer
                .map(Self::Payload)
                .ok_or(format!("`{text}`: a pointer starts with `/`"));
        }
        if text.starts_with('$') {
            return Moment::try_from(text).map(Self::Sent);
        }
        pieces(&text).map(Self::Text)
    }
}

impl Given {
    /// What it is for one request; none where the payload has nothing there.
    pub(super) fn value<'a>(&self, scene: &Scene<'a>) -> Option<Seen<'a>> {
        match self {
            Self::Reference => Some(Seen::Text(scene.reference.into())),
            Self::Payload(pointer) => pointer.read(scene.payload).next().map(Seen::Json),
            Self::Sent(moment) => Some(Seen::Text(moment.at(scene).to_string().into())),
            Self::Text(pieces) => {
                let mut text = String::new();
                for piece in pieces {
                    piece.push(&mut text, scene, |_| true);
                }
                Some(Seen::Text(text.into()))
            }
        }
    }
}

impl JsonSchema for Given {
    fn schema_name() -> Cow<'static, str> {
        "Given".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}

impl JsonSchema for Detail {
    fn schema_name() -> Cow<'static, str> {
        "Detail".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "string"})
    }
}
