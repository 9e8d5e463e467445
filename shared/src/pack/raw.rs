//! The raw call: what a vendor has and its document does not, under the paths that a page allows.
//!
//! A producer names method, path, query, headers and body; everything else about the call (host, credentials, fixed
//! headers, how answers are read) stays the page's. Its safety is always `Unsafe`: nobody has read what it does.

use std::collections::BTreeMap;

use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::line::{HAND, OperationLine};
use super::page::{Page, Show, Supply};
use super::{CallPlace, PackError};
use crate::provider::PayloadError;

/// The raw call's name in requests.
pub const CALL: &str = "call";

/// Methods that a page may allow: what only reads needs no lane.
const METHODS: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

/// Headers that a producer may give: what a representation looks like and what it depends on, nothing that routes,
/// frames, authenticates or identifies a call.
const HEADERS: [&str; 7] = [
    "accept",
    "accept-language",
    "content-language",
    "if-match",
    "if-none-match",
    "if-unmodified-since",
    "prefer",
];

/// Longest path and header, in characters: servers and what stands before them take lines of 8,000 octets at least
/// (<https://www.rfc-editor.org/rfc/rfc9112#section-3-5>), and the query must have room, too.
const PATH_MAX: usize = 2_048;
const HEADER_MAX: usize = 1_024;

/// Most parameters in the query.
const QUERY_MAX: usize = 100;

/// The method of the line that stands for the raw call: no operation has it.
const ANY: &str = "*";

/// Whether `line` is the raw call's.
pub(super) fn is(line: &OperationLine) -> bool {
    line.method == ANY
}

/// Whether what a page allows is confined: each route names a method that writes, and starts with a part of the API.
pub(super) fn sound(page: &Page) -> Result<(), PackError> {
    let is_sound = |route: Option<(&str, &str)>| {
        route.is_some_and(|(method, path)| {
            let first = path.split('/').nth(1).unwrap_or_default();
            METHODS.contains(&method) && !first.is_empty() && !first.contains('*')
        })
    };
    let wrong = page.raw.routes().zip(page.raw.texts());
    match { wrong }.find(|(route, _)| !is_sound(*route)) {
        None => Ok(()),
        Some((_, text)) => Err(PackError(format!(
            "raw `{text}`: POST, PUT, PATCH or DELETE, and a path whose first part has no `*`"
        ))),
    }
}

/// The line that stands for the raw call; none where the page allows none.
pub(super) fn line(page: &Page) -> Option<OperationLine> {
    let schema = (!page.raw.is_empty()).then(|| schema(page))?;
    Some(OperationLine {
        path: "/**".to_owned(),
        schema,
        ..bare(CALL, ANY)
    })
}

fn bare(op: &str, method: &str) -> OperationLine {
    OperationLine {
        op: op.to_owned(),
        doc: HAND.to_owned(),
        id: None,
        method: method.to_owned(),
        path: String::new(),
        media: None,
        at: BTreeMap::new(),
        style: BTreeMap::new(),
        whole: false,
        wrap: None,
        fixed: BTreeMap::new(),
        supply: Vec::new(),
        copy: BTreeMap::new(),
        limits: Vec::new(),
        schema: Value::Bool(true),
    }
}

/// What a producer may say. That method and path belong to one route, and that the path is in its plainest form, no
/// schema can say.
fn schema(page: &Page) -> Value {
    let (mut methods, mut paths) = (Vec::new(), Vec::new());
    for (method, path) in page.raw.routes().flatten() {
        let path = expression(path);
        if !methods.contains(&method) {
            methods.push(method);
        }
        if !paths.contains(&path) {
            paths.push(path);
        }
    }
    let routes: Vec<_> = page.raw.texts().collect();
    let header = json!({"type": "string", "maxLength": HEADER_MAX, "pattern": "^[ -~]*$"});
    let headers = HEADERS
        .iter()
        .filter(|name| !is_supplied(page, &CallPlace::Header((**name).to_owned())));
    let headers: Map<_, _> = headers
        .map(|name| ((*name).to_owned(), header.clone()))
        .collect();
    let scalar = json!({"type": ["string", "number", "boolean"]});
    let several = json!({"type": "array", "items": scalar, "maxItems": QUERY_MAX});
    let mut required = vec!["method", "path"];
    if holds_credentials(page) {
        required.push("body");
    }
    let body = match is_form(page) || holds_credentials(page) {
        true => json!({"type": "object"}),
        false => Value::Bool(true),
    };
    json!({
        "type": "object",
        "description": format!("A call that no operation stands for, never sent twice: {}", routes.join(", ")),
        "properties": {
            "method": {"type": "string", "enum": methods},
            "path": {"type": "string", "maxLength": PATH_MAX, "pattern": format!("^(?:{})$", paths.join("|"))},
            "query": {"type": "object", "maxProperties": QUERY_MAX, "additionalProperties": {"anyOf": [scalar, several]}},
            "headers": {"type": "object", "properties": headers, "additionalProperties": false},
            "body": body,
        },
        "required": required,
        "additionalProperties": false,
    })
}

/// In what a body is written.
fn media(page: &Page) -> &str {
    page.encode.media.as_deref().unwrap_or("json")
}

fn is_form(page: &Page) -> bool {
    media(page) == "form"
}

/// Whether a body carries what shows who calls.
fn holds_credentials(page: &Page) -> bool {
    let shows = |show: &Show| matches!(show, Show::Body { .. });
    page.auth.iter().flat_map(|way| &way.show).any(shows)
}

/// A character of a segment, or the name of what the connection's secret has for it.
const PART: &str = "(?:[A-Za-z0-9._~!$'()*,:@&=+-]|%[0-9A-F]{2}|[{][A-Za-z0-9_]+[}])";

/// The paths that a route takes, as a regular expression.
fn expression(route: &str) -> String {
    let mut text = String::new();
    for segment in route.split('/').skip(1) {
        if segment == "**" {
            return format!("{text}(?:/{PART}+)*/?");
        }
        text.push('/');
        if segment == "*" {
            text += &format!("{PART}+");
            continue;
        }
        for char in segment.chars() {
            match char {
                '*' => text += &format!("{PART}*"),
                'A'..='Z' | 'a'..='z' | '0'..='9' | '_' | '-' | '~' => text.push(char),
                other => text += &format!("[{other}]"),
            }
        }
    }
    text
}

/// The call as a line and its payload: what is modelled goes the same way.
pub(super) fn modelled(
    page: &Page,
    payload: &Value,
) -> Result<(OperationLine, Value), PayloadError> {
    let text = |name: &str| payload[name].as_str().unwrap_or_default();
    let (method, path) = (text("method"), text("path"));
    let document = page.raw.allowing(method, path).ok_or_else(|| {
        let routes: Vec<_> = page.raw.texts().collect();
        let rule = format!(
            "is no path for {method}: {} may be called",
            routes.join(", ")
        );
        refused("path", &rule)
    })?;
    plain(page, path).map_err(|rule| refused("path", rule))?;
    let mut line = bare(CALL, method);
    line.doc = document.unwrap_or(HAND).to_owned();
    if is_where_tokens_are(page, &line, path) {
        return Err(refused("path", "is where credentials are exchanged"));
    }
    path.clone_into(&mut line.path);
    let mut fields = Map::new();
    for (part, place) in [
        ("query", CallPlace::Query as fn(String) -> CallPlace),
        ("headers", CallPlace::Header),
    ] {
        for (name, value) in payload[part].as_object().into_iter().flatten() {
            let (field, place) = (format!("{part}.{name}"), place(name.clone()));
            if name.is_empty() || is_supplied(page, &place) {
                return Err(refused(&field, "is not a producer's to say"));
            }
            line.at.insert(field.clone(), place);
            fields.insert(field, value.clone());
        }
    }
    if let Some(body) = payload.get("body") {
        if is_form(page) && !body.is_object() {
            return Err(refused(
                "body",
                "must be an object: this vendor takes forms",
            ));
        }
        line.whole = true;
        line.media = Some(media(page).to_owned());
        fields.insert("body".to_owned(), body.clone());
    }
    if holds_credentials(page) && !payload["body"].is_object() {
        return Err(refused("body", "must be an object: credentials go into it"));
    }
    Ok((line, Value::Object(fields)))
}

fn refused(field: &str, rule: &str) -> PayloadError {
    PayloadError {
        path: format!("payload.{field}"),
        rule: rule.to_owned(),
    }
}

/// Whether the page or the credentials say what stands there.
fn is_supplied(page: &Page, place: &CallPlace) -> bool {
    let is_shown = |show: &Show| match (show, place) {
        (Show::Query { name, .. }, CallPlace::Query(own)) => name == own,
        (Show::Header { name, .. }, CallPlace::Header(own)) => name.eq_ignore_ascii_case(own),
        _ => false,
    };
    page.supply.contains_key(place) || page.auth.iter().flat_map(|way| &way.show).any(is_shown)
}

/// Whether `path` is in the one form that cannot be taken for another's: what servers and what stands before them read
/// differently (dots, encoded slashes and dots, parameters of segments, empty segments) is refused.
fn plain(page: &Page, path: &str) -> Result<(), &'static str> {
    let segments: Vec<&str> = path.split('/').skip(1).collect();
    let (last, before) = segments.split_last().ok_or("must start with `/`")?;
    if before.iter().any(|segment| segment.is_empty()) {
        return Err("has an empty segment");
    }
    for segment in before.iter().chain([last]) {
        if matches!(*segment, "." | "..") {
            return Err("has a segment of dots");
        }
        for (at, _) in segment.match_indices('%') {
            let byte = segment.get(at + 1..at + 3);
            let byte = byte.and_then(|digits| u8::from_str_radix(digits, 16).ok());
            // What need not be encoded has a plainer form; the rest would be something else once it is decoded.
            if byte.is_none_or(|byte| {
                byte.is_ascii_alphanumeric()
                    || byte.is_ascii_control()
                    || b"-._~/\\%;?#{}".contains(&byte)
            }) {
                return Err("encodes what must not be encoded in a path");
            }
        }
        if percent_decode_str(segment).decode_utf8().is_err() {
            return Err("encodes what is no text");
        }
        let mut rest = *segment;
        while let Some((_, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').ok_or("has an open brace")?;
            let place = CallPlace::Path(name.to_owned());
            let is_known = page.address.secret.contains_key(name)
                || matches!(
                    page.supply.get(&place),
                    Some(Supply::Secret(_) | Supply::Fixed(_))
                );
            if !is_known {
                return Err("has a placeholder that the connection does not fill");
            }
            rest = after;
        }
    }
    Ok(())
}

/// A token's path is the connection's own business, whatever a route takes.
fn is_where_tokens_are(page: &Page, line: &OperationLine, path: &str) -> bool {
    let same = |one: &str, other: &str| {
        let (one, other) = (one.trim_end_matches('/'), other.trim_end_matches('/'));
        one.eq_ignore_ascii_case(other)
    };
    let whole = format!("{}{path}", page.prefix(line));
    page.auth.iter().flat_map(|way| &way.show).any(|show| {
        matches!(show, Show::Token(token) if same(&token.path, path) || same(&token.path, &whole))
    })
}
