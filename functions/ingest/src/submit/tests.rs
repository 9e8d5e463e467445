//! POSTs against lanes in memory.

mod connections;

use std::sync::Arc;

use causeway::Timestamp;
use causeway::clock::ManualClock;
use causeway::lanes::{MemoryStates, StateStore};
use causeway::ledger::MemoryLedger;
use causeway::pack::Class;
use causeway::provider::Provider as _;
use causeway::queue::MemoryProducer;
use causeway::request::Request as Decoded;
use http::Method;
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::api::{Lane, REQUESTS, Seams};
use crate::routes;

struct World {
    api: Api,
    queues: Arc<MemoryProducer>,
    mappings: Arc<MemoryStates>,
}

fn world() -> World {
    let (queues, mappings) = (
        Arc::new(MemoryProducer::default()),
        Arc::new(MemoryStates::default()),
    );
    let lane = |provider: &str| Lane {
        provider: provider.to_owned(),
        queue_url: format!("https://queues.test/{provider}"),
    };
    let seams = Seams {
        ledger: Arc::new(MemoryLedger::default()),
        index: Arc::new(MemoryLedger::default()),
        states: Arc::new(MemoryStates::default()),
        mappings: mappings.clone(),
        producer: queues.clone(),
        clock: Arc::new(ManualClock::at(Timestamp::from_millis(1_795_000_000_123))),
    };
    let api = Api::new(
        vec![lane("stripe"), lane("slack"), lane("newcomer")],
        seams,
        Class::Reviewed,
    );
    World {
        api,
        queues,
        mappings,
    }
}

impl World {
    async fn post(&self, body: &str) -> (u16, Value) {
        self.post_with(body, &[]).await
    }

    async fn post_with(&self, body: &str, headers: &[(&'static str, &str)]) -> (u16, Value) {
        let mut request = Request {
            method: Method::POST,
            path: REQUESTS.to_owned(),
            body: body.as_bytes().to_vec(),
            ..Request::default()
        };
        for (name, value) in headers {
            request
                .headers
                .insert(*name, value.parse().expect("a header"));
        }
        let response = routes::answer(&self.api, &request).await;
        let body = serde_json::from_str(&response.body).expect("JSON");
        (response.status.as_u16(), body)
    }
}

fn customer(key: &str) -> Value {
    json!({
        "provider": "stripe", "operation": "customers.create", "connection": "berlin",
        "idempotency_key": key, "created_at": "2026-11-22T10:00:00Z",
        "payload": {"email": "ada@shop.example"},
    })
}

fn with(mut request: Value, field: &str, value: Value) -> Value {
    request[field] = value;
    request
}

fn without(mut request: Value, field: &str) -> Value {
    request.as_object_mut().expect("an object").remove(field);
    request
}

#[tokio::test]
async fn a_request_goes_to_its_lane_with_an_id_its_group_and_the_producers_trace() {
    let world = world();
    let trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
    let body = customer("order 7/1").to_string();
    let (status, taken) = world.post_with(&body, &[("traceparent", trace)]).await;
    assert_eq!(status, 202, "{taken}");
    assert_eq!(taken["idempotency_key"], "order 7/1");
    assert_eq!(
        taken["location"],
        "/v1/requests/stripe/berlin?key=order%207%2F1"
    );

    let posted = world.queues.posted();
    let [(queue, post)] = posted.as_slice() else {
        panic!("{posted:?}");
    };
    assert_eq!(queue, "https://queues.test/stripe");
    assert_eq!(post.group_id.as_deref(), Some("berlin"));
    let header = post.trace_header.as_deref().expect("a trace");
    assert!(
        header.starts_with("Root=1-0af76519-16cd43dd8448eb211c80319c;Parent="),
        "{header}"
    );
    assert!(
        header.ends_with(";Sampled=1") && !header.contains("b7ad6b7169203331"),
        "{header}"
    );
    let decoded = Decoded::decode(&post.body).expect("what the lane decodes");
    assert_eq!(decoded.id.as_deref(), taken["id"].as_str());
}

/// A lane that is older than this ingest learns from it that its own pack is behind.
#[tokio::test]
async fn a_request_says_which_revision_of_the_pack_accepted_it() {
    let world = world();
    world.post(&customer("k").to_string()).await;
    let revision = crate::catalogue::pack("stripe").map(|pack| pack.spec().revision);
    assert!(revision > Some(0), "the page counts its revisions");
    assert_eq!(world.queues.posted()[0].1.revision, revision);
}

#[tokio::test]
async fn a_raw_call_goes_to_its_lane_where_the_page_allows_its_path() {
    let world = world();
    let raw = |payload: Value| {
        with(
            with(customer("k"), "operation", json!("call")),
            "payload",
            payload,
        )
        .to_string()
    };
    let meter =
        json!({"method": "POST", "path": "/v1/billing/meters", "body": {"display_name": "Nights"}});
    let (status, taken) = world.post(&raw(meter)).await;
    assert_eq!(
        (status, &taken["safety"], &taken["class"]),
        (202, &json!("unsafe"), &json!("default")),
        "{taken}"
    );
    for hostile in [
        json!({"method": "POST", "path": "/v1/payouts"}),
        json!({"method": "GET", "path": "/v1/billing/meters"}),
        json!({"method": "POST", "path": "/v1/billing/../payouts"}),
        json!({"method": "POST", "path": "/v1/billing/%2E%2E/payouts"}),
        json!({"method": "POST", "path": "https://evil.example/v1/billing/meters"}),
        json!({"method": "POST", "path": "/v1/billing/meters", "headers": {"authorization": "Bearer x"}}),
        json!({"method": "POST", "path": "/v1/billing/meters", "body": "display_name=Nights"}),
    ] {
        let (status, problem) = world.post(&raw(hostile.clone())).await;
        assert_eq!(
            (status, &problem["code"]),
            (400, &json!("payload_invalid")),
            "{hostile}: {problem}"
        );
    }
    assert_eq!(world.queues.posted().len(), 1);
    let (_, refused) = world
        .post(&with(customer("k"), "operation", json!("cal")).to_string())
        .await;
    assert_eq!(refused["code"], "unknown_operation");
}

#[tokio::test]
async fn an_id_that_is_given_stays_and_the_text_is_not_touched() {
    let world = world();
    let id = "0199a3c1-7d2e-7abc-8def-0123456789ab";
    let body = with(customer("k"), "id", json!(id)).to_string();
    let (_, taken) = world.post(&body).await;
    assert_eq!(taken["id"], id);
    assert_eq!(world.queues.posted()[0].1.body, body);
}

#[tokio::test]
async fn each_of_a_list_is_answered_on_its_own_and_in_order() {
    let world = world();
    world.queues.fail(&["unlucky"]);
    let list = json!({"requests": [
        customer("a"),
        with(customer("b"), "provider", json!("newcomer")),
        with(customer("c"), "operation", json!("customers.drop")),
        with(customer("d"), "payload", json!({"email": 7, "name": 8})),
        with(customer("e"), "stray", json!(1)),
        with(customer("unlucky"), "payload", json!({})),
        17,
        {"provider": "slack", "operation": "chat.postMessage", "created_at": "2026-11-22T10:00:00Z",
         "payload": {"channel": "C0123456789", "text": "hi"}},
    ]});
    let (status, taken) = world.post(&list.to_string()).await;
    assert_eq!(status, 207);
    let results = taken["results"].as_array().expect("results");
    let told: Vec<_> = results
        .iter()
        .map(|result| (result["status"].as_u64(), result["code"].as_str()))
        .collect();
    assert_eq!(
        told,
        [
            (Some(202), None),
            (Some(400), Some("unknown_provider")),
            (Some(400), Some("unknown_operation")),
            (Some(400), Some("payload_invalid")),
            (Some(400), Some("unknown_field")),
            (Some(503), Some("queue_unavailable")),
            (Some(400), Some("malformed_json")),
            (Some(202), None),
        ]
    );
    assert_eq!(
        results[1]["errors"][0]["rule"],
        "must be one of slack, stripe"
    );
    let fields: Vec<_> = results[3]["errors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|error| &error["field"])
        .collect();
    assert_eq!(fields.len(), 2, "{fields:?}");
    assert_eq!(results[5]["retryable"], true);
    assert!(
        results[5]["detail"]
            .as_str()
            .expect("a detail")
            .contains("`unlucky`")
    );
    // The key of a request without one is the hash of its content.
    assert_eq!(
        results[7]["idempotency_key"].as_str().map(str::len),
        Some(64)
    );
    assert_eq!(world.queues.posted().len(), 2);
}

#[tokio::test]
async fn a_request_alone_gets_its_own_status() {
    let world = world();
    let (status, problem) = world
        .post(&with(customer("k"), "created_at", json!("now")).to_string())
        .await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (400, Some("invalid_field"))
    );
    assert_eq!(problem["errors"][0]["field"], "created_at");
    world.queues.fail(&["k"]);
    let (status, problem) = world.post(&customer("k").to_string()).await;
    assert_eq!((status, problem["retryable"].as_bool()), (503, Some(true)));
}

/// Ingest answered 503 to them, "send it again", for ever: SQS does not carry these characters.
#[tokio::test]
async fn characters_that_sqs_does_not_carry_go_as_escapes_and_change_no_key() {
    let world = world();
    let mut request = without(customer("k"), "idempotency_key");
    request["payload"]["name"] = json!("a\u{fffe}\\\u{ffff}z");
    let text = request.to_string();
    let (status, taken) = world.post(&text).await;
    assert_eq!(status, 202, "{taken}");
    let posted = &world.queues.posted()[0].1.body;
    assert!(posted.contains(r#""a\ufffe\\\uffffz""#), "{posted}");
    let (ours, lanes) = (Decoded::decode(&text), Decoded::decode(posted));
    let (ours, lanes) = (ours.expect("decoded"), lanes.expect("decoded"));
    assert_eq!(taken["idempotency_key"], ours.key.as_str());
    assert_eq!(
        (&lanes.key, &lanes.payload_hash),
        (&ours.key, &ours.payload_hash)
    );
    assert_eq!(lanes.payload, ours.payload);
}

#[tokio::test]
async fn what_the_queue_refuses_for_good_is_the_producers_to_mend() {
    let refused = PutError::Refused {
        code: "InvalidMessageContents".to_owned(),
        reason: Some("why".to_owned()),
    };
    let key = LedgerKey::parse("stripe#default#k").expect("a key");
    let problem: Value = serde_json::from_str(&not_sent(&key, refused).to_json()).expect("JSON");
    assert_eq!(
        (&problem["status"], &problem["retryable"]),
        (&json!(400), &json!(false))
    );
    let detail = problem["detail"].as_str().unwrap_or_default();
    assert!(detail.ends_with("InvalidMessageContents: why"), "{detail}");
}

/// A time makes two requests of two equal payloads where the key is their hash, and nowhere else.
#[tokio::test]
async fn a_request_with_a_key_of_its_own_needs_no_time() {
    let world = world();
    let timeless = without(customer("k"), "created_at");
    let (status, taken) = world.post(&timeless.to_string()).await;
    assert_eq!(status, 202, "{taken}");
    let keyless = without(timeless, "idempotency_key");
    let (status, problem) = world.post(&keyless.to_string()).await;
    assert_eq!((status, &problem["code"]), (400, &json!("missing_field")));
    let expected =
        json!([{"field": "created_at", "rule": "must be given where no idempotency_key is"}]);
    assert_eq!(problem["errors"], expected);
}

#[tokio::test]
async fn a_payload_in_its_sources_shape_is_held_against_the_mappings_schema() {
    let world = world();
    let document = json!({"document": {
        "name": "shop", "version": 1, "provider": "stripe", "operation": "customers.create", "description": "d",
        "source": {"type": "object", "required": ["mail"], "properties": {"mail": {"type": "string"}}},
        "expression": "{\"email\": mail}",
        "examples": [{"name": "e", "input": {"mail": "a@shop.example"}, "output": {"email": "a@shop.example"}}],
    }});
    let stored = world
        .mappings
        .swap("stripe#berlin#shop", None, &document, "test")
        .await;
    stored.expect("stored");
    let mapped = |name: &str, payload: Value| {
        with(
            with(customer("k"), "mapping", json!(name)),
            "payload",
            payload,
        )
        .to_string()
    };
    let (status, taken) = world
        .post(&mapped("shop", json!({"mail": "a@shop.example"})))
        .await;
    assert_eq!(status, 202, "{taken}");
    let (status, problem) = world.post(&mapped("shop", json!({"post": 1}))).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (400, Some("mapping_failed"))
    );
    assert_eq!(problem["errors"][0]["field"], "payload.mail");
    let (status, problem) = world.post(&mapped("nobodys", json!({}))).await;
    assert_eq!(
        (status, problem["errors"][0]["field"].as_str()),
        (400, Some("mapping"))
    );
}

#[tokio::test]
async fn bodies_and_requests_are_bounded() {
    let world = world();
    let (status, problem) = world.post(&" ".repeat(MAX_BODY_BYTES + 1)).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (413, Some("body_too_large"))
    );
    // Without its id it would fit.
    let room = causeway::request::MAX_REQUEST_BYTES - customer("k").to_string().len();
    let large = format!("{}{}", customer("k"), " ".repeat(room));
    let (status, problem) = world.post(&large).await;
    assert_eq!(
        (status, problem["code"].as_str()),
        (413, Some("request_too_large"))
    );
}

#[tokio::test]
async fn other_paths_and_verbs_are_told_what_there_is() {
    let world = world();
    for (method, path, status) in [
        (Method::GET, "/", 404),
        (Method::GET, "/v1/requests", 400),
        (Method::PUT, "/v1/requests", 405),
        (Method::POST, "/v1/providers", 405),
        (Method::POST, "/v1/requests/a/b/c", 405),
        (Method::GET, "/v1/requests/stripe/default/nobody", 404),
        (Method::GET, "/v1/requests/stripe/a b/k", 400),
        (Method::GET, "/v1/requests/stripe", 400),
        (Method::GET, "/v1/providers", 200),
    ] {
        let request = Request {
            method,
            path: path.to_owned(),
            ..Request::default()
        };
        assert_eq!(
            routes::answer(&world.api, &request).await.status.as_u16(),
            status,
            "{path}"
        );
    }
}

proptest! {
    /// The key that a producer is told is the one under which the lane will keep the request.
    #[test]
    fn the_key_that_is_answered_is_the_lanes(
        name in "[a-zé\"\\\\ ]{0,12}", space in "[ \n\t]{0,3}", id in any::<bool>(), number in -1_000_000i64..1_000_000
    ) {
        let world = world();
        let mut request = customer("k");
        if let Some(request) = request.as_object_mut() {
            request.remove("idempotency_key");
            if id {
                request.insert("id".into(), json!("0199a3c1-7d2e-7abc-8def-0123456789ab"));
            }
        }
        request["payload"] = json!({"name": format!("n{name}"), "metadata": {"n": number.to_string()}});
        let text = format!("{space}{}{space}", serde_json::to_string_pretty(&request).expect("JSON"));
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let (status, taken) = runtime.block_on(world.post(&text));
        prop_assert_eq!(status, 202, "{}", taken);
        let lane = Decoded::decode(&world.queues.posted()[0].1.body).expect("decoded");
        let ledger_key = lane.ledger_key();
        prop_assert_eq!(taken["idempotency_key"].as_str(), Some(ledger_key.key()));
        let alone = Decoded::decode(&text).expect("decoded");
        prop_assert_eq!(lane.payload_hash, alone.payload_hash);
    }
}
