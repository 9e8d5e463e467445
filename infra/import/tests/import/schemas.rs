//! Documents' schemas in packs' keywords.

use serde_json::{Value, json};

use crate::fixtures::{line, lines, openapi, page, page_of, post, schema_of};

fn field(schema: Value) -> Value {
    let body = json!({"type": "object", "properties": {"x": schema}});
    schema_of(body, &page(""))["properties"]["x"].clone()
}

#[test]
fn prose_is_left_behind() {
    let is = field(json!({
        "type": "string", "description": "words", "title": "X", "example": "y", "default": "z",
        "externalDocs": {"url": "https://acme.test"}, "deprecated": true, "x-acme": 1, "maxLength": 5,
    }));
    assert_eq!(is, json!({"type": "string", "maxLength": 5}));
}

#[test]
fn nullable_becomes_a_type_whatever_stands_beside_it() {
    assert_eq!(
        field(json!({"type": "string", "nullable": true})),
        json!({"type": ["string", "null"]})
    );
    assert_eq!(
        field(json!({"type": "string", "enum": ["a"], "nullable": true})),
        json!({"type": ["string", "null"], "enum": ["a", null]})
    );
    let schemas = json!({"Y": {"type": "object", "properties": {"a": {"type": "string"}}}});
    let body = json!({"type": "object", "properties": {"x": {"allOf": [{"$ref": "#/components/schemas/Y"}], "nullable": true}}});
    let is = line(
        &lines(&openapi(post(body), schemas), &page("")),
        "createThing",
    );
    let y = json!({"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": false});
    assert_eq!(
        is["schema"]["properties"]["x"],
        json!({"anyOf": [y, {"type": "null"}]})
    );
}

#[test]
fn bounds_without_their_end_move_into_one_keyword() {
    let is = field(
        json!({"type": "integer", "minimum": 0, "exclusiveMinimum": true, "maximum": 9, "exclusiveMaximum": false}),
    );
    assert_eq!(
        is,
        json!({"type": "integer", "exclusiveMinimum": 0, "maximum": 9})
    );
}

#[test]
fn all_of_objects_is_one_object_that_refuses_others() {
    let is = schema_of(
        json!({"allOf": [
            {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
            {"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]},
        ]}),
        &page(""),
    );
    let wanted = json!({
        "type": "object", "additionalProperties": false, "required": ["a", "b"],
        "properties": {"a": {"type": "string"}, "b": {"type": "integer"}},
    });
    assert_eq!(is, wanted);
}

#[test]
fn alternatives_beside_fields_stay_open_and_their_fields_are_known() {
    let is = schema_of(
        json!({
            "type": "object", "properties": {"a": {"type": "string"}},
            "oneOf": [{"required": ["a"]}, {"properties": {"b": {"type": "integer"}}, "required": ["b"]}],
        }),
        &page(""),
    );
    assert_eq!(is["properties"], json!({"a": {"type": "string"}, "b": {}}));
    assert_eq!(is["additionalProperties"], json!(false));
    let second =
        json!({"type": "object", "properties": {"b": {"type": "integer"}}, "required": ["b"]});
    assert_eq!(is["anyOf"], json!([{"required": ["a"]}, second]));
}

#[test]
fn what_only_answers_have_is_no_field() {
    let is = schema_of(
        json!({
            "type": "object", "required": ["id", "a"],
            "properties": {"id": {"type": "string", "readOnly": true}, "a": {"type": "string", "writeOnly": true}},
        }),
        &page(""),
    );
    assert_eq!(is["properties"], json!({"a": {"type": "string"}}));
    assert_eq!(is["required"], json!(["a"]));
}

#[test]
fn an_object_that_says_so_stays_open() {
    let open = json!({"type": "object", "properties": {"a": {}}, "additionalProperties": true});
    assert_eq!(
        field(open),
        json!({"type": "object", "properties": {"a": {}}})
    );
    assert_eq!(field(json!({"type": "object"})), json!({"type": "object"}));
    let map = json!({"type": "object", "additionalProperties": {"type": "string"}});
    assert_eq!(field(map.clone()), map);
}

#[test]
fn the_head_of_a_family_stays_open_since_its_members_have_more() {
    let head = json!({"type": "object", "properties": {"kind": {"type": "string"}}, "discriminator": {"propertyName": "kind"}});
    assert_eq!(field(head)["additionalProperties"], Value::Null);
}

#[test]
fn a_page_about_an_old_document_lets_fields_and_values_through() {
    let body = json!({"type": "object", "additionalProperties": false, "properties": {"a": {"type": "string", "enum": ["x", "y"]}}});
    let is = schema_of(
        body,
        &page_of("unknown_fields = \"warn\"\nenums = \"warn\"", ""),
    );
    assert_eq!(
        is,
        json!({"type": "object", "properties": {"a": {"type": "string", "pattern": "^[a-z0-9_.-]+$", "maxLength": 100}}})
    );
}

#[test]
fn patterns_that_cannot_be_held_are_dropped() {
    for pattern in ["^(?=a)b$", "/^a$/", "^\\\\d+$", "(", &"a".repeat(600)] {
        assert_eq!(
            field(json!({"type": "string", "pattern": pattern})),
            json!({"type": "string"}),
            "{pattern}"
        );
    }
    let kept = json!({"type": "string", "pattern": "^AC[0-9a-f]{32}$"});
    assert_eq!(field(kept.clone()), kept);
}

#[test]
fn formats_that_packs_do_not_know_are_dropped() {
    assert_eq!(
        field(json!({"type": "string", "format": "password"})),
        json!({"type": "string"})
    );
    assert_eq!(
        field(json!({"type": "integer", "format": "int64"})),
        json!({"type": "integer"})
    );
    for name in ["date-time", "uri", "url"] {
        let kept = json!({"type": "string", "format": name});
        assert_eq!(field(kept.clone()), kept);
    }
}

#[test]
fn a_schema_that_contains_itself_has_a_line_of_its_own() {
    let node =
        json!({"type": "object", "properties": {"next": {"$ref": "#/components/schemas/Node"}}});
    let body =
        json!({"type": "object", "properties": {"first": {"$ref": "#/components/schemas/Node"}}});
    let lines = lines(&openapi(post(body), json!({"Node": node})), &page(""));
    assert_eq!(
        line(&lines, "createThing")["schema"]["properties"]["first"],
        json!({"$ref": "#/$defs/Node"})
    );
    let shared = lines
        .iter()
        .find(|line| line["schema"] == "Node")
        .expect("a line");
    assert_eq!(
        shared["is"]["properties"]["next"],
        json!({"$ref": "#/$defs/Node"})
    );
}

#[test]
fn a_schema_is_shared_when_it_is_large_and_used_twice() {
    let properties: serde_json::Map<_, _> = (0..30)
        .map(|at| (format!("field_{at}"), json!({"type": "string"})))
        .collect();
    let schemas = json!({"Large": {"type": "object", "properties": properties}, "Small": {"type": "string", "maxLength": 3}});
    let twice = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let body = json!({"type": "object", "properties": {
        "a": twice("Large"), "b": twice("Large"), "c": twice("Small"), "d": twice("Small"),
    }});
    let lines = lines(&openapi(post(body), schemas), &page(""));
    let is = &line(&lines, "createThing")["schema"]["properties"];
    assert_eq!(is["a"], json!({"$ref": "#/$defs/Large"}));
    assert_eq!(is["c"], json!({"type": "string", "maxLength": 3}));
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_newer_openapi_has_type_lists_and_words_beside_references() {
    let mut document = openapi(
        post(json!({"type": "object", "properties": {
            "a": {"type": ["string", "null"]},
            "b": {"$ref": "#/components/schemas/B", "minLength": 2},
            "c": {"const": "x"},
            "d": {"type": "integer", "exclusiveMinimum": 3},
        }})),
        json!({"B": {"type": "string", "maxLength": 9}}),
    );
    document["openapi"] = json!("3.1.0");
    let is = line(&lines(&document, &page("")), "createThing")["schema"]["properties"].clone();
    assert_eq!(is["a"], json!({"type": ["string", "null"]}));
    assert_eq!(
        is["b"],
        json!({"type": "string", "maxLength": 9, "minLength": 2})
    );
    assert_eq!(is["c"], json!({"const": "x"}));
    assert_eq!(is["d"], json!({"type": "integer", "exclusiveMinimum": 3}));
}

#[test]
fn what_is_said_last_tells_whether_only_answers_have_a_field() {
    let part = |read_only: bool| json!({"type": "object", "properties": {"kind": {"type": "string", "readOnly": read_only}}});
    let kept = schema_of(json!({"allOf": [part(true), part(false)]}), &page(""));
    assert_eq!(kept["properties"], json!({"kind": {"type": "string"}}));
    let left = schema_of(json!({"allOf": [part(false), part(true)]}), &page(""));
    assert_eq!(left["properties"], Value::Null);
    let mut own = json!({"allOf": [part(true)]});
    own["properties"] = part(false)["properties"].clone();
    assert_eq!(
        schema_of(own, &page(""))["properties"],
        json!({"kind": {"type": "string"}})
    );
}

/// A list of an older document is no list any more, but what is added to it is written as the rest is.
#[test]
fn a_newer_value_is_written_like_the_known_ones() {
    let page = page_of("enums = \"warn\"", "");
    let of = |values: Value| {
        let body = json!({"type": "object", "properties": {"kind": {"type": "string", "enum": values, "maxLength": 5000}}});
        schema_of(body, &page)["properties"]["kind"].clone()
    };
    for (values, pattern) in [
        (json!(["always_invoice", "none"]), "^[a-z0-9_.-]+$"),
        (json!(["", "none"]), "^[a-z0-9_.-]*$"),
        (json!(["EUR", "USD"]), "^[A-Z0-9_.-]+$"),
        (json!(["en-GB", "auto"]), "^[A-Za-z0-9_.-]+$"),
    ] {
        assert_eq!(
            of(values),
            json!({"type": "string", "maxLength": 100, "pattern": pattern})
        );
    }
    assert_eq!(
        of(json!(["of any kind", "none"])),
        json!({"type": "string", "maxLength": 5000})
    );
    assert_eq!(of(json!([""]))["enum"], json!([""]));
}
