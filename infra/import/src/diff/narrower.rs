//! Whether a schema takes less than another one.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::share::reference;

const DEPTH_MAX: usize = 32;

/// Compares schemas of two files.
pub(super) struct Narrower<'a> {
    old: &'a BTreeMap<String, Value>,
    new: &'a BTreeMap<String, Value>,
    /// Pairs that are compared already, or are being compared.
    seen: BTreeSet<(String, String)>,
}

impl<'a> Narrower<'a> {
    pub fn new(old: &'a BTreeMap<String, Value>, new: &'a BTreeMap<String, Value>) -> Self {
        Self {
            old,
            new,
            seen: BTreeSet::new(),
        }
    }

    /// What `old` takes and `new` does not, in sentences. Empty where `new` takes at least as much, as far as can be told.
    pub fn schema(&mut self, path: &str, old: &Value, new: &Value, depth: usize) -> Vec<String> {
        if old == new && self.old == self.new || depth > DEPTH_MAX {
            return Vec::new();
        }
        if let (Some(a), Some(b)) = (reference(old), reference(new))
            && !self.seen.insert((a.to_owned(), b.to_owned()))
        {
            return Vec::new();
        }
        let old = reference(old)
            .and_then(|name| self.old.get(name))
            .unwrap_or(old);
        let new = reference(new)
            .and_then(|name| self.new.get(name))
            .unwrap_or(new);
        match (alternatives(old), alternatives(new)) {
            (Some(before), after) => {
                let mut found = Vec::new();
                let whole = [new.clone()];
                let after = after.unwrap_or(&whole);
                for alternative in before {
                    found.extend(self.best(path, alternative, after, depth));
                }
                found.extend(self.plain(path, old, new, depth));
                found
            }
            (None, Some(after)) if new.get("properties").is_none() => {
                self.best(path, old, after, depth)
            }
            _ => self.plain(path, old, new, depth),
        }
    }

    /// The findings against the alternative that fits best.
    fn best(&mut self, path: &str, old: &Value, new: &[Value], depth: usize) -> Vec<String> {
        let seen = self.seen.clone();
        let mut best: Option<Vec<String>> = None;
        for alternative in new {
            let found = self.schema(path, old, alternative, depth + 1);
            if found.is_empty() {
                return found;
            }
            self.seen.clone_from(&seen);
            if best.as_ref().is_none_or(|best| found.len() < best.len()) {
                best = Some(found);
            }
        }
        best.unwrap_or_default()
    }

    fn plain(&mut self, path: &str, old: &Value, new: &Value, depth: usize) -> Vec<String> {
        let mut found = Vec::new();
        let it = if path.is_empty() {
            "the payload".to_owned()
        } else {
            format!("`{path}`")
        };
        types(&it, old, new, &mut found);
        if !found.is_empty() {
            return found;
        }
        values(&it, old, new, &mut found);
        bounds(&it, old, new, &mut found);
        self.fields(path, &it, old, new, depth, &mut found);
        if let (Some(before), Some(after)) = (old.get("items"), new.get("items")) {
            found.extend(self.schema(&format!("{path}[]"), before, after, depth + 1));
        }
        found
    }

    fn fields(
        &mut self,
        path: &str,
        it: &str,
        old: &Value,
        new: &Value,
        depth: usize,
        found: &mut Vec<String>,
    ) {
        let refuses =
            |schema: &Value| schema.get("additionalProperties") == Some(&Value::Bool(false));
        let properties = |schema: &'_ Value| -> BTreeMap<String, Value> {
            let all = schema.get("properties").and_then(Value::as_object);
            all.into_iter()
                .flatten()
                .map(|(name, is)| (name.clone(), is.clone()))
                .collect()
        };
        let required = |schema: &Value| -> BTreeSet<String> {
            let names = schema.get("required").and_then(Value::as_array);
            names
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect()
        };
        let under = |name: &str| {
            if path.is_empty() {
                name.to_owned()
            } else {
                format!("{path}.{name}")
            }
        };
        let (before, after) = (properties(old), properties(new));
        for (name, was) in &before {
            match after.get(name) {
                Some(is) => found.extend(self.schema(&under(name), was, is, depth + 1)),
                None if refuses(new) || refuses(old) => {
                    found.push(format!("the field `{}` is gone", under(name)))
                }
                None => {}
            }
        }
        let needed = required(old);
        for name in required(new).iter().filter(|name| !needed.contains(*name)) {
            found.push(format!("`{}` must be given now", under(name)));
        }
        if refuses(new) && !refuses(old) && old.get("properties").is_some() {
            found.push(format!("{it} refuses fields that it does not list now"));
        }
        if let (Some(was @ Value::Object(_)), Some(is @ Value::Object(_))) = (
            old.get("additionalProperties"),
            new.get("additionalProperties"),
        ) {
            found.extend(self.schema(&format!("{path}.*"), was, is, depth + 1));
        }
    }
}

fn alternatives(schema: &Value) -> Option<&[Value]> {
    schema.get("anyOf")?.as_array().map(Vec::as_slice)
}

fn types(it: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    let types = |schema: &Value| -> Option<Vec<String>> {
        match schema.get("type")? {
            Value::String(name) => Some(vec![name.clone()]),
            Value::Array(names) => Some(
                names
                    .iter()
                    .filter_map(Value::as_str)
                    .map(str::to_owned)
                    .collect(),
            ),
            _ => None,
        }
    };
    let Some(after) = types(new) else { return };
    let Some(before) = types(old) else {
        if old.get("enum").is_none() && old.get("anyOf").is_none() {
            found.push(format!("{it} takes {} only now", after.join(" or ")));
        }
        return;
    };
    for name in before {
        let fits =
            after.contains(&name) || name == "integer" && after.iter().any(|it| it == "number");
        if !fits {
            found.push(format!(
                "{it} takes no {name} any more, only {}",
                after.join(" or ")
            ));
        }
    }
}

fn values(it: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    let values = |schema: &Value| -> Option<Vec<Value>> {
        match (schema.get("enum"), schema.get("const")) {
            (Some(Value::Array(values)), _) => Some(values.clone()),
            (_, Some(value)) => Some(vec![value.clone()]),
            _ => None,
        }
    };
    let Some(after) = values(new) else { return };
    match values(old) {
        None => found.push(format!("{it} takes {} listed values only now", after.len())),
        Some(before) => {
            let gone = before.iter().filter(|value| !after.contains(value));
            found.extend(gone.map(|value| format!("{it} takes {value} no more")));
        }
    }
}

fn bounds(it: &str, old: &Value, new: &Value, found: &mut Vec<String>) {
    let number = |schema: &Value, key: &str| schema.get(key).and_then(Value::as_f64);
    let least = [
        "minimum",
        "exclusiveMinimum",
        "minLength",
        "minItems",
        "minProperties",
    ];
    let most = [
        "maximum",
        "exclusiveMaximum",
        "maxLength",
        "maxItems",
        "maxProperties",
    ];
    for (key, tighter) in least
        .map(|key| (key, true))
        .into_iter()
        .chain(most.map(|key| (key, false)))
    {
        let Some(after) = number(new, key) else {
            continue;
        };
        match number(old, key) {
            Some(before) if tighter && after <= before || !tighter && after >= before => {}
            Some(before) => found.push(format!("{it}: {key} was {before} and is {after}")),
            None => found.push(format!("{it}: {key} is {after} now")),
        }
    }
    for key in ["pattern", "multipleOf", "uniqueItems", "not"] {
        if let Some(after) = new.get(key)
            && old.get(key) != Some(after)
        {
            found.push(format!("{it} must fit {key} {after} now"));
        }
    }
    let held = |format: &&Value| ["date", "date-time", "uuid"].iter().any(|it| *format == it);
    if let Some(after) = new.get("format").filter(held)
        && old.get("format") != Some(after)
    {
        found.push(format!(
            "{it} must be a {} now",
            after.as_str().unwrap_or_default()
        ));
    }
}
