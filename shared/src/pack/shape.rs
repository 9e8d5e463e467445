//! A payload held against its operation's JSON Schema, with errors that name field and rule and never the value.
//!
//! The keywords are those that an import writes (`functions/PACKS.md`); others say nothing. It goes over the schema as
//! it stands, so that the first use of an operation costs no compilation. `tests/contract` holds it against the
//! `jsonschema` crate.

use std::collections::BTreeSet;

use regex_lite::Regex;
use serde_json::{Map, Value};

use crate::provider::PayloadError;

/// Steps of one check: a schema whose alternatives multiply is given up instead of computed. A payload of 256 KB with a
/// step a byte stays below.
const STEPS_MAX: u32 = 1_000_000;

/// Schemas inside schemas, references followed: payloads nest at most 127 deep, and a reference to itself never ends.
const DEPTH_MAX: u32 = 512;

/// Values of an enumeration that a message lists.
const LISTED_MAX: usize = 12;

/// From here on two names are taken for a slip of the pen: Jaro-Winkler, 1 is the same.
const NEAR: f64 = 0.8;

/// What schemas refer to.
pub trait Definitions {
    /// The schema that `#/$defs/<name>` stands for.
    fn schema(&self, name: &str) -> Option<&'static Value>;
    /// A pattern, compiled; none where it is no expression.
    fn pattern(&self, text: &str) -> Option<Regex>;
}

/// What is wrong with `value`, at most `most` errors, in the order of the fields.
pub fn check(
    schema: &Value,
    definitions: &dyn Definitions,
    value: &Value,
    most: usize,
) -> Vec<PayloadError> {
    let mut check = Check {
        definitions,
        errors: Vec::new(),
        most,
        steps: 0,
        depth: 0,
    };
    check.value(schema, value, &Path::Root);
    check.errors.truncate(most);
    check.errors
}

struct Check<'a> {
    definitions: &'a dyn Definitions,
    errors: Vec<PayloadError>,
    most: usize,
    steps: u32,
    depth: u32,
}

/// Where the value at hand stands; written out only for an error.
enum Path<'a> {
    Root,
    Field(&'a Path<'a>, &'a str),
    Item(&'a Path<'a>, usize),
}

impl Path<'_> {
    fn text(&self) -> String {
        match self {
            Self::Root => "payload".to_owned(),
            Self::Field(parent, name) => format!("{}.{name}", parent.text()),
            Self::Item(parent, at) => format!("{}[{at}]", parent.text()),
        }
    }
}

impl Check<'_> {
    fn refuse(&mut self, path: &Path<'_>, rule: impl Into<String>) {
        if self.errors.len() < self.most {
            let (path, rule) = (path.text(), rule.into());
            self.errors.push(PayloadError { path, rule });
        }
    }

    fn is_full(&self) -> bool {
        self.errors.len() >= self.most
    }

    fn value(&mut self, schema: &Value, value: &Value, path: &Path<'_>) {
        self.steps += 1;
        self.depth += 1;
        match self.steps > STEPS_MAX || self.depth > DEPTH_MAX {
            true => self.refuse(path, "has too many alternatives to be checked"),
            false => self.rules(schema, value, path),
        }
        self.depth -= 1;
    }

    fn rules(&mut self, schema: &Value, value: &Value, path: &Path<'_>) {
        let Value::Object(rules) = schema else {
            if schema == &Value::Bool(false) {
                self.refuse(path, "is not taken");
            }
            return;
        };
        if let Some(name) = rules.get("$ref").and_then(Value::as_str) {
            let name = name.strip_prefix("#/$defs/").unwrap_or(name);
            match self.definitions.schema(name) {
                Some(schema) => self.value(schema, value, path),
                None => self.refuse(path, format!("refers to `{name}`, which the pack lacks")),
            }
        }
        if let Some(types) = rules.get("type")
            && !is_of_type(types, value)
        {
            return self.refuse(path, expected(types, rules));
        }
        self.scalars(rules, value, path);
        self.alternatives(rules, value, path);
        match value {
            Value::Object(fields) => self.object(rules, fields, path),
            Value::Array(items) => self.array(rules, items, path),
            Value::String(text) => self.text(rules, text, path),
            Value::Number(_) => self.number(rules, value.as_f64().unwrap_or_default(), path),
            Value::Null | Value::Bool(_) => {}
        }
    }

    fn scalars(&mut self, rules: &Map<String, Value>, value: &Value, path: &Path<'_>) {
        if let Some(Value::Array(allowed)) = rules.get("enum")
            && !allowed.iter().any(|one| is_same(one, value))
        {
            self.refuse(path, one_of(allowed, value));
        }
        if let Some(only) = rules.get("const")
            && !is_same(only, value)
        {
            self.refuse(path, format!("must be {only}"));
        }
    }

    fn alternatives(&mut self, rules: &Map<String, Value>, value: &Value, path: &Path<'_>) {
        if let Some(Value::Array(all)) = rules.get("allOf") {
            all.iter()
                .for_each(|schema| self.value(schema, value, path));
        }
        if let Some(Value::Array(any)) = rules.get("anyOf")
            && !any.iter().any(|schema| self.holds(schema, value, path))
        {
            // The alternative that is of the right kind tells more than that none fits.
            let kind = any.iter().find(|schema| {
                let types = schema.get("type");
                types.is_some_and(|types| is_of_type(types, value))
            });
            match kind {
                Some(schema) => self.value(schema, value, path),
                None => self.refuse(path, "fits none of its alternatives"),
            }
        }
        if let Some(not) = rules.get("not")
            && self.holds(not, value, path)
        {
            self.refuse(path, "is of a kind that is not taken");
        }
    }

    /// Whether it holds, without a word where it does not.
    fn holds(&mut self, schema: &Value, value: &Value, path: &Path<'_>) -> bool {
        let mut trial = Check {
            definitions: self.definitions,
            errors: Vec::new(),
            most: 1,
            steps: self.steps,
            depth: self.depth,
        };
        trial.value(schema, value, path);
        self.steps = trial.steps;
        trial.errors.is_empty()
    }

    fn object(&mut self, rules: &Map<String, Value>, fields: &Map<String, Value>, path: &Path<'_>) {
        let none = Map::new();
        let properties = rules.get("properties").and_then(Value::as_object);
        let properties = properties.unwrap_or(&none);
        if let Some(Value::Array(required)) = rules.get("required") {
            for name in required.iter().filter_map(Value::as_str) {
                if !fields.contains_key(name) {
                    self.refuse(&Path::Field(path, name), "must be given");
                }
            }
        }
        let others = rules.get("additionalProperties");
        for (name, value) in fields {
            if self.is_full() {
                return;
            }
            let path = Path::Field(path, name);
            match (properties.get(name), others) {
                (Some(schema), _) => self.value(schema, value, &path),
                (None, Some(Value::Bool(false))) => self.refuse(&path, unknown(name, properties)),
                (None, Some(schema)) => self.value(schema, value, &path),
                (None, None) => {}
            }
        }
        self.count(
            rules,
            ("minProperties", "maxProperties"),
            fields.len(),
            "fields",
            path,
        );
    }

    fn array(&mut self, rules: &Map<String, Value>, items: &[Value], path: &Path<'_>) {
        if let Some(schema) = rules.get("items") {
            for (at, item) in items.iter().enumerate() {
                if self.is_full() {
                    return;
                }
                self.value(schema, item, &Path::Item(path, at));
            }
        }
        if rules.get("uniqueItems") == Some(&Value::Bool(true)) {
            let mut seen = BTreeSet::new();
            if !items.iter().all(|item| seen.insert(item.to_string())) {
                self.refuse(path, "must not name one thing twice");
            }
        }
        self.count(
            rules,
            ("minItems", "maxItems"),
            items.len(),
            "elements",
            path,
        );
    }

    fn text(&mut self, rules: &Map<String, Value>, text: &str, path: &Path<'_>) {
        if rules.contains_key("minLength") || rules.contains_key("maxLength") {
            let length = text.chars().count();
            let names = ("minLength", "maxLength");
            let (least, most) = bounds(rules, names);
            if !(least..=most).contains(&length) {
                self.refuse(
                    path,
                    format!("must be text {}", between(least, most, "characters")),
                );
            }
        }
        if let Some(pattern) = rules.get("pattern").and_then(Value::as_str) {
            let regex = self.definitions.pattern(pattern);
            if regex.is_some_and(|regex| !regex.is_match(text)) {
                self.refuse(path, format!("must match {pattern}"));
            }
        }
        let format = rules.get("format").and_then(Value::as_str);
        if let Some(like) = format.and_then(|format| super::format::instead(format, text)) {
            self.refuse(path, format!("must be {like}"));
        }
    }

    fn number(&mut self, rules: &Map<String, Value>, number: f64, path: &Path<'_>) {
        let bound = |name: &str| rules.get(name).and_then(Value::as_f64);
        let holds = bound("minimum").is_none_or(|least| number >= least)
            && bound("maximum").is_none_or(|most| number <= most)
            && bound("exclusiveMinimum").is_none_or(|least| number > least)
            && bound("exclusiveMaximum").is_none_or(|most| number < most);
        if !holds {
            let types = rules.get("type").unwrap_or(&Value::Null);
            self.refuse(path, expected(types, rules));
        }
        if let Some(of) = bound("multipleOf").filter(|of| *of > 0.0) {
            let times = number / of;
            // Halves of a cent are no cents; what binary fractions cannot say exactly is.
            if (times - times.round()).abs() > 1e-6 {
                self.refuse(path, format!("must be a multiple of {of}"));
            }
        }
    }

    fn count(
        &mut self,
        rules: &Map<String, Value>,
        names: (&str, &str),
        count: usize,
        what: &str,
        path: &Path<'_>,
    ) {
        let (least, most) = bounds(rules, names);
        if !(least..=most).contains(&count) {
            let rule = between(least, most, what);
            let rule = rule.strip_prefix("of ").unwrap_or(&rule);
            self.refuse(path, format!("must have {rule}"));
        }
    }
}

fn bounds(rules: &Map<String, Value>, (least, most): (&str, &str)) -> (usize, usize) {
    let bound = |name: &str| {
        let number = rules.get(name).and_then(Value::as_f64);
        number.map(|number| number.max(0.0) as usize)
    };
    (bound(least).unwrap_or(0), bound(most).unwrap_or(usize::MAX))
}

fn between(least: usize, most: usize, what: &str) -> String {
    match (least, most) {
        (0, most) => format!("of at most {most} {what}"),
        (least, usize::MAX) => format!("of at least {least} {what}"),
        (least, most) if least == most => format!("of {least} {what}"),
        (least, most) => format!("of {least} to {most} {what}"),
    }
}

fn is_of_type(types: &Value, value: &Value) -> bool {
    match types {
        Value::String(name) => match (name.as_str(), value) {
            ("null", Value::Null)
            | ("boolean", Value::Bool(_))
            | ("string", Value::String(_))
            | ("array", Value::Array(_))
            | ("object", Value::Object(_))
            | ("number", Value::Number(_)) => true,
            // JSON Schema's integer takes 5.0 for 5.
            ("integer", Value::Number(number)) => {
                let is_whole = |number: f64| number.fract() == 0.0;
                number.is_i64() || number.is_u64() || number.as_f64().is_some_and(is_whole)
            }
            _ => false,
        },
        Value::Array(names) => names.iter().any(|name| is_of_type(name, value)),
        _ => true,
    }
}

/// What a value of these types must be, with the bounds of numbers.
fn expected(types: &Value, rules: &Map<String, Value>) -> String {
    let word = |name: &str| match name {
        "string" => "text",
        "integer" => "a whole number",
        "number" => "a number",
        "boolean" => "true or false",
        "array" => "a list",
        "object" => "an object",
        "null" => "null",
        _ => "something else",
    };
    let words: Vec<&str> = match types {
        Value::String(name) => vec![word(name)],
        Value::Array(names) => names.iter().filter_map(Value::as_str).map(word).collect(),
        _ => vec!["a number"],
    };
    let mut rule = format!("must be {}", words.join(" or "));
    if words.iter().any(|word| word.ends_with("number")) {
        let bound = |name: &str| rules.get(name).filter(|bound| bound.is_number());
        match (bound("minimum"), bound("maximum")) {
            (Some(least), Some(most)) => rule += &format!(" from {least} to {most}"),
            (Some(least), None) => rule += &format!(", at least {least}"),
            (None, Some(most)) => rule += &format!(", at most {most}"),
            (None, None) => {}
        }
        if let Some(least) = bound("exclusiveMinimum") {
            rule += &format!(", more than {least}");
        }
        if let Some(most) = bound("exclusiveMaximum") {
            rule += &format!(", less than {most}");
        }
    }
    rule
}

fn one_of(allowed: &[Value], value: &Value) -> String {
    let words = allowed.iter().map(|one| match one {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    });
    let words: Vec<String> = words.collect();
    if words.len() <= LISTED_MAX {
        return format!("must be one of {}", words.join(", "));
    }
    let near = value
        .as_str()
        .and_then(|text| nearest(text, words.iter().map(String::as_str)));
    match near {
        Some(near) => format!(
            "must be one of {} values; the nearest is `{near}`",
            words.len()
        ),
        None => format!(
            "must be one of {} values, such as {}",
            words.len(),
            words[..3].join(", ")
        ),
    }
}

fn unknown(name: &str, properties: &Map<String, Value>) -> String {
    match nearest(name, properties.keys().map(String::as_str)) {
        Some(near) => format!("is no field of this payload; the nearest is `{near}`"),
        None => "is no field of this payload".to_owned(),
    }
}

/// The name that is most like `name`, where one is like it at all.
pub(super) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let folded = name.to_lowercase();
    let likeness = |other: &'a str| (strsim::jaro_winkler(&folded, &other.to_lowercase()), other);
    let near = names
        .map(likeness)
        .filter(|(likeness, _)| *likeness >= NEAR);
    near.max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| name)
}

fn is_same(one: &Value, other: &Value) -> bool {
    match (one.as_f64(), other.as_f64()) {
        (Some(one), Some(other)) => one == other,
        _ => one == other,
    }
}
