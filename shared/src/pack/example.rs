//! A payload that an operation's schema takes, made from the schema alone: for people who ask what one looks like, and
//! for tests. Nothing in it is a vendor's.

use regex_syntax::hir::{Class, Hir, HirKind};
use serde_json::{Map, Value, json};

use super::shape::{self, Definitions};

/// How many fields an example has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// The required ones.
    Minimal,
    /// All, down to a few levels.
    Full,
}

/// Levels below which even a full example has required fields alone.
const FULL_DEPTH: u32 = 3;

/// Levels at which a schema that refers to itself is left.
const DEPTH_MAX: u32 = 24;

/// Alternatives that are tried for one that fits.
const TRIED_MAX: usize = 20;

/// Longest text that a pattern or a bound makes, in characters.
const TEXT_MAX: usize = 4096;

/// A payload that `schema` takes. Where schemas contradict themselves there is none, and what comes out is refused.
#[must_use]
pub fn example(schema: &Value, definitions: &dyn Definitions, extent: Extent) -> Value {
    let maker = Maker { definitions };
    maker.value(schema, extent, 0)
}

struct Maker<'a> {
    definitions: &'a dyn Definitions,
}

impl Maker<'_> {
    fn value(&self, schema: &Value, extent: Extent, depth: u32) -> Value {
        let extent = if depth > FULL_DEPTH {
            Extent::Minimal
        } else {
            extent
        };
        let Value::Object(rules) = schema else {
            return json!("a");
        };
        if depth > DEPTH_MAX {
            return Value::Null;
        }
        if let Some(name) = rules.get("$ref").and_then(Value::as_str) {
            let name = name.strip_prefix("#/$defs/").unwrap_or(name);
            return match self.definitions.schema(name) {
                Some(schema) => self.value(schema, extent, depth + 1),
                None => Value::Null,
            };
        }
        if let Some(only) = rules.get("const") {
            return only.clone();
        }
        if let Some(Value::Array(allowed)) = rules.get("enum") {
            let first = allowed.iter().find(|one| !one.is_null());
            return first.cloned().unwrap_or_default();
        }
        let mut made = self.of_type(rules, extent, depth);
        if let Some(Value::Array(all)) = rules.get("allOf") {
            for schema in all {
                merge(&mut made, self.value(schema, extent, depth + 1));
            }
        }
        if let Some(Value::Array(any)) = rules.get("anyOf") {
            let is_bare = rules.keys().all(|key| key == "anyOf");
            for one in any.iter().take(TRIED_MAX) {
                let mut tried = if is_bare { Value::Null } else { made.clone() };
                // An alternative that only asks for fields asks for those that stand beside it.
                let more = match one
                    .get("properties")
                    .or(one.get("type"))
                    .or(one.get("$ref"))
                {
                    None if one.get("required").is_some() => {
                        self.asked_for(rules, one, extent, depth)
                    }
                    _ => self.value(one, extent, depth + 1),
                };
                merge(&mut tried, more);
                if shape::check(schema, self.definitions, &tried, 1).is_empty() {
                    return tried;
                }
            }
        }
        // What must not be there together goes.
        if let (Some(not), Value::Object(fields)) = (rules.get("not"), &mut made)
            && let Some(Value::Array(refused)) = not.get("required")
        {
            let refused = refused.iter().filter_map(Value::as_str);
            refused.take(1).for_each(|name| drop(fields.remove(name)));
        }
        made
    }

    /// The fields of `rules` that `one` requires.
    fn asked_for(
        &self,
        rules: &Map<String, Value>,
        one: &Value,
        extent: Extent,
        depth: u32,
    ) -> Value {
        let names = one
            .get("required")
            .and_then(Value::as_array)
            .into_iter()
            .flatten();
        let properties = rules.get("properties").unwrap_or(&Value::Null);
        let field = |name: &str| {
            let schema = properties.get(name).unwrap_or(&Value::Bool(true));
            (name.to_owned(), self.value(schema, extent, depth + 1))
        };
        Value::Object(names.filter_map(Value::as_str).map(field).collect())
    }

    fn of_type(&self, rules: &Map<String, Value>, extent: Extent, depth: u32) -> Value {
        let kind = match rules.get("type") {
            Some(Value::String(kind)) => kind.as_str(),
            Some(Value::Array(kinds)) => {
                let mut kinds = kinds.iter().filter_map(Value::as_str);
                kinds.find(|kind| *kind != "null").unwrap_or("null")
            }
            _ if rules.contains_key("properties") => "object",
            _ if rules.contains_key("items") => "array",
            _ if rules.contains_key("allOf") || rules.contains_key("anyOf") => "null",
            _ => "string",
        };
        match kind {
            "object" => self.object(rules, extent, depth),
            "array" => self.array(rules, extent, depth),
            "integer" | "number" => number(rules, kind == "integer"),
            "boolean" => json!(true),
            "null" => Value::Null,
            _ => json!(self.text(rules)),
        }
    }

    fn object(&self, rules: &Map<String, Value>, extent: Extent, depth: u32) -> Value {
        let required = rules.get("required").and_then(Value::as_array);
        let required: Vec<&str> = required
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let none = Map::new();
        let properties = rules
            .get("properties")
            .and_then(Value::as_object)
            .unwrap_or(&none);
        let mut fields = Map::new();
        for (name, schema) in properties {
            let is_wanted = extent == Extent::Full || required.contains(&name.as_str());
            if is_wanted && schema != &Value::Bool(false) {
                fields.insert(name.clone(), self.value(schema, extent, depth + 1));
            }
        }
        for name in required {
            fields.entry(name).or_insert_with(|| json!("a"));
        }
        let least = bound(rules, "minProperties").map_or(0, |least| least as usize);
        let mut others = properties
            .iter()
            .filter(|(name, _)| !required_of(rules, name));
        while fields.len() < least {
            let (name, value) = match (others.next(), rules.get("additionalProperties")) {
                (Some((name, schema)), _) => (name.clone(), self.value(schema, extent, depth + 1)),
                (None, Some(schema @ Value::Object(_))) => (
                    format!("key{}", fields.len()),
                    self.value(schema, extent, depth + 1),
                ),
                (None, _) => (format!("key{}", fields.len()), json!("a")),
            };
            fields.entry(name).or_insert(value);
        }
        Value::Object(fields)
    }

    fn array(&self, rules: &Map<String, Value>, extent: Extent, depth: u32) -> Value {
        let least = bound(rules, "minItems").map_or(0, |least| least as usize);
        let count = if extent == Extent::Full {
            least.max(1)
        } else {
            least
        };
        let item = rules.get("items").unwrap_or(&Value::Bool(true));
        let most = bound(rules, "maxItems").map_or(usize::MAX, |most| most as usize);
        let items =
            (0..count.min(most).min(TRIED_MAX)).map(|_| self.value(item, extent, depth + 1));
        Value::Array(items.collect())
    }

    fn text(&self, rules: &Map<String, Value>) -> String {
        let format = rules.get("format").and_then(Value::as_str);
        let mut text = match format {
            Some("date") => "2026-12-01".to_owned(),
            Some("date-time") => "2026-12-01T15:00:00Z".to_owned(),
            Some("uuid") => "123e4567-e89b-42d3-a456-426614174000".to_owned(),
            Some("email") => "ada@example.com".to_owned(),
            Some("uri" | "url") => "https://example.com/".to_owned(),
            _ => "a".to_owned(),
        };
        let least = bound(rules, "minLength")
            .map_or(0, |least| least as usize)
            .min(TEXT_MAX);
        if let Some(pattern) = rules.get("pattern").and_then(Value::as_str) {
            let fits = |text: &str| {
                let pattern = self.definitions.pattern(pattern);
                pattern.is_none_or(|pattern| pattern.is_match(text))
            };
            if !fits(&text) {
                let parsed = regex_syntax::ParserBuilder::new()
                    .unicode(false)
                    .utf8(false)
                    .build();
                let parsed = { parsed }.parse(pattern);
                text = parsed.map(|hir| matching(&hir)).unwrap_or_default();
            }
        }
        while text.chars().count() < least {
            text.push(text.chars().last().unwrap_or('a'));
        }
        let most = bound(rules, "maxLength").map_or(usize::MAX, |most| most as usize);
        text.chars().take(most).collect()
    }
}

fn required_of(rules: &Map<String, Value>, name: &str) -> bool {
    let required = rules.get("required").and_then(Value::as_array);
    required.is_some_and(|required| required.iter().any(|one| one == name))
}

fn bound(rules: &Map<String, Value>, name: &str) -> Option<f64> {
    rules.get(name).and_then(Value::as_f64)
}

fn number(rules: &Map<String, Value>, is_whole: bool) -> Value {
    let step = bound(rules, "multipleOf")
        .filter(|step| *step > 0.0)
        .unwrap_or(1.0);
    let least = bound(rules, "minimum");
    let above = bound(rules, "exclusiveMinimum")
        .map(|least| if is_whole { least + 1.0 } else { least + step });
    let least = match (least, above) {
        (Some(least), Some(above)) => Some(least.max(above)),
        (least, above) => least.or(above),
    };
    let most = bound(rules, "maximum").or(bound(rules, "exclusiveMaximum").map(|most| most - step));
    let mut number = least.map_or(1.0, |least| (least / step).ceil() * step);
    if least.is_none() || number < 1.0 {
        number = number.max(step);
    }
    if let Some(most) = most.filter(|most| *most < number) {
        number = least.unwrap_or(f64::MIN).max((most / step).floor() * step);
    }
    match number.fract() == 0.0 && number.abs() < 9e15 {
        true => json!(number as i64),
        false => json!(number),
    }
}

/// Adds what `more` says to `made`.
fn merge(made: &mut Value, more: Value) {
    match (made, more) {
        (Value::Object(fields), Value::Object(more)) => fields.extend(more),
        (_, Value::Null) => {}
        (made, more) => *made = more,
    }
}

/// A text that an expression matches.
fn matching(hir: &Hir) -> String {
    match hir.kind() {
        HirKind::Empty | HirKind::Look(_) => String::new(),
        HirKind::Literal(literal) => String::from_utf8_lossy(&literal.0).into_owned(),
        HirKind::Class(class) => one_of(class).to_string(),
        HirKind::Repetition(repetition) => {
            let least = repetition.min as usize;
            let times = if repetition.max == Some(0) {
                0
            } else {
                least.max(1)
            };
            matching(&repetition.sub).repeat(times.min(TEXT_MAX))
        }
        HirKind::Capture(capture) => matching(&capture.sub),
        HirKind::Concat(parts) => parts.iter().map(matching).collect(),
        HirKind::Alternation(parts) => parts.first().map(matching).unwrap_or_default(),
    }
}

fn one_of(class: &Class) -> char {
    let usual = ['a', 'A', '1', '0', '-', '_', ' '];
    let has = |char: char| match class {
        Class::Unicode(class) => class
            .ranges()
            .iter()
            .any(|range| (range.start()..=range.end()).contains(&char)),
        Class::Bytes(class) => {
            let byte = u8::try_from(char).unwrap_or_default();
            class
                .ranges()
                .iter()
                .any(|range| (range.start()..=range.end()).contains(&byte))
        }
    };
    let first = match class {
        Class::Unicode(class) => class
            .ranges()
            .first()
            .map(regex_syntax::hir::ClassUnicodeRange::start),
        Class::Bytes(class) => class
            .ranges()
            .first()
            .map(|range| char::from(range.start())),
    };
    usual
        .into_iter()
        .find(|char| has(*char))
        .or(first)
        .unwrap_or('a')
}
