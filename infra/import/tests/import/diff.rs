//! What a newer document means.

use causeway_import::diff;
use serde_json::{Value, json};

use crate::fixtures::{openapi, page, post, try_import};

fn imported(schema: Value) -> String {
    try_import(&openapi(post(schema), json!({})), &page(""), None)
        .expect("a pack")
        .lines
}

fn object(properties: Value, required: &[&str]) -> Value {
    json!({"type": "object", "properties": properties, "required": required})
}

#[test]
fn the_same_twice_is_harmless() {
    let lines = imported(object(json!({"a": {"type": "string"}}), &["a"]));
    assert!(diff(&lines, &lines).expect("lines").is_harmless());
}

#[test]
fn what_takes_less_is_breaking_and_said_in_a_sentence() {
    let cases = [
        (
            json!({"a": {"type": "string"}, "b": {}}),
            json!({"b": {}}),
            "`createThing`: the field `a` is gone",
        ),
        (
            json!({"a": {"type": ["string", "null"]}}),
            json!({"a": {"type": "string"}}),
            "`createThing`: `a` takes no null any more, only string",
        ),
        (
            json!({"a": {"type": "number"}}),
            json!({"a": {"type": "integer"}}),
            "`createThing`: `a` takes no number any more, only integer",
        ),
        (
            json!({"a": {"enum": ["x", "y"]}}),
            json!({"a": {"enum": ["x"]}}),
            "`createThing`: `a` takes \"y\" no more",
        ),
        (
            json!({"a": {"type": "string"}}),
            json!({"a": {"type": "string", "maxLength": 5}}),
            "`createThing`: `a`: maxLength is 5 now",
        ),
        (
            json!({"a": {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "string"}}}}}),
            json!({"a": {"type": "array", "items": {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}}}),
            "`createThing`: `a[].b` must be given now",
        ),
    ];
    for (old, new, sentence) in cases {
        // 3.1 has lists of types.
        let import = |properties: Value| {
            let mut document = openapi(post(object(properties, &[])), json!({}));
            document["openapi"] = json!("3.1.0");
            try_import(&document, &page(""), None)
                .expect("a pack")
                .lines
        };
        let is = diff(&import(old), &import(new)).expect("lines");
        assert_eq!(is.breaking, [sentence]);
    }
}

#[test]
fn what_takes_more_is_not() {
    let old = imported(object(
        json!({"a": {"type": "integer", "minimum": 3}}),
        &["a"],
    ));
    let new = imported(object(
        json!({"a": {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "b": {}}),
        &[],
    ));
    assert!(diff(&old, &new).expect("lines").is_harmless());
}

#[test]
fn operations_come_and_go() {
    let document = |path: &str| openapi(json!({path: {"post": {}}}), json!({}));
    let import = |path: &str| {
        try_import(&document(path), &page(""), None)
            .expect("a pack")
            .lines
    };
    let is = diff(&import("/a"), &import("/b")).expect("lines");
    assert_eq!(is.breaking, ["`a.create` is gone (POST /a)"]);
    assert_eq!(is.added, ["`b.create` is new"]);
}

#[test]
fn other_bytes_on_the_wire_are_said() {
    let old = r#"{"op":"x","doc":"api","method":"POST","path":"/v1/x","media":"form","at":{"a":"query:a"},"fixed":{"query:v":"1"},"schema":{"type":"object","properties":{"a":{},"b":{}}}}"#;
    let new = r#"{"op":"x","doc":"api","method":"PUT","path":"/v2/x","media":"json","at":{"b":"query:b"},"style":{"query:b":"csv"},"wrap":"/0","schema":{"type":"object","properties":{"a":{},"b":{}}}}"#;
    let is = diff(old, new).expect("lines");
    let wanted = [
        "`x`: POST /v1/x becomes PUT /v2/x",
        "`x`: the body was form and is json",
        "`x`: the body's fields stood under its top and stand under /0",
        "`x`: the field `a` stood at query:a and stands at body:/a",
        "`x`: the field `b` stood at body:/b and stands at query:b",
        "`x`: at query:v every call says nothing of its own instead of \"1\"",
        "`x`: at query:b lists are written as \"csv\" instead of nothing of its own",
    ];
    assert_eq!(is.wire, wanted);
}
