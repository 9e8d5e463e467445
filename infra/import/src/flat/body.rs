//! The body's part of a payload.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{Excluded, Field, Refusal, Writer};
use crate::route::{Media, Route, choose};
use crate::rules::Change;
use crate::schema::{DEFS, Part};
use causeway::pack::CallPlace;
use causeway::pack::Style;

/// The payload's field that is the body.
pub(super) const WHOLE: &str = "body";

/// What a body brings into a payload.
#[derive(Default)]
pub(super) struct Bodied {
    pub fields: Vec<Field>,
    pub media: Option<Media>,
    pub whole: bool,
    /// What else the payload must be: alternatives, and whether other fields are refused.
    pub rest: Map<String, Value>,
    /// Fields that left the schema.
    pub dropped: BTreeSet<String>,
    /// Places that the page's `[supply]` fills.
    pub supply: BTreeSet<CallPlace>,
}

/// Where a field of the body stands.
pub(super) fn place(wrap: Option<&str>, name: &str) -> CallPlace {
    let mut steps = wrap.map(steps).unwrap_or_default();
    steps.push(name.to_owned());
    CallPlace::Body(steps)
}

/// Where `inner` of what stands under `wrap` stands in the body.
pub(super) fn below(wrap: &str, inner: &[String]) -> CallPlace {
    let mut all = steps(wrap);
    all.extend_from_slice(inner);
    CallPlace::Body(all)
}

/// A place as a line with this `wrap` says it: of the body, what stands under it.
pub(super) fn under(wrap: Option<&str>, place: &CallPlace) -> CallPlace {
    match (wrap, place) {
        (Some(wrap), CallPlace::Body(all)) => {
            let inner = all.strip_prefix(steps(wrap).as_slice()).unwrap_or(all);
            CallPlace::Body(inner.to_vec())
        }
        (_, place) => place.clone(),
    }
}

/// Where the whole body stands.
pub(super) fn whole() -> CallPlace {
    CallPlace::Body(Vec::new())
}

fn steps(pointer: &str) -> Vec<String> {
    let steps = pointer.split('/').skip(1);
    steps
        .map(|step| step.replace("~1", "/").replace("~0", "~"))
        .collect()
}

impl<'d> Writer<'_, '_, 'd> {
    pub(super) fn body(
        &mut self,
        route: &Route<'d>,
        change: &Change<'_>,
        excluded: &Excluded<'_>,
    ) -> Result<Bodied, Refusal> {
        let mut out = Bodied::default();
        out.rest
            .insert("additionalProperties".to_owned(), json!(false));
        let asked = change.media.as_ref().or(self.rules.media.as_ref());
        let Some(way) = choose(&route.body.ways, |way| &way.media, asked) else {
            if let Some(other) = route.body.others.first() {
                return Err(Refusal::LeftOut(format!(
                    "its body is {other}, which lanes do not write"
                )));
            }
            if let Some(wrap) = change.wrap {
                return Err(Refusal::Page(format!("wrap `{wrap}`: it has no body")));
            }
            return Ok(out);
        };
        let media = asked.unwrap_or(&way.media).clone();
        out.media = Some(media.clone());
        let any = json!({});
        let mut parts: Vec<Part<'_>> = match &way.schema {
            Some(schema) => self.schemas.gather(&[(way.doc, schema)]),
            None => vec![(way.doc, &any)],
        };
        for step in change.wrap.map(steps).unwrap_or_default() {
            parts = self.inside(&parts, &step);
            if parts.is_empty() {
                let wrap = change.wrap.unwrap_or_default();
                let problem =
                    format!("wrap `{wrap}`: the document's body has nothing there (at `{step}`)");
                return Err(Refusal::Page(problem));
            }
        }
        let is = without_null(self.schemas.write_whole(&parts));
        let Some((properties, required, rest)) = as_object(&is) else {
            return self.whole(route, change, is, media, out);
        };
        let inside = excluded.inside();
        for (name, mut schema) in properties {
            let place = place(change.wrap, &name);
            if excluded.has(&place) {
                if self.rules.gives(&place) {
                    out.supply.insert(place);
                }
                out.dropped.insert(name);
                continue;
            }
            if let CallPlace::Body(steps) = &place {
                for deeper in inside
                    .iter()
                    .filter_map(|it| it.strip_prefix(steps.as_slice()))
                {
                    self.remove(&mut schema, deeper);
                    let whole: Vec<_> = steps.iter().chain(deeper).cloned().collect();
                    let whole = CallPlace::Body(whole);
                    if self.rules.gives(&whole) {
                        out.supply.insert(whole);
                    }
                }
            }
            let required = required.contains(&name);
            out.fields
                .push(field(way, &media, place, name, schema, required));
        }
        out.rest = rest;
        // They would count the parameters, too.
        if !route.parameters.is_empty() {
            out.rest.remove("minProperties");
            out.rest.remove("maxProperties");
        }
        Ok(out)
    }

    /// What stands in a property, or in any element.
    fn inside<'v>(&mut self, parts: &[Part<'v>], step: &str) -> Vec<Part<'v>>
    where
        'd: 'v,
    {
        let index = step.parse::<usize>().is_ok();
        let inner = parts.iter().filter_map(|(doc, raw)| {
            let inner = if index {
                raw.get("items")
            } else {
                raw.get("properties")?.get(step)
            };
            Some((*doc, inner?))
        });
        let inner: Vec<_> = inner.collect();
        self.schemas.gather(&inner)
    }

    /// The body as the payload's field `body`.
    fn whole(
        &mut self,
        route: &Route<'_>,
        change: &Change<'_>,
        is: Value,
        media: Media,
        mut out: Bodied,
    ) -> Result<Bodied, Refusal> {
        let object = is.get("type").is_some_and(|it| it == "object");
        if media == Media::Form && !object {
            return Err(Refusal::LeftOut("its form is no list of fields".to_owned()));
        }
        if let Some(wrap) = change.wrap {
            return Err(Refusal::Page(format!(
                "wrap `{wrap}`: what stands there has no fields of its own"
            )));
        }
        out.whole = true;
        out.fields.push(Field {
            place: whole(),
            name: WHOLE.to_owned(),
            schema: is,
            required: route.body.required,
            style: None,
        });
        Ok(out)
    }

    /// Takes what stands at `steps` out of a schema.
    pub(super) fn remove(&mut self, schema: &mut Value, steps: &[String]) {
        let reference = schema.get("$ref").and_then(Value::as_str);
        if let Some(target) = reference.and_then(|it| self.schemas.target(it)) {
            *schema = target;
        }
        let Some((first, rest)) = steps.split_first() else {
            return;
        };
        if first.parse::<usize>().is_ok() {
            if let Some(items) = schema.get_mut("items") {
                self.remove(items, rest);
            }
            return;
        }
        if rest.is_empty() {
            if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
                properties.remove(first);
            }
            if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
                required.retain(|name| name != first);
                if required.is_empty()
                    && let Some(fields) = schema.as_object_mut()
                {
                    fields.remove("required");
                }
            }
            return;
        }
        if let Some(inner) = schema
            .get_mut("properties")
            .and_then(|it| it.get_mut(first))
        {
            self.remove(inner, rest);
        }
    }
}

fn field(
    way: &crate::route::Way<'_>,
    media: &Media,
    place: CallPlace,
    name: String,
    schema: Value,
    required: bool,
) -> Field {
    let mut field = Field {
        place,
        name,
        schema,
        required,
        style: None,
    };
    if *media != Media::Form {
        return field;
    }
    // A form knows texts alone; what has no type there is a text of the vendor's own kind, JSON mostly.
    if field.schema == json!({}) {
        field.schema = json!({"type": "string"});
    }
    let list = field.schema.get("type").is_some_and(|it| match it {
        Value::Array(all) => all.iter().any(|it| it == "array"),
        one => one == "array",
    });
    if list && way.media == Media::Form {
        field.style = way.style.get(&field.place).copied();
        if let (Some(plain), CallPlace::Body(steps)) =
            (field.name.strip_suffix("[]"), &mut field.place)
        {
            let plain = plain.to_owned();
            if let Some(last) = steps.last_mut() {
                last.clone_from(&plain);
            }
            field.name = plain;
            field.style = Some(Style::Brackets);
        }
    }
    field
}

/// An object's fields, the names of those that must be there, and all else that it says.
type Object = (Map<String, Value>, BTreeSet<String>, Map<String, Value>);

/// None where it is no object with fields of its own.
fn as_object(is: &Value) -> Option<Object> {
    let mut rest = is.as_object()?.clone();
    if rest.remove("type")? != "object" {
        return None;
    }
    let closed = rest.get("additionalProperties") == Some(&Value::Bool(false));
    let properties = match rest.remove("properties") {
        Some(Value::Object(properties)) => properties,
        _ if closed => Map::new(),
        _ => return None,
    };
    let required = match rest.remove("required") {
        Some(Value::Array(names)) => names,
        _ => Vec::new(),
    };
    let required = required
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect();
    Some((properties, required, rest))
}

/// What is null is not written at all: neither a body, nor a pair of a query or a form.
pub(super) fn without_null(is: Value) -> Value {
    let Value::Object(mut fields) = is else {
        return is;
    };
    let null = json!({"type": "null"});
    let list = fields.get("anyOf").and_then(Value::as_array);
    if let (Some(list), 1) = (list, fields.len()) {
        let others: Vec<_> = list.iter().filter(|it| **it != null).cloned().collect();
        return match others.as_slice() {
            [only]
                if !only
                    .get("$ref")
                    .is_some_and(|it| it.as_str().is_some_and(|it| it.starts_with(DEFS))) =>
            {
                only.clone()
            }
            _ => json!({"anyOf": others}),
        };
    }
    if let Some(Value::Array(types)) = fields.get("type") {
        let types: Vec<_> = types.iter().filter(|it| **it != "null").cloned().collect();
        let types = match types.as_slice() {
            [only] => only.clone(),
            _ => Value::Array(types),
        };
        fields.insert("type".to_owned(), types);
    }
    if let Some(Value::Array(values)) = fields.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    Value::Object(fields)
}
