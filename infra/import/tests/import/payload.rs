//! Calls as flat payloads.

use serde_json::{Value, json};

use crate::fixtures::{body, line, lines, openapi, page, parsed, try_import};

fn operation(path: &str, method: &str, operation: Value) -> Value {
    openapi(json!({path: {method: operation}}), json!({}))
}

fn only(document: &Value, more: &str) -> Value {
    let lines = lines(document, &page(more));
    lines
        .into_iter()
        .find(|line| line.get("op").is_some())
        .expect("an operation")
}

#[test]
fn path_and_query_have_places_and_the_body_has_none() {
    let is = only(
        &operation(
            "/customers/{id}",
            "put",
            json!({
                "operationId": "customers.put",
                "parameters": [
                    {"in": "path", "name": "id", "required": true, "schema": {"type": "string"}},
                    {"in": "query", "name": "notify", "schema": {"type": "boolean"}},
                    {"in": "header", "name": "X-Trace", "schema": {"type": "string"}},
                    {"in": "header", "name": "Accept", "required": true, "schema": {"type": "string"}},
                ],
                "requestBody": body(json!({"type": "object", "properties": {"name": {"type": "string"}}})),
            }),
        ),
        "",
    );
    assert_eq!(
        is["at"],
        json!({"id": "path:id", "notify": "query:notify", "X-Trace": "header:x-trace"})
    );
    assert_eq!(is["media"], "json");
    assert_eq!(is["schema"]["required"], json!(["id"]));
    assert_eq!(
        is["schema"]["properties"]["id"],
        json!({"type": "string", "minLength": 1})
    );
    assert_eq!(is["schema"]["additionalProperties"], json!(false));
}

fn colliding() -> Value {
    operation(
        "/variables/{name}",
        "patch",
        json!({
            "operationId": "rename",
            "parameters": [{"in": "path", "name": "name", "required": true, "schema": {"type": "string"}}],
            "requestBody": body(json!({"type": "object", "properties": {"name": {"type": "string"}, "body": {"type": "string"}}})),
        }),
    )
}

#[test]
fn of_two_fields_with_one_name_the_bodys_gets_another() {
    let is = only(&colliding(), "");
    assert_eq!(
        is["at"],
        json!({"name": "path:name", "body_name": "body:/name"})
    );
}

#[test]
fn the_field_that_was_there_keeps_its_name() {
    let old = "{\"op\":\"rename\",\"doc\":\"api\",\"id\":\"rename\",\"method\":\"PATCH\",\"path\":\"/variables/{name}\",\
               \"media\":\"json\",\"at\":{\"path_name\":\"path:name\"},\"schema\":{\"type\":\"object\",\"properties\":{\
               \"name\":{},\"path_name\":{}}}}\n";
    let imported = try_import(&colliding(), &page(""), Some(old)).expect("a pack");
    let is = line(&parsed(&imported.lines), "rename");
    assert_eq!(is["at"], json!({"path_name": "path:name"}));
}

#[test]
fn what_has_no_fields_of_its_own_is_the_field_body() {
    for schema in [
        json!({"type": "array", "items": {"type": "string"}}),
        json!({"type": "object", "additionalProperties": {"type": "string"}}),
        json!({"type": "object"}),
        json!({"anyOf": [{"type": "object", "properties": {"a": {}}}, {"type": "object", "properties": {"b": {}}}]}),
    ] {
        let is = only(
            &operation(
                "/x",
                "post",
                json!({"operationId": "x", "requestBody": body(schema)}),
            ),
            "",
        );
        assert_eq!(is["whole"], json!(true));
        assert_eq!(is["schema"]["required"], json!(["body"]));
    }
}

#[test]
fn what_the_page_supplies_is_no_field() {
    let document = operation(
        "/accounts/{account}/x",
        "post",
        json!({
            "operationId": "x",
            "parameters": [
                {"in": "path", "name": "account", "required": true, "schema": {"type": "string"}},
                {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}},
                {"in": "query", "name": "fields[a]", "schema": {"type": "string"}},
            ],
            "requestBody": body(json!({"type": "object", "required": ["secret", "deep"], "properties": {
                "secret": {"type": "string"}, "deep": {"type": "object", "required": ["type"], "properties": {"type": {}, "a": {}}},
            }})),
        }),
    );
    let is = only(
        &document,
        "auth = [{ show = [{ body = { name = \"secret\", field = \"s\" } }], src = \"x\" }]\n\
         operation = [{ for = \"x\", safety = { keyed = \"header:idempotency-key\", retention = \"1h\" } }]\n\
         [supply]\n\"path:account\" = { secret = \"a\" }\n\"query:fields[*]\" = \"drop\"\n\"body:/deep/type\" = { fixed = \"t\" }\n",
    );
    let deep = json!({"type": "object", "properties": {"a": {}}, "additionalProperties": false});
    assert_eq!(is["schema"]["properties"], json!({"deep": deep}));
    assert_eq!(is["schema"]["required"], json!(["deep"]));
    assert_eq!(is["at"], Value::Null);
}

#[test]
fn a_query_in_the_path_is_said_by_every_call() {
    let is = only(
        &operation("/x?mode=fast#part", "post", json!({"operationId": "x"})),
        "",
    );
    assert_eq!(is["path"], "/x");
    assert_eq!(is["fixed"], json!({"query:mode": "fast"}));
}

#[test]
fn a_placeholder_that_nobody_declares_is_a_text() {
    let is = only(
        &operation("/x/{id}", "delete", json!({"operationId": "x"})),
        "",
    );
    assert_eq!(is["at"], json!({"id": "path:id"}));
    assert_eq!(is["media"], Value::Null);
}

#[test]
fn lists_are_written_as_the_document_says() {
    let list = |name: &str, more: Value| {
        let mut it = json!({"in": "query", "name": name, "schema": {"type": "array", "items": {"type": "string"}}});
        it.as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        it
    };
    let is = only(
        &operation(
            "/x",
            "post",
            json!({"operationId": "x", "parameters": [
                list("multi", json!({})),
                list("csv", json!({"explode": false})),
                list("brackets[]", json!({})),
                list("bars", json!({"style": "pipeDelimited", "explode": false})),
                {"in": "query", "name": "deep", "style": "deepObject", "schema": {"type": "object", "properties": {"a": {}}}},
            ]}),
        ),
        "",
    );
    assert_eq!(
        is["style"],
        json!({"query:brackets": "brackets", "query:csv": "csv", "query:deep": "deep"})
    );
    let names: Vec<_> = is["schema"]["properties"]
        .as_object()
        .expect("fields")
        .keys()
        .cloned()
        .collect();
    assert_eq!(names, ["brackets", "csv", "deep", "multi"]);
}

#[test]
fn swaggers_forms_and_bodies_are_read() {
    let document = json!({
        "swagger": "2.0", "info": {"title": "Old", "version": "1"}, "host": "acme.test", "basePath": "/v1",
        "consumes": ["application/x-www-form-urlencoded"],
        "paths": {
            "/form": {"post": {"operationId": "form", "parameters": [
                {"in": "formData", "name": "a", "type": "string", "required": true},
                {"in": "formData", "name": "b", "type": "array", "items": {"type": "string"}, "collectionFormat": "multi"},
            ]}},
            "/json": {"post": {"operationId": "json", "parameters": [
                {"in": "body", "name": "it", "required": true, "schema": {"$ref": "#/definitions/It"}},
                {"in": "query", "name": "ids", "type": "array", "items": {"type": "integer"}},
            ]}},
            "/file": {"post": {"operationId": "file", "consumes": ["multipart/form-data"], "parameters": [
                {"in": "formData", "name": "a", "type": "file", "required": true},
            ]}},
        },
        "definitions": {"It": {"type": "object", "properties": {"a": {"type": "string"}}}},
    });
    let imported = try_import(&document, &page(""), None).expect("a pack");
    let lines = parsed(&imported.lines);
    let form = line(&lines, "form");
    assert_eq!(form["media"], "form");
    assert_eq!(form["style"], json!({"body:/b": "multi"}));
    assert_eq!(form["schema"]["required"], json!(["a"]));
    let it = line(&lines, "json");
    assert_eq!(
        (&it["media"], &it["style"]),
        (&json!("json"), &json!({"query:ids": "csv"}))
    );
    assert_eq!(imported.report.left_out.len(), 1);
}

#[test]
fn discoverys_methods_are_read() {
    let document = json!({
        "kind": "discovery#restDescription", "discoveryVersion": "v1", "title": "Things", "version": "v1",
        "baseUrl": "https://things.test/", "schemas": {"Thing": {"id": "Thing", "type": "object", "properties": {
            "name": {"type": "string"}, "parent": {"$ref": "Thing"},
        }}},
        "resources": {"things": {"methods": {
            "create": {"id": "things.create", "httpMethod": "POST", "path": "v1/{+parent}/things", "flatPath": "v1/shelves/{shelvesId}/things",
                "request": {"$ref": "Thing"},
                "parameters": {"parent": {"type": "string", "location": "path", "required": true},
                    "tags": {"type": "string", "location": "query", "repeated": true}}},
            "get": {"id": "things.get", "httpMethod": "GET", "path": "v1/things"},
        }}},
    });
    let is = line(&lines(&document, &page("")), "things.create");
    assert_eq!(is["path"], "/v1/shelves/{shelvesId}/things");
    assert_eq!(
        is["at"],
        json!({"shelvesId": "path:shelvesId", "tags": "query:tags"})
    );
    assert_eq!(
        is["schema"]["properties"]["parent"],
        json!({"$ref": "#/$defs/Thing"})
    );
}

#[test]
fn names_come_from_the_document_else_from_the_route() {
    let post = |id: Value| json!({"post": {"operationId": id}});
    let document = openapi(
        json!({
            "/v1/a": post(json!("Fits-1.x_y")),
            "/v1/b": post(json!("does not fit")),
            "/v1/c/{id}/d": post(json!("twice")),
            "/v2/e": post(json!("twice")),
            "/v3/e": {"post": {}},
            "/v1/e/{id}": {"delete": {}, "patch": {}},
        }),
        json!({}),
    );
    let lines = lines(&document, &page(""));
    let names: Vec<_> = lines
        .iter()
        .filter_map(|line| line["op"].as_str())
        .collect();
    let wanted = [
        "Fits-1.x_y",
        "b.create",
        "c.d.create",
        "e.create",
        "e.create-2",
        "e.delete",
        "e.update",
    ];
    assert_eq!(names, wanted);
}

#[test]
fn a_name_stays_when_the_document_finds_a_better_one() {
    let old = "{\"op\":\"b.create\",\"doc\":\"api\",\"method\":\"POST\",\"path\":\"/v1/b\",\"schema\":{\"type\":\"object\"}}\n";
    let document = operation("/v1/b", "post", json!({"operationId": "createB"}));
    let imported = try_import(&document, &page(""), Some(old)).expect("a pack");
    assert_eq!(line(&parsed(&imported.lines), "b.create")["id"], "createB");
}

#[test]
fn lines_by_hand_stay_as_they_are() {
    let old = "{\"op\":\"own\",\"doc\":\"hand\",\"method\":\"POST\",\"path\":\"/own\",\"media\":\"json\",\"schema\":{\"$ref\":\"#/$defs/Own\"}}\n\
               {\"schema\":\"Own\",\"is\":{\"type\":\"object\"}}\n";
    let document = operation("/v1/b", "post", json!({"operationId": "own"}));
    let imported = try_import(&document, &page(""), Some(old)).expect("a pack");
    assert!(
        old.lines()
            .all(|line| imported.lines.lines().any(|it| it == line)),
        "{}",
        imported.lines
    );
    assert_eq!(line(&parsed(&imported.lines), "b.create")["path"], "/v1/b");
}

#[test]
fn lines_are_sorted_and_begin_with_their_names() {
    let document = openapi(
        json!({"/b": {"post": {}}, "/a": {"post": {}, "delete": {}}}),
        json!({}),
    );
    let text = try_import(&document, &page(""), None)
        .expect("a pack")
        .lines;
    let lines: Vec<_> = text.lines().collect();
    assert!(
        lines.is_sorted() && lines.iter().all(|line| line.starts_with("{\"op\":\"")),
        "{text}"
    );
}

#[test]
fn a_line_by_hand_goes_before_the_documents() {
    let old = "{\"op\":\"things.create\",\"doc\":\"hand\",\"method\":\"POST\",\"path\":\"/v1/b\",\"schema\":{\"type\":\"object\"}}\n";
    let document = operation("/v1/b", "post", json!({"operationId": "createB"}));
    let page = page("operation = [{ for = \"api:createB\", name = \"things.create\" }]");
    let imported = try_import(&document, &page, Some(old)).expect("a pack");
    assert_eq!(imported.lines, old);
    let said = "`things.create` is written by hand: what the document says of /v1/b is not used";
    assert_eq!(imported.report.open.first().map(String::as_str), Some(said));
}

/// A form writes what is in a list: `Permission` of Twilio's roles, empty, was no field, and the vendor refused it.
#[test]
fn what_must_be_in_a_form_or_a_query_has_something_in_it() {
    let list = json!({"type": "array", "items": {"type": "string"}});
    let fields = json!({"type": "object", "required": ["tags", "address"], "properties": {
        "tags": list, "others": list, "address": {"type": "object", "properties": {"city": {"type": "string"}}},
    }});
    let of = |media: &str| {
        let operation = json!({
            "operationId": "thing",
            "parameters": [{"in": "query", "name": "ids", "required": true, "schema": list}],
            "requestBody": {"required": true, "content": {media: {"schema": fields}}},
        });
        only(
            &openapi(json!({"/things": {"post": operation}}), json!({})),
            "",
        )["schema"]["properties"]
            .clone()
    };
    let form = of("application/x-www-form-urlencoded");
    assert_eq!(form["tags"]["minItems"], 1);
    assert_eq!(form["address"]["minProperties"], 1);
    assert_eq!(form["others"]["minItems"], Value::Null);
    assert_eq!(form["ids"]["minItems"], 1);
    let json = of("application/json");
    assert_eq!(json["tags"]["minItems"], Value::Null);
    assert_eq!(json["ids"]["minItems"], 1);
}

/// Twilio's `Definition` and `Data` have no type: they are JSON, written as a text.
#[test]
fn a_forms_field_without_a_type_is_a_text() {
    let fields = json!({"type": "object", "properties": {"Data": {"description": "JSON"}}});
    let of = |media: &str| {
        let body = json!({"content": {media: {"schema": fields}}});
        let operation = operation(
            "/things",
            "post",
            json!({"operationId": "thing", "requestBody": body}),
        );
        only(&operation, "")["schema"]["properties"]["Data"].clone()
    };
    assert_eq!(
        of("application/x-www-form-urlencoded"),
        json!({"type": "string"})
    );
    assert_eq!(of("application/json"), json!({}));
}

/// A vendor's switch that flips what is there when its one field is missing: the page requires the field, and a null,
/// which a form cannot write, went out as the flip.
#[test]
fn null_is_no_value_for_what_a_form_must_hold() {
    let is = only(
        &operation(
            "/status",
            "post",
            json!({
                "operationId": "status.set",
                "requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {
                    "type": "object",
                    "properties": {
                        "condition": {"type": "string", "nullable": true, "enum": ["clean", "dirty", null]},
                        "note": {"type": "string", "nullable": true},
                    },
                }}}},
            }),
        ),
        "operation = [\n  { for = \"status.set\", require = [\"condition\"] },\n]\n",
    );
    let fields = &is["schema"]["properties"];
    assert_eq!(
        fields["condition"],
        json!({"type": "string", "enum": ["clean", "dirty"]})
    );
    assert_eq!(fields["note"]["type"], json!(["string", "null"]));
}
