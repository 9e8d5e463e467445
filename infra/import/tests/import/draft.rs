//! A first page.

use causeway::pack::Page;
use causeway_import::{draft, notice, origins};
use serde_json::json;

use crate::fixtures::{body, openapi, page_of, try_import};

#[test]
fn a_first_page_can_be_read_and_marks_what_is_open() {
    let mut document = openapi(
        json!({"/accounts/{account}/x": {"post": {
            "operationId": "x", "description": "At most 100 requests per minute.",
            "parameters": [
                {"in": "header", "name": "Version", "required": true, "schema": {"type": "string", "default": "2026-01-01"}},
                {"in": "header", "name": "Idempotency-Key", "schema": {"type": "string"}},
                {"in": "header", "name": "Tenant", "required": true, "schema": {"type": "string"}},
            ],
            "requestBody": body(json!({"type": "object", "properties": {"client_secret": {"type": "string"}}})),
        }}}),
        json!({}),
    );
    document["info"] =
        json!({"title": "The Acme REST API v2", "version": "2", "license": {"name": "MIT"}});
    document["servers"] = json!([{"url": "https://api.acme.test"}]);
    document["components"]["securitySchemes"] = json!({
        "key": {"type": "apiKey", "in": "header", "name": "X-Key"},
        "login": {"type": "oauth2", "flows": {"clientCredentials": {"tokenUrl": "https://id.acme.test/token"}}},
    });
    let text = draft(&[(
        "api".to_owned(),
        "acme.json".to_owned(),
        document.to_string().into_bytes(),
    )])
    .expect("a page");
    let page: Page = toml::from_str(&text).expect("it is a page");
    assert_eq!((page.name.as_str(), page.title.as_str()), ("acme", "Acme"));
    for wanted in [
        "base = \"https://open.invalid\" # OPEN",
        "#   api: https://api.acme.test",
        "licence = \"MIT\"",
        "\"header:version\" = { fixed = \"2026-01-01\" } # OPEN: required in 1 of 1",
        "\"header:tenant\" = { secret = \"tenant\" } # OPEN",
        "# OPEN: \"path:account\" = { secret = \"account\" }: stands in 1 of 1",
        "# OPEN: \"body:/client_secret\" = { secret = \"client_secret\" }: stands in 1 of 1",
        "# OPEN: header:idempotency-key in 1 of 1: keyed, and for how long?",
        "{ header = { name = \"X-Key\", field = \"api_key\" } }",
        "grant = \"client_credentials\", path = \"/token\", base = \"https://id.acme.test\"",
        "# limits = '([\\d,]+) (?:requests?|calls?|operations?) (?:per|a|every|each) (?:second|minute|hour)' # in 1",
    ] {
        assert!(text.contains(wanted), "{wanted}\nin\n{text}");
    }
    assert!(!text.contains("\nbase = \"https://api"));
}

#[test]
fn a_notice_says_where_the_operations_come_from() {
    let document = openapi(json!({"/x": {"post": {}}}), json!({}));
    let page = page_of("", "");
    let imported = try_import(&document, &page, None).expect("a pack");
    let index = "vendor\tfile\tsource\trev\tdate\tlicence\tsha256\nacme\tacme.json.gz\tgithub:acme/api\tabc\t2025-05-05\tMIT\tffff\n";
    let text = notice(&page, &imported.facts, &origins(index));
    for wanted in [
        "Acme API 1",
        "github:acme/api",
        "abc",
        "2025-05-05",
        "2026-01-01",
        "MIT",
        "ffff",
        "not affiliated with the vendor",
    ] {
        assert!(text.contains(wanted), "{wanted} in {text}");
    }
}
