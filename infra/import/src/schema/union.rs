//! Alternatives: `oneOf` and `anyOf`, both read as `anyOf`.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::gather::Fields;
use super::{JOINED_MAX, Part, Schemas};

/// The most alternatives of one schema. Slack's blocks, the largest known, have 40.
const ALTERNATIVES_MAX: usize = 300;

/// What a schema's alternatives say.
#[derive(Default)]
pub(super) struct Unions {
    /// Each a list of which one must fit.
    lists: Vec<Vec<Value>>,
    /// Null is one of them.
    pub nullable: bool,
    /// The fields that alternatives name beside the schema's own.
    pub names: BTreeSet<String>,
}

impl Schemas<'_> {
    /// The alternatives of all parts. Where the schema lists fields of its own, they stay open, and it lists theirs, too.
    pub(super) fn unions(
        &mut self,
        parts: &[Part<'_>],
        fields: &Fields<'_>,
        depth: usize,
        joins: usize,
    ) -> Unions {
        let mut unions = Unions::default();
        for (doc, raw) in parts {
            for key in ["oneOf", "anyOf"] {
                let list = raw.get(key).and_then(Value::as_array);
                let list = list.filter(|it| !it.is_empty() && it.len() <= ALTERNATIVES_MAX);
                let Some(list) = list else { continue };
                let is_null = |it: &&Value| {
                    it.get("type")
                        .is_some_and(|is| is == "null" || is == &json!(["null"]))
                };
                unions.nullable |= list.iter().any(|it| is_null(&it));
                let list: Vec<_> = list.iter().filter(|it| !is_null(it)).collect();
                let beside = !fields.properties.is_empty();
                if beside && joins >= JOINED_MAX {
                    self.losses
                        .count("alternatives inside alternatives: not held");
                    continue;
                }
                let write = |it: &Value| {
                    if beside {
                        let is = self.open((*doc, it), depth, joins);
                        names(&is, &mut unions.names);
                        is
                    } else {
                        self.at_depth((*doc, it), depth + 1)
                    }
                };
                let mut list: Vec<_> = list.into_iter().map(write).collect();
                let mut seen = BTreeSet::new();
                list.retain(|it| seen.insert(it.to_string()));
                // Alternatives of which one fits everything hold nothing.
                let idle =
                    |it: &Value| *it == json!({}) || beside && *it == json!({"type": "object"});
                if !list.is_empty() && !list.iter().any(idle) {
                    unions.lists.push(list);
                }
            }
        }
        unions
    }

    /// An alternative beside fields that it does not know.
    fn open(&mut self, part: Part<'_>, depth: usize, joins: usize) -> Value {
        let parts = self.gather(&[part]);
        let mut is = self.joined(&parts, false, depth + 1, joins + 1);
        // A part that the document itself closes would refuse the fields beside it.
        if let Some(fields) = is.as_object_mut()
            && fields.get("additionalProperties") == Some(&Value::Bool(false))
        {
            fields.remove("additionalProperties");
        }
        is
    }
}

impl Unions {
    /// `out` with the alternatives.
    pub fn put(self, mut out: Map<String, Value>) -> Value {
        let mut lists = self.lists.into_iter();
        match lists.next() {
            None => {}
            Some(first) => {
                let mut first = first;
                if let ([_], true) = (first.as_slice(), idle_beside(&out)) {
                    let only = first.remove(0);
                    if lists.len() == 0 {
                        return only;
                    }
                    first = vec![only];
                }
                out.insert("anyOf".to_owned(), Value::Array(first));
                let others: Vec<_> = lists.map(|list| json!({"anyOf": list})).collect();
                if !others.is_empty() {
                    out.insert("allOf".to_owned(), Value::Array(others));
                }
            }
        }
        Value::Object(out)
    }
}

/// Nothing stands beside the alternatives but, at most, what kind of value they are.
fn idle_beside(out: &Map<String, Value>) -> bool {
    out.keys()
        .all(|key| key == "type" && out["type"] == "object")
}

/// The fields that a schema names.
fn names(schema: &Value, all: &mut BTreeSet<String>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    all.extend(
        properties
            .into_iter()
            .flatten()
            .map(|(name, _)| name.clone()),
    );
    let required = schema.get("required").and_then(Value::as_array);
    let required = required.into_iter().flatten().filter_map(Value::as_str);
    all.extend(required.map(str::to_owned));
    for key in ["anyOf", "allOf"] {
        let list = schema.get(key).and_then(Value::as_array);
        list.into_iter().flatten().for_each(|it| names(it, all));
    }
}
