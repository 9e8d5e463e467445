//! From a payload to the call that it means.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, Method};
use serde_json::{Map, Value};

use super::line::Style;
use super::page::{FormArrays, Page, Supply};
use super::place::Pointer;
use super::{CallPlace, OperationLine};
use crate::form::{self, Arrays};
use crate::provider::{PayloadError, Wire, insert, segment};

/// A call in the making.
struct Draft<'a> {
    path: String,
    query: Vec<(String, String)>,
    headers: Vec<(String, String)>,
    body: Option<Value>,
    style: &'a BTreeMap<CallPlace, Style>,
}

/// The call of `line`'s operation with `payload`, which has the operation's shape.
pub(super) fn prepare(
    page: &Page,
    line: &OperationLine,
    payload: &Value,
) -> Result<Wire, PayloadError> {
    let none = Map::new();
    let fields = payload.as_object().unwrap_or(&none);
    let mut draft = Draft {
        path: format!("{}{}", page.prefix(line), line.path),
        query: Vec::new(),
        headers: Vec::new(),
        body: None,
        style: &line.style,
    };
    let mut body = Map::new();
    for (name, value) in fields {
        match line.at.get(name) {
            Some(CallPlace::Body(_)) | None => {
                body.insert(name.clone(), value.clone());
            }
            Some(place) => draft
                .put(place, value)
                .map_err(|rule| refused(name, rule))?,
        }
    }
    if line.media.is_some() {
        draft.body = Some(wrapped(line, body));
    }
    for (place, value) in &line.fixed {
        draft.put(place, value).map_err(|rule| refused("", rule))?;
    }
    for (place, supply) in &page.supply {
        match (place, supply) {
            // A path names the secret's field, which is filled in with the credentials.
            (CallPlace::Path(name), Supply::Secret(field)) => {
                draft.path = draft.path.replace(&braced(name), &braced(field));
            }
            // Headers of the provider are its spec's, and go with every call.
            (CallPlace::Header(_), _) | (_, Supply::Secret(_) | Supply::Drop) => {}
            (CallPlace::Path(_), Supply::Fixed(value)) => {
                draft.put(place, value).map_err(|rule| refused("", rule))?;
            }
            (_, Supply::Fixed(value)) if line.supply.contains(place) => {
                draft.put(place, value).map_err(|rule| refused("", rule))?;
            }
            (_, Supply::Fixed(_)) => {}
        }
    }
    for (place, pointer) in &line.copy {
        if let Some(value) = payload.pointer(pointer) {
            draft
                .put(place, value)
                .map_err(|rule| refused(pointer, rule))?;
        }
    }
    draft.wire(page, line)
}

fn refused(name: &str, rule: &str) -> PayloadError {
    PayloadError {
        path: format!("payload.{name}"),
        rule: rule.to_owned(),
    }
}

fn braced(name: &str) -> String {
    format!("{{{name}}}")
}

/// The body that goes out: each field in its place, the whole under the operation's wrap.
fn wrapped(line: &OperationLine, mut fields: Map<String, Value>) -> Value {
    let mut moved = Vec::new();
    for (name, place) in &line.at {
        if let CallPlace::Body(names) = place
            && let Some(value) = fields.remove(name)
        {
            moved.push((names, value));
        }
    }
    let mut inner = match line.whole {
        true => fields.remove("body").unwrap_or_default(),
        false => Value::Object(fields),
    };
    for (names, value) in moved {
        insert(&mut inner, names, value);
    }
    let wrap = line.wrap.as_deref().and_then(Pointer::parse);
    let Some(names) = wrap
        .and_then(|wrap| wrap.names())
        .filter(|names| !names.is_empty())
    else {
        return inner;
    };
    let mut body = Value::Object(Map::new());
    insert(&mut body, &names, inner);
    body
}

/// A scalar as it stands in a path, a query or a header.
fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Number(number) => form::number(number),
        other => other.to_string(),
    }
}

impl Draft<'_> {
    fn put(&mut self, place: &CallPlace, value: &Value) -> Result<(), &'static str> {
        if value.is_null() {
            return Ok(());
        }
        match place {
            CallPlace::Path(name) => {
                let value = match value {
                    Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
                    other => text(other),
                };
                if matches!(value.as_str(), "" | "." | "..") {
                    return Err(
                        "must be something that can stand in an address: not empty, `.` or `..`",
                    );
                }
                self.path = self.path.replace(&braced(name), &segment(&value));
            }
            CallPlace::Query(name) => self.ask(name, value, self.style.get(place).copied()),
            CallPlace::Header(name) => {
                let value = match value {
                    Value::Array(items) => items.iter().map(text).collect::<Vec<_>>().join(","),
                    other => text(other),
                };
                if HeaderValue::try_from(&value).is_err() {
                    return Err("holds characters that no HTTP header may carry");
                }
                self.headers.push((name.clone(), value));
            }
            CallPlace::Body(names) => {
                if let Some(body) = &mut self.body {
                    insert(body, names, value.clone());
                }
            }
        }
        Ok(())
    }

    fn ask(&mut self, name: &str, value: &Value, style: Option<Style>) {
        match (value, style) {
            // Nothing between commas would be one empty element.
            (Value::Array(items), _) if items.is_empty() => {}
            (Value::Array(items), Some(Style::Csv)) => {
                let items = items.iter().map(text).collect::<Vec<_>>().join(",");
                self.query.push((name.to_owned(), items));
            }
            (Value::Array(items), style) => {
                let name = match style {
                    Some(Style::Brackets) => format!("{name}[]"),
                    _ => name.to_owned(),
                };
                let items = items.iter().map(|item| (name.clone(), text(item)));
                self.query.extend(items);
            }
            (Value::Object(fields), _) => {
                for (inner, value) in fields {
                    self.ask(&format!("{name}[{inner}]"), value, style);
                }
            }
            (value, _) => self.query.push((name.to_owned(), text(value))),
        }
    }

    fn wire(self, page: &Page, line: &OperationLine) -> Result<Wire, PayloadError> {
        let method = Method::try_from(line.method.as_str()).unwrap_or(Method::POST);
        let mut wire = Wire::new(method, self.path);
        for (name, value) in &self.query {
            wire = wire.query(&segment(name), value);
        }
        for (name, value) in self.headers {
            let header = HeaderName::try_from(name)
                .ok()
                .zip(HeaderValue::try_from(value).ok());
            if let Some((name, value)) = header {
                wire = wire.header(name, value);
            }
        }
        let (Some(media), Some(body)) = (line.media.as_deref(), self.body) else {
            return Ok(wire);
        };
        // A whole body that nobody gave is none: `null` would be one.
        let is_absent = line.whole && body.is_null();
        Ok(match media {
            "form" => wire.form_each(&body, |name| {
                let place = CallPlace::Body(vec![name.to_owned()]);
                let own = self.style.get(&place).copied();
                own.and_then(list).unwrap_or(arrays(page.encode.form))
            }),
            _ if is_absent => wire,
            "json" => wire.json(&body),
            media => {
                let media = HeaderValue::try_from(media)
                    .map_err(|_| refused("", "has a media type that is no header"))?;
                wire.json(&body).header(http::header::CONTENT_TYPE, media)
            }
        })
    }
}

/// How a style writes lists in a form; none where it is about objects.
fn list(style: Style) -> Option<Arrays> {
    match style {
        Style::Csv => Some(Arrays::Joined),
        Style::Multi => Some(Arrays::Repeated),
        Style::Brackets => Some(Arrays::Brackets),
        Style::Deep => None,
    }
}

fn arrays(form: FormArrays) -> Arrays {
    match form {
        FormArrays::Indexed => Arrays::Indexed,
        FormArrays::Repeated => Arrays::Repeated,
        FormArrays::Brackets => Arrays::Brackets,
    }
}
