//! Pages and lines of a vendor that there is not, and what a lane makes of them.

use std::time::Duration;

use http::HeaderMap;
use serde_json::{Value, json};

use super::*;
use crate::provider::{Safety, Secret, Shown};

const NOW: Timestamp = Timestamp::from_millis(1_795_348_800_000);

const PAGE: &str = r#"
name = "acme"
title = "Acme"
need_id = true
auth = [
  { show = [{ bearer = "api_key" }], src = "docs" },
]
limit = [
  { name = "second", count = 10, per = "1s", left = "header:x-left", src = "docs" },
  { name = "thing", every = "2s", scope = "payload:/thing", only = "things.update", src = "docs" },
]
answer = [
  { status = 409, when = { "/error/code" = "busy" }, is = "key_in_use", src = "docs" },
  { status = 409, is = "exists", detail = "code={/error/code} in={keys:/error/fields}", src = "docs" },
  { status = 404, op = "DELETE /things/*", is = "delivered", id = [], src = "docs" },
  { status = [400, "402-404"], is = "rejected", detail = "code={/error/code|none} {/error/message}", src = "docs" },
  { status = 429, when = { "/error/code" = { starts = "day" } }, is = "quota_spent", until = ["header:x-reset", "1h"], src = "docs" },
  { status = 429, is = "throttled", after = "7s", src = "docs" },
  { status = "5xx", any = [{ "header:x-replayed" = "true" }, { "/stored" = true }], is = "ambiguous", code = "stored", replayed = true, fault = true, src = "docs" },
]
operation = [
  { for = "POST /**", safety = { keyed = "header:idempotency-key", retention = "23h" }, class = "reviewed", src = "docs: keys are kept for a day" },
  { for = "things.update", safety = "natural", class = "inferred", src = "docs" },
  { for = "things.order", safety = { lookup = "by_reference", reference = "body:/reference", settle = "60s" }, class = "reviewed", src = "docs", timeout = "10s" },
]
[sources]
docs = "https://docs.acme.example/api"
[address]
base = "https://{shop}.acme.example"
prefix = "/v1"
secret = { shop = "host" }
[supply]
"header:acme-version" = { fixed = "2026-12-01" }
"path:account" = { secret = "account" }
"body:/owner" = { secret = "owner" }
[lookup.by_reference]
get = "/orders"
ask = { reference = "$reference", since = "$first_sent-5m", thing = "{payload:/thing}" }
items = "/orders"
all = { "/more" = false }
skip = [{ "/state" = "draft" }]
unclear = [{ "/reference" = { has = false } }]
ours = { "/reference" = { same = "$reference" } }
hits = 1
id = "/id"
src = "docs"
"#;

const LINES: &str = r##"{"op":"things.create","doc":"api","method":"POST","path":"/accounts/{account}/things","media":"form","schema":{"additionalProperties":false,"properties":{"name":{"maxLength":5,"type":"string"},"tags":{"items":{"type":"string"},"type":"array"}},"required":["name"],"type":"object"}}
{"op":"things.delete","doc":"api","method":"DELETE","path":"/things/{id}","at":{"id":"path:id"},"schema":{"additionalProperties":false,"properties":{"id":{"type":"string"}},"required":["id"],"type":"object"}}
{"op":"things.order","doc":"api","method":"POST","path":"/orders","media":"json","at":{"body_note":"body:/details/note","dry":"query:dry"},"wrap":"/order","fixed":{"body:/kind":"plain"},"supply":["body:/owner"],"copy":{"body:/twin":"/thing"},"schema":{"additionalProperties":false,"properties":{"body_note":{"type":"string"},"dry":{"type":"boolean"},"price":{"$ref":"#/$defs/Price"},"thing":{"type":"string"}},"required":["thing"],"type":"object"}}
{"op":"things.update","doc":"api","method":"PUT","path":"/things/{thing}","media":"json","at":{"thing":"path:thing"},"schema":{"additionalProperties":false,"properties":{"size":{"enum":["small","large"],"type":"string"},"thing":{"type":"string"}},"required":["thing"],"type":"object"}}
{"schema":"Price","is":{"additionalProperties":false,"properties":{"amount":{"minimum":1,"type":"integer"},"then":{"$ref":"#/$defs/Price"}},"required":["amount"],"type":"object"}}
"##;

fn acme() -> Pack {
    Pack::new(PAGE, LINES).expect("a sound pack")
}

fn operation(name: &str) -> &'static Operation {
    acme().spec().operation(name).expect("it is there")
}

fn wire(name: &str, payload: &Value) -> Result<(String, String), String> {
    let operation = operation(name);
    let wire = operation
        .prepare(payload)
        .map_err(|error| error.to_string())?;
    let secret = Secret::parse(r#"{"api_key":"k","shop":"s","account":"a1","owner":"o"}"#);
    let secret = secret.expect("an object of strings");
    let wire = operation.keyed(wire, "cw-1");
    let signed = acme()
        .spec()
        .sign(wire, Shown::from(&secret))
        .expect("credentials");
    assert_eq!(signed.headers["acme-version"], "2026-12-01");
    let body = String::from_utf8_lossy(&signed.body).into_owned();
    Ok((format!("{} {}", signed.method, signed.path), body))
}

#[test]
fn a_payload_goes_where_its_line_says() {
    let form = wire("things.create", &json!({"name": "é", "tags": ["a", "b"]}));
    let form = form.expect("a call");
    assert_eq!(form.0, "POST /v1/accounts/a1/things");
    assert_eq!(form.1, "name=%C3%A9&tags[0]=a&tags[1]=b");
    let deleted = wire("things.delete", &json!({"id": "a/b c"})).expect("a call");
    assert_eq!(
        deleted,
        ("DELETE /v1/things/a%2Fb%20c".to_owned(), String::new())
    );
    let payload = json!({"thing": "t", "dry": true, "body_note": "n", "price": {"amount": 3}});
    let (call, body) = wire("things.order", &payload).expect("a call");
    assert_eq!(call, "POST /v1/orders?dry=true");
    let body: Value = serde_json::from_str(&body).expect("JSON");
    let order = json!({"thing": "t", "details": {"note": "n"}, "price": {"amount": 3}});
    let whole =
        json!({"order": order, "kind": "plain", "twin": "t", "owner": "o", "reference": "cw-1"});
    assert_eq!(body, whole);
}

#[test]
fn a_refusal_names_field_rule_and_the_nearest_name() {
    for (name, payload, told) in [
        ("things.create", json!({}), "payload.name: must be given"),
        (
            "things.create",
            json!({"name": "toolong"}),
            "payload.name: must be text of at most 5 characters",
        ),
        (
            "things.create",
            json!({"name": "a", "tag": []}),
            "payload.tag: is no field of this payload; the nearest is `tags`",
        ),
        (
            "things.create",
            json!({"name": "a", "tags": [1]}),
            "payload.tags[0]: must be text",
        ),
        ("things.create", json!([]), "payload: must be an object"),
        (
            "things.update",
            json!({"thing": "t", "size": "big"}),
            "payload.size: must be one of small, large",
        ),
        (
            "things.update",
            json!({"thing": ".."}),
            "payload.thing: must be something that can stand in an address: not empty, `.` or `..`",
        ),
        (
            "things.order",
            json!({"thing": "t", "price": {"amount": 1, "then": {"amount": 0}}}),
            "payload.price.then.amount: must be a whole number, at least 1",
        ),
        (
            "things.order",
            json!({"thing": null}),
            "payload.thing: must be text",
        ),
    ] {
        assert_eq!(wire(name, &payload), Err(told.to_owned()), "{payload}");
    }
}

#[test]
fn a_schema_that_refers_to_itself_is_complete_and_ends() {
    let schema = operation("things.order").schema().to_value();
    assert_eq!(schema["$defs"]["Price"]["type"], "object");
    let mut deep = json!({"amount": 1});
    for _ in 0..100 {
        deep = json!({"amount": 1, "then": deep});
    }
    assert_eq!(
        operation("things.order").check(&json!({"thing": "t", "price": deep}), 1),
        []
    );
}

#[test]
fn only_what_is_reviewed_is_ever_sent_again() {
    assert!(matches!(
        operation("things.create").safety,
        Safety::Keyed { .. }
    ));
    assert_eq!(operation("things.update").safety, Safety::Unsafe);
    assert_eq!(operation("things.delete").safety, Safety::Unsafe);
    assert!(matches!(
        operation("things.order").safety,
        Safety::Lookup { place: Some(_), .. }
    ));
    assert_eq!(operation("things.order").timeout, Duration::from_secs(10));
    let provenance = acme().provenance("things.create").expect("it is there");
    let sources = acme().page().sources_of(provenance.src.expect("a source"));
    assert_eq!(
        sources,
        ["https://docs.acme.example/api (keys are kept for a day)"]
    );
}

fn answer(status: u16, headers: &[(&'static str, &'static str)], body: &Value) -> Answer {
    let headers = headers.iter().map(|&(name, value)| {
        (
            http::HeaderName::from_static(name),
            http::HeaderValue::from_static(value),
        )
    });
    Answer {
        status,
        headers: headers.collect::<HeaderMap>(),
        body: body.to_string().into(),
    }
}

#[test]
fn the_first_row_that_fits_says_what_an_answer_means() {
    let judged = |name: &str, answer: Answer| acme().classify(operation(name), &answer, NOW);
    let error = |code: &str| json!({"error": {"code": code, "message": "Ada owes 3", "fields": {"name": 1}}});
    let create = "things.create";
    assert_eq!(
        judged(create, answer(200, &[], &json!({"id": 7}))),
        Verdict::delivered(Some("7".into()))
    );
    assert_eq!(
        judged(create, answer(200, &[], &json!({}))),
        Verdict::unwell()
    );
    assert_eq!(
        judged(create, answer(409, &[], &error("busy"))),
        Verdict::KeyInUse
    );
    assert_eq!(
        judged(create, answer(409, &[], &error("taken"))),
        Verdict::exists("code=taken in=name")
    );
    assert_eq!(
        judged(create, answer(404, &[], &error("gone"))),
        Verdict::rejected("code=gone ")
    );
    assert_eq!(
        judged("things.delete", answer(404, &[], &error("gone"))),
        Verdict::delivered(None)
    );
    let wait = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(
        judged(create, answer(429, &[], &json!({}))),
        Verdict::Throttled { after: wait(7) }
    );
    let told = answer(429, &[("retry-after", "3")], &json!({}));
    assert_eq!(judged(create, told), Verdict::Throttled { after: wait(3) });
    let spent = answer(429, &[("x-reset", "90")], &error("day_limit"));
    let until = NOW + Duration::from_secs(90);
    assert_eq!(judged(create, spent), Verdict::QuotaSpent { until });
    let stored = judged(create, answer(500, &[], &json!({"stored": true})));
    assert!(matches!(
        stored,
        Verdict::Ambiguous {
            resend_helps: false,
            fault: true,
            ..
        }
    ));
    assert_eq!(
        judged(create, answer(500, &[], &json!({}))),
        Verdict::unwell()
    );
    assert_eq!(
        judged(create, answer(401, &[], &json!({}))),
        Verdict::Unauthorized
    );
    let left = acme().signals(
        operation(create),
        &answer(200, &[("x-left", "4")], &json!({})),
        NOW,
    );
    assert_eq!(
        (left.remaining[0].limit, left.remaining[0].left),
        ("second", 4)
    );
}

#[test]
fn a_list_tells_what_is_ours_what_is_not_there_and_what_nobody_knows() {
    let payload = json!({"thing": "a b"});
    let lookup = Lookup {
        payload: &payload,
        reference: "cw-1",
        first_sent: NOW,
        last_sent: NOW,
    };
    let order = operation("things.order");
    let question = acme().look_up(order, &lookup).expect("a question");
    assert_eq!(
        question.path,
        "/v1/orders?reference=cw-1&since=2026-11-22T11%3A55%3A00Z&thing=a%20b"
    );
    let found = |orders: Value, more: bool| {
        acme().found(
            order,
            &lookup,
            &answer(200, &[], &json!({"orders": orders, "more": more})),
        )
    };
    let ours = json!({"reference": "cw-1", "id": "o1"});
    let hit = Found::Hit {
        object_id: Some("o1".into()),
    };
    assert_eq!(found(json!([{"reference": "x"}, ours]), true), hit);
    assert_eq!(found(json!([ours, ours]), false), Found::Unclear);
    assert_eq!(found(json!([{"reference": "x"}]), false), Found::Miss);
    assert_eq!(found(json!([{"reference": "x"}]), true), Found::Unclear);
    assert_eq!(found(json!([{"id": "o2"}]), false), Found::Unclear);
    assert_eq!(
        found(json!([{"reference": "cw-1", "state": "draft"}]), false),
        Found::Miss
    );
    assert_eq!(
        acme().found(order, &lookup, &answer(500, &[], &json!({"orders": []}))),
        Found::Unclear
    );
}

/// Vendors that keep things under our own reference answer with the thing itself, or say that there is none.
#[test]
fn a_question_may_be_answered_with_the_one_object() {
    let page = PAGE.replace(
        "items = \"/orders\"\nall = { \"/more\" = false }",
        "items = \"\"\nmissing = { status = 404, when = { \"/error/code\" = \"no_order\" } }",
    );
    let pack = Pack::new(&page, LINES).expect("a sound pack");
    let order = pack.spec().operation("things.order").expect("it is there");
    let payload = json!({"thing": "t"});
    let lookup = Lookup {
        payload: &payload,
        reference: "cw-1",
        first_sent: NOW,
        last_sent: NOW,
    };
    let found = |status, body: Value| pack.found(order, &lookup, &answer(status, &[], &body));
    let hit = Found::Hit {
        object_id: Some("o1".into()),
    };
    assert_eq!(found(200, json!({"reference": "cw-1", "id": "o1"})), hit);
    assert_eq!(
        found(404, json!({"error": {"code": "no_order"}})),
        Found::Miss
    );
    // A wrong address, a proxy's page, an answer of another shape: nobody knows.
    for (status, body) in [
        (404, json!({"error": {"code": "no_route"}})),
        (404, json!({})),
        (500, json!({"reference": "cw-1", "id": "o1"})),
        (200, json!("cw-1")),
        (200, json!(null)),
        (200, json!({"id": "o1"})),
    ] {
        assert_eq!(
            found(status, body.clone()),
            Found::Unclear,
            "{status} {body}"
        );
    }
    assert_eq!(
        found(200, json!({"reference": "other"})),
        Found::Miss,
        "it is somebody else's"
    );
}

/// `deny` in brackets, `tags` between commas, though the page's forms number their lists.
#[test]
fn a_forms_field_is_written_as_its_line_says() {
    let lines = LINES.replace(
        "\"path\":\"/accounts/{account}/things\",\"media\":\"form\"",
        "\"path\":\"/accounts/{account}/things\",\"media\":\"form\",\"style\":{\"body:/tags\":\"csv\"}",
    );
    let pack = Pack::new(PAGE, lines.leak()).expect("a sound pack");
    let create = pack.spec().operation("things.create").expect("it is there");
    let form = create.prepare(&json!({"name": "n", "tags": ["a", "b"]}));
    assert_eq!(&*form.expect("a call").body, b"name=n&tags=a%2Cb");
}

#[test]
fn what_is_inferred_counts_where_the_stack_allows_it() {
    let update = |least: Class| {
        let parts = Parts {
            least,
            ..Parts::new(PAGE, LINES)
        };
        let pack = Pack::of(parts).expect("a sound pack");
        let safety = pack
            .spec()
            .operation("things.update")
            .expect("it is there")
            .safety;
        (
            safety,
            pack.provenance("things.update")
                .and_then(|known| known.class),
        )
    };
    assert_eq!(
        update(Class::Reviewed),
        (Safety::Unsafe, Some(Class::Inferred))
    );
    assert_eq!(
        update(Class::Inferred),
        (Safety::Natural, Some(Class::Inferred))
    );
    // Of what nobody has said anything, nothing counts anywhere.
    let parts = Parts {
        least: Class::Inferred,
        ..Parts::new(PAGE, LINES)
    };
    let pack = Pack::of(parts).expect("a sound pack");
    let delete = pack.spec().operation("things.delete").expect("it is there");
    assert_eq!(delete.safety, Safety::Unsafe);
}

/// What people get wrong in a page, and what they are told.
#[test]
fn a_mistake_in_the_page_is_told_with_line_field_and_rule() {
    for (right, wrong, told) in [
        (
            "title = \"Acme\"",
            "titel = \"Acme\"",
            "line 3: unknown field `titel`",
        ),
        ("title = \"Acme\"\n", "", "missing field `title`"),
        (
            "need_id = true",
            "need_id = \"yes\"",
            "line 4: invalid type: string \"yes\", expected a boolean",
        ),
        (
            "name = \"acme\"",
            "name = \"Acme Inc\"",
            "name `Acme Inc`: 1 to 64 of a-z, 0-9 and -",
        ),
        (
            "bearer = \"api_key\"",
            "bearrer = \"api_key\"",
            "the nearest is `bearer`",
        ),
        (
            "status = 409, is = \"exists\"",
            "status = 409, is = \"exist\"",
            "the nearest is `exists`",
        ),
        ("\"5xx\"", "\"5x\"", "`5x` is no status"),
        ("\"402-404\"", "\"402-99\"", "`402-99` is no status"),
        ("after = \"7s\"", "after = \"7 s\"", "`7 s` is no wait"),
        (
            "per = \"1s\", left",
            "per = \"1 second\", left",
            "`1 second` is no length of time",
        ),
        (
            "starts = \"day\"",
            "start = \"day\"",
            "the nearest is `starts`",
        ),
        (
            "\"/error/code\" = \"busy\"",
            "\"error/code\" = \"busy\"",
            "`error/code` is no place",
        ),
        (
            "count = 10",
            "count = 0",
            "limit `second`: `count` is at least 1",
        ),
        (
            "every = \"2s\"",
            "every = \"2s\", count = 3",
            "one of `count`, `every`, `concurrent` (1 to 100) and `bucket`",
        ),
        (
            "header:idempotency-key",
            "headers:idempotency-key",
            "`headers:idempotency-key` is no place",
        ),
        (
            "{keys:/error/fields}",
            "{keys:/error/fields",
            "`{` without `}`",
        ),
        (
            "\"$first_sent-5m\"",
            "\"$sent-5m\"",
            "`$sent-5m` is no moment",
        ),
        ("settle = \"60s\"", "settles = \"60s\"", "line "),
        (
            "shop = \"host\"",
            "shop = \"hots\"",
            "the nearest is `host`",
        ),
    ] {
        assert!(PAGE.contains(right), "{right}");
        let page = PAGE.replacen(right, wrong, 1);
        // What is about an operation is told when the operation is looked for.
        let found = match Pack::new(&page, LINES) {
            Err(error) => error.to_string(),
            Ok(pack) => match pack.check() {
                Err(error) => error.to_string(),
                Ok(()) => String::new(),
            },
        };
        assert!(found.contains(told), "{wrong}: {found}");
    }
}

#[test]
fn what_a_row_lacks_is_told_when_its_operation_is_read() {
    for (right, wrong, told) in [
        (
            ", src = \"docs: keys are kept for a day\"",
            "",
            "what is reviewed has a source (`src`)",
        ),
        (
            "lookup = \"by_reference\"",
            "lookup = \"by_refrence\"",
            "lookup `by_refrence`: there is no such table",
        ),
        (
            "timeout = \"10s\"",
            "timeout = \"4s\"",
            "its timeout is at most that of a connection (5s)",
        ),
        (
            "reference = \"body:/reference\"",
            "reference = \"path:reference\"",
            "a key does not stand in a path",
        ),
    ] {
        let page = PAGE.replacen(right, wrong, 1);
        let pack = Pack::new(&page, LINES).expect("the page itself is sound");
        let found = pack.check().expect_err("a row that is not").to_string();
        assert!(found.contains(told), "{wrong}: {found}");
    }
}

/// A page that allows raw calls, as a JSON vendor's or a form's.
fn raw(media: &str) -> Pack {
    let page = PAGE
        .replace("need_id = true", "raw = [\"POST /things/**\", \"api:PUT /accounts/{account}/*\", \"DELETE /old/*.json\", \"POST /oauth/**\"]")
        .replace("[supply]", &format!("[encode]\nmedia = \"{media}\"\n[supply]\n\"query:key\" = \"drop\""))
        .replace("base = \"https://{shop}", "base_of = { api = \"https://api.acme.example\" }\nbase = \"https://{shop}")
        .replace("auth = [", "auth = [\n  { show = [{ token = { grant = \"client_credentials\", path = \"/v1/oauth/token\" } }], src = \"docs\" },");
    Pack::new(&page, LINES).expect("a sound pack")
}

fn call(pack: &Pack, payload: &Value) -> Result<Wire, String> {
    let call = pack.spec().operation(CALL).expect("the page allows it");
    call.prepare(payload).map_err(|error| error.to_string())
}

#[test]
fn a_raw_call_goes_under_the_pages_paths_with_its_address_and_fixed_headers() {
    let pack = raw("json");
    let payload = json!({
        "method": "POST", "path": "/things/7/parts", "query": {"a b": ["x&y", 2], "dry": true},
        "headers": {"if-match": "v1"}, "body": [{"size": 1}],
    });
    let sent = call(&pack, &payload).expect("a call");
    assert_eq!(sent.path, "/v1/things/7/parts?a%20b=x%26y&a%20b=2&dry=true");
    assert_eq!(
        (&sent.headers["if-match"], &*sent.body),
        (&"v1".parse().unwrap(), &br#"[{"size":1}]"#[..])
    );
    assert!(sent.host.is_none());
    // Under a document's route it goes to that document's host, and the account is the connection's own.
    let payload = json!({"method": "PUT", "path": "/accounts/{account}/size"});
    let sent = call(&pack, &payload).expect("a call");
    assert_eq!(sent.host.map(|host| host.alias), Some("api"));
    assert!(sent.body.is_empty() && !sent.headers.contains_key("content-type"));
    let secret = Secret::parse(r#"{"api_key":"k","shop":"s","account":"a1","owner":"o"}"#);
    let signed = pack
        .spec()
        .sign(sent, Shown::from(&secret.expect("an object")))
        .expect("credentials");
    assert_eq!(signed.path, "/v1/accounts/a1/size");
    assert_eq!(signed.headers["acme-version"], "2026-12-01");
    let payload =
        json!({"method": "POST", "path": "/things/", "body": {"name": "é", "tags": ["a"]}});
    let form = call(&raw("form"), &payload).expect("a call");
    assert_eq!(&*form.body, b"name=%C3%A9&tags[0]=a");
}

#[test]
fn a_raw_call_is_unsafe_whatever_the_page_says_of_its_route() {
    let pack = raw("json");
    assert_eq!(
        pack.spec().operation(CALL).expect("it is there").safety,
        Safety::Unsafe
    );
    assert_eq!(pack.provenance(CALL).and_then(|known| known.class), None);
    assert_eq!(
        pack.route(CALL),
        "POST /things/**, api:PUT /accounts/{account}/*, DELETE /old/*.json, POST /oauth/**"
    );
    let names = pack.spec().operations.names();
    assert!(names.is_sorted() && names.iter().filter(|name| *name == CALL).count() == 1);
    assert!(
        acme().spec().operation(CALL).is_none(),
        "this page allows none"
    );
    assert!(!acme().spec().operations.names().contains(&CALL.to_owned()));
}

/// Whoever may send a request must not reach what the page does not allow with the account's credentials.
#[test]
fn a_hostile_raw_call_is_refused_before_it_is_one() {
    let pack = raw("json");
    for path in [
        "",
        "things",
        "/",
        "//things/a",
        "/thingsx",
        "/v1/things/a",
        "/Things/a",
        "/other",
        "/things/../users",
        "/things/..",
        "/things/./a",
        "/things//a",
        "/things/%2e%2e/users",
        "/things/%2E%2E/users",
        "/things/.%2E/users",
        "/things/..%2Fusers",
        "/things/..%2fusers",
        "/things/a%5C..%5Cusers",
        "/things/a\\..\\users",
        "/things/..;/users",
        "/things/a;x=1",
        "/things/a%3Bx",
        "/things/%252e%252e/users",
        "/things/%C0%AF",
        "/things/%FF",
        "/things/a?x=1",
        "/things/a%3Fx",
        "/things/a#b",
        "/things/a%23b",
        "/things/a b",
        "/things/a%0D%0Ahost:x",
        "/things/%00",
        "/things/a\r\nHost: evil",
        "/things/%",
        "/things/%4",
        "/things/%zz",
        "/things/%41",
        "/things/é",
        "https://evil.example/things/a",
        "//evil.example/things/a",
        "/things/@evil.example/..",
        "@evil.example/things/a",
        "/things/{shop",
        "/things/{api_key}",
        "/things/{owner}",
        "/things/{}",
        "/things/%7Bshop%7D",
        "/oauth/token",
        "/oauth/Token",
        "/oauth/token/",
        "/things/\u{0}",
        "/things/\u{202e}a",
    ] {
        let payload = json!({"method": "POST", "path": path});
        let refused = call(&pack, &payload);
        assert!(refused.is_err(), "{path}: {refused:?}");
    }
    for (method, path) in [
        ("GET", "/things/a"),
        ("post", "/things/a"),
        ("PUT", "/things/a"),
        ("DELETE", "/things/a"),
        ("CONNECT", "/things/a"),
        ("POST /x HTTP/1.1\r\nA:", "/things/a"),
        ("", "/things/a"),
        ("*", "/things/a"),
        ("DELETE", "/old/a/b.json"),
        ("DELETE", "/old/a.xml"),
        ("PUT", "/accounts/{account}/a/b"),
    ] {
        assert!(
            call(&pack, &json!({"method": method, "path": path})).is_err(),
            "{method} {path}"
        );
    }
    for more in [
        json!({"headers": {"authorization": "x"}}),
        json!({"headers": {"Host": "x"}}),
        json!({"headers": {"host": "x"}}),
        json!({"headers": {"acme-version": "1"}}),
        json!({"headers": {"content-length": "1"}}),
        json!({"headers": {"idempotency-key": "1"}}),
        json!({"headers": {"if-match": "a\r\nx: y"}}),
        json!({"headers": {"If-Match": "a"}}),
        json!({"headers": ["a"]}),
        json!({"query": {"key": "x"}}),
        json!({"query": {"": "x"}}),
        json!({"query": {"a": {"b": 1}}}),
        json!({"query": "a=b"}),
        json!({"host": "evil.example"}),
        json!({"path": 1}),
    ] {
        let mut payload = json!({"method": "POST", "path": "/things/a"});
        payload
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        assert!(call(&pack, &payload).is_err(), "{payload}");
    }
    assert!(
        call(
            &raw("form"),
            &json!({"method": "POST", "path": "/things/a", "body": [1]})
        )
        .is_err()
    );
    let sound = json!({"method": "DELETE", "path": "/old/%C3%A9%20%3A@x.json"});
    assert_eq!(
        call(&pack, &sound).expect("a call").path,
        "/v1/old/%C3%A9%20%3A@x.json"
    );
}

#[test]
fn a_page_confines_its_raw_calls() {
    for routes in [
        "POST /**",
        "GET /things/**",
        "* /things/**",
        "things.*",
        "POST /*/a",
    ] {
        let page = PAGE.replace("need_id = true", &format!("raw = \"{routes}\""));
        let error = Pack::new(&page, LINES).expect_err(routes).to_string();
        assert!(error.starts_with("raw `"), "{error}");
    }
    let page = PAGE.replace("need_id = true", "raw = \"POST /things/**\"");
    let lines = format!(
        "{}{LINES}",
        "{\"op\":\"call\",\"doc\":\"api\",\"method\":\"POST\",\"path\":\"/a\",\"schema\":{}}\n"
    );
    let pack = Pack::new(&page, lines.leak()).expect("a page");
    assert!(pack.check().is_err(), "an operation has the name");
}
