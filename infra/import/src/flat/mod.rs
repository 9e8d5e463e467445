//! One call's parameters and body as one flat object.

mod body;
mod constraint;
mod naming;
mod rows;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use crate::route::{Media, Parameter, Route};
use crate::rules::{Change, Rules};
use crate::schema::Schemas;
use causeway::pack::CallPlace;
use causeway::pack::{OperationLine, Style};

/// Why an operation is not written.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// The document asks for what lanes do not do.
    LeftOut(String),
    /// The page asks for what the document does not have.
    Page(String),
}

/// One field of the payload, before it has its name.
#[derive(Debug)]
struct Field {
    place: CallPlace,
    /// The name that it would have alone.
    name: String,
    schema: Value,
    required: bool,
    style: Option<Style>,
}

/// What is being made.
struct Flat {
    /// By the names that they have in the payload.
    fields: BTreeMap<String, Field>,
    media: Option<Media>,
    whole: bool,
    /// What else the payload must be.
    rest: Map<String, Value>,
    /// Names of fields that the lane says itself: they are not there, and naming them is no mistake.
    own: BTreeSet<String>,
    /// Places that the page's `[supply]` fills.
    supply: BTreeSet<CallPlace>,
}

/// Writes operations.
pub(crate) struct Writer<'w, 'p, 'd> {
    pub rules: &'w Rules<'p>,
    pub schemas: &'w mut Schemas<'d>,
}

impl<'d> Writer<'_, '_, 'd> {
    /// The line of one operation; its references are the schemas' own.
    pub fn line(
        &mut self,
        name: &str,
        alias: &str,
        route: &Route<'d>,
        change: &Change<'_>,
        old: Option<&OperationLine>,
    ) -> Result<OperationLine, Refusal> {
        let excluded = Excluded::new(self.rules, route, change);
        let mut fields = Vec::new();
        for parameter in &route.parameters {
            fields.extend(self.parameter(parameter, route, &excluded)?);
        }
        let body = self.body(route, change, &excluded)?;
        fields.extend(body.fields);
        let incumbents = old.map(naming::places).unwrap_or_default();
        let (fields, renamed) = naming::named(fields, body.whole, &incumbents);
        let mut rest = body.rest;
        let new_name = |name: &str| -> Option<String> {
            if body.dropped.contains(name) {
                return None;
            }
            Some(
                renamed
                    .get(name)
                    .cloned()
                    .unwrap_or_else(|| name.to_owned()),
            )
        };
        constraint::rename(&mut rest, &new_name);
        let mut flat = Flat {
            fields,
            media: body.media,
            whole: body.whole,
            rest,
            own: body.dropped,
            supply: body.supply,
        };
        let supplied = route.parameters.iter().map(|it| &it.place);
        flat.supply
            .extend(supplied.filter(|it| self.rules.gives(it)).cloned());
        flat.own.extend(
            route
                .parameters
                .iter()
                .filter(|it| excluded.has(&it.place))
                .map(|it| it.name.clone()),
        );
        flat.own
            .extend(change.own.iter().filter_map(|place| match place {
                CallPlace::Body(steps) => steps.last().cloned(),
                CallPlace::Path(name) | CallPlace::Query(name) | CallPlace::Header(name) => {
                    Some(name.clone())
                }
            }));
        let mut fixed = route.fixed.clone();
        fixed.extend(change.fixed.clone());
        self.rows(name, route, change, &mut flat, &mut fixed)?;
        Ok(self.finish(name, alias, route, change, flat, fixed))
    }

    fn parameter(
        &mut self,
        parameter: &Parameter<'d>,
        route: &Route<'_>,
        excluded: &Excluded<'_>,
    ) -> Result<Option<Field>, Refusal> {
        if excluded.has(&parameter.place) {
            return Ok(None);
        }
        if let Some(problem) = parameter.problem {
            if parameter.required {
                let reason = format!("its parameter `{}` is {problem}", parameter.name);
                return Err(Refusal::LeftOut(reason));
            }
            self.schemas
                .losses
                .count(&format!("parameters that are {problem}"));
            return Ok(None);
        }
        let mut field = Field {
            place: parameter.place.clone(),
            name: parameter.name.clone(),
            schema: self.schemas.write((parameter.doc, &parameter.schema)),
            required: parameter.required,
            style: parameter.style,
        };
        match &field.place {
            CallPlace::Path(_) => never_empty(&mut field.schema),
            CallPlace::Query(name) => {
                let plain = name.strip_suffix("[]").filter(|plain| {
                    let twin = CallPlace::Query((*plain).to_owned());
                    !route.parameters.iter().any(|it| it.place == twin)
                });
                if let Some(plain) = plain {
                    let plain = plain.to_owned();
                    field.name.clone_from(&plain);
                    field.place = CallPlace::Query(plain);
                    field.style = Some(Style::Brackets);
                }
            }
            _ => {}
        }
        Ok(Some(field))
    }

    fn finish(
        &self,
        name: &str,
        alias: &str,
        route: &Route<'_>,
        change: &Change<'_>,
        flat: Flat,
        fixed: BTreeMap<CallPlace, Value>,
    ) -> OperationLine {
        let (mut at, mut style) = (BTreeMap::new(), BTreeMap::new());
        let (mut properties, mut required) = (Map::new(), Vec::new());
        let wrap = change.wrap.filter(|_| !flat.whole && flat.media.is_some());
        for (name, mut field) in flat.fields {
            if field.required {
                required.push(Value::from(name.as_str()));
                let is_pairs = match field.place {
                    CallPlace::Query(_) => true,
                    CallPlace::Body(_) => flat.media == Some(Media::Form),
                    CallPlace::Path(_) | CallPlace::Header(_) => false,
                };
                if is_pairs {
                    never_nothing(&mut field.schema);
                }
            }
            let plain = body::place(wrap, &name);
            let whole = flat.whole && name == body::WHOLE && field.place == body::whole();
            if field.place != plain && !whole {
                at.insert(name.clone(), body::under(wrap, &field.place));
            }
            if let Some(is) = field.style {
                let in_body = matches!(field.place, CallPlace::Body(_));
                if !(in_body && self.rules.form_style() == Some(is)) {
                    style.insert(field.place, is);
                }
            }
            properties.insert(name, field.schema);
        }
        let mut schema = flat.rest;
        schema.insert("type".to_owned(), json!("object"));
        if !properties.is_empty() {
            schema.insert("properties".to_owned(), Value::Object(properties));
        }
        if !required.is_empty() {
            schema.insert("required".to_owned(), Value::Array(required));
        }
        OperationLine {
            op: name.to_owned(),
            doc: alias.to_owned(),
            id: route.id.map(str::to_owned),
            method: route.method.to_owned(),
            path: route.path.clone(),
            media: flat.media.map(|media| media.name().to_owned()),
            at,
            style,
            whole: flat.whole,
            wrap: wrap.map(str::to_owned),
            fixed,
            supply: flat.supply.into_iter().collect(),
            copy: BTreeMap::new(),
            limits: self.rules.limits(&route.text),
            schema: Value::Object(schema),
        }
    }
}

/// An empty text in a path makes another path of it: `DELETE /customers/`.
fn never_empty(schema: &mut Value) {
    if let Some(fields) = schema.as_object_mut() {
        let free = ["enum", "pattern", "format", "minLength", "const"];
        let text = fields.get("type").is_some_and(|it| it == "string");
        if text && !free.iter().any(|key| fields.contains_key(*key)) {
            fields.insert("minLength".to_owned(), json!(1));
        }
    }
}

/// Null, and a list or an object without anything in it, cannot be written in a query or a form: it is not there, and
/// must be.
fn never_nothing(schema: &mut Value) {
    *schema = body::without_null(std::mem::take(schema));
    let Some(fields) = schema.as_object_mut() else {
        return;
    };
    let least = match fields.get("type").and_then(Value::as_str) {
        Some("array") => "minItems",
        Some("object") => "minProperties",
        _ => return,
    };
    fields.entry(least).or_insert_with(|| json!(1));
}

/// The places of a call that no producer says.
struct Excluded<'a> {
    rules: &'a Rules<'a>,
    own: BTreeSet<CallPlace>,
}

impl<'a> Excluded<'a> {
    fn new(rules: &'a Rules<'_>, route: &Route<'_>, change: &Change<'_>) -> Self {
        let mut own = change.own.clone();
        own.extend(change.fixed.keys().cloned());
        own.extend(route.fixed.keys().cloned());
        own.extend(route.credentials.iter().cloned());
        Self { rules, own }
    }

    fn has(&self, place: &CallPlace) -> bool {
        self.own.contains(place) || self.rules.supplies(place)
    }

    /// Those that lie inside a field of the body.
    fn inside(&self) -> Vec<&[String]> {
        let all = self.own.iter().chain(self.rules.supplied());
        let inside = all.filter_map(|place| match place {
            CallPlace::Body(steps) if steps.len() > 1 => Some(steps.as_slice()),
            _ => None,
        });
        inside.collect()
    }
}
