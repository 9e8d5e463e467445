//! What a page's rows make of a document's calls.

use causeway_import::ImportError;
use serde_json::{Value, json};

use crate::fixtures::{body, line, lines, openapi, page, page_of, parsed, post, try_import};

fn messages() -> Value {
    openapi(
        json!({"/v1/messages": {"post": {
            "operationId": "CreateMessage",
            "description": "Burst: `3/s` and Steady: `1,060/m`",
            "requestBody": body(json!({"type": "object", "required": ["to"], "properties": {
                "to": {"type": "string"}, "text": {"type": "string"}, "template": {"type": "string"},
                "kind": {"type": "string", "enum": ["sms", "mms"]},
            }})),
        }}}),
        json!({}),
    )
}

fn names(lines: &[Value]) -> Vec<&str> {
    lines
        .iter()
        .filter_map(|line| line["op"].as_str())
        .collect()
}

fn fields(line: &Value) -> Vec<&str> {
    line["schema"]["properties"]
        .as_object()
        .expect("fields")
        .keys()
        .map(String::as_str)
        .collect()
}

#[test]
fn two_rows_with_names_make_two_operations_of_one_call() {
    let lines = lines(
        &messages(),
        &page(
            "operation = [\n\
             { for = \"api:CreateMessage\", name = \"messages.create\", omit = [\"template\"] },\n\
             { for = \"POST /v1/messages\", name = \"messages.template\", pick = [\"to\", \"template\"], require = [\"template\"] },\n\
             { for = \"POST /v1/**\", omit = [\"kind\"] },\n]",
        ),
    );
    assert_eq!(names(&lines), ["messages.create", "messages.template"]);
    // A row's own key goes before a pattern's only where it stands later: the last one wins.
    assert_eq!(
        fields(&line(&lines, "messages.create")),
        ["template", "text", "to"]
    );
    assert_eq!(
        fields(&line(&lines, "messages.template")),
        ["template", "to"]
    );
    assert_eq!(
        line(&lines, "messages.template")["schema"]["required"],
        json!(["template", "to"])
    );
}

#[test]
fn each_value_of_a_field_is_an_operation() {
    let lines = lines(
        &messages(),
        &page(
            "operation = [{ for = \"api:CreateMessage\", name = \"messages.{kind}\", each = { kind = [\"sms\", \"mms\"] } }]",
        ),
    );
    assert_eq!(names(&lines), ["messages.mms", "messages.sms"]);
    let sms = line(&lines, "messages.sms");
    assert_eq!(sms["fixed"], json!({"body:/kind": "sms"}));
    assert_eq!(fields(&sms), ["template", "text", "to"]);
}

#[test]
fn wrap_makes_an_elements_fields_the_payloads() {
    let document = openapi(
        post(
            json!({"type": "object", "properties": {"Contacts": {"type": "array", "items": {"$ref": "#/components/schemas/Contact"}}}}),
        ),
        json!({"Contact": {"type": "object", "required": ["Name"], "properties": {"Name": {"type": "string"}}}}),
    );
    let lines = lines(
        &document,
        &page("operation = [{ for = \"createThing\", wrap = \"/Contacts/0\" }]"),
    );
    let is = line(&lines, "createThing");
    assert_eq!(is["wrap"], "/Contacts/0");
    assert_eq!(is["schema"]["required"], json!(["Name"]));
    assert_eq!(is["at"], Value::Null);
}

#[test]
fn a_patch_lies_over_the_documents_schema_and_may_add_a_field() {
    let lines = lines(
        &messages(),
        &page(
            "operation = [{ for = \"*\", patch = { text = { maxLength = 9 }, kind = { type = \"array\", items = {} }, new = { type = \"boolean\" } } }]",
        ),
    );
    let is = line(&lines, "CreateMessage")["schema"]["properties"].clone();
    assert_eq!(is["text"], json!({"type": "string", "maxLength": 9}));
    assert_eq!(is["kind"], json!({"type": "array"}));
    assert_eq!(is["new"], json!({"type": "boolean"}));
}

#[test]
fn fixed_values_and_media_types_go_into_the_line() {
    let lines = lines(
        &messages(),
        &page(
            "operation = [{ for = \"*\", fixed = { \"body:/kind\" = \"sms\" }, media = \"application/vnd.api+json\" }]",
        ),
    );
    let is = line(&lines, "CreateMessage");
    assert_eq!(
        (&is["fixed"], &is["media"]),
        (
            &json!({"body:/kind": "sms"}),
            &json!("application/vnd.api+json")
        )
    );
    assert!(!fields(&is).contains(&"kind"));
}

#[test]
fn numbers_of_limits_are_read_from_descriptions() {
    let page = page_of("limits = 'Burst: `(\\d+)/s`.*Steady: `([\\d,]+)/m`'", "");
    assert_eq!(
        line(&lines(&messages(), &page), "CreateMessage")["limits"],
        json!([3, 1060])
    );
}

#[test]
fn alternatives_do_not_ask_for_fields_that_left() {
    let document = openapi(
        post(
            json!({"type": "object", "properties": {"a": {}, "b": {}}, "anyOf": [{"required": ["a"]}, {"required": ["b"]}]}),
        ),
        json!({}),
    );
    let is = line(
        &lines(
            &document,
            &page("operation = [{ for = \"*\", omit = [\"a\"] }]"),
        ),
        "createThing",
    );
    assert_eq!(is["schema"]["anyOf"], Value::Null);
    assert_eq!(fields(&is), ["b"]);
}

#[test]
fn a_second_import_of_the_same_document_changes_nothing() {
    let page = page(
        "operation = [{ for = \"api:CreateMessage\", name = \"messages.{kind}\", each = { kind = [\"sms\", \"mms\"] } }]",
    );
    let first = try_import(&messages(), &page, None).expect("a pack").lines;
    let second = try_import(&messages(), &page, Some(&first))
        .expect("a pack")
        .lines;
    assert_eq!(first, second);
    assert_eq!(parsed(&first).len(), 2);
}

#[test]
fn the_report_says_what_is_open() {
    let page = page_of(
        "",
        "operation = [{ for = \"nothing.*\", safety = \"natural\" }]",
    );
    let mut document = messages();
    document["servers"] = json!([{"url": "https://other.test/v1"}]);
    let open = try_import(&document, &page, None)
        .expect("a pack")
        .report
        .open
        .join("\n");
    for wanted in [
        "`nothing.*`",
        "1 of 1 operations have no row with `safety`",
        "https://other.test/v1",
        "1 descriptions may give limits",
    ] {
        assert!(open.contains(wanted), "{wanted} in {open}");
    }
}

#[test]
fn a_shared_schema_keeps_its_name() -> Result<(), ImportError> {
    let properties: serde_json::Map<_, _> = (0..30)
        .map(|at| (format!("field_{at}"), json!({"type": "string"})))
        .collect();
    let schemas = |name: &str| json!({name: {"type": "object", "properties": properties}});
    let document = |name: &str| {
        let is = json!({"$ref": format!("#/components/schemas/{name}")});
        openapi(
            post(json!({"type": "object", "properties": {"a": is, "b": is}})),
            schemas(name),
        )
    };
    let first = try_import(&document("Address"), &page(""), None)?.lines;
    let second = try_import(&document("PostalAddress"), &page(""), Some(&first))?.lines;
    assert_eq!(first, second);
    Ok(())
}

#[test]
fn what_the_page_supplies_is_said_where_the_operation_has_it() {
    let page = page(
        "[supply]\n\"body:/kind\" = { fixed = \"sms\" }\n\"body:/gone\" = { fixed = \"x\" }\n\"body:/text\" = \"drop\"",
    );
    let is = line(&lines(&messages(), &page), "CreateMessage");
    assert_eq!(is["supply"], json!(["body:/kind"]));
    assert_eq!(fields(&is), ["template", "to"]);
}

#[test]
fn a_renamed_field_stands_under_the_wrap() {
    let document = openapi(
        json!({"/things/{name}": {"put": {"operationId": "put", "requestBody": body(json!({"type": "object", "properties": {
            "data": {"type": "object", "properties": {"name": {"type": "string"}}},
        }}))}}}),
        json!({}),
    );
    let page = page("operation = [{ for = \"put\", wrap = \"/data\" }]");
    let first = try_import(&document, &page, None).expect("a pack").lines;
    let is = line(&parsed(&first), "put");
    assert_eq!(
        is["at"],
        json!({"body_name": "body:/name", "name": "path:name"})
    );
    assert_eq!(
        try_import(&document, &page, Some(&first))
            .expect("a pack")
            .lines,
        first
    );
}
