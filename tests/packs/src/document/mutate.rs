//! Payloads with one fault each, or with one change that is none: what pack and document are both asked about.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::form::Typed;

/// Stands for a producer's data.
const MARKER: &str = "Marker7Q";

/// A whole number that is written as if it were none.
pub(super) const POINT: &str = "a whole number with a point";

/// Candidates among which the mutations are chosen.
const CANDIDATES_MAX: usize = 6000;

/// Levels of a payload that are changed.
const DEPTH_MAX: u32 = 10;

/// Texts and lists beyond this are too long to be tried.
const LENGTH_MAX: u64 = 20_000;

/// A payload with one thing changed.
#[derive(Clone, Debug, PartialEq)]
pub struct Mutation {
    /// The change, for people.
    pub what: String,
    /// Where.
    pub pointer: String,
    /// The payload.
    pub payload: Value,
}

/// Some schema of a payload, or of a part of it.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// The schema.
    pub schema: &'a Value,
    /// Where its references lead.
    pub root: &'a Value,
}

/// At most `most` mutations of `payload`, each another payload, of all kinds that its `schemas` (each with the pointer
/// to what it describes) give rise to.
#[must_use]
pub fn mutations(
    name: &str,
    schemas: &[(String, Seen<'_>)],
    payload: &Value,
    most: usize,
) -> Vec<Mutation> {
    let mut maker = Maker {
        payload,
        kinds: BTreeMap::new(),
        seen: BTreeSet::new(),
        count: 0,
    };
    maker.seen.insert(payload.to_string());
    for (pointer, seen) in schemas {
        if payload.pointer(pointer).is_some() {
            maker.value(*seen, pointer, pointer.is_empty(), 0);
        }
    }
    let mut kinds: Vec<Vec<Mutation>> = maker.kinds.into_values().collect();
    for kind in &mut kinds {
        kind.sort_by_key(|one| std::cmp::Reverse(mixed(name, &one.what)));
    }
    let mut chosen = Vec::new();
    while chosen.len() < most && kinds.iter().any(|kind| !kind.is_empty()) {
        for kind in &mut kinds {
            if chosen.len() < most {
                chosen.extend(kind.pop());
            }
        }
    }
    chosen
}

/// An order that has nothing to do with names' (FNV-1a), the same in every run.
fn mixed(name: &str, what: &str) -> u64 {
    let bytes = name.bytes().chain(what.bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Missing,
    Type,
    Null,
    Text,
    Bound,
    Enum,
    Format,
    List,
}

struct Maker<'a> {
    payload: &'a Value,
    kinds: BTreeMap<Kind, Vec<Mutation>>,
    seen: BTreeSet<String>,
    count: usize,
}

impl Maker<'_> {
    fn put(&mut self, kind: Kind, pointer: &str, what: &str, value: Value) {
        let mut payload = self.payload.clone();
        let Some(place) = payload.pointer_mut(pointer) else {
            return;
        };
        *place = value;
        self.add(kind, pointer, what, payload);
    }

    fn add(&mut self, kind: Kind, pointer: &str, what: &str, payload: Value) {
        if self.count < CANDIDATES_MAX && self.seen.insert(payload.to_string()) {
            self.count += 1;
            let what = format!("{what} at `{pointer}`");
            let mutation = Mutation {
                what,
                pointer: pointer.to_owned(),
                payload,
            };
            self.kinds.entry(kind).or_default().push(mutation);
        }
    }

    fn value(&mut self, seen: Seen<'_>, pointer: &str, is_root: bool, depth: u32) {
        let Some(value) = self.payload.pointer(pointer).cloned() else {
            return;
        };
        let typed = Typed { root: seen.root };
        let mut shapes = Vec::new();
        typed.shapes(seen.schema, 0, &mut shapes);
        if !is_root {
            self.other_types(&value, pointer);
            for shape in &shapes {
                self.rules(shape, &value, pointer);
            }
        }
        if depth > DEPTH_MAX {
            return;
        }
        match &value {
            Value::Object(fields) => self.object(seen, &shapes, fields, pointer, depth),
            Value::Array(items) if !items.is_empty() => {
                let items = shapes.iter().find_map(|shape| shape.get("items"));
                let schema = items.unwrap_or(&Value::Bool(true));
                self.value(
                    Seen { schema, ..seen },
                    &format!("{pointer}/0"),
                    false,
                    depth + 1,
                );
            }
            _ => {}
        }
    }

    fn object(
        &mut self,
        seen: Seen<'_>,
        shapes: &[&Value],
        fields: &Map<String, Value>,
        pointer: &str,
        depth: u32,
    ) {
        for name in fields.keys() {
            let mut fewer = fields.clone();
            fewer.remove(name);
            let inner = format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
            let mut payload = self.payload.clone();
            if let Some(place) = payload.pointer_mut(pointer) {
                *place = Value::Object(fewer);
                self.add(Kind::Missing, &inner, "nothing", payload);
            }
            let own = shapes
                .iter()
                .find_map(|shape| shape.get("properties")?.get(name));
            let other = || {
                shapes
                    .iter()
                    .find_map(|shape| shape.get("additionalProperties"))
            };
            let schema = own.or_else(other).unwrap_or(&Value::Bool(true));
            self.value(Seen { schema, ..seen }, &inner, false, depth + 1);
        }
    }

    fn other_types(&mut self, value: &Value, pointer: &str) {
        self.put(Kind::Null, pointer, "null", Value::Null);
        let others: Vec<(&str, Value)> = match value {
            Value::String(text) => vec![
                ("a number", json!(271_828)),
                ("a fraction", json!(2.5)),
                ("a truth value", json!(true)),
                ("a list", json!([text])),
                ("an object", json!({ "marker": text })),
            ],
            Value::Number(number) => vec![
                ("a text", json!(MARKER)),
                ("it as a text", json!(number.to_string())),
                (
                    "a fraction",
                    json!(number.as_f64().unwrap_or_default() + 0.5),
                ),
                ("a negative number", json!(-271_828)),
                (POINT, json!(271_828.0)),
                ("a truth value", json!(true)),
                ("a list", json!([number])),
                ("an object", json!({ "marker": number })),
            ],
            Value::Bool(truth) => vec![
                ("a text", json!(MARKER)),
                ("it as a text", json!(truth.to_string())),
                ("a number", json!(1)),
                ("the other", json!(!truth)),
                ("a list", json!([truth])),
            ],
            Value::Array(items) => vec![
                ("a text", json!(MARKER)),
                ("a number", json!(271_828)),
                ("an object", json!({ "marker": MARKER })),
                (
                    "its first item alone",
                    items.first().cloned().unwrap_or_default(),
                ),
            ],
            Value::Object(_) => vec![
                ("a text", json!(MARKER)),
                ("a number", json!(271_828)),
                ("a truth value", json!(true)),
                ("it in a list", json!([value])),
            ],
            Value::Null => vec![("a text", json!(MARKER))],
        };
        for (what, other) in others {
            self.put(Kind::Type, pointer, what, other);
        }
        match value {
            Value::String(_) => {
                let long = "a".repeat(6000);
                for (what, text) in [
                    ("an empty text", ""),
                    ("a blank", " "),
                    ("another text", MARKER),
                    ("a long text", &long),
                ] {
                    self.put(Kind::Text, pointer, what, text.into());
                }
            }
            Value::Array(items) => {
                let first = items.first().cloned().unwrap_or_default();
                self.put(Kind::List, pointer, "no items", json!([]));
                self.put(Kind::List, pointer, "an item twice", json!([first, first]));
                self.put(Kind::List, pointer, "null as an item", json!([Value::Null]));
            }
            Value::Object(_) => self.put(Kind::List, pointer, "no fields", json!({})),
            _ => {}
        }
    }

    /// What a schema's rules give rise to.
    fn rules(&mut self, shape: &Value, value: &Value, pointer: &str) {
        let whole = |name: &str| {
            shape
                .get(name)
                .and_then(Value::as_u64)
                .filter(|bound| *bound <= LENGTH_MAX)
        };
        if let Value::String(text) = value {
            for bound in ["minLength", "maxLength"].into_iter().filter_map(whole) {
                for length in [bound.saturating_sub(1), bound, bound + 1] {
                    let changed: String = text
                        .chars()
                        .chain(std::iter::repeat('a'))
                        .take(length as usize)
                        .collect();
                    self.put(
                        Kind::Bound,
                        pointer,
                        &format!("{length} characters"),
                        changed.into(),
                    );
                }
            }
            if shape.get("pattern").is_some() {
                self.put(
                    Kind::Format,
                    pointer,
                    "what hardly matches",
                    format!("é {MARKER}!").into(),
                );
            }
            let like: &[&str] = match shape.get("format").and_then(Value::as_str) {
                Some("date") => &["2026-13-01", "2026-12-1", "2026-12-01T15:00:00Z"],
                Some("date-time") => &[
                    "2026-12-01",
                    "2026-12-01T15:00:00",
                    "2026-12-01T15:00:00+01:00",
                ],
                Some("uuid") => &[
                    "123e4567e89b42d3a456426614174000",
                    "123e4567-e89b-42d3-a456-42661417400g",
                ],
                Some("email" | "uri") => &["ada at example", "https://example.com/a b"],
                _ => &[],
            };
            for text in like {
                self.put(Kind::Format, pointer, &format!("`{text}`"), (*text).into());
            }
        }
        if value.is_number() {
            for name in ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum"] {
                if let Some(bound) = shape.get(name).and_then(Value::as_i64) {
                    for number in [bound.saturating_sub(1), bound, bound.saturating_add(1)] {
                        self.put(
                            Kind::Bound,
                            pointer,
                            &format!("the number {number}"),
                            number.into(),
                        );
                    }
                }
            }
        }
        if let Some(Value::Array(listed)) = shape.get("enum") {
            for one in listed.iter().take(3) {
                self.put(Kind::Enum, pointer, "another of its values", one.clone());
            }
            self.put(Kind::Enum, pointer, "none of its values", MARKER.into());
            if let Some(Value::String(one)) = listed.first() {
                let turned = match one.to_uppercase() {
                    upper if upper != *one => upper,
                    _ => one.to_lowercase(),
                };
                self.put(
                    Kind::Enum,
                    pointer,
                    "a value in another case",
                    turned.into(),
                );
            }
        }
        if let Value::Array(items) = value {
            let first = items.first().cloned().unwrap_or_default();
            for bound in ["minItems", "maxItems"]
                .into_iter()
                .filter_map(whole)
                .filter(|bound| *bound <= 2000)
            {
                for count in [bound.saturating_sub(1), bound, bound + 1] {
                    let items = vec![first.clone(); count as usize];
                    self.put(
                        Kind::Bound,
                        pointer,
                        &format!("{count} items"),
                        items.into(),
                    );
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_mutation_is_the_payload_itself_or_another_mutation() {
        let schema = json!({"properties": {
            "name": {"type": "string", "minLength": 1, "maxLength": 3}, "kind": {"enum": ["a", "b"], "type": "string"},
            "lines": {"type": "array", "maxItems": 2, "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        }});
        let payload = json!({"name": "a", "kind": "a", "lines": [{"n": 1}]});
        let seen = Seen {
            schema: &schema,
            root: &schema,
        };
        let found = mutations("x", &[(String::new(), seen)], &payload, 500);
        assert!(found.len() > 50, "{}", found.len());
        let mut payloads: BTreeSet<String> =
            found.iter().map(|one| one.payload.to_string()).collect();
        assert_eq!(payloads.len(), found.len());
        assert!(payloads.insert(payload.to_string()));
    }
}
