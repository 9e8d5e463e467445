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
  { name = "second", count = 10, per = "1s", burst = 5, left = "header:x-left", src = "docs" },
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
            "per = \"1s\", burst",
            "per = \"1 second\", burst",
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
            "burst = 5",
            "burst = 10",
            "limit `second`: `burst` is at least 1 and less than `count`",
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
