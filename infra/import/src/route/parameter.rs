//! Parameters of path, query and headers.

use std::borrow::Cow;

use serde_json::Value;

use super::Parameter;
use crate::document::Kind;
use crate::refs::Documents;
use causeway::pack::CallPlace;
use causeway::pack::Style;

/// Headers that are no parameters: HTTP and the lane write them.
const NOT_SAID: [&str; 9] = [
    "accept",
    "accept-encoding",
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "transfer-encoding",
    "user-agent",
];

/// A parameter; none where it is nothing that a producer could say.
pub(super) fn read<'d>(
    docs: &'d Documents,
    doc: usize,
    kind: Kind,
    raw: &'d Value,
) -> Option<Parameter<'d>> {
    let text = |key: &str| raw.get(key).and_then(Value::as_str);
    let name = text("name")?.to_owned();
    let mut problem = None;
    let place = match text("in")? {
        "path" => CallPlace::Path(name.clone()),
        "query" | "querystring" => CallPlace::Query(name.clone()),
        "header" => {
            let name = name.to_ascii_lowercase();
            if NOT_SAID.contains(&name.as_str()) {
                return None;
            }
            CallPlace::Header(name)
        }
        "cookie" => {
            problem = Some("a cookie");
            CallPlace::Header(format!("cookie-{}", name.to_ascii_lowercase()))
        }
        _ => return None,
    };
    let (schema, encoded) = match kind {
        Kind::Swagger2 | Kind::Discovery => (Cow::Borrowed(raw), false),
        _ => schema(raw),
    };
    if encoded {
        problem = problem.or(Some("JSON inside a parameter"));
    }
    let shape = shape(docs, doc, &schema);
    let (style, unknown) = style(kind, raw, &place, shape);
    let required = raw.get("required") == Some(&Value::Bool(true));
    Some(Parameter {
        required: required || matches!(place, CallPlace::Path(_)),
        place,
        name,
        doc,
        schema,
        style,
        problem: problem.or(unknown),
    })
}

/// Its schema, and whether it stands in the parameter as JSON.
fn schema(raw: &Value) -> (Cow<'_, Value>, bool) {
    if let Some(schema) = raw.get("schema") {
        return (Cow::Borrowed(schema), false);
    }
    let content = raw.get("content").and_then(Value::as_object);
    let schema = content.and_then(|content| content.values().next()?.get("schema"));
    match schema {
        Some(schema) => {
            let scalar = schema.get("type").is_some_and(|it| it == "string");
            (Cow::Borrowed(schema), !scalar)
        }
        None => (Cow::Owned(Value::Object(serde_json::Map::new())), false),
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Shape {
    Scalar,
    List,
    Object,
}

fn shape(docs: &Documents, doc: usize, schema: &Value) -> Shape {
    let target = docs.follow(doc, schema).map_or(schema, |(_, it)| it);
    let is = |name: &str| match target.get("type") {
        Some(Value::String(it)) => it == name,
        Some(Value::Array(all)) => all.iter().any(|it| it == name),
        _ => false,
    };
    let alternatives = || {
        let lists = ["anyOf", "oneOf", "allOf"]
            .iter()
            .filter_map(|key| target.get(*key)?.as_array());
        lists
            .flatten()
            .any(|it| it.get("type").is_some_and(|it| it == "array"))
    };
    if is("array") || alternatives() {
        Shape::List
    } else if is("object") || target.get("properties").is_some() {
        Shape::Object
    } else {
        Shape::Scalar
    }
}

/// How it writes a list or an object, and why it cannot.
fn style(
    kind: Kind,
    raw: &Value,
    place: &CallPlace,
    shape: Shape,
) -> (Option<Style>, Option<&'static str>) {
    const UNKNOWN: (Option<Style>, Option<&str>) =
        (None, Some("a list between spaces, bars or tabs"));
    let text = |key: &str| raw.get(key).and_then(Value::as_str);
    let in_query = matches!(place, CallPlace::Query(_));
    if shape == Shape::Scalar {
        return (None, None);
    }
    if shape == Shape::Object {
        return match text("style") {
            _ if in_query => (Some(Style::Deep), None),
            _ => (None, Some("an object in a path or a header")),
        };
    }
    if kind == Kind::Swagger2 {
        return match text("collectionFormat").unwrap_or("csv") {
            "csv" => (Some(Style::Csv), None),
            "multi" => (None, None),
            "brackets" => (Some(Style::Brackets), None),
            _ => UNKNOWN,
        };
    }
    let exploded = raw.get("explode").and_then(Value::as_bool);
    match text("style") {
        None | Some("form" | "simple") if !in_query => (Some(Style::Csv), None),
        None | Some("form" | "simple") => match exploded {
            Some(false) => (Some(Style::Csv), None),
            _ => (None, None),
        },
        // What an exploded delimiter would stand between has no elements left.
        Some("spaceDelimited" | "pipeDelimited") if exploded == Some(true) => (None, None),
        Some("deepObject") => (Some(Style::Brackets), None),
        _ => UNKNOWN,
    }
}
