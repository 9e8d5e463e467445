//! Which schemas stand in lines of their own, and under which names.

mod classes;
mod pins;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use crate::names::is_name;
use crate::schema::DEFS;
use causeway::pack::{OperationLine, SchemaLine};

pub(crate) use classes::Graph;

/// What is smaller, in bytes, is written where it is used: a reference and a line cost 60 bytes and a search.
const SHARED_MIN: usize = 200;

/// The lines of shared schemas; the operations' references name them afterwards.
pub(crate) fn share(
    operations: &mut [OperationLine],
    known: BTreeMap<String, Value>,
    old: &[OperationLine],
    old_schemas: &BTreeMap<String, Value>,
    aliases: &[&str],
    reserved: &BTreeSet<String>,
) -> Vec<SchemaLine> {
    let mut roots: Vec<&mut Value> = operations.iter_mut().map(|line| &mut line.schema).collect();
    let graph = Graph::new(&mut roots, known);
    let shared = graph.shared(operations.iter().map(|line| &line.schema), SHARED_MIN);
    let pins = pins::pins(operations, &graph, old, old_schemas, &shared, reserved);
    let names = names(&graph, &shared, pins, aliases, reserved);
    let mut inlined = BTreeMap::new();
    for line in operations.iter_mut() {
        line.schema = graph.written(&line.schema, &names, &mut inlined);
    }
    let lines = names.iter().map(|(class, name)| SchemaLine {
        schema: name.clone(),
        is: graph.written(graph.content(*class), &names, &mut inlined),
    });
    let mut lines: Vec<_> = lines.collect();
    lines.sort_by(|a, b| a.schema.cmp(&b.schema));
    lines
}

/// A name for each shared class: the last import's, else the document's where no other class has it.
fn names(
    graph: &Graph,
    shared: &BTreeSet<usize>,
    pins: BTreeMap<usize, String>,
    aliases: &[&str],
    reserved: &BTreeSet<String>,
) -> BTreeMap<usize, String> {
    let mut taken: BTreeSet<String> = pins.values().cloned().collect();
    taken.extend(reserved.iter().cloned());
    let mut names = pins;
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for class in shared {
        *wanted.entry(graph.origin(*class).1.to_owned()).or_default() += 1;
    }
    for class in shared {
        if names.contains_key(class) {
            continue;
        }
        let (doc, plain) = graph.origin(*class);
        let alias = aliases.get(doc).copied().unwrap_or_default();
        let only = wanted.get(plain) == Some(&1);
        let stem = if only {
            plain.to_owned()
        } else {
            format!("{alias}.{plain}")
        };
        let stem: String = stem.chars().take(56).collect();
        let mut name = stem.clone();
        let mut number = 2;
        while taken.contains(&name) || !is_name(&name) {
            name = format!("{stem}-{number}");
            number += 1;
        }
        taken.insert(name.clone());
        names.insert(*class, name);
    }
    names
}

/// Whether `value` is nothing but a reference, and to what.
pub(crate) fn reference(value: &Value) -> Option<&str> {
    value.get("$ref")?.as_str()?.strip_prefix(DEFS)
}

/// `value` with `each` reference replaced.
pub(crate) fn replaced(value: &Value, each: &mut dyn FnMut(&str) -> Option<Value>) -> Value {
    if let Some(name) = reference(value)
        && let Some(new) = each(name)
    {
        return new;
    }
    match value {
        Value::Object(fields) => {
            let mut names: Vec<_> = fields.iter().collect();
            names.sort_by_key(|(name, _)| *name);
            let fields = names.into_iter().map(|(name, it)| {
                // What an enumeration lists is no schema.
                let plain = name == "enum" && it.is_array() || name == "const" && !it.is_object();
                let it = if plain {
                    it.clone()
                } else {
                    replaced(it, each)
                };
                (name.clone(), it)
            });
            Value::Object(fields.collect::<Map<_, _>>())
        }
        Value::Array(all) => Value::Array(all.iter().map(|it| replaced(it, each)).collect()),
        other => other.clone(),
    }
}
