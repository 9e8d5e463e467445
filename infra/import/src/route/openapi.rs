//! OpenAPI 3.0 and 3.1, and Swagger 2.0.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{
    Body, LeftOut, METHODS, Media, Parameter, Route, Way, media, members, parameter, path,
};
use crate::document::Kind;
use crate::refs::Documents;
use causeway::pack::CallPlace;
use causeway::pack::Style;

pub(super) fn routes(docs: &Documents, doc: usize, kind: Kind) -> (Vec<Route<'_>>, Vec<LeftOut>) {
    let (mut routes, mut left_out) = (Vec::new(), Vec::new());
    let Some(document) = docs.0.get(doc) else {
        return (routes, left_out);
    };
    let credentials = credentials(&document.root, kind);
    for (written, item) in members(document.root.get("paths")) {
        let (item_doc, item) = match docs.follow(doc, item) {
            Ok(item) => item,
            Err(reason) => {
                left_out.push(LeftOut {
                    doc: document.alias.clone(),
                    route: written.to_owned(),
                    id: None,
                    reason,
                });
                continue;
            }
        };
        for method in METHODS {
            let Some(operation) = item.get(method.to_ascii_lowercase()) else {
                continue;
            };
            let reader = Reader {
                docs,
                doc: item_doc,
                kind,
            };
            match reader.route(method, written, item, operation) {
                Ok(mut route) => {
                    route.doc = doc;
                    route.credentials.clone_from(&credentials);
                    routes.push(route);
                }
                Err(reason) => left_out.push(LeftOut {
                    doc: document.alias.clone(),
                    route: format!("{method} {written}"),
                    id: text(operation, "operationId").map(str::to_owned),
                    reason,
                }),
            }
        }
    }
    (routes, left_out)
}

fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key).and_then(Value::as_str)
}

/// Names of keys that the document's security schemes take from query and headers.
fn credentials(root: &Value, kind: Kind) -> Vec<CallPlace> {
    let schemes = match kind {
        Kind::Swagger2 => root.get("securityDefinitions"),
        _ => root.pointer("/components/securitySchemes"),
    };
    let place = |(_, scheme): (&str, &Value)| {
        let name = text(scheme, "name")?.to_owned();
        match (text(scheme, "type")?, text(scheme, "in")?) {
            ("apiKey", "query") => Some(CallPlace::Query(name)),
            ("apiKey", "header") => Some(CallPlace::Header(name.to_ascii_lowercase())),
            _ => None,
        }
    };
    members(schemes).into_iter().filter_map(place).collect()
}

struct Reader<'d> {
    docs: &'d Documents,
    doc: usize,
    kind: Kind,
}

impl<'d> Reader<'d> {
    fn route(
        &self,
        method: &'static str,
        written: &str,
        item: &'d Value,
        operation: &'d Value,
    ) -> Result<Route<'d>, String> {
        let path = path::read(written)?;
        let mut parameters: BTreeMap<CallPlace, Parameter<'d>> = BTreeMap::new();
        let mut body = Body::default();
        let mut form = Vec::new();
        for list in [item.get("parameters"), operation.get("parameters")] {
            let list = list.and_then(Value::as_array);
            for raw in list.into_iter().flatten() {
                let (doc, raw) = self.docs.follow(self.doc, raw)?;
                match text(raw, "in") {
                    Some("body") => self.swagger_body(operation, doc, raw, &mut body),
                    Some("formData") => form.push((doc, raw)),
                    _ => {
                        if let Some(mut parameter) = parameter::read(self.docs, doc, self.kind, raw)
                        {
                            if let Some(name) = path.renamed.get(&parameter.name) {
                                parameter.name.clone_from(name);
                                parameter.place = CallPlace::Path(name.clone());
                            }
                            parameters.insert(parameter.place.clone(), parameter);
                        }
                    }
                }
            }
        }
        if !form.is_empty() {
            self.swagger_form(operation, &form, &mut body);
        }
        if let Some(raw) = operation.get("requestBody") {
            let (doc, raw) = self.docs.follow(self.doc, raw)?;
            self.body(doc, raw, &mut body);
        }
        // A placeholder that nobody declares is a text; a parameter without a placeholder goes nowhere.
        parameters.retain(|place, _| match place {
            CallPlace::Path(name) => path.names.contains(name),
            place => !path.fixed.contains_key(place),
        });
        for name in &path.names {
            let place = CallPlace::Path(name.clone());
            parameters
                .entry(place.clone())
                .or_insert_with(|| Parameter {
                    place,
                    name: name.clone(),
                    required: true,
                    doc: self.doc,
                    schema: Cow::Owned(json!({"type": "string"})),
                    style: None,
                    problem: None,
                });
        }
        let said = |key| text(operation, key).unwrap_or_default();
        Ok(Route {
            doc: self.doc,
            method,
            path: path.path,
            written: written.to_owned(),
            id: text(operation, "operationId"),
            text: format!("{}\n{}", said("summary"), said("description")),
            parameters: parameters.into_values().collect(),
            body,
            fixed: path.fixed,
            credentials: Vec::new(),
        })
    }

    /// OpenAPI 3's body.
    fn body(&self, doc: usize, raw: &'d Value, body: &mut Body<'d>) {
        body.required = raw.get("required") == Some(&Value::Bool(true));
        for (name, content) in members(raw.get("content")) {
            let Some(media) = media(name) else {
                body.others.push(name.to_owned());
                continue;
            };
            let style = match media {
                Media::Form => encodings(content),
                _ => BTreeMap::new(),
            };
            body.ways.push(Way {
                media,
                doc,
                schema: content.get("schema").map(Cow::Borrowed),
                style,
            });
        }
    }

    /// Swagger's media types: the operation's, else the document's.
    fn consumes(&self, operation: &'d Value) -> Vec<&'d str> {
        let root = self
            .docs
            .0
            .get(self.doc)
            .and_then(|it| it.root.get("consumes"));
        let list = operation.get("consumes").or(root).and_then(Value::as_array);
        list.into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect()
    }

    fn swagger_body(&self, operation: &'d Value, doc: usize, raw: &'d Value, body: &mut Body<'d>) {
        body.required = raw.get("required") == Some(&Value::Bool(true));
        let mut names = self.consumes(operation);
        // A body that is no form's is JSON, whatever a whole document's list says of its forms.
        if names.is_empty() || names.iter().all(|name| name.contains("form")) {
            names = vec!["application/json"];
        }
        for name in names {
            match media(name) {
                Some(Media::Form) => {}
                Some(media) if body.ways.iter().any(|way| way.media == media) => {}
                Some(media) => body.ways.push(Way {
                    media,
                    doc,
                    schema: raw.get("schema").map(Cow::Borrowed),
                    style: BTreeMap::new(),
                }),
                None => body.others.push(name.to_owned()),
            }
        }
    }

    fn swagger_form(&self, operation: &'d Value, form: &[(usize, &'d Value)], body: &mut Body<'d>) {
        let names = self.consumes(operation);
        let is_file = |raw: &Value| text(raw, "type") == Some("file");
        let plain = names.is_empty() || names.iter().any(|name| media(name) == Some(Media::Form));
        let needs_file = form.iter().any(|(_, raw)| {
            is_file(raw) && (names.is_empty() || raw.get("required") == Some(&Value::Bool(true)))
        });
        if !plain || needs_file {
            body.others.push("multipart/form-data".to_owned());
            return;
        }
        let (mut properties, mut required, mut style) = (Map::new(), Vec::new(), BTreeMap::new());
        let mut doc = self.doc;
        for (of, raw) in form.iter().filter(|(_, raw)| !is_file(raw)) {
            let Some(name) = text(raw, "name") else {
                continue;
            };
            doc = *of;
            if raw.get("required") == Some(&Value::Bool(true)) {
                required.push(name);
            }
            let place = CallPlace::Body(vec![name.to_owned()]);
            match text(raw, "collectionFormat") {
                Some("csv") => style.insert(place, Style::Csv),
                Some("multi") => style.insert(place, Style::Multi),
                _ => None,
            };
            properties.insert(name.to_owned(), (*raw).clone());
        }
        let schema = json!({"type": "object", "properties": properties, "required": required});
        body.required = !required.is_empty();
        body.ways.push(Way {
            media: Media::Form,
            doc,
            schema: Some(Cow::Owned(schema)),
            style,
        });
    }
}

/// How fields of a form write lists, where the document says so.
fn encodings(content: &Value) -> BTreeMap<CallPlace, Style> {
    let style = |(name, encoding): (&str, &Value)| {
        let exploded = encoding.get("explode").and_then(Value::as_bool);
        let style = match (text(encoding, "style"), exploded) {
            (Some("form") | None, Some(false)) => Style::Csv,
            (Some("form") | None, Some(true)) => Style::Multi,
            _ => return None,
        };
        Some((CallPlace::Body(vec![name.to_owned()]), style))
    };
    members(content.get("encoding"))
        .into_iter()
        .filter_map(style)
        .collect()
}
