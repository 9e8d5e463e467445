//! What the page's rows do to an operation: `pick`, `omit`, `require`, `patch`, `each`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{Field, Flat, Refusal, Writer, body, constraint};
use crate::error::{hint, nearest};
use crate::route::Route;
use crate::rules::Change;
use causeway::pack::CallPlace;

/// The keywords that a patch may have.
const KEYWORDS: [&str; 26] = [
    "type",
    "enum",
    "const",
    "properties",
    "required",
    "additionalProperties",
    "items",
    "minItems",
    "maxItems",
    "uniqueItems",
    "minLength",
    "maxLength",
    "pattern",
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minProperties",
    "maxProperties",
    "anyOf",
    "allOf",
    "not",
    "format",
    "$ref",
    "oneOf",
];

impl Writer<'_, '_, '_> {
    pub(super) fn rows(
        &mut self,
        name: &str,
        route: &Route<'_>,
        change: &Change<'_>,
        flat: &mut Flat,
        fixed: &mut BTreeMap<CallPlace, Value>,
    ) -> Result<(), Refusal> {
        for (field, value) in &change.each {
            let is = flat.take(name, "each", field)?;
            let value = typed(&is.schema, value);
            fixed.insert(is.place, value);
        }
        self.patch(name, change, flat)?;
        for field in change.omit.unwrap_or_default() {
            let known = change.omit_is_pattern || flat.own.contains(field);
            if known && !flat.fields.contains_key(field) {
                continue;
            }
            let is = flat.take(name, "omit", field)?;
            if let CallPlace::Path(place) = &is.place {
                let path = &route.path;
                return Err(Refusal::Page(format!(
                    "`{name}`: omit `{field}`: `{path}` needs `{{{place}}}`"
                )));
            }
        }
        if let Some(pick) = change.pick {
            for field in pick.iter().filter(|it| !flat.own.contains(*it)) {
                flat.must_have(name, "pick", field)?;
            }
            let in_path = |it: &Field| matches!(it.place, CallPlace::Path(_));
            let others: Vec<_> = flat
                .fields
                .iter()
                .filter(|(field, it)| !pick.contains(field) && !in_path(it))
                .map(|(field, _)| field.clone())
                .collect();
            for field in others {
                flat.take(name, "pick", &field)?;
            }
        }
        for field in change.require.unwrap_or_default() {
            flat.must_have(name, "require", field)?;
            if let Some(is) = flat.fields.get_mut(field) {
                is.required = true;
            }
        }
        Ok(())
    }

    fn patch(&mut self, name: &str, change: &Change<'_>, flat: &mut Flat) -> Result<(), Refusal> {
        for (field, patch) in change.patch.into_iter().flatten() {
            let problem =
                |what: String| Refusal::Page(format!("`{name}`: patch `{field}`: {what}"));
            let patch = checked(patch, 0).map_err(problem)?;
            if let Some(is) = flat.fields.get_mut(field) {
                let reference = is.schema.get("$ref").and_then(Value::as_str);
                if let Some(target) = reference.and_then(|it| self.schemas.target(it)) {
                    is.schema = target;
                }
                is.schema = over(&is.schema, patch);
                continue;
            }
            if flat.media.is_none() || flat.whole {
                return Err(problem(
                    "it has no body that a new field could stand in".to_owned(),
                ));
            }
            let is = Field {
                place: body::place(change.wrap, field),
                name: field.clone(),
                schema: patch,
                required: false,
                style: None,
            };
            flat.fields.insert(field.clone(), is);
        }
        Ok(())
    }
}

impl Flat {
    fn must_have(&self, name: &str, what: &str, field: &str) -> Result<(), Refusal> {
        if self.fields.contains_key(field) {
            return Ok(());
        }
        let near = hint(nearest(field, self.fields.keys().map(String::as_str)));
        Err(Refusal::Page(format!(
            "`{name}`: {what} `{field}`: there is no such field{near}"
        )))
    }

    /// Takes a field out of the payload.
    fn take(&mut self, name: &str, what: &str, field: &str) -> Result<Field, Refusal> {
        self.must_have(name, what, field)?;
        let Some(is) = self.fields.remove(field) else {
            return Err(Refusal::Page(format!(
                "`{name}`: {what} `{field}`: there is no such field"
            )));
        };
        let kept = |it: &str| (it != field).then(|| it.to_owned());
        constraint::rename(&mut self.rest, &kept);
        Ok(is)
    }
}

/// A value of `each` as the field's type has it.
fn typed(schema: &Value, value: &str) -> Value {
    let is = |name: &str| schema.get("type").is_some_and(|it| it == name);
    let number = || value.parse::<i64>().ok().map(Value::from);
    match value {
        "true" | "false" if is("boolean") => Value::Bool(value == "true"),
        _ if is("integer") || is("number") => number().unwrap_or_else(|| value.into()),
        _ => value.into(),
    }
}

/// The patch's keywords over the document's; a patch of another type replaces all.
fn over(is: &Value, patch: Value) -> Value {
    let (Some(old), Value::Object(new)) = (is.as_object(), &patch) else {
        return patch;
    };
    let same = new.get("type").is_none_or(|it| old.get("type") == Some(it));
    if !same || new.contains_key("anyOf") || old.contains_key("anyOf") && new.contains_key("type") {
        return patch;
    }
    let mut out = old.clone();
    out.extend(new.clone());
    Value::Object(out)
}

/// A patch with the keywords of packs alone.
fn checked(patch: &Value, depth: usize) -> Result<Value, String> {
    let Some(fields) = patch.as_object().filter(|_| depth < 32) else {
        return match patch {
            Value::Bool(_) => Ok(patch.clone()),
            _ => Err("a schema is an object".to_owned()),
        };
    };
    let mut out = Map::new();
    for (key, value) in fields {
        if !KEYWORDS.contains(&key.as_str()) {
            let near = hint(nearest(key, KEYWORDS.into_iter()));
            return Err(format!("packs' schemas have no `{key}`{near}"));
        }
        let deeper = |it: &Value| checked(it, depth + 1);
        let is = match (key.as_str(), value) {
            ("properties", Value::Object(all)) => {
                let all = all.iter().map(|(name, it)| Ok((name.clone(), deeper(it)?)));
                Value::Object(all.collect::<Result<_, String>>()?)
            }
            ("anyOf" | "oneOf" | "allOf", Value::Array(all)) => {
                Value::Array(all.iter().map(deeper).collect::<Result<_, _>>()?)
            }
            ("items" | "not" | "additionalProperties", it) => deeper(it)?,
            (_, it) => it.clone(),
        };
        let key = if key == "oneOf" { "anyOf" } else { key };
        out.insert(key.to_owned(), is);
    }
    // What TOML writes as `items = {}` holds nothing.
    if out.get("items") == Some(&json!({})) {
        out.remove("items");
    }
    Ok(Value::Object(out))
}
