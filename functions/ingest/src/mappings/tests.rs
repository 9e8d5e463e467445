//! Proposals for lanes in memory.

use std::sync::Arc;

use causeway::Timestamp;
use causeway::clock::ManualClock;
use causeway::lanes::MemoryStates;
use causeway::ledger::MemoryLedger;
use causeway::pack::Class;
use causeway::queue::MemoryProducer;
use http::Method;
use serde_json::json;

use super::*;
use crate::api::{Lane, PROPOSE, Seams};
use crate::routes;

async fn post(body: &[u8]) -> (u16, Value) {
    let mappings = Arc::new(MemoryStates::default());
    let seams = Seams {
        ledger: Arc::new(MemoryLedger::default()),
        index: Arc::new(MemoryLedger::default()),
        states: Arc::new(MemoryStates::default()),
        mappings: mappings.clone(),
        producer: Arc::new(MemoryProducer::default()),
        clock: Arc::new(ManualClock::at(Timestamp::from_millis(1_795_000_000_123))),
    };
    let stripe = Lane {
        provider: "stripe".to_owned(),
        queue_url: "https://queues.test/stripe".to_owned(),
    };
    let api = Api::new(vec![stripe], seams, Class::Reviewed);
    let request = Request {
        method: Method::POST,
        path: PROPOSE.to_owned(),
        body: body.to_vec(),
        ..Request::default()
    };
    let response = routes::answer(&api, &request).await;
    assert_eq!(mappings.writes(), 0, "nothing is stored");
    let body = serde_json::from_str(&response.body).expect("JSON");
    (response.status.as_u16(), body)
}

fn ask() -> Value {
    json!({
        "provider": "stripe", "operation": "customers.create", "name": "shop-customer",
        "samples": [
            {"email": "ada@shop.example", "name": "Ada Lovelace", "loyalty_tier": "gold"},
            {"email": "zoe@shop.example", "name": "Zoë Quinn", "loyalty_tier": "silver"},
        ],
    })
}

fn field<'a>(proposed: &'a Value, target: &str) -> &'a Value {
    let fields = proposed["fields"].as_array().expect("a list");
    let mut fields = fields.iter();
    fields
        .find(|field| field["target"] == target)
        .expect(target)
}

#[tokio::test]
async fn a_proposal_is_a_mapping_that_the_lane_takes_with_reasons_and_what_is_left_over() {
    let (status, proposed) = post(ask().to_string().as_bytes()).await;
    assert_eq!(status, 200, "{proposed}");
    let document = proposed["document"].to_string();
    let mapping = Mapping::parse(&document).expect("a mapping");
    assert_eq!(mapping.to_string(), "shop-customer@1");
    let email = field(&proposed, "email");
    assert_eq!(email["candidates"][0]["from"], json!(["email"]));
    assert_eq!(email["choice"], 0);
    assert_eq!(proposed["samples"][1]["good"], true, "{proposed}");
    assert_eq!(proposed["samples"][1]["output"]["name"], "Zoë Quinn");
}

#[tokio::test]
async fn what_a_person_chose_is_in_the_document() {
    let mut asked = ask();
    asked["choices"] = json!({"email": null});
    let (status, proposed) = post(asked.to_string().as_bytes()).await;
    assert_eq!(status, 200, "{proposed}");
    assert_eq!(field(&proposed, "email")["choice"], Value::Null);
    assert_eq!(proposed["samples"][0]["output"].get("email"), None);
}

#[tokio::test]
async fn what_is_wrong_is_named_and_no_value_is_quoted() {
    for (at, value, code, told) in [
        ("provider", json!("nobody"), "unknown_provider", "provider"),
        (
            "operation",
            json!("customers.creat"),
            "unknown_operation",
            "customers.create",
        ),
        ("operation", json!("secret value"), INVALID, "operation"),
        (
            "samples",
            json!("secret"),
            INVALID,
            "samples: must be a list",
        ),
        ("samples", json!(["secret"]), INVALID, "sample 1"),
        (
            "samples",
            json!(vec![json!({"a": 1}); 21]),
            INVALID,
            "at most 20 samples",
        ),
        ("samples", json!([]), INVALID, "source"),
        ("source", json!("secret"), INVALID, "source"),
        (
            "choices",
            json!({"email": "secret"}),
            INVALID,
            "choices.email",
        ),
        ("choices", json!({"email": 17}), INVALID, "choices.email"),
        ("choices", json!({"nothing": 0}), INVALID, "choices.nothing"),
        ("stray", json!("secret"), INVALID, "stray"),
    ] {
        let mut asked = ask();
        asked[at] = value;
        let (status, problem) = post(asked.to_string().as_bytes()).await;
        assert_eq!(status, 400, "{at}: {problem}");
        assert_eq!(problem["code"], code, "{problem}");
        let detail = problem["detail"].as_str().expect("a text");
        assert!(detail.contains(told), "{detail}");
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_and_need_not_be_json() {
    let (status, problem) = post(&vec![b' '; BODY_MAX + 1]).await;
    assert_eq!((status, &problem["code"]), (413, &json!("body_too_large")));
    for body in [
        "",
        "[]",
        "{\"provider\": secret}",
        "\u{0}",
        &"[".repeat(10_000),
    ] {
        let (status, problem) = post(body.as_bytes()).await;
        assert_eq!((status, &problem["code"]), (400, &json!("malformed_json")));
        assert!(!problem.to_string().contains("secret"), "{problem}");
    }
}

#[test]
fn the_document_says_how_many_samples_are_taken() {
    let schema = schemars::schema_for!(Ask).to_value();
    let samples = &schema["properties"]["samples"];
    assert_eq!(samples["maxItems"], SAMPLES_MAX, "{schema}");
}
