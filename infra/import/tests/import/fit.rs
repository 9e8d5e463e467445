//! Rows that speak of nothing, word for word.

use std::fs;
use std::path::Path;

use causeway_import::misfits;
use serde_json::json;

use crate::fixtures::{body, openapi, page_of, try_import};

/// A pack of two operations, one of them with a path.
fn lines() -> String {
    let order = json!({"type": "object", "properties": {
        "channel": {"type": "string"}, "guest": {"type": "object", "properties": {"email": {"type": "string"}}},
    }});
    let document = openapi(
        json!({
            "/orders": {"post": {"operationId": "orders.create", "requestBody": body(order)}},
            "/orders/{id}": {"delete": {"operationId": "orders.delete", "parameters": [
                {"in": "path", "name": "id", "required": true, "schema": {"type": "string"}},
            ]}},
        }),
        json!({}),
    );
    try_import(&document, &page_of("", ""), None)
        .expect("a pack")
        .lines
}

fn told(rows: &str, more: &str) -> Vec<String> {
    let page = format!(
        "name = \"acme\"\ntitle = \"Acme\"\nauth = []\n{rows}\n[document]\nfiles = {{ api = \"acme.json\"{more} }}\n\
         read = \"2026-01-01\"\nlicence = \"MIT\"\n[address]\nbase = \"https://acme.test\"\n"
    );
    let found = misfits(&page, &lines()).expect("a page");
    let told = found.iter().map(|misfit| {
        assert_eq!(misfit.is_open, !more.is_empty());
        misfit.to_string()
    });
    told.collect()
}

#[test]
fn a_row_of_an_operation_that_is_not_there_is_told_with_the_nearest() {
    for (rows, wanted) in [
        (
            "limit = [\n  { name = \"orders\", every = \"1s\", only = [\"orders.create\", \"order.delete\"], src = \"ours: x\" },\n]",
            "line 5: limit `orders`, only: the pack has no operation `order.delete`; the nearest is `orders.delete`",
        ),
        (
            "answer = [\n  { status = 409, op = \"POST /order\", is = \"exists\", src = \"ours: x\" },\n]",
            "line 5: answer, op: the pack has no operation `POST /order`; the nearest is `POST /orders`",
        ),
        (
            "answer = [\n  { status = 409, op = \"api:orders.creat\", is = \"exists\", src = \"ours: x\" },\n]",
            "line 5: answer, op: the pack has no operation `api:orders.creat`; the nearest is `api:orders.create`",
        ),
        (
            "batch = [\n  { for = \"invoices.*\", most = 10, at = \"body:/inputs\", identity = \"x\", src = \"ours: x\" },\n]",
            "line 5: batch, for: the pack has no operation `invoices.*`",
        ),
    ] {
        assert_eq!(told(rows, ""), [wanted], "{rows}");
    }
}

#[test]
fn a_field_that_no_operation_of_the_row_has_is_told_with_the_nearest() {
    for (rows, wanted) in [
        (
            "limit = [\n  { name = \"channel\", every = \"1s\", only = \"orders.create\", scope = \"payload:/chanel\", src = \"ours: x\" },\n]",
            "line 5: limit `channel`: `orders.create` has no field `/chanel` in its payload; the nearest is `channel`",
        ),
        (
            "answer = [\n  { status = 409, when = { \"/to\" = { same = \"{payload:/guest/mail}\" } }, is = \"exists\", src = \"ours: x\" },\n]",
            "line 5: answer: none of its 2 operations has a field `/guest/mail` in its payload; the nearest is `email`",
        ),
        (
            "answer = [\n  { status = 404, when = { \"payload:/idd\" = { has = true } }, op = \"orders.delete\", is = \"rejected\", src = \"ours: x\" },\n]",
            "line 5: answer: `orders.delete` has no field `/idd` in its payload; the nearest is `id`",
        ),
        (
            "operation = [\n  { for = \"orders.create\", safety = { lookup = \"x\", settle = \"60s\" }, class = \"reviewed\", src = \"ours: x\" },\n]\n\
             [lookup.x]\nget = \"/orders\"\nask = { channel = \"$payload:/chan\" }\nitems = \"/orders\"\nours = { \"/a\" = 1 }\nsrc = \"ours: x\"\n",
            "line 9: lookup `x`: `orders.create` has no field `/chan` in its payload",
        ),
    ] {
        assert_eq!(told(rows, ""), [wanted], "{rows}");
    }
    let good = "answer = [\n  { status = 409, when = { \"payload:/guest/email\" = { has = true }, \"/x\" = { same = \"{payload:/none|x}\" } }, is = \"exists\", src = \"ours: x\" },\n]";
    assert!(told(good, "").is_empty());
}

#[test]
fn what_a_document_may_have_that_was_not_imported_is_open() {
    let rows = "answer = [\n  { status = 409, op = \"refunds.create\", is = \"exists\", src = \"ours: x\" },\n]";
    let told = told(rows, ", more = \"more.json\"");
    assert_eq!(
        told,
        ["line 5: answer, op: the pack has no operation `refunds.create`"]
    );
}

#[test]
fn the_packs_of_this_repository_speak_of_what_they_have() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let mut pages = 0;
    for folder in fs::read_dir(functions).unwrap() {
        let folder = folder.unwrap().path();
        let Ok(page) = fs::read_to_string(folder.join("provider.toml")) else {
            continue;
        };
        pages += 1;
        let lines = fs::read_to_string(folder.join("operations.jsonl")).unwrap();
        let found = misfits(&page, &lines).unwrap();
        let wrong: Vec<String> = found
            .iter()
            .filter(|misfit| !misfit.is_open)
            .map(ToString::to_string)
            .collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", folder.display());
    }
    assert!(pages >= 12, "{pages}");
}
