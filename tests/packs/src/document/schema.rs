//! A document's schemas as JSON Schemas, as the document means them.

use serde_json::{Map, Value, json};

use super::file::{Dialect, DocumentFile};

/// The document's address, for references into it.
pub(super) const ADDRESS: &str = "https://document.test/";

/// Levels of a schema, and of what a document nests beside schemas.
const DEPTH_MAX: u32 = 200;

/// Something that a document says and that is left out on trial: where pack and document disagree, the one without
/// which they agree is why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Relaxed {
    /// Exactly one alternative: one or more will do.
    OneOf,
    /// What stands in `enum` and `const`.
    Enums,
    /// Formats of texts other than dates, times and UUIDs.
    OtherFormats,
    /// All formats.
    Formats,
    /// Patterns of texts.
    Patterns,
    /// Alternatives beside fields.
    BesideFields,
    /// All alternatives.
    Alternatives,
    /// `not`.
    Not,
    /// Bounds of numbers, texts, lists and maps.
    Bounds,
    /// What must be given.
    Required,
    /// That fields are all there are, where the document says so.
    Closed,
    /// The other way round: what has `properties` is an object, what has `items` a list.
    Kinds,
    /// The other way round: what may be null beside a reference, where older documents' words do not count.
    NullsBesideReferences,
    /// What is null only where a document says both that it may be null and a list of values without it.
    Nulls,
    /// Types.
    Types,
}

/// Keywords that stand as they are.
const KEPT: [&str; 13] = [
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minProperties",
    "maxProperties",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "const",
];

/// Keywords whose value is a bound.
const BOUNDS: [&str; 11] = [
    "minimum",
    "maximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "minItems",
    "maxItems",
    "minProperties",
    "maxProperties",
    "exclusiveMinimum",
    "exclusiveMaximum",
];

/// Formats that are held: a text of another kind is refused. The rest of what documents write there is for people.
const FORMATS: [&str; 3] = ["date", "date-time", "uuid"];
const OTHER_FORMATS: [&str; 6] = ["email", "uri", "ipv4", "ipv6", "hostname", "time"];

/// Reads the schemas of one document.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    file: &'a DocumentFile,
    relaxed: &'a [Relaxed],
}

impl<'a> Reader<'a> {
    /// For `file`, without what `relaxed` names.
    #[must_use]
    pub const fn new(file: &'a DocumentFile, relaxed: &'a [Relaxed]) -> Self {
        Self { file, relaxed }
    }

    fn is(self, relaxed: Relaxed) -> bool {
        self.relaxed.contains(&relaxed)
    }

    /// The document with its schemas as JSON Schemas, each where it stood, so that references lead to them.
    #[must_use]
    pub fn root(self) -> Value {
        let mut root = Map::new();
        let said = &self.file.root;
        if let Some(Value::Object(components)) = said.get("components") {
            let part = |(name, part): (&String, &Value)| {
                let part = match name.as_str() {
                    "schemas" => self.each(part),
                    _ => self.inside(part, 0),
                };
                (name.clone(), part)
            };
            let wanted = components
                .iter()
                .filter(|(name, _)| *name != "responses" && *name != "examples");
            root.insert(
                "components".to_owned(),
                Value::Object(wanted.map(part).collect()),
            );
        }
        if let Some(definitions) = said.get("definitions") {
            root.insert("definitions".to_owned(), self.each(definitions));
        }
        for name in ["parameters", "paths"] {
            if let Some(part) = said.get(name) {
                root.insert(name.to_owned(), self.inside(part, 0));
            }
        }
        Value::Object(root)
    }

    fn each(self, schemas: &Value) -> Value {
        let schemas = schemas.as_object().into_iter().flatten();
        schemas
            .map(|(name, schema)| (name.clone(), self.schema(schema, 0)))
            .collect()
    }

    /// What stands beside schemas: it is kept for the schemas in it.
    fn inside(self, value: &Value, depth: u32) -> Value {
        match value {
            _ if depth > DEPTH_MAX => Value::Null,
            Value::Object(fields) => {
                let field = |(name, value): (&String, &Value)| {
                    let value = match name.as_str() {
                        "schema" => self.schema(value, 0),
                        _ => self.inside(value, depth + 1),
                    };
                    (name.clone(), value)
                };
                let wanted = fields.iter().filter(|(name, _)| {
                    !matches!(name.as_str(), "responses" | "examples" | "example")
                });
                Value::Object(wanted.map(field).collect())
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.inside(item, depth + 1))
                .collect(),
            other => other.clone(),
        }
    }

    /// One schema.
    #[must_use]
    pub fn schema(self, schema: &Value, depth: u32) -> Value {
        let Value::Object(said) = schema else {
            return Value::Bool(schema != &Value::Bool(false));
        };
        if depth > DEPTH_MAX {
            return Value::Bool(true);
        }
        let mut made = Map::new();
        if let Some(at) = said.get("$ref").and_then(Value::as_str) {
            let at = at
                .strip_prefix('#')
                .map_or_else(|| at.to_owned(), |at| format!("{ADDRESS}#{at}"));
            made.insert("$ref".to_owned(), at.into());
            // Beside a reference only the newest documents mean what they say.
            if self.file.dialect != Dialect::OpenApi31 {
                let may_be_null = said.get("nullable") == Some(&Value::Bool(true))
                    && self.is(Relaxed::NullsBesideReferences);
                return match may_be_null {
                    true => json!({ "anyOf": [{ "type": "null" }, made] }),
                    false => Value::Object(made),
                };
            }
        }
        self.scalars(said, &mut made);
        self.fields(said, &mut made, depth);
        self.alternatives(said, &mut made, depth);
        let may_be_null =
            [said.get("nullable"), said.get("x-nullable")].contains(&Some(&Value::Bool(true)));
        // OpenAPI 3.0.3 would have it so; documents hardly ever mean it.
        let is_listed = said
            .get("enum")
            .and_then(Value::as_array)
            .is_none_or(|listed| listed.contains(&Value::Null));
        let by_letter = said.contains_key("type") && is_listed;
        match may_be_null && (by_letter || !self.is(Relaxed::Nulls)) {
            true => json!({ "anyOf": [{ "type": "null" }, made] }),
            false => Value::Object(made),
        }
    }

    fn scalars(self, said: &Map<String, Value>, made: &mut Map<String, Value>) {
        if let Some(types) = said.get("type").and_then(types)
            && !self.is(Relaxed::Types)
        {
            made.insert("type".to_owned(), types);
        }
        for name in KEPT {
            let Some(value) = said.get(name) else {
                continue;
            };
            let is_bound = BOUNDS.contains(&name);
            let is_good = match is_bound {
                true => value.is_number(),
                false => name != "uniqueItems" || value.is_boolean(),
            };
            let is_dropped = match is_bound {
                true => self.is(Relaxed::Bounds),
                false => name == "const" && self.is(Relaxed::Enums),
            };
            if is_good && !is_dropped {
                made.insert(name.to_owned(), value.clone());
            }
        }
        // Before JSON Schema's sixth draft these two say of the bound that it is not reached itself.
        for (exclusive, bound) in [
            ("exclusiveMinimum", "minimum"),
            ("exclusiveMaximum", "maximum"),
        ] {
            if said.get(exclusive) == Some(&Value::Bool(true))
                && let Some(value) = made.remove(bound)
            {
                made.insert(exclusive.to_owned(), value);
            }
        }
        if let Some(Value::Array(values)) = said.get("enum")
            && !self.is(Relaxed::Enums)
        {
            // YAML's numbers and truth values in a list of texts are texts.
            let is_text = said.get("type").is_some_and(|kind| kind == "string");
            let value = |value: &Value| match value {
                Value::Number(_) | Value::Bool(_) if is_text => value.to_string().into(),
                other => other.clone(),
            };
            made.insert("enum".to_owned(), values.iter().map(value).collect());
        }
        if let Some(pattern) = said.get("pattern").and_then(Value::as_str)
            && !self.is(Relaxed::Patterns)
            && jsonschema::options()
                .build(&json!({ "pattern": pattern }))
                .is_ok()
        {
            made.insert("pattern".to_owned(), pattern.into());
        }
        if let Some(format) = said.get("format").and_then(Value::as_str)
            && !self.is(Relaxed::Formats)
        {
            let is_held = FORMATS.contains(&format);
            let is_other = OTHER_FORMATS.contains(&format) && !self.is(Relaxed::OtherFormats);
            if is_held || is_other {
                made.insert("format".to_owned(), format.into());
            }
        }
    }

    fn fields(self, said: &Map<String, Value>, made: &mut Map<String, Value>, depth: u32) {
        let inner = |value: &Value| self.schema(value, depth + 1);
        if let Some(Value::Object(properties)) = said.get("properties") {
            let made_of = properties
                .iter()
                .map(|(name, schema)| (name.clone(), inner(schema)));
            made.insert("properties".to_owned(), Value::Object(made_of.collect()));
            if self.is(Relaxed::Kinds) && !made.contains_key("type") {
                made.insert("type".to_owned(), "object".into());
            }
        }
        if let Some(Value::Array(required)) = said.get("required")
            && !self.is(Relaxed::Required)
        {
            // What only answers have is never asked for.
            let is_for_answers = |name: &str| {
                let schema = said.get("properties").and_then(|all| all.get(name));
                let schema = schema.map(|schema| [schema, self.file.followed(schema)]);
                schema
                    .into_iter()
                    .flatten()
                    .any(|schema| schema.get("readOnly") == Some(&Value::Bool(true)))
            };
            let names = required
                .iter()
                .filter_map(Value::as_str)
                .filter(|name| !is_for_answers(name));
            let names: std::collections::BTreeSet<&str> = names.collect();
            made.insert(
                "required".to_owned(),
                names.into_iter().map(Value::from).collect(),
            );
        }
        match said.get("additionalProperties") {
            Some(Value::Bool(false)) if self.is(Relaxed::Closed) => {}
            Some(rule @ (Value::Bool(_) | Value::Object(_))) => {
                made.insert("additionalProperties".to_owned(), inner(rule));
            }
            _ => {}
        }
        if let Some(items @ (Value::Object(_) | Value::Bool(_))) = said.get("items") {
            made.insert("items".to_owned(), inner(items));
            if self.is(Relaxed::Kinds) && !made.contains_key("type") {
                made.insert("type".to_owned(), "array".into());
            }
        }
    }

    fn alternatives(self, said: &Map<String, Value>, made: &mut Map<String, Value>, depth: u32) {
        let inner = |values: &[Value]| -> Value {
            values
                .iter()
                .map(|value| self.schema(value, depth + 1))
                .collect()
        };
        let is_beside = self.is(Relaxed::BesideFields) && said.contains_key("properties");
        let is_dropped = is_beside || self.is(Relaxed::Alternatives);
        for name in ["allOf", "anyOf", "oneOf"] {
            let Some(Value::Array(all)) = said.get(name) else {
                continue;
            };
            if all.is_empty() || (name != "allOf" && is_dropped) {
                continue;
            }
            let name = match name {
                "oneOf" if self.is(Relaxed::OneOf) && !said.contains_key("anyOf") => "anyOf",
                name => name,
            };
            made.insert(name.to_owned(), inner(all));
        }
        if let Some(not) = said.get("not")
            && !self.is(Relaxed::Not)
        {
            made.insert("not".to_owned(), self.schema(not, depth + 1));
        }
    }
}

/// Types that JSON Schema knows; none where there is none of them.
fn types(said: &Value) -> Option<Value> {
    let known = |name: &str| match name {
        "string" | "number" | "integer" | "boolean" | "array" | "object" | "null" => {
            Some(Value::from(name))
        }
        "file" => Some("string".into()),
        _ => None,
    };
    match said {
        Value::String(name) => known(name),
        Value::Array(names) => {
            let names: Option<Vec<Value>> =
                names.iter().map(|name| known(name.as_str()?)).collect();
            names.filter(|names| !names.is_empty()).map(Value::Array)
        }
        _ => None,
    }
}
