//! What a form or a query says, read as the document means it: on the wire all is text.

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use super::file::HOPS_MAX;
use super::schema::ADDRESS;

/// Levels of alternatives inside each other.
const DEPTH_MAX: u32 = 12;

/// Schemas that one place is read by.
const SHAPES_MAX: usize = 400;

/// What stands under a name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree {
    /// Values of the name itself.
    texts: Vec<String>,
    /// Values of names inside it, in brackets.
    inner: Vec<(String, Tree)>,
}

impl Tree {
    /// One text.
    #[must_use]
    pub fn text(text: &str) -> Self {
        Self {
            texts: vec![text.to_owned()],
            inner: Vec::new(),
        }
    }

    /// The pairs of a form or a query.
    #[must_use]
    pub fn read(text: &str) -> Self {
        let mut root = Self::default();
        for (name, value) in form_urlencoded::parse(text.as_bytes()) {
            root.put(&name, &value);
        }
        root
    }

    fn put(&mut self, name: &str, value: &str) {
        let (head, rest) = match name.split_once('[') {
            Some((head, rest)) => (head, Some(rest)),
            None => (name, None),
        };
        let mut at = self.child(head);
        let mut rest = rest.map(|rest| format!("[{rest}"));
        while let Some(inner) = rest.take() {
            let Some((name, more)) = inner
                .strip_prefix('[')
                .and_then(|inner| inner.split_once(']'))
            else {
                break;
            };
            // `a[]` is the next element.
            let name = match name {
                "" => at.inner.len().to_string(),
                name => name.to_owned(),
            };
            at = at.child(&name);
            rest = (!more.is_empty()).then(|| more.to_owned());
        }
        at.texts.push(value.to_owned());
    }

    fn child(&mut self, name: &str) -> &mut Self {
        let at = self.inner.iter().position(|(other, _)| other == name);
        let at = at.unwrap_or_else(|| {
            self.inner.push((name.to_owned(), Self::default()));
            self.inner.len() - 1
        });
        &mut self.inner[at].1
    }

    /// What stands under `name`.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        self.inner
            .iter()
            .find(|(other, _)| other == name)
            .map(|(_, tree)| tree)
    }

    /// The names and what stands under each.
    pub fn fields_mut(&mut self) -> impl Iterator<Item = (&String, &mut Self)> {
        self.inner.iter_mut().map(|(name, inner)| (&*name, inner))
    }

    /// Whether a list stands in it that is numbered or in brackets.
    #[must_use]
    pub fn has_brackets(&self) -> bool {
        self.inner
            .iter()
            .any(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()))
    }

    /// It, with the parts of its one text that commas divide as values of their own.
    #[must_use]
    pub fn parted(&self) -> Self {
        let texts = self
            .texts
            .iter()
            .flat_map(|text| text.split(','))
            .map(str::to_owned);
        Self {
            texts: texts.collect(),
            inner: self.inner.clone(),
        }
    }
}

/// Decodes one segment of a path.
#[must_use]
pub fn segment(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

/// Gives texts the types that a document's schemas name.
#[derive(Clone, Copy, Debug)]
pub struct Typed<'a> {
    /// The document's schemas, for references.
    pub root: &'a Value,
}

impl<'a> Typed<'a> {
    /// `tree` as `schema` means it. What it does not mean at all stays text, and is refused by it.
    #[must_use]
    pub fn value(self, schema: &Value, tree: &Tree) -> Value {
        let mut shapes = Vec::new();
        self.shapes(schema, 0, &mut shapes);
        let is_list = shapes.iter().any(|shape| is_of(shape, "array"));
        let numbered = tree
            .inner
            .iter()
            .all(|(name, _)| name.bytes().all(|byte| byte.is_ascii_digit()));
        if !tree.inner.is_empty() {
            return match numbered && is_list {
                true => {
                    let items = tree.inner.iter().map(|(_, item)| self.item(&shapes, item));
                    items.collect()
                }
                false => self.object(&shapes, tree),
            };
        }
        match tree.texts.as_slice() {
            [only] => self.leaf(&shapes, only).unwrap_or_else(|| match is_list {
                true => Value::Array(vec![self.item(&shapes, &Tree::text(only))]),
                false => only.as_str().into(),
            }),
            texts => texts
                .iter()
                .map(|text| self.item(&shapes, &Tree::text(text)))
                .collect(),
        }
    }

    fn item(self, shapes: &[&Value], item: &Tree) -> Value {
        let schema = shapes.iter().find_map(|shape| shape.get("items"));
        self.value(schema.unwrap_or(&Value::Bool(true)), item)
    }

    fn object(self, shapes: &[&Value], tree: &Tree) -> Value {
        let known = |shape: &Value| {
            let properties = shape.get("properties");
            tree.inner
                .iter()
                .filter(|(name, _)| properties.is_some_and(|all| all.get(name).is_some()))
                .count()
        };
        let mut best: Vec<&Value> = shapes.to_vec();
        best.sort_by_key(|shape| std::cmp::Reverse(known(shape)));
        let field = |(name, inner): &(String, Tree)| {
            let own = best
                .iter()
                .find_map(|shape| shape.get("properties")?.get(name));
            let other = || {
                best.iter()
                    .find_map(|shape| shape.get("additionalProperties"))
            };
            let schema = own.or_else(other).unwrap_or(&Value::Bool(true));
            (name.clone(), self.value(schema, inner))
        };
        Value::Object(tree.inner.iter().map(field).collect::<Map<_, _>>())
    }

    fn leaf(self, shapes: &[&Value], text: &str) -> Option<Value> {
        let listed = shapes.iter().filter(|shape| shape.get("enum").is_some());
        let listed = listed
            .filter_map(|shape| shape.get("enum")?.as_array())
            .flatten();
        for value in listed {
            let is_it = match value {
                Value::String(own) => own == text,
                Value::Null => false,
                other => {
                    let written = other.to_string();
                    written == text
                }
            };
            if is_it {
                return Some(value.clone());
            }
        }
        let open = || shapes.iter().filter(|shape| shape.get("enum").is_none());
        for kind in ["integer", "number", "boolean"] {
            let value = match kind {
                // A whole number has no point: `5.0` is another text than `5`.
                "integer" => text.parse::<i64>().ok().map(Value::from),
                "number" => text
                    .parse::<f64>()
                    .ok()
                    .filter(|number| number.is_finite())
                    .map(Value::from),
                _ => text.parse::<bool>().ok().map(Value::from),
            };
            let is_text = open().any(|shape| is_of(shape, "string"));
            if let Some(value) = value
                && !is_text
                && open().any(|shape| is_of(shape, kind))
            {
                return Some(value);
            }
        }
        let takes_texts = open().any(|shape| {
            is_of(shape, "string") || (shape.get("type").is_none() && !has_parts(shape))
        });
        takes_texts.then(|| text.into())
    }

    /// The schemas that a value may be of, references and alternatives followed.
    pub(super) fn shapes<'s>(self, schema: &'s Value, depth: u32, found: &mut Vec<&'s Value>)
    where
        'a: 's,
    {
        if depth > DEPTH_MAX || found.len() > SHAPES_MAX {
            return;
        }
        let schema = self.followed(schema);
        let parts = ["allOf", "anyOf", "oneOf"]
            .into_iter()
            .filter_map(|name| schema.get(name)?.as_array());
        let mut has_own = schema.get("type").is_some();
        for part in parts.flatten() {
            self.shapes(part, depth + 1, found);
        }
        has_own |= ["properties", "items", "enum", "additionalProperties"]
            .iter()
            .any(|name| schema.get(name).is_some());
        if has_own || !has_parts(schema) {
            found.push(schema);
        }
    }

    /// `schema`, or what it refers to.
    pub fn followed<'s>(self, mut schema: &'s Value) -> &'s Value
    where
        'a: 's,
    {
        for _ in 0..HOPS_MAX {
            let Some(at) = schema.get("$ref").and_then(Value::as_str) else {
                break;
            };
            let at = at.strip_prefix(ADDRESS).unwrap_or(at);
            let Some(next) = at.strip_prefix('#').and_then(|at| self.root.pointer(at)) else {
                break;
            };
            schema = next;
        }
        schema
    }
}

fn has_parts(schema: &Value) -> bool {
    ["allOf", "anyOf", "oneOf", "$ref"]
        .iter()
        .any(|name| schema.get(name).is_some())
}

fn is_of(schema: &Value, kind: &str) -> bool {
    match schema.get("type") {
        Some(Value::String(name)) => name == kind,
        Some(Value::Array(names)) => names.iter().any(|name| name == kind),
        _ => match kind {
            "array" => schema.get("items").is_some(),
            "object" => schema.get("properties").is_some(),
            _ => false,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_form_is_read_as_its_schema_means_it() {
        let schema = json!({"properties": {
            "amount": {"type": "integer"}, "name": {"type": "string"}, "tags": {"type": "array", "items": {"type": "string"}},
            "lines": {"type": "array", "items": {"properties": {"price": {"type": "number"}}}},
            "end": {"anyOf": [{"enum": ["now"], "type": "string"}, {"type": "integer"}]},
        }});
        let root = json!({});
        let typed = Typed { root: &root };
        let form = "amount=5&name=5&tags=a&lines[0][price]=1.5&lines[1][price]=2&end=7";
        assert_eq!(
            typed.value(&schema, &Tree::read(form)),
            json!({"amount": 5, "name": "5", "tags": ["a"], "lines": [{"price": 1.5}, {"price": 2.0}], "end": 7})
        );
        assert_eq!(
            typed.value(&schema, &Tree::read("amount=5.0&end=now")),
            json!({"amount": "5.0", "end": "now"})
        );
    }
}
