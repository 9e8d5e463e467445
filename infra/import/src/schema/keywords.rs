//! The keywords that a pack's schemas use, type by type.

use regex_lite::Regex;
use serde_json::{Map, Number, Value, json};

use super::{Part, Schemas};
use crate::document::Kind;

/// Longest pattern, in bytes: longer ones are lists of addresses or of all countries.
const PATTERN_MAX: usize = 512;

/// Formats that a schema may name.
const FORMATS: [&str; 6] = ["date", "date-time", "uuid", "email", "uri", "url"];

/// Longest value that a list may get in a newer version, in characters: the longest that any document of the collection
/// lists has 61 (Twilio's events apart, whose lists are held).
const NEWER_MAX: usize = 100;

/// Whether a keyword says which values fit.
pub(super) fn constrains(key: &str) -> bool {
    const IDLE: [&str; 14] = [
        "$ref",
        "nullable",
        "description",
        "title",
        "example",
        "examples",
        "default",
        "deprecated",
        "externalDocs",
        "readOnly",
        "writeOnly",
        "xml",
        "summary",
        "$comment",
    ];
    !IDLE.contains(&key) && !key.starts_with("x-")
}

/// One name, or a list of several with `null` last.
pub(super) fn type_value(types: &[&'static str]) -> Value {
    match types {
        [only] => json!(only),
        all => json!(all),
    }
}

/// `is`, or null.
pub(super) fn or_null(is: Value) -> Value {
    let Value::Object(mut fields) = is else {
        return is;
    };
    let null = json!({"type": "null"});
    let joined = ["anyOf", "allOf", "not", "$ref", "const"];
    if joined.iter().any(|key| fields.contains_key(*key)) {
        if let (Some(Value::Array(list)), 1) = (fields.get("anyOf"), fields.len()) {
            let mut list = list.clone();
            if !list.contains(&null) {
                list.push(null);
            }
            return json!({"anyOf": list});
        }
        return json!({"anyOf": Value::Array(vec![Value::Object(fields), null])});
    }
    if let Some(Value::Array(values)) = fields.get_mut("enum")
        && !values.contains(&Value::Null)
    {
        values.push(Value::Null);
    }
    let types = match fields.get("type") {
        Some(Value::String(name)) if name != "null" => json!([name, "null"]),
        Some(Value::Array(names)) if !names.contains(&json!("null")) => {
            let mut names = names.clone();
            names.push(json!("null"));
            Value::Array(names)
        }
        _ => return Value::Object(fields),
    };
    fields.insert("type".to_owned(), types);
    Value::Object(fields)
}

impl Schemas<'_> {
    /// The types that fit all parts; none where nothing is said.
    pub(super) fn types(&mut self, parts: &[Part<'_>], fields: bool) -> Option<Vec<&'static str>> {
        let mut all: Option<Vec<&'static str>> = None;
        for (_, raw) in parts {
            let said: Vec<_> = match raw.get("type") {
                Some(Value::String(name)) => vec![name.as_str()],
                Some(Value::Array(names)) => names.iter().filter_map(Value::as_str).collect(),
                _ => continue,
            };
            let known: Option<Vec<_>> = said.iter().map(|name| json_type(name)).collect();
            let Some(known) = known else {
                self.losses.count("types that JSON does not have");
                continue;
            };
            if known.contains(&"any") || known.is_empty() {
                continue;
            }
            all = Some(match all {
                None => known,
                Some(before) => both(&before, &known),
            });
        }
        if all.is_none() {
            let has = |key| parts.iter().any(|(_, raw)| raw.get(key).is_some());
            if fields {
                return Some(vec!["object"]);
            }
            if has("items") && !has("anyOf") && !has("oneOf") {
                return Some(vec!["array"]);
            }
        }
        let mut all = all?;
        all.sort_by_key(|name| *name == "null");
        all.dedup();
        Some(all)
    }

    /// Everything but objects' fields and lists' elements.
    pub(super) fn scalars(
        &mut self,
        parts: &[Part<'_>],
        types: Option<&[&str]>,
        out: &mut Map<String, Value>,
    ) {
        let may = |name: &str| types.is_none_or(|all| all.contains(&name));
        for (doc, raw) in parts {
            let Some(raw) = raw.as_object() else { continue };
            self.values(raw, types, out);
            if may("string") {
                self.texts(raw, out);
            }
            if may("number") || may("integer") {
                self.numbers(*doc, raw, out);
            }
            let counts = [
                ("array", "minItems", "maxItems"),
                ("string", "minLength", "maxLength"),
                ("object", "minProperties", "maxProperties"),
            ];
            for (kind, least, most) in counts {
                if may(kind) {
                    bound(raw, least, out, |new, old| new > old);
                    bound(raw, most, out, |new, old| new < old);
                }
            }
            if may("array") && raw.get("uniqueItems") == Some(&Value::Bool(true)) {
                out.insert("uniqueItems".to_owned(), Value::Bool(true));
            }
            self.refused(raw, out);
        }
    }

    fn values(
        &mut self,
        raw: &Map<String, Value>,
        types: Option<&[&str]>,
        out: &mut Map<String, Value>,
    ) {
        if let Some(value) = raw.get("const") {
            out.insert("const".to_owned(), value.clone());
        }
        let Some(Value::Array(values)) = raw.get("enum") else {
            return;
        };
        // `[""]` says that nothing but "unset" may stand there: no list that a newer version makes longer.
        if !self.enums && values.as_slice() != [json!("")] {
            newer(values, out);
            return;
        }
        let text =
            types.is_some_and(|types| types.iter().all(|it| *it == "string" || *it == "null"));
        let values = values.iter().map(|value| match value {
            Value::Number(number) if text => Value::String(number.to_string()),
            Value::Bool(is) if text => Value::String(is.to_string()),
            value => value.clone(),
        });
        let mut values: Vec<_> = values.collect();
        if let Some(Value::Array(before)) = out.get("enum") {
            values.retain(|value| before.contains(value));
        }
        if types.is_some_and(|types| types.contains(&"null")) && !values.contains(&Value::Null) {
            values.push(Value::Null);
        }
        let mut seen = Vec::new();
        values.retain(|value| {
            !seen.contains(value) && {
                seen.push(value.clone());
                true
            }
        });
        if values.is_empty() {
            self.losses.count("empty enumerations");
        } else {
            out.insert("enum".to_owned(), Value::Array(values));
        }
    }

    fn texts(&mut self, raw: &Map<String, Value>, out: &mut Map<String, Value>) {
        if let Some(format) = raw.get("format").and_then(Value::as_str)
            && FORMATS.contains(&format)
        {
            out.insert("format".to_owned(), json!(format));
        }
        let Some(pattern) = raw.get("pattern").and_then(Value::as_str) else {
            return;
        };
        if out.contains_key("pattern") {
            if out["pattern"] != *pattern {
                self.losses.count("second patterns of one field");
            }
            return;
        }
        match pattern_problem(pattern) {
            None => {
                out.insert("pattern".to_owned(), json!(pattern));
            }
            Some(problem) => self.losses.count(problem),
        }
    }

    fn numbers(&self, doc: usize, raw: &Map<String, Value>, out: &mut Map<String, Value>) {
        let modern = self.kind(doc) == Kind::OpenApi31;
        let sides = [
            ("minimum", "exclusiveMinimum"),
            ("maximum", "exclusiveMaximum"),
        ];
        for (key, exclusive) in sides {
            let tighter = |new: f64, old: f64| {
                if key == "minimum" {
                    new > old
                } else {
                    new < old
                }
            };
            let without = raw.get(exclusive) == Some(&Value::Bool(true)) && !modern;
            if without {
                let value = raw.get(key).cloned().unwrap_or_default();
                let renamed = Map::from_iter([(exclusive.to_owned(), value)]);
                bound(&renamed, exclusive, out, tighter);
            } else {
                bound(raw, key, out, tighter);
                bound(raw, exclusive, out, tighter);
            }
        }
        if let Some(Value::Number(step)) = raw.get("multipleOf")
            && step.as_f64().is_some_and(|step| step > 0.0)
        {
            out.insert("multipleOf".to_owned(), Value::Number(step.clone()));
        }
    }

    /// `not`, where nothing in it can be lost: what is dropped in there would refuse more.
    fn refused(&mut self, raw: &Map<String, Value>, out: &mut Map<String, Value>) {
        let Some(not) = raw.get("not").and_then(Value::as_object) else {
            return;
        };
        let plain = |key: &String| ["const", "enum", "required", "type"].contains(&key.as_str());
        if !not.is_empty() && not.keys().all(plain) && !out.contains_key("not") {
            out.insert("not".to_owned(), Value::Object(not.clone()));
        } else {
            self.losses.count("`not` of more than values and names");
        }
    }
}

/// Holds a text to the way in which the values are written that are known: what a newer version adds is written so, too,
/// and a slip of the pen is not.
fn newer(values: &[Value], out: &mut Map<String, Value>) {
    let known: Option<Vec<&str>> = values
        .iter()
        .filter(|value| !value.is_null())
        .map(Value::as_str)
        .collect();
    let Some(known) = known.filter(|known| !known.is_empty()) else {
        return;
    };
    let has = |test: fn(char) -> bool| known.iter().any(|value| value.contains(test));
    let is_other = |char: char| !char.is_ascii_alphanumeric() && !"_.-".contains(char);
    if has(is_other) || out.contains_key("pattern") {
        return;
    }
    let (lower, upper) = (
        has(|char| char.is_ascii_lowercase()),
        has(|char| char.is_ascii_uppercase()),
    );
    let letters = match (lower, upper) {
        (true, false) => "a-z",
        (false, true) => "A-Z",
        _ => "A-Za-z",
    };
    let longest = known.iter().map(|value| value.len()).max().unwrap_or(0);
    let times = if known.contains(&"") { "*" } else { "+" };
    let pattern = format!("^[{letters}0-9_.-]{times}$");
    out.insert("pattern".to_owned(), pattern.into());
    let most = Map::from_iter([("maxLength".to_owned(), longest.max(NEWER_MAX).into())]);
    bound(&most, "maxLength", out, |new, old| new < old);
}

/// Why a pattern cannot be held, or must not be.
fn pattern_problem(pattern: &str) -> Option<&'static str> {
    if pattern.len() > PATTERN_MAX {
        return Some("patterns longer than 512 bytes");
    }
    let quoted =
        pattern.len() > 1 && pattern.starts_with('/') && pattern.ends_with(['/', 'i', 'g']);
    if quoted {
        return Some("patterns between slashes");
    }
    if ["\\\\d", "\\\\w", "\\\\s", "\\\\."]
        .iter()
        .any(|twice| pattern.contains(twice))
    {
        return Some("patterns escaped twice");
    }
    Regex::new(pattern)
        .is_err()
        .then_some("patterns that need looking around, classes of letters, or are none")
}

fn bound(
    raw: &Map<String, Value>,
    key: &str,
    out: &mut Map<String, Value>,
    tighter: impl Fn(f64, f64) -> bool,
) {
    let Some(new) = raw.get(key).and_then(number) else {
        return;
    };
    let new = if key.starts_with("min") && key != "minimum"
        || key.starts_with("max") && key != "maximum"
    {
        // Counts are whole; a least count of 0 says nothing.
        match new.as_f64() {
            Some(count) if count > 0.0 && count.fract() == 0.0 => Number::from(count as u64),
            Some(0.0) if key.starts_with("max") => Number::from(0),
            _ => return,
        }
    } else {
        new
    };
    let old = out.get(key).and_then(Value::as_f64);
    let is = new.as_f64().unwrap_or_default();
    if old.is_none_or(|old| tighter(is, old)) {
        out.insert(key.to_owned(), Value::Number(new));
    }
}

/// A number, also one that is written as a text.
fn number(value: &Value) -> Option<Number> {
    match value {
        Value::Number(number) => Some(number.clone()),
        Value::String(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn json_type(name: &str) -> Option<&'static str> {
    Some(match name.to_ascii_lowercase().as_str() {
        "string" | "date" | "date-time" | "datetime" | "uuid" | "email" | "uri" | "url" => "string",
        "integer" | "int" | "long" | "int32" | "int64" => "integer",
        "number" | "float" | "double" | "decimal" => "number",
        "boolean" | "bool" => "boolean",
        "object" => "object",
        "array" | "list" => "array",
        "null" => "null",
        "any" => "any",
        _ => return None,
    })
}

/// What fits both; the former where nothing does.
fn both(before: &[&'static str], new: &[&'static str]) -> Vec<&'static str> {
    let fits =
        |name: &&'static str| new.contains(name) || **name == *"integer" && new.contains(&"number");
    let mut both: Vec<_> = before.iter().copied().filter(fits).collect();
    if new.contains(&"integer") && before.contains(&"number") && !before.contains(&"integer") {
        both.push("integer");
    }
    if both.is_empty() {
        before.to_vec()
    } else {
        both
    }
}
