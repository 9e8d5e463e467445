//! Google's discovery format: methods in nested resources.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{Body, LeftOut, METHODS, Media, Parameter, Route, Way, members, parameter, path};
use crate::document::Kind;
use crate::refs::Documents;
use causeway::pack::CallPlace;

/// How deep resources nest: four levels in the deepest that is known.
const DEPTH_MAX: usize = 16;

pub(super) fn routes(docs: &Documents, doc: usize) -> (Vec<Route<'_>>, Vec<LeftOut>) {
    let (mut routes, mut left_out) = (Vec::new(), Vec::new());
    let Some(document) = docs.0.get(doc) else {
        return (routes, left_out);
    };
    let mut methods = Vec::new();
    collect(&document.root, &mut methods, 0);
    for raw in methods {
        let text = |key: &str| raw.get(key).and_then(Value::as_str);
        let method = text("httpMethod").unwrap_or_default();
        let Some(method) = METHODS.into_iter().find(|it| *it == method) else {
            continue;
        };
        let written = text("flatPath")
            .or_else(|| text("path"))
            .unwrap_or_default();
        match route(docs, doc, method, written, raw) {
            Ok(route) => routes.push(route),
            Err(reason) => left_out.push(LeftOut {
                doc: document.alias.clone(),
                route: format!("{method} {written}"),
                id: text("id").map(str::to_owned),
                reason,
            }),
        }
    }
    (routes, left_out)
}

fn collect<'d>(value: &'d Value, all: &mut Vec<&'d Value>, depth: usize) {
    if depth > DEPTH_MAX {
        return;
    }
    all.extend(members(value.get("methods")).into_iter().map(|(_, it)| it));
    for (_, resource) in members(value.get("resources")) {
        collect(resource, all, depth + 1);
    }
}

fn route<'d>(
    docs: &'d Documents,
    doc: usize,
    method: &'static str,
    written: &str,
    raw: &'d Value,
) -> Result<Route<'d>, String> {
    let path = path::read(written)?;
    let mut parameters = BTreeMap::new();
    for (name, raw) in members(raw.get("parameters")) {
        let mut named = raw.clone();
        let place = raw
            .get("location")
            .cloned()
            .unwrap_or_else(|| json!("query"));
        if let Some(fields) = named.as_object_mut() {
            fields.insert("name".to_owned(), json!(name));
            fields.insert("in".to_owned(), place);
        }
        if raw.get("repeated") == Some(&Value::Bool(true)) {
            named = json!({
                "name": name, "in": named["in"], "required": raw.get("required"),
                "type": "array", "items": raw, "collectionFormat": "multi",
            });
        }
        if let Some(parameter) = parameter::read(docs, doc, Kind::Swagger2, &named) {
            let parameter = Parameter {
                schema: Cow::Owned(parameter.schema.into_owned()),
                place: parameter.place,
                name: parameter.name,
                required: parameter.required,
                doc,
                style: parameter.style,
                problem: parameter.problem,
            };
            parameters.insert(parameter.place.clone(), parameter);
        }
    }
    parameters.retain(|place, _| match place {
        CallPlace::Path(name) => path.names.contains(name),
        _ => true,
    });
    for name in &path.names {
        let place = CallPlace::Path(name.clone());
        parameters
            .entry(place.clone())
            .or_insert_with(|| Parameter {
                place,
                name: name.clone(),
                required: true,
                doc,
                schema: Cow::Owned(json!({"type": "string"})),
                style: None,
                problem: None,
            });
    }
    let ways = raw.get("request").map(|request| Way {
        media: Media::Json,
        doc,
        schema: Some(Cow::Borrowed(request)),
        style: BTreeMap::new(),
    });
    Ok(Route {
        doc,
        method,
        path: path.path,
        written: written.to_owned(),
        id: raw.get("id").and_then(Value::as_str),
        text: raw
            .get("description")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned(),
        parameters: parameters.into_values().collect(),
        body: Body {
            required: false,
            ways: ways.into_iter().collect(),
            others: Vec::new(),
        },
        fixed: path.fixed,
        credentials: Vec::new(),
    })
}
