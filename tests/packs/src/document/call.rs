//! What a document says of one call.

use causeway::pack::{CallPlace, OperationLine};
use serde_json::{Map, Value, json};

use super::file::{Dialect, DocumentFile};
use super::schema::Reader;

/// Where a parameter stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum In {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

/// One parameter.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Where it stands.
    pub place: In,
    /// Its name; a header's in lower case.
    pub name: String,
    /// Whether it must be there.
    pub required: bool,
    /// Whether a list is written in one value, with commas.
    pub commas: bool,
    /// What it may be.
    pub schema: Value,
}

/// A way of writing the body.
#[derive(Clone, Debug)]
pub struct Body {
    /// The media type.
    pub media: String,
    /// What it may be.
    pub schema: Value,
    /// Fields whose lists are written in one value, with commas.
    pub commas: Vec<String>,
    /// Fields whose lists are written otherwise than with the name again: in brackets.
    pub brackets: Vec<String>,
}

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// The path as the document writes it.
    pub template: String,
    /// What may stand before it.
    pub bases: Vec<String>,
    /// What may stand outside of the body.
    pub parameters: Vec<Parameter>,
    /// How the body may be written: not at all, or in one of these ways.
    pub bodies: Vec<Body>,
    /// Whether there must be one.
    pub needs_body: bool,
}

impl Call {
    /// The call that `line` was made of, by its `operationId` or its route.
    #[must_use]
    pub fn find(file: &DocumentFile, line: &OperationLine, reader: Reader<'_>) -> Option<Self> {
        let method = line.method.to_ascii_lowercase();
        let paths = file.root.get("paths")?.as_object()?;
        let all = paths.iter().filter_map(|(template, item)| {
            let item = file.followed(item);
            Some((template, item, item.get(&method)?))
        });
        let all: Vec<_> = all.collect();
        let id_of = |operation: &Value| {
            operation
                .get("operationId")
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let by_id: Vec<_> = all
            .iter()
            .filter(|(_, _, it)| line.id.is_some() && id_of(it) == line.id)
            .collect();
        let by_path = || {
            let route = shape(&line.path);
            all.iter().find(|(template, _, _)| shape(template) == route)
        };
        let (template, item, operation) = match by_id.as_slice() {
            [only] => *only,
            _ => by_path()?,
        };
        let mut call = Self {
            template: (*template).clone(),
            bases: file.bases(),
            parameters: Vec::new(),
            bodies: Vec::new(),
            needs_body: false,
        };
        let mut form = Vec::new();
        for list in [item.get("parameters"), operation.get("parameters")] {
            for raw in list.and_then(Value::as_array).into_iter().flatten() {
                let raw = file.followed(raw);
                match raw.get("in").and_then(Value::as_str) {
                    Some("body") => call.swagger_body(file, operation, raw, reader),
                    Some("formData") => form.push(raw),
                    _ => call.parameter(file.dialect, raw, reader),
                }
            }
        }
        if !form.is_empty() {
            call.swagger_form(file, operation, &form, reader);
        }
        if let Some(raw) = operation.get("requestBody") {
            call.body(file, file.followed(raw), reader);
        }
        Some(call)
    }

    fn parameter(&mut self, dialect: Dialect, raw: &Value, reader: Reader<'_>) {
        let Some(name) = raw.get("name").and_then(Value::as_str) else {
            return;
        };
        let (place, name) = match raw.get("in").and_then(Value::as_str) {
            Some("path") => (In::Path, name.to_owned()),
            Some("query") => (In::Query, name.to_owned()),
            Some("header") => (In::Header, name.to_ascii_lowercase()),
            _ => return,
        };
        // OpenAPI: parameters of these names are ignored.
        if place == In::Header
            && matches!(name.as_str(), "accept" | "content-type" | "authorization")
        {
            return;
        }
        let content = raw
            .get("content")
            .and_then(Value::as_object)
            .and_then(|all| all.values().next());
        let schema = match dialect {
            Dialect::Swagger => reader.schema(&of_swagger(raw), 0),
            _ => {
                let schema = raw
                    .get("schema")
                    .or(content.and_then(|content| content.get("schema")));
                schema.map_or(Value::Bool(true), |schema| reader.schema(schema, 0))
            }
        };
        let commas = match dialect {
            Dialect::Swagger => raw
                .get("collectionFormat")
                .is_none_or(|format| format == "csv"),
            _ => {
                let exploded = raw.get("explode").and_then(Value::as_bool);
                let style = raw.get("style").and_then(Value::as_str);
                match place {
                    In::Query => {
                        style.is_none_or(|style| style == "form") && exploded == Some(false)
                    }
                    In::Path | In::Header => true,
                }
            }
        };
        self.parameters
            .retain(|one| (one.place, &one.name) != (place, &name));
        let required = raw.get("required") == Some(&Value::Bool(true)) || place == In::Path;
        self.parameters.push(Parameter {
            place,
            name,
            required,
            commas,
            schema,
        });
    }

    fn body(&mut self, file: &DocumentFile, raw: &Value, reader: Reader<'_>) {
        self.needs_body = raw.get("required") == Some(&Value::Bool(true));
        let content = raw.get("content").and_then(Value::as_object);
        for (media, content) in content.into_iter().flatten() {
            let schema = content.get("schema").map_or(Value::Bool(true), |schema| {
                match media.contains("x-www-form-urlencoded") {
                    true => texts(reader.schema(file.followed(schema), 0)),
                    false => reader.schema(schema, 0),
                }
            });
            let encoding = content.get("encoding").and_then(Value::as_object);
            let named = |test: &dyn Fn(&Value) -> bool| {
                let fields = encoding
                    .into_iter()
                    .flatten()
                    .filter(|(_, encoding)| test(encoding));
                fields.map(|(name, _)| name.clone()).collect()
            };
            let is =
                |encoding: &Value, style: &str| encoding.get("style").is_some_and(|it| it == style);
            let commas = |encoding: &Value| {
                (encoding.get("style").is_none() || is(encoding, "form"))
                    && encoding.get("explode") == Some(&Value::Bool(false))
            };
            self.bodies.push(Body {
                media: media.clone(),
                schema,
                commas: named(&commas),
                brackets: named(&|encoding| is(encoding, "deepObject")),
            });
        }
    }

    fn swagger_body(
        &mut self,
        file: &DocumentFile,
        operation: &Value,
        raw: &Value,
        reader: Reader<'_>,
    ) {
        self.needs_body = raw.get("required") == Some(&Value::Bool(true));
        let schema = raw
            .get("schema")
            .map_or(Value::Bool(true), |schema| reader.schema(schema, 0));
        let mut media = consumes(file, operation);
        if media.is_empty() {
            media.push("application/json".to_owned());
        }
        let body = |media| Body {
            media,
            schema: schema.clone(),
            commas: Vec::new(),
            brackets: Vec::new(),
        };
        self.bodies.extend(media.into_iter().map(body));
    }

    fn swagger_form(
        &mut self,
        file: &DocumentFile,
        operation: &Value,
        form: &[&Value],
        reader: Reader<'_>,
    ) {
        let (mut properties, mut required, mut commas) = (Map::new(), Vec::new(), Vec::new());
        for raw in form {
            let Some(name) = raw.get("name").and_then(Value::as_str) else {
                continue;
            };
            properties.insert(name.to_owned(), of_swagger(raw));
            if raw.get("required") == Some(&Value::Bool(true)) {
                required.push(name);
            }
            if raw
                .get("collectionFormat")
                .is_none_or(|format| format == "csv")
            {
                commas.push(name.to_owned());
            }
        }
        self.needs_body = !required.is_empty();
        let schema = json!({ "type": "object", "properties": properties, "required": required });
        let schema = reader.schema(&schema, 0);
        let mut media = consumes(file, operation);
        if media.is_empty() {
            media.push("application/x-www-form-urlencoded".to_owned());
        }
        let body = |media| Body {
            media,
            schema: schema.clone(),
            commas: commas.clone(),
            brackets: Vec::new(),
        };
        self.bodies.extend(media.into_iter().map(body));
    }

    /// The parameter that stands in `place` of the pack's line: its path's placeholders may have names of their own.
    #[must_use]
    pub fn at(&self, line: &OperationLine, place: &CallPlace) -> Option<(In, String)> {
        match place {
            CallPlace::Path(name) => {
                let at = placeholders(&line.path)
                    .iter()
                    .position(|one| one == name)?;
                let own = placeholders(&self.template);
                let own = own.get(at).cloned().unwrap_or_else(|| name.clone());
                Some((In::Path, own))
            }
            CallPlace::Query(name) => Some((In::Query, name.clone())),
            CallPlace::Header(name) => Some((In::Header, name.to_ascii_lowercase())),
            CallPlace::Body(_) => None,
        }
    }
}

/// A form's fields of which nothing is said are texts: pairs of a form are.
fn texts(mut schema: Value) -> Value {
    let properties = schema.get_mut("properties").and_then(Value::as_object_mut);
    for field in properties.into_iter().flat_map(Map::values_mut) {
        if *field == json!({}) {
            *field = json!({ "type": "string" });
        }
    }
    schema
}

/// A parameter of Swagger's, which is its own schema but for `required`, a truth value there.
fn of_swagger(raw: &Value) -> Value {
    let mut schema = raw.clone();
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("required");
    }
    schema
}

fn consumes(file: &DocumentFile, operation: &Value) -> Vec<String> {
    let list = operation
        .get("consumes")
        .or(file.root.get("consumes"))
        .and_then(Value::as_array);
    list.into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

/// The names in braces, in order.
#[must_use]
pub fn placeholders(path: &str) -> Vec<String> {
    let parts = path.split('{').skip(1);
    parts
        .filter_map(|part| Some(part.split_once('}')?.0.to_owned()))
        .collect()
}

/// A path without the names of its placeholders.
fn shape(path: &str) -> String {
    let mut shape = String::new();
    for (at, part) in path.split('{').enumerate() {
        match part.split_once('}') {
            Some((_, rest)) if at > 0 => {
                shape.push_str("{}");
                shape.push_str(rest);
            }
            _ => shape.push_str(part),
        }
    }
    shape.trim_end_matches('/').to_owned()
}
