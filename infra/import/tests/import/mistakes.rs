//! What people are told about mistakes, word for word.

use causeway::pack::Page;
use causeway_import::import;
use serde_json::{Value, json};

use crate::fixtures::{body, openapi, page, page_of, post, try_import};

fn told(text: &[u8]) -> String {
    let given = [("api".to_owned(), "acme.yaml".to_owned(), text.to_vec())];
    import(&given, &page(""), None)
        .expect_err("a mistake")
        .to_string()
}

fn told_of(document: &Value, page: &Page) -> String {
    try_import(document, page, None)
        .expect_err("a mistake")
        .to_string()
}

#[test]
fn of_files_that_are_no_document() {
    let cases: [(&[u8], &str); 18] = [
        (b"", "acme.yaml: it is empty"),
        (b"\xff\xfe", "acme.yaml: it is no text: byte 0 is no UTF-8"),
        (b"\x1f\x8bnothing", "acme.yaml: it cannot be unpacked: "),
        (
            b"{\"openapi\": ",
            "acme.yaml: it is no JSON: EOF while parsing a value at line 1 column 12",
        ),
        (b"openapi: [", "acme.yaml: it is no YAML: "),
        (
            b"hello",
            "acme.yaml: it is a text, not an API's description",
        ),
        (
            b"<!DOCTYPE html><html>",
            "acme.yaml: it is a web page, not an API's description",
        ),
        (
            b"<wsdl:definitions/>",
            "acme.yaml: it is XML, not an API's description",
        ),
        (
            b"type Query {\n a: Int\n}\ninput B {\n b: Int\n}\n",
            "acme.yaml: it is a GraphQL schema: ",
        ),
        (
            b"{\"data\": {\"__schema\": {}}}",
            "acme.yaml: it is a GraphQL schema: ",
        ),
        (
            b"asyncapi: 2.0.0",
            "acme.yaml: it is AsyncAPI: messages that the vendor sends, no calls that it takes",
        ),
        (
            b"{\"info\": {\"_postman_id\": \"x\"}, \"item\": []}",
            "acme.yaml: it is a Postman collection: ",
        ),
        (b"[]", "acme.yaml: it is a list, not an API's description"),
        (
            b"a: 1",
            "acme.yaml: it says neither `openapi`, `swagger` nor `discoveryVersion`",
        ),
        (
            b"openapi: 4.0.0\npaths: {}",
            "acme.yaml: it is OpenAPI 4.0.0; 2.0, 3.0 and 3.1 are read",
        ),
        (
            b"swagger: '1.2'\npaths: {}",
            "acme.yaml: it is Swagger 1.2; 2.0 is read",
        ),
        (b"openapi: 3.0.0", "acme.yaml: it has no `paths`"),
        (
            b"openapi: 3.1.0\nwebhooks: {}",
            "acme.yaml: it has webhooks only: calls that the vendor makes",
        ),
    ];
    for (text, wanted) in cases {
        let is = told(text);
        assert!(
            is == wanted || wanted.ends_with(' ') && is.starts_with(wanted),
            "{is}\nnot\n{wanted}"
        );
    }
}

#[test]
fn of_documents_without_a_call_that_can_be_made() {
    let document = openapi(json!({"/x": {"get": {}}}), json!({}));
    assert_eq!(
        told_of(&document, &page("")),
        "no operation came through: the documents have reading calls only"
    );
    let media = json!({"content": {"multipart/form-data": {"schema": {"type": "object"}}}});
    let document = openapi(json!({"/x": {"post": {"requestBody": media}}}), json!({}));
    let wanted = "no operation came through: 1 calls: its body is multipart/form-data, which lanes do not write";
    assert_eq!(told_of(&document, &page("")), wanted);
}

#[test]
fn of_pages_that_name_what_the_document_does_not_have() {
    let document = openapi(
        json!({"/v1/customers": {"post": {"operationId": "createCustomer", "requestBody": body(json!({
            "type": "object", "properties": {"name": {"type": "string"}, "email": {"type": "string"}},
        }))}}}),
        json!({}),
    );
    let cases = [
        (
            "{ for = \"createCustomers\" }",
            "operation for `createCustomers`: the documents have no such operation; the nearest is `createCustomer`",
        ),
        (
            "{ for = \"api:createCustmer\" }",
            "operation for `api:createCustmer`: the documents have no such operation; the nearest is `api:createCustomer`",
        ),
        (
            "{ for = \"POST /v1/customer\" }",
            "operation for `POST /v1/customer`: the documents have no such operation; the nearest is `POST /v1/customers`",
        ),
        (
            "{ for = \"zzz\" }",
            "operation for `zzz`: the documents have no such operation",
        ),
        (
            "{ for = \"*\", pick = [\"nme\"] }",
            "`createCustomer`: pick `nme`: there is no such field; the nearest is `name`",
        ),
        (
            "{ for = \"createCustomer\", omit = [\"mail\"] }",
            "`createCustomer`: omit `mail`: there is no such field; the nearest is `email`",
        ),
        (
            "{ for = \"*\", require = [\"phone\"] }",
            "`createCustomer`: require `phone`: there is no such field",
        ),
        (
            "{ for = \"*\", wrap = \"/data\" }",
            "wrap `/data`: the document's body has nothing there (at `data`)",
        ),
        (
            "{ for = \"*\", patch = { name = { maxLenght = 1 } } }",
            "`createCustomer`: patch `name`: packs' schemas have no `maxLenght`; the nearest is `maxLength`",
        ),
        (
            "{ for = \"*\", patch = { name = 1 } }",
            "`createCustomer`: patch `name`: a schema is an object",
        ),
        (
            "{ for = \"*\", media = \"text/csv\" }",
            "operation media: `text/csv` is neither JSON nor a form",
        ),
        (
            "{ for = \"*\", name = \"a b\" }",
            "`a b` (POST /v1/customers) is no name: letters, digits, `.`, `_`, `-`, at most 64",
        ),
        (
            "{ for = \"*\", name = \"x.{kind}\", each = { kind = [\"a\"] } }",
            "`x.a`: each `kind`: there is no such field",
        ),
        (
            "{ for = \"api:createCustomer\", name = \"customers.create\" }, { for = \"createCustomer\" }",
            "operation for `createCustomer`: the documents have no such operation",
        ),
        (
            "{ for = \"*\", name = \"x\" }, { for = \"*\", name = \"x\" }",
            "`x` is given to POST /v1/customers and to POST /v1/customers",
        ),
    ];
    for (rows, wanted) in cases {
        let is = told_of(&document, &page(&format!("operation = [{rows}]")));
        assert_eq!(is, format!("provider.toml: {wanted}"));
    }
}

#[test]
fn of_a_row_for_a_call_that_was_left_out() {
    let media = json!({"content": {"application/xml": {}}});
    let document = openapi(
        json!({"/x": {"post": {"operationId": "x", "requestBody": media}}, "/y": {"post": {}}}),
        json!({}),
    );
    let is = told_of(
        &document,
        &page("operation = [{ for = \"api:x\", require = [\"a\"] }, { for = \"api:z\" }]"),
    );
    assert_eq!(
        is,
        "provider.toml: operation for `api:z`: the documents have no such operation; the nearest is `api:x`"
    );
}

#[test]
fn of_a_path_that_needs_what_a_row_leaves_out() {
    let document = openapi(
        json!({"/x/{id}": {"delete": {"operationId": "x"}}}),
        json!({}),
    );
    let is = told_of(
        &document,
        &page("operation = [{ for = \"x\", omit = [\"id\"] }]"),
    );
    assert_eq!(is, "provider.toml: `x`: omit `id`: `/x/{id}` needs `{id}`");
}

#[test]
fn of_expressions_and_media_types_of_the_page() {
    let document = openapi(json!({"/x": {"post": {}}}), json!({}));
    let is = told_of(&document, &page_of("limits = '('", ""));
    assert!(is.starts_with("provider.toml: [document] limits: "), "{is}");
    let is = told_of(&document, &page("[encode]\nmedia = \"text/plain\""));
    assert_eq!(
        is,
        "provider.toml: [encode] media: `text/plain` is neither JSON nor a form"
    );
}

#[test]
fn of_the_last_imports_lines() {
    let document = openapi(json!({"/x": {"post": {}}}), json!({}));
    let is = try_import(&document, &page(""), Some("\n{\"op\": 1}"))
        .expect_err("a mistake")
        .to_string();
    assert!(
        is.starts_with("operations.jsonl, line 2: invalid type: integer `1`, expected a string"),
        "{is}"
    );
}

#[test]
fn references_that_lead_nowhere_or_in_circles_are_said_and_take_anything() {
    let to = |name: &str| json!({"$ref": format!("#/components/schemas/{name}")});
    let document = openapi(
        post(
            json!({"type": "object", "properties": {"a": to("Gone"), "b": to("Round"), "c": {"$ref": "other.yaml#/X"}}}),
        ),
        json!({"Round": to("Trip"), "Trip": to("Round")}),
    );
    let imported = try_import(&document, &page(""), None).expect("a pack");
    let said: Vec<_> = imported
        .report
        .losses
        .unresolved
        .iter()
        .map(String::as_str)
        .collect();
    let wanted = [
        "`#/components/schemas/Gone` is not in the document",
        "`#/components/schemas/Round` refers to itself",
        "`other.yaml#/X` is in a file that was not given",
    ];
    assert_eq!(said, wanted);
    assert!(
        imported
            .lines
            .contains("\"properties\":{\"a\":{},\"b\":{},\"c\":{}}"),
        "{}",
        imported.lines
    );
}

#[test]
fn calls_that_cannot_be_made_stand_in_the_report_with_their_reasons() {
    let operation = |more: Value| json!({"post": more});
    let parameter = |more: Value| operation(json!({"parameters": [more]}));
    let document = openapi(
        json!({
            "/ok": operation(json!({})),
            "/{a": operation(json!({})),
            "/cookie": parameter(json!({"in": "cookie", "name": "c", "required": true, "schema": {}})),
            "/lost": operation(json!({"requestBody": {"$ref": "#/components/requestBodies/Gone"}})),
            "/list": operation(json!({"requestBody": {"content": {"application/x-www-form-urlencoded": {"schema": {"type": "array"}}}}})),
        }),
        json!({}),
    );
    let imported = try_import(&document, &page(""), None).expect("a pack");
    let said: Vec<_> = imported
        .report
        .left_out
        .iter()
        .map(|it| format!("{}: {}", it.route, it.reason))
        .collect();
    let wanted = [
        "POST /cookie: its parameter `c` is a cookie",
        "POST /list: its form is no list of fields",
        "POST /lost: `#/components/requestBodies/Gone` is not in the document",
        "POST /{a: its path `/{a` has `{` without `}`",
    ];
    assert_eq!(said, wanted);
}
