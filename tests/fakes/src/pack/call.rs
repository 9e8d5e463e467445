//! A call as a vendor reads it.

use causeway::pack::CallPlace;
use http::{HeaderMap, Method};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value};

use crate::form;

/// A call as it arrives: the path is the vendor's own, without host and query.
#[derive(Clone, Debug)]
pub struct Asked {
    /// The alias of the host that it came to; none for the vendor's first.
    pub host: Option<String>,
    /// The method.
    pub method: Method,
    /// The path, still encoded.
    pub path: String,
    /// The query's parameters, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: HeaderMap,
    /// The body, read by its media type; null where there is none, or where it cannot be read.
    pub body: Value,
    /// Whether there was a body that could not be read.
    pub unreadable: bool,
    /// When it came, milliseconds of the Unix time.
    pub now_ms: i64,
}

impl Asked {
    /// The call of these parts; `target` is path and query, which may start with `/-/<alias>`.
    #[must_use]
    pub fn new(method: Method, target: &str, headers: HeaderMap, body: &[u8], now_ms: i64) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (host, path) = match path.strip_prefix("/-/") {
            Some(rest) => {
                let (alias, path) = rest.split_once('/').unwrap_or((rest, ""));
                (Some(alias.to_owned()), format!("/{path}"))
            }
            None => (None, path.to_owned()),
        };
        let media = headers.get("content-type");
        let media = media.and_then(|media| media.to_str().ok());
        let is_form = media.is_some_and(|media| media.contains("form-urlencoded"));
        let read = match body {
            [] => Some(Value::Null),
            body if is_form => Some(nested(form::pairs(body))),
            body => serde_json::from_slice(body).ok(),
        };
        Self {
            host,
            method,
            path,
            query: form::pairs(query.as_bytes()),
            headers,
            unreadable: read.is_none(),
            body: read.unwrap_or_default(),
            now_ms,
        }
    }

    /// What stands at `place`; `named` has the path's parameters.
    pub(super) fn at(&self, place: &CallPlace, named: &[(String, String)]) -> Option<Value> {
        match place {
            CallPlace::Path(name) => {
                let found = named.iter().find(|(have, _)| have == name);
                found.map(|(_, value)| Value::from(value.as_str()))
            }
            CallPlace::Query(name) => self.parameter(name).map(Value::from),
            CallPlace::Header(name) => {
                let value = self.headers.get(name)?.to_str().ok()?;
                Some(Value::from(value))
            }
            CallPlace::Body(names) => {
                let found = names.iter().try_fold(&self.body, |at, name| match at {
                    Value::Array(items) => items.get(name.parse::<usize>().ok()?),
                    at => at.get(name),
                });
                found.cloned()
            }
        }
    }

    /// The query's parameter of that name: the first.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(have, _)| have == name);
        found.next().map(|(_, value)| value.as_str())
    }
}

/// The path's parameters where `path` is of the form of `template`; how many letters of it are the template's own comes
/// first.
pub(super) fn fits(template: &str, path: &str) -> Option<(usize, Vec<(String, String)>)> {
    let (mut literal, mut named) = (0, Vec::new());
    let mut parts = path.split('/');
    for wanted in template.split('/') {
        let part = parts.next()?;
        literal += part_fits(wanted, part, &mut named)?;
    }
    parts.next().is_none().then_some((literal, named))
}

fn part_fits(wanted: &str, part: &str, named: &mut Vec<(String, String)>) -> Option<usize> {
    let Some((before, rest)) = wanted.split_once('{') else {
        return (wanted == part).then_some(wanted.len() + 1);
    };
    let (name, after) = rest.split_once('}')?;
    let inner = part.strip_prefix(before)?;
    // One parameter a segment is all that paths have, and what follows it is text.
    let inner = inner.strip_suffix(after)?;
    if inner.is_empty() {
        return None;
    }
    let value = percent_decode_str(inner).decode_utf8_lossy().into_owned();
    named.push((name.to_owned(), value));
    Some(before.len() + after.len())
}

/// `a[b][0]=c` as JSON: lists by their place become objects with numbers for names.
fn nested(pairs: Vec<(String, String)>) -> Value {
    let mut whole = Map::new();
    for (name, value) in pairs {
        let mut steps = name.split('[').map(|step| step.trim_end_matches(']'));
        let first = steps.next().unwrap_or_default().to_owned();
        let mut at = whole.entry(first).or_insert(Value::Null);
        for step in steps {
            if !at.is_object() {
                *at = Value::Object(Map::new());
            }
            let Value::Object(fields) = at else { break };
            at = fields.entry(step.to_owned()).or_insert(Value::Null);
        }
        *at = match std::mem::take(at) {
            Value::Null => Value::from(value),
            Value::Array(mut items) => {
                items.push(value.into());
                Value::Array(items)
            }
            first => Value::Array(vec![first, value.into()]),
        };
    }
    Value::Object(whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_names_its_parameters_and_the_nearest_template_has_most_of_its_own() {
        let named = |template, path| fits(template, path).map(|(_, named)| named);
        let one = |name: &str, value: &str| Some(vec![(name.to_owned(), value.to_owned())]);
        assert_eq!(named("/a/{Sid}.json", "/a/x%2F1.json"), one("Sid", "x/1"));
        assert_eq!(named("/a/{Sid}.json", "/a/.json"), None);
        assert_eq!(named("/a/{id}", "/a/b/c"), None);
        let rank = |template| fits(template, "/a/Local.json").map(|(rank, _)| rank);
        assert!(rank("/a/Local.json") > rank("/a/{Sid}.json"));
    }

    #[test]
    fn a_form_is_read_as_the_object_that_it_means() {
        let read = nested(form::pairs(b"metadata[a]=1&items[0][price]=p&To=x&To=y"));
        let expected = serde_json::json!({"metadata": {"a": "1"}, "items": {"0": {"price": "p"}}, "To": ["x", "y"]});
        assert_eq!(read, expected);
    }
}
