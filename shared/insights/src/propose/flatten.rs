//! A schema and samples as one flat list of fields.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::fmt;

use serde_json::{Map, Value};

use super::path::{Path, Step};
use super::seen::Seen;

/// Most fields of one side that are looked at: the longest of the packs' operations has fewer than 1,000, and every
/// field of one side is held against every one of the other.
pub const MAX_FIELDS: usize = 1_000;

/// Levels of nesting that are looked at.
pub const MAX_DEPTH: usize = 8;

/// Schemas that may hold for one place: a `$ref` to a list of alternatives of `allOf` … and so on.
const MAX_FACETS: usize = 64;

/// Different values that are kept of a field.
pub(super) const MAX_VALUES: usize = 200;

/// Characters of a value that are kept: enough to tell what it is.
pub(super) const MAX_TEXT: usize = 200;

/// What JSON types a field may have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Types {
    pub text: bool,
    pub integer: bool,
    pub number: bool,
    pub boolean: bool,
    pub object: bool,
    pub list: bool,
    pub null: bool,
}

impl Types {
    pub fn add(&mut self, name: &str) {
        match name {
            "string" => self.text = true,
            "integer" => self.integer = true,
            "number" => self.number = true,
            "boolean" => self.boolean = true,
            "object" => self.object = true,
            "array" => self.list = true,
            "null" => self.null = true,
            _ => {}
        }
    }

    pub fn of(value: &Value) -> &'static str {
        match value {
            Value::Null => "null",
            Value::Bool(_) => "boolean",
            Value::Number(number) if number.is_f64() => "number",
            Value::Number(_) => "integer",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        }
    }

    pub fn numeric(self) -> bool {
        self.integer || self.number
    }

    pub fn scalar(self) -> bool {
        self.text || self.numeric() || self.boolean
    }

    pub fn unknown(self) -> bool {
        !self.scalar() && !self.object && !self.list
    }
}

/// A field's type as it is told: `string (date-time)`, `list of integer`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kind {
    pub types: Types,
    pub format: Option<String>,
    /// Whether the field is each element of a list of plain values.
    pub listed: bool,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let types = self.types;
        let names = [
            (types.text, "string"),
            (types.integer && !types.number, "integer"),
            (types.number, "number"),
            (types.boolean, "boolean"),
            (types.object, "object"),
        ];
        let told: Vec<&str> = names
            .iter()
            .filter(|(is, _)| *is)
            .map(|(_, name)| *name)
            .collect();
        if self.listed {
            f.write_str("list of ")?;
        }
        match told.is_empty() {
            true => f.write_str("anything")?,
            false => f.write_str(&told.join(" or "))?,
        }
        match &self.format {
            Some(format) => write!(f, " ({format})"),
            None => Ok(()),
        }
    }
}

/// One field of a side: a plain value, a list's plain elements, or an object of which nothing more is known.
#[derive(Clone, Debug)]
pub(super) struct Leaf {
    pub path: Path,
    pub kind: Kind,
    /// Whether it is there wherever what it is in is.
    pub required: bool,
    /// Whether it is there in every document.
    pub always: bool,
    pub description: String,
    /// Values that a schema allows, no others.
    pub allowed: Vec<Value>,
    /// Values that were seen, each once.
    pub seen: Vec<Value>,
    pub min_length: u64,
    pub max_length: Option<u64>,
    pub pattern: Option<String>,
    pub minimum: Option<f64>,
}

impl Leaf {
    pub fn new(path: Path) -> Self {
        let kind = Kind {
            types: Types::default(),
            format: None,
            listed: path.steps().last() == Some(&Step::Each),
        };
        Self {
            path,
            kind,
            required: false,
            always: false,
            description: String::new(),
            allowed: Vec::new(),
            seen: Vec::new(),
            min_length: 0,
            max_length: None,
            pattern: None,
            minimum: None,
        }
    }

    /// What is known of its values: those that are allowed, or else those that were seen.
    pub fn values(&self) -> &[Value] {
        if self.allowed.is_empty() {
            &self.seen
        } else {
            &self.allowed
        }
    }

    /// The texts among [`values`](Self::values).
    pub fn texts(&self) -> impl Iterator<Item = &str> {
        self.values().iter().filter_map(Value::as_str)
    }
}

/// The fields of one side.
#[derive(Clone, Debug, Default)]
pub(super) struct Fields {
    pub leaves: Vec<Leaf>,
    /// Lists, by path with `[]`, and whether each is required where what it is in is there.
    pub lists: BTreeMap<Path, bool>,
    /// Objects that must be there, where what they are in is.
    pub objects: BTreeMap<Path, bool>,
    /// Whether there are more than are looked at.
    pub cut: bool,
}

/// The fields of `schema`, and of `samples`.
pub(super) fn flatten(schema: Option<&Value>, samples: &[Value]) -> Fields {
    let mut fields = Fields::default();
    if let Some(schema) = schema {
        Walk {
            root: schema,
            fields: &mut fields,
        }
        .run();
    }
    let mut seen = Seen::default();
    for sample in samples {
        seen.look(sample);
    }
    seen.merge_into(&mut fields, schema.is_some(), samples.len());
    fields
}

/// One place of a schema that waits to be looked at.
struct Place<'a> {
    path: Path,
    facets: Vec<Facet<'a>>,
    required: bool,
    always: bool,
    /// References on the way here: a schema that is in itself is looked at once more, and no deeper.
    through: Vec<&'a str>,
}

/// One of the schemas that hold for a place.
#[derive(Clone, Copy)]
struct Facet<'a> {
    rules: &'a Map<String, Value>,
    /// Whether it always holds: it is no alternative.
    always: bool,
}

struct Walk<'a, 'f> {
    root: &'a Value,
    fields: &'f mut Fields,
}

impl<'a> Walk<'a, '_> {
    fn run(mut self) {
        let mut through = Vec::new();
        let facets = self.facets(&[self.root], &mut through);
        let mut waiting = VecDeque::from([Place {
            path: Path::root(),
            facets,
            required: true,
            always: true,
            through,
        }]);
        // Breadth first: what is cut off is what lies deepest.
        while let Some(place) = waiting.pop_front() {
            if self.fields.leaves.len() >= MAX_FIELDS || waiting.len() > 4 * MAX_FIELDS {
                self.fields.cut = true;
                return;
            }
            self.visit(place, &mut waiting);
        }
    }

    fn visit(&mut self, place: Place<'a>, waiting: &mut VecDeque<Place<'a>>) {
        let deep = place.path.steps().len() >= MAX_DEPTH;
        self.fields.cut |= deep && has_inside(&place.facets);
        let inside = if deep {
            Vec::new()
        } else {
            self.inside(&place)
        };
        if !inside.is_empty() {
            if place.path.steps().last() != Some(&Step::Each) {
                self.fields
                    .objects
                    .insert(place.path.clone(), place.required);
            }
            waiting.extend(inside);
            return;
        }
        let items: Vec<&Value> = place
            .facets
            .iter()
            .filter_map(|facet| facet.rules.get("items"))
            .collect();
        if !items.is_empty() && !deep {
            let path = place.path.each();
            self.fields.lists.insert(path.clone(), place.required);
            let mut through = place.through.clone();
            let facets = self.facets(&items, &mut through);
            waiting.push_back(Place {
                path,
                facets,
                required: place.required,
                always: false,
                through,
            });
            return;
        }
        self.fields.leaves.push(leaf(place));
    }

    /// The fields of the object at `place`.
    fn inside(&self, place: &Place<'a>) -> Vec<Place<'a>> {
        let mut properties: BTreeMap<&str, Vec<&'a Value>> = BTreeMap::new();
        let mut required: BTreeSet<&str> = BTreeSet::new();
        for facet in &place.facets {
            let listed = facet.rules.get("properties").and_then(Value::as_object);
            for (name, schema) in listed.into_iter().flatten() {
                properties.entry(name).or_default().push(schema);
            }
            let names = facet.rules.get("required").and_then(Value::as_array);
            if facet.always {
                required.extend(names.into_iter().flatten().filter_map(Value::as_str));
            }
        }
        let inner = properties.into_iter().filter_map(|(name, schemas)| {
            let mut through = place.through.clone();
            let before = through.len();
            let facets = self.facets(&schemas, &mut through);
            let repeated = |name: &&str| through[..before].contains(name);
            if through[before..].iter().any(repeated) {
                return None;
            }
            let required = required.contains(name);
            let always = required && place.always;
            Some(Place {
                path: place.path.key(name),
                facets,
                required,
                always,
                through,
            })
        });
        inner.collect()
    }

    /// All schemas that hold, or may hold, where `schemas` do.
    fn facets(&self, schemas: &[&'a Value], through: &mut Vec<&'a str>) -> Vec<Facet<'a>> {
        let mut found: Vec<Facet<'a>> = Vec::new();
        let mut waiting: VecDeque<(&'a Value, bool)> =
            schemas.iter().map(|schema| (*schema, true)).collect();
        while let Some((schema, always)) = waiting.pop_front() {
            if found.len() >= MAX_FACETS {
                break;
            }
            let Some(rules) = schema.as_object() else {
                continue;
            };
            found.push(Facet { rules, always });
            if let Some(name) = rules.get("$ref").and_then(Value::as_str) {
                let known = through.contains(&name);
                through.push(name);
                let meant = name
                    .strip_prefix('#')
                    .and_then(|pointer| self.root.pointer(pointer));
                if let Some(meant) = meant.filter(|_| !known) {
                    waiting.push_back((meant, always));
                }
            }
            let all = rules.get("allOf").and_then(Value::as_array);
            waiting.extend(all.into_iter().flatten().map(|schema| (schema, always)));
            for word in ["anyOf", "oneOf"] {
                let some = rules.get(word).and_then(Value::as_array);
                waiting.extend(some.into_iter().flatten().map(|schema| (schema, false)));
            }
        }
        found
    }
}

fn has_inside(facets: &[Facet<'_>]) -> bool {
    let mut rules = facets.iter().map(|facet| facet.rules);
    rules.any(|rules| rules.contains_key("properties") || rules.contains_key("items"))
}

fn leaf(place: Place<'_>) -> Leaf {
    let mut leaf = Leaf::new(place.path);
    leaf.required = place.required;
    leaf.always = place.always;
    for facet in &place.facets {
        let rules = facet.rules;
        match rules.get("type") {
            Some(Value::String(name)) => leaf.kind.types.add(name),
            Some(Value::Array(names)) => {
                let names = names.iter().filter_map(Value::as_str);
                names.for_each(|name| leaf.kind.types.add(name));
            }
            _ => {}
        }
        if rules.get("nullable") == Some(&Value::Bool(true)) {
            leaf.kind.types.null = true;
        }
        let allowed = rules.get("enum").and_then(Value::as_array);
        let allowed = allowed.into_iter().flatten().chain(rules.get("const"));
        for value in allowed.take(MAX_VALUES) {
            leaf.kind.types.add(Types::of(value));
            // An empty text takes a value back: it is none.
            if !value.is_null() && value.as_str() != Some("") && leaf.allowed.len() < MAX_VALUES {
                leaf.allowed.push(value.clone());
            }
        }
        let text = |word: &str| rules.get(word).and_then(Value::as_str).map(str::to_owned);
        leaf.kind.format = leaf.kind.format.or(text("format"));
        leaf.pattern = leaf.pattern.or(text("pattern"));
        for word in ["title", "description"] {
            if let Some(told) = text(word).filter(|_| leaf.description.len() < 4 * MAX_TEXT) {
                leaf.description
                    .push_str(&told.chars().take(2 * MAX_TEXT).collect::<String>());
                leaf.description.push(' ');
            }
        }
        let count = |word: &str| rules.get(word).and_then(Value::as_u64);
        leaf.min_length = leaf.min_length.max(count("minLength").unwrap_or(0));
        leaf.max_length = count("maxLength").into_iter().chain(leaf.max_length).min();
        leaf.minimum = rules
            .get("minimum")
            .and_then(Value::as_f64)
            .or(leaf.minimum);
    }
    // A list of values beside a type that allows more is a list of some.
    if place
        .facets
        .iter()
        .any(|facet| is_wider(facet, leaf.kind.types))
    {
        leaf.allowed.clear();
    }
    leaf
}

/// Whether a schema among alternatives takes any text, so that another one's list of values bounds nothing.
fn is_wider(facet: &Facet<'_>, types: Types) -> bool {
    let is_text = facet.rules.get("type").and_then(Value::as_str) == Some("string");
    !facet.always
        && types.text
        && is_text
        && !facet.rules.contains_key("enum")
        && !facet.rules.contains_key("const")
}
