//! Shared schemas keep the names that they had: what stands in the same place of the same operation is the same.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Graph, reference};
use causeway::pack::OperationLine;

/// How deep two schemas are walked side by side.
const DEPTH_MAX: usize = 64;

struct Walk<'a> {
    graph: &'a Graph,
    old: &'a BTreeMap<String, Value>,
    shared: &'a BTreeSet<usize>,
    reserved: &'a BTreeSet<String>,
    pins: BTreeMap<usize, String>,
    taken: BTreeSet<String>,
    seen: BTreeSet<(String, usize)>,
}

/// Names of the last import, by class.
pub(super) fn pins(
    operations: &[OperationLine],
    graph: &Graph,
    old: &[OperationLine],
    old_schemas: &BTreeMap<String, Value>,
    shared: &BTreeSet<usize>,
    reserved: &BTreeSet<String>,
) -> BTreeMap<usize, String> {
    let before: BTreeMap<&str, &OperationLine> =
        old.iter().map(|line| (line.op.as_str(), line)).collect();
    let mut walk = Walk {
        graph,
        old: old_schemas,
        shared,
        reserved,
        pins: BTreeMap::new(),
        taken: BTreeSet::new(),
        seen: BTreeSet::new(),
    };
    let mut operations: Vec<_> = operations.iter().collect();
    operations.sort_by(|a, b| a.op.cmp(&b.op));
    for line in operations {
        if let Some(old) = before.get(line.op.as_str()) {
            walk.pair(&old.schema, &line.schema, 0);
        }
    }
    walk.pins
}

impl Walk<'_> {
    fn pair(&mut self, old: &Value, new: &Value, depth: usize) {
        if depth > DEPTH_MAX {
            return;
        }
        let class = reference(new).and_then(|it| it.parse::<usize>().ok());
        let name = reference(old);
        if let Some(class) = class {
            let key = (name.unwrap_or_default().to_owned(), class);
            if name.is_some() && !self.seen.insert(key) {
                return;
            }
            if let Some(name) = name
                && self.shared.contains(&class)
                && !self.reserved.contains(name)
                && !self.pins.contains_key(&class)
                && self.taken.insert(name.to_owned())
            {
                self.pins.insert(class, name.to_owned());
            }
        }
        let (graph, schemas) = (self.graph, self.old);
        let new = class.map_or(new, |class| graph.content(class));
        let old = name.and_then(|name| schemas.get(name)).unwrap_or(old);
        match (old, new) {
            (Value::Object(before), Value::Object(after)) => {
                for (key, old) in before {
                    if let Some(new) = after.get(key).filter(|_| key != "enum") {
                        self.pair(old, new, depth + 1);
                    }
                }
            }
            (Value::Array(before), Value::Array(after)) => {
                for (old, new) in before.iter().zip(after) {
                    self.pair(old, new, depth + 1);
                }
            }
            _ => {}
        }
    }
}
