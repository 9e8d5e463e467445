//! Names of a payload's fields where path, query, headers and body have the same ones.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{Field, body};
use causeway::pack::CallPlace;
use causeway::pack::OperationLine;

/// The places of the last import's fields, with their names.
pub(super) fn places(line: &OperationLine) -> BTreeMap<CallPlace, String> {
    let properties = line.schema.get("properties").and_then(Value::as_object);
    let place = |name: &String| {
        let whole = line.whole && name == body::WHOLE;
        let said = line
            .at
            .get(name)
            .map(|place| match (line.wrap.as_deref(), place) {
                (Some(wrap), CallPlace::Body(inner)) => body::below(wrap, inner),
                (_, place) => place.clone(),
            });
        said.unwrap_or_else(|| {
            if whole {
                body::whole()
            } else {
                body::place(line.wrap.as_deref(), name)
            }
        })
    };
    let names = properties.into_iter().flatten();
    names.map(|(name, _)| (place(name), name.clone())).collect()
}

/// Fields by the names that they get, and the body's fields that have another than their own.
pub(super) fn named(
    fields: Vec<Field>,
    whole: bool,
    incumbents: &BTreeMap<CallPlace, String>,
) -> (BTreeMap<String, Field>, BTreeMap<String, String>) {
    let mut out = BTreeMap::new();
    let mut renamed = BTreeMap::new();
    let (mut kept, mut others) = (Vec::new(), Vec::new());
    for field in fields {
        match incumbents.get(&field.place) {
            Some(name) => kept.push((name.clone(), field)),
            None => others.push(field),
        }
    }
    // Those that were there keep their names; among the new ones the path goes first, the body last.
    others.sort_by(|a, b| a.place.cmp(&b.place));
    let names: BTreeSet<_> = others.iter().map(|field| field.name.clone()).collect();
    let mut put = |name: String, field: Field| {
        let in_body = matches!(field.place, CallPlace::Body(_));
        if in_body && name != field.name {
            renamed.insert(field.name.clone(), name.clone());
        }
        out.insert(name, field);
    };
    let mut taken = BTreeSet::new();
    for (name, field) in kept {
        if taken.insert(name.clone()) {
            put(name, field);
        } else {
            others.push(field);
        }
    }
    for field in others {
        let reserved = whole && field.name == body::WHOLE && field.place != body::whole();
        let mut name = field.name.clone();
        if reserved || taken.contains(&name) {
            let prefix = match field.place {
                CallPlace::Path(_) => "path",
                CallPlace::Query(_) => "query",
                CallPlace::Header(_) => "header",
                CallPlace::Body(_) => "body",
            };
            name = format!("{prefix}_{name}");
            while taken.contains(&name) || names.contains(&name) {
                name.push('_');
            }
        }
        taken.insert(name.clone());
        put(name, field);
    }
    (out, renamed)
}
