//! Documents and pages, written for these tests.

use causeway::pack::Page;
use causeway_import::{ImportError, Imported, import};
use serde_json::{Value, json};

/// A page with nothing but what it must have, and `more`.
pub fn page(more: &str) -> Page {
    let auth = if more.contains("auth = [") {
        ""
    } else {
        "auth = []\n"
    };
    let text = format!(
        "name = \"acme\"\ntitle = \"Acme\"\n{auth}{more}\n[address]\nbase = \"https://acme.test\"\n"
    );
    toml::from_str(&text).expect("a page")
}

/// A page with a `[document]`, whose keys are `document`.
pub fn page_of(document: &str, more: &str) -> Page {
    let files = "files = { api = \"acme.json\" }\nread = \"2026-01-01\"\nlicence = \"MIT\"";
    page(&format!("{more}\n[document]\n{files}\n{document}"))
}

/// OpenAPI 3.0 with these paths and schemas.
pub fn openapi(paths: Value, schemas: Value) -> Value {
    json!({
        "openapi": "3.0.3",
        "info": {"title": "Acme API", "version": "1"},
        "paths": paths,
        "components": {"schemas": schemas},
    })
}

/// One POST to `/things` with this JSON body.
pub fn post(schema: Value) -> Value {
    json!({"/things": {"post": {"operationId": "createThing", "requestBody": body(schema)}}})
}

/// A JSON body that must be there.
pub fn body(schema: Value) -> Value {
    json!({"required": true, "content": {"application/json": {"schema": schema}}})
}

/// The import of one document, `api`.
pub fn try_import(
    document: &Value,
    page: &Page,
    old: Option<&str>,
) -> Result<Imported, ImportError> {
    let bytes = document.to_string().into_bytes();
    import(
        &[("api".to_owned(), "acme.json".to_owned(), bytes)],
        page,
        old,
    )
}

/// The lines of one document.
pub fn lines(document: &Value, page: &Page) -> Vec<Value> {
    parsed(&try_import(document, page, None).expect("a pack").lines)
}

/// The lines as values.
pub fn parsed(lines: &str) -> Vec<Value> {
    lines
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line"))
        .collect()
}

/// The line of the operation `name`.
pub fn line(lines: &[Value], name: &str) -> Value {
    let found = lines.iter().find(|line| line["op"] == name);
    found
        .unwrap_or_else(|| panic!("no `{name}` in {lines:?}"))
        .clone()
}

/// The payload's schema that a JSON body makes, page as given.
pub fn schema_of(body: Value, page: &Page) -> Value {
    line(&lines(&openapi(post(body), json!({})), page), "createThing")["schema"].clone()
}
