use causeway_fakes::Server;
use serde_json::{Value, json};

use crate::client::{Answer, call, server};

async fn token(server: &Server, refresh_token: &str) -> Answer {
    let form = format!(
        "grant_type=refresh_token&client_id=c&client_secret=s&refresh_token={refresh_token}"
    );
    let headers = [("content-type", "application/x-www-form-urlencoded")];
    let path = "/hubspot/oauth/2026-03/token";
    let answer = call(server, "POST", path, &headers, &form).await;
    answer.expect("an answer")
}

/// A caller with a good token of the account that `refresh_token` is of.
struct Caller<'a>(&'a Server, String);

impl<'a> Caller<'a> {
    async fn new(server: &'a Server, refresh_token: &str) -> Self {
        let granted = token(server, refresh_token).await;
        let token = granted.body["access_token"].as_str().expect("a token");
        Self(server, format!("Bearer {token}"))
    }

    async fn upsert(&self, object: &str, inputs: Value) -> Answer {
        let headers = [
            ("authorization", self.1.as_str()),
            ("content-type", "application/json"),
        ];
        let path = format!("/hubspot/crm/v3/objects/{object}/batch/upsert");
        let body = json!({ "inputs": inputs }).to_string();
        let answer = call(self.0, "POST", &path, &headers, &body).await;
        answer.expect("an answer")
    }
}

fn contact(email: &str, properties: Value) -> Value {
    json!({"idProperty": "email", "id": email, "properties": properties, "objectWriteTraceId": email})
}

fn deal(id: &str, properties: Value) -> Value {
    json!({"idProperty": "order_id", "id": id, "properties": properties, "objectWriteTraceId": id})
}

fn effects(server: &Server, marker: &str) -> u64 {
    server.journal().effects_of("hubspot", marker)
}

#[tokio::test]
async fn the_same_values_again_are_the_same_record_and_no_effect() {
    let server = server().await;
    let caller = Caller::new(&server, "ada").await;
    let input = |email| json!([contact(email, json!({"jobtitle": "[ref:r1]"}))]);
    let first = caller.upsert("contacts", input("ada@example.com")).await;
    let again = caller.upsert("contacts", input("Ada@Example.com")).await;
    assert_eq!((first.status, again.status), (200, 200));
    let result = |answer: &Answer| answer.body["results"][0].clone();
    assert_eq!(result(&first)["id"], result(&again)["id"]);
    assert_eq!(result(&first)["new"], true);
    assert_eq!(result(&again)["new"], false);
    // The address in other letters is another value, and so one more effect; the same one is none.
    caller.upsert("contacts", input("Ada@Example.com")).await;
    assert_eq!(effects(&server, "r1"), 2);
}

#[tokio::test]
async fn results_come_in_another_order_with_their_trace_ids() {
    let server = server().await;
    let caller = Caller::new(&server, "ada").await;
    let inputs = json!([
        deal("a", json!({"dealname": "[ref:a]"})),
        deal("b", json!({"dealname": "[ref:b]"}))
    ]);
    let answer = caller.upsert("deals", inputs).await;
    assert_eq!(answer.body["results"][0]["objectWriteTraceId"], "b");
    assert_eq!((effects(&server, "a"), effects(&server, "b")), (1, 1));
}

#[tokio::test]
async fn one_bad_element_fails_alone_but_among_addresses_fails_all() {
    let server = server().await;
    let caller = Caller::new(&server, "ada").await;
    let inputs = json!([
        deal("a", json!({"dealname": "[ref:a]"})),
        deal("b", json!({"unknown": "[ref:b]"}))
    ]);
    let answer = caller.upsert("deals", inputs).await;
    assert_eq!((answer.status, &answer.body["numErrors"]), (207, &1.into()));
    let context = &answer.body["errors"][0]["context"]["objectWriteTraceId"];
    assert_eq!(*context, json!(["b"]));
    assert_eq!((effects(&server, "a"), effects(&server, "b")), (1, 0));

    let inputs = json!([
        contact("c@example.com", json!({"jobtitle": "[ref:c]"})),
        contact("nobody", json!({"jobtitle": "[ref:d]"}))
    ]);
    let answer = caller.upsert("contacts", inputs).await;
    let codes = &answer.body["errors"][0]["code"];
    assert_eq!((answer.status, codes), (400, &"INVALID_EMAIL".into()));
    assert_eq!((effects(&server, "c"), effects(&server, "d")), (0, 0));
}

#[tokio::test]
async fn calls_that_make_no_sense_are_refused_as_a_whole() {
    let server = server().await;
    let caller = Caller::new(&server, "ada").await;
    let many: Vec<Value> = (0..101).map(|n| deal(&n.to_string(), json!({}))).collect();
    for inputs in [
        json!([]),
        json!(many),
        json!([deal("a", json!({})), deal("A", json!({}))]),
        json!([{"idProperty": "dealname", "id": "a", "properties": {}}]),
        json!([{"idProperty": "order_id", "id": "a", "properties": {"amount": 7}}]),
        json!([{"id": "a"}]),
    ] {
        let answer = caller.upsert("deals", inputs).await;
        let category = &answer.body["category"];
        assert_eq!((answer.status, category), (400, &"VALIDATION_ERROR".into()));
    }
    assert_eq!(caller.upsert("tickets", json!([])).await.status, 404);
    assert_eq!(server.journal().providers["hubspot"].effects, 0);
}

#[tokio::test]
async fn the_refresh_token_stays_and_a_revoked_one_is_dead() {
    let server = server().await;
    let granted = token(&server, "ada").await;
    assert_eq!(granted.body["refresh_token"], "ada");
    assert_eq!(granted.body["expires_in"], 1_800);
    let dead = token(&server, "revoked").await;
    assert_eq!(
        (dead.status, &dead.body["error"]),
        (400, &"invalid_grant".into())
    );
    let stranger = Caller(&server, "Bearer nonsense".to_owned());
    assert_eq!(stranger.upsert("deals", json!([])).await.status, 401);
}

#[tokio::test]
async fn refusals_name_the_policy_and_answers_say_what_is_left() {
    let server = server().await;
    let caller = Caller::new(&server, "ada").await;
    let input = || json!([deal("a", json!({}))]);
    let first = caller.upsert("deals", input()).await;
    assert_eq!(first.header("x-hubspot-ratelimit-remaining"), Some("99"));
    for _ in 0..99 {
        assert_eq!(caller.upsert("deals", input()).await.status, 200);
    }
    let over = caller.upsert("deals", input()).await;
    let policy = &over.body["policyName"];
    assert_eq!((over.status, policy), (429, &"TEN_SECONDLY_ROLLING".into()));

    let small = Caller::new(&server, "small-day").await;
    for _ in 0..3 {
        assert_eq!(small.upsert("deals", input()).await.status, 200);
    }
    let over = small.upsert("deals", input()).await;
    assert_eq!(
        (over.status, &over.body["policyName"]),
        (429, &"DAILY".into())
    );
}

#[tokio::test]
async fn a_static_token_is_let_in_and_is_an_account_of_its_own() {
    let server = server().await;
    for (token, status) in [("pat-eu1-1", 200), ("pat-invalid", 401)] {
        let caller = Caller(&server, format!("Bearer {token}"));
        let answer = caller
            .upsert("contacts", json!([contact("ada@example.com", json!({}))]))
            .await;
        assert_eq!(answer.status, status, "{token}");
    }
}
