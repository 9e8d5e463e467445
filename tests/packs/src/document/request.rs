//! A request by its places, whether it was read from a wire or made of a payload that no lane would send.

use std::collections::BTreeMap;

use causeway::pack::page::Supply;
use causeway::pack::{CallPlace, OperationLine, Page};
use causeway::provider::{Operation, Wire};
use serde_json::{Map, Value};

use super::call::{Body, Call, In};
use super::form::{Tree, Typed, segment};

/// A form's media type.
const FORM: &str = "application/x-www-form-urlencoded";

/// What stands where nothing but its being there counts.
const SOMETHING: &str = "marker";

/// A request.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// By name.
    pub path: BTreeMap<String, Value>,
    /// By name.
    pub query: BTreeMap<String, Value>,
    /// By name, in lower case.
    pub headers: BTreeMap<String, Value>,
    /// None where there is none.
    pub body: Option<Value>,
    /// How it is written; none where nobody knows.
    pub media: Option<String>,
    /// Places that somebody else fills in: not to be asked for.
    pub elsewhere: Vec<(In, String)>,
    /// The same of the body's fields.
    pub body_elsewhere: Vec<String>,
}

/// What a page does otherwise than its document, on purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Otherwise {
    /// Another address: documents name test hosts, or none.
    Address,
    /// Another media type.
    Media,
    /// Lists in forms are written in another way.
    Lists,
}

impl Request {
    fn places(&mut self, place: In) -> &mut BTreeMap<String, Value> {
        match place {
            In::Path => &mut self.path,
            In::Query => &mut self.query,
            In::Header => &mut self.headers,
        }
    }

    /// The value in a place.
    #[must_use]
    pub fn value(&self, place: In, name: &str) -> Option<&Value> {
        match place {
            In::Path => self.path.get(name),
            In::Query => self.query.get(name),
            In::Header => self.headers.get(name),
        }
    }

    /// What `payload` says, each field in the place that the line names, with the types that it has there.
    #[must_use]
    pub fn of_payload(
        page: &Page,
        line: &OperationLine,
        call: &Call,
        root: &Value,
        key: &[String],
        payload: &Value,
    ) -> Self {
        let mut request = Self::default();
        let mut body = Map::new();
        let mut moved = Vec::new();
        for (name, value) in payload.as_object().into_iter().flatten() {
            match line.at.get(name) {
                None => drop(body.insert(name.clone(), value.clone())),
                Some(CallPlace::Body(names)) => moved.push((names, value)),
                Some(place) => request.put(line, call, place, value),
            }
        }
        let mut inner = match line.whole {
            true => body.remove("body").unwrap_or_default(),
            false => Value::Object(body),
        };
        for (names, value) in moved {
            insert(&mut inner, names, value.clone());
        }
        let mut body = match line.wrap.as_deref() {
            Some(wrap) if wrap.len() > 1 => {
                let names: Vec<String> = wrap.split('/').skip(1).map(unescaped).collect();
                let mut whole = Value::Object(Map::new());
                insert(&mut whole, &names, inner);
                whole
            }
            _ => inner,
        };
        for (place, value) in &line.fixed {
            match place {
                CallPlace::Body(names) => insert(&mut body, names, value.clone()),
                // A page writes it as it goes out.
                place => {
                    let one = call.at(line, place).and_then(|(place, name)| {
                        call.parameters
                            .iter()
                            .find(|one| (one.place, &one.name) == (place, &name))
                    });
                    let typed = |text: &str| {
                        one.map(|one| Typed { root }.value(&one.schema, &Tree::text(text)))
                    };
                    let value = value
                        .as_str()
                        .and_then(typed)
                        .unwrap_or_else(|| value.clone());
                    request.put(line, call, place, &value);
                }
            }
        }
        for (place, pointer) in &line.copy {
            match (place, payload.pointer(pointer)) {
                (CallPlace::Body(names), Some(value)) => insert(&mut body, names, value.clone()),
                (place, Some(value)) => request.put(line, call, place, value),
                (_, None) => {}
            }
        }
        if !key.is_empty() {
            insert(&mut body, key, SOMETHING.into());
        }
        request.supplied(page);
        request.body_elsewhere.extend(key.first().cloned());
        // What no payload says is the page's affair, and is judged on the wire.
        let said: Vec<_> = line
            .at
            .values()
            .filter_map(|place| call.at(line, place))
            .collect();
        let unsaid = call
            .parameters
            .iter()
            .map(|one| (one.place, one.name.clone()));
        request
            .elsewhere
            .extend(unsaid.filter(|one| !said.contains(one)));
        let is_said = !line.whole || payload.get("body").is_some() || !body.is_null();
        request.body = (line.media.is_some() && is_said).then_some(body);
        request
    }

    fn put(&mut self, line: &OperationLine, call: &Call, place: &CallPlace, value: &Value) {
        if let Some((place, name)) = call.at(line, place) {
            self.places(place).insert(name, value.clone());
        }
    }

    /// It, without what cannot be written in a query or a form: lists, objects and fields with nothing in them.
    #[must_use]
    pub fn as_pairs(&self, line: &OperationLine) -> Self {
        let mut written = self.clone();
        let query = std::mem::take(&mut written.query);
        let query = query
            .into_iter()
            .filter_map(|(name, value)| Some((name, something(value)?)));
        written.query = query.collect();
        if line.media.as_deref() == Some("form") {
            let body = written.body.take().and_then(something);
            written.body = body.or_else(|| self.body.is_some().then(|| Value::Object(Map::new())));
        }
        written
    }

    /// Notes what the page fills in or leaves out, which nobody need ask for.
    fn supplied(&mut self, page: &Page) {
        for (place, supply) in &page.supply {
            let is_dropped = matches!(supply, Supply::Drop | Supply::Secret(_));
            match place {
                CallPlace::Query(name) if is_dropped => {
                    self.elsewhere.push((In::Query, name.clone()))
                }
                CallPlace::Header(name) if is_dropped => {
                    self.elsewhere.push((In::Header, name.to_ascii_lowercase()));
                }
                CallPlace::Body(names) if is_dropped => {
                    self.body_elsewhere.extend(names.first().cloned())
                }
                _ => {}
            }
        }
    }

    /// What a signed `wire` says, as the document means it.
    ///
    /// # Errors
    /// When the document does not know such a call: why.
    pub fn of_wire(
        page: &Page,
        call: &Call,
        root: &Value,
        wire: &Wire,
    ) -> Result<(Self, Vec<Otherwise>), String> {
        let mut request = Self::default();
        let mut otherwise = Vec::new();
        let typed = Typed { root };
        let (path, query) = wire.path.split_once('?').unwrap_or((&wire.path, ""));
        let found = call
            .bases
            .iter()
            .find_map(|base| matched(path.strip_prefix(base.as_str())?, &call.template));
        let found = found.or_else(|| {
            otherwise.push(Otherwise::Address);
            let starts = path.match_indices('/').filter_map(|(at, _)| path.get(at..));
            starts
                .into_iter()
                .find_map(|rest| matched(rest, &call.template))
        });
        let found = found.ok_or_else(|| format!("its path is not {}", call.template))?;
        let query = Tree::read(query);
        for one in &call.parameters {
            let tree = match one.place {
                In::Path => found
                    .iter()
                    .find(|(name, _)| *name == one.name)
                    .map(|(_, text)| Tree::text(&segment(text))),
                In::Query => query
                    .get(&one.name)
                    .or_else(|| bracketed(&query, &one.name))
                    .cloned(),
                In::Header => {
                    let value = wire
                        .headers
                        .get(one.name.as_str())
                        .and_then(|value| value.to_str().ok());
                    value.map(Tree::text)
                }
            };
            let Some(tree) = tree else { continue };
            let tree = match one.commas && is_list(typed, &one.schema) {
                true => tree.parted(),
                false => tree,
            };
            let value = typed.value(&one.schema, &tree);
            request.places(one.place).insert(one.name.clone(), value);
        }
        request.supplied(page);
        request.read_body(page, call, typed, wire, &mut otherwise)?;
        Ok((request, otherwise))
    }

    fn read_body(
        &mut self,
        page: &Page,
        call: &Call,
        typed: Typed<'_>,
        wire: &Wire,
        otherwise: &mut Vec<Otherwise>,
    ) -> Result<(), String> {
        let media = wire
            .headers
            .get("content-type")
            .and_then(|value| value.to_str().ok());
        let Some(media) = media.map(bare) else {
            return Ok(());
        };
        self.media = Some(media.to_owned());
        let own = call.bodies.iter().find(|body| bare(&body.media) == media);
        let body = match own.or(call.bodies.first()) {
            Some(body) => body,
            None => return Err("it has a body, and the document knows of none".to_owned()),
        };
        if own.is_none() {
            if page.encode.media.is_none() && !page.operation.iter().any(|row| row.media.is_some())
            {
                return Err(format!(
                    "its body is {media}, and the document wants {}",
                    body.media
                ));
            }
            otherwise.push(Otherwise::Media);
        }
        if media != FORM {
            let body = serde_json::from_slice(&wire.body)
                .map_err(|error| format!("its body is no JSON: {error}"))?;
            self.body = Some(body);
            return Ok(());
        }
        let text = std::str::from_utf8(&wire.body).map_err(|_| "its form is no text".to_owned())?;
        let tree = Tree::read(text);
        self.body = Some(form(typed, body, &tree, otherwise));
        Ok(())
    }
}

/// What of `value` can be written as pairs.
fn something(value: Value) -> Option<Value> {
    match value {
        Value::Null => None,
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(something).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(fields) => {
            let fields: Map<String, Value> = fields
                .into_iter()
                .filter_map(|(name, value)| Some((name, something(value)?)))
                .collect();
            (!fields.is_empty()).then_some(Value::Object(fields))
        }
        other => Some(other),
    }
}

/// A form's body as an object.
fn form(typed: Typed<'_>, body: &Body, tree: &Tree, otherwise: &mut Vec<Otherwise>) -> Value {
    let mut whole = tree.clone();
    for (name, inner) in whole.fields_mut() {
        if body.commas.contains(name) {
            *inner = inner.parted();
        }
        if inner.has_brackets()
            && !body.brackets.contains(name)
            && !otherwise.contains(&Otherwise::Lists)
        {
            otherwise.push(Otherwise::Lists);
        }
    }
    match typed.value(&body.schema, &whole) {
        Value::Object(fields) => Value::Object(fields),
        _ => Value::Object(Map::new()),
    }
}

/// What a body may be written as, without its parameters.
fn bare(media: &str) -> &str {
    media.split(';').next().unwrap_or_default().trim()
}

fn is_list(typed: Typed<'_>, schema: &Value) -> bool {
    let schema = typed.followed(schema);
    schema.get("items").is_some() || schema.get("type").is_some_and(|kind| kind == "array")
}

/// A parameter whose own name has brackets: `page[size]`.
fn bracketed<'a>(query: &'a Tree, name: &str) -> Option<&'a Tree> {
    let mut parts = name.split('[');
    let mut at = query.get(parts.next()?)?;
    for part in parts {
        at = at.get(part.strip_suffix(']')?).or_else(|| at.get("0"))?;
    }
    Some(at)
}

/// What stands for the placeholders of `template` in `path`.
fn matched(path: &str, template: &str) -> Option<Vec<(String, String)>> {
    let Some((before, rest)) = template.split_once('{') else {
        return (path.trim_end_matches('/') == template.trim_end_matches('/')).then(Vec::new);
    };
    let (name, after) = rest.split_once('}')?;
    let path = path.strip_prefix(before)?;
    // A placeholder is never empty, and never more than a segment.
    let most = path.find('/').unwrap_or(path.len());
    (1..=most)
        .rev()
        .filter(|at| path.is_char_boundary(*at))
        .find_map(|at| {
            let (own, more) = path.split_at(at);
            let mut found = matched(more, after)?;
            found.push((name.to_owned(), own.to_owned()));
            Some(found)
        })
}

fn unescaped(name: &str) -> String {
    name.replace("~1", "/").replace("~0", "~")
}

/// Puts `value` where `names` lead to; a number leads into a list.
pub(super) fn insert(at: &mut Value, names: &[String], value: Value) {
    let Some((name, rest)) = names.split_first() else {
        *at = value;
        return;
    };
    match name.parse::<usize>() {
        Ok(index) if at.is_null() || at.is_array() => {
            if !at.is_array() {
                *at = Value::Array(Vec::new());
            }
            if let Value::Array(items) = at {
                // Pages name the first element, or the next: further ones would be holes.
                if index >= items.len() {
                    items.push(Value::Null);
                }
                if let Some(item) = items.get_mut(index) {
                    insert(item, rest, value);
                }
            }
        }
        _ => {
            if at.is_null() {
                *at = Value::Object(Map::new());
            }
            if let Value::Object(fields) = at {
                insert(
                    fields.entry(name.clone()).or_insert(Value::Null),
                    rest,
                    value,
                );
            }
        }
    }
}

/// The way to the body's field that the operation's key or reference stands in.
#[must_use]
pub fn key_path(operation: &Operation) -> Vec<String> {
    use causeway::provider::KeyPlace;
    match operation.safety.key_place() {
        Some(KeyPlace::Field(name)) => vec![name.to_owned()],
        Some(KeyPlace::Inside(names)) => names.iter().map(|&name| name.to_owned()).collect(),
        _ => Vec::new(),
    }
}
