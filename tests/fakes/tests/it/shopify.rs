use causeway_fakes::Server;
use causeway_fakes::faults::{Fault, Mode};
use serde_json::{Value, json};

use crate::client::{Answer, call, outage, server};

const PATH: &str = "/shopify/admin/api/2026-04/graphql.json";

async fn post(server: &Server, token: &str, query: &str, variables: Value) -> Option<Answer> {
    let headers = [
        ("x-shopify-access-token", token),
        ("content-type", "application/json"),
    ];
    let body = json!({ "query": query, "variables": variables }).to_string();
    call(server, "POST", PATH, &headers, &body).await
}

const SET: &str = "mutation($identifier: CustomerSetIdentifiers!, $input: CustomerSetInput!) \
    { result: customerSet(identifier: $identifier, input: $input) \
    { object: customer { id } userErrors { code field } } }";
const ORDER: &str = "mutation($order: OrderCreateOrderInput!) { orderCreate(order: $order) { order { id } userErrors { code } } }";
const SEARCH: &str =
    "query($query: String!) { orders(first: 1, query: $query) { nodes { id sourceIdentifier } } }";

fn customer(email: &str, note: &str) -> Value {
    json!({"identifier": {"email": email}, "input": {"email": email, "note": note}})
}

async fn set(server: &Server, variables: Value) -> Answer {
    post(server, "shpat_1", SET, variables)
        .await
        .expect("an answer")
}

fn effects(server: &Server, marker: &str) -> u64 {
    server.journal().effects_of("shopify", marker)
}

#[tokio::test]
async fn upsert_makes_one_customer_and_the_same_input_again_changes_nothing() {
    let server = server().await;
    let first = set(&server, customer("ada@example.com", "[ref:r1]")).await;
    let again = set(&server, customer("ada@example.com", "[ref:r1]")).await;
    let id = first.body.pointer("/data/result/object/id");
    assert!(id.is_some_and(Value::is_string), "{first:?}");
    assert_eq!(id, again.body.pointer("/data/result/object/id"));
    assert_eq!(first.body["extensions"]["cost"]["actualQueryCost"], 10.0);
    let other = set(&server, customer("ADA@example.com", "[ref:r2]")).await;
    assert_eq!(id, other.body.pointer("/data/result/object/id"));
    assert_eq!((effects(&server, "r1"), effects(&server, "r2")), (1, 1));
}

#[tokio::test]
async fn what_is_wrong_with_the_input_is_said_inside_the_data() {
    let server = server().await;
    let answer = set(&server, customer("nobody", "")).await;
    let error = answer.body.pointer("/data/result/userErrors/0/code");
    assert_eq!((answer.status, error), (200, Some(&"INVALID".into())));
    let without = post(&server, "shpat_1", SET, json!({}))
        .await
        .expect("an answer");
    assert_eq!(
        without.body.pointer("/errors/0/extensions/code"),
        Some(&"INVALID_VARIABLE".into())
    );
    assert_eq!(without.body.get("data"), None);
    let unknown = post(&server, "shpat_1", "{ shop { name } }", json!({}))
        .await
        .expect("an answer");
    assert_eq!(unknown.body.get("data"), None);
}

#[tokio::test]
async fn every_order_is_a_new_one_and_is_found_by_its_source_identifier() {
    let server = server().await;
    let line = json!({"variantId": "gid://shopify/ProductVariant/1", "quantity": 1});
    let order =
        json!({"order": {"lineItems": [line], "sourceIdentifier": "cw-1", "note": "[ref:o1]"}});
    for _ in 0..2 {
        let made = post(&server, "shpat_1", ORDER, order.clone())
            .await
            .expect("an answer");
        assert!(made.body.pointer("/data/orderCreate/order/id").is_some());
    }
    assert_eq!(effects(&server, "o1"), 2);
    for (filter, count) in [("source_identifier:cw-1", 2), ("source_identifier:cw-2", 0)] {
        let found = post(&server, "shpat_1", SEARCH, json!({ "query": filter }))
            .await
            .expect("an answer");
        let nodes = found.body.pointer("/data/orders/nodes");
        let nodes = nodes.and_then(Value::as_array).map(Vec::len);
        assert_eq!(nodes, Some(count), "{filter}");
    }
}

#[tokio::test]
async fn bucket_runs_dry_inside_a_200_for_each_shop_on_its_own() {
    let server = server().await;
    // 2,000 points hold 200 mutations; what comes back meanwhile lets a few more through.
    let mut throttled = None;
    for number in 0..2_000 {
        let answer = set(&server, customer("ada@example.com", &number.to_string())).await;
        if answer.body.get("errors").is_some() {
            throttled = Some((number, answer));
            break;
        }
    }
    let (number, answer) = throttled.expect("a bucket with an end");
    assert!(number >= 200, "{number}");
    assert_eq!(answer.status, 200);
    assert_eq!(
        answer.body.pointer("/errors/0/extensions/code"),
        Some(&"THROTTLED".into())
    );
    let cost = &answer.body["extensions"]["cost"];
    assert_eq!(cost["actualQueryCost"], Value::Null);
    let left = cost.pointer("/throttleStatus/currentlyAvailable");
    assert!(left.and_then(Value::as_f64).is_some_and(|left| left < 10.0));
    let other = post(&server, "shpat_2", SET, customer("ada@example.com", "n"))
        .await
        .expect("an answer");
    assert_eq!(other.body.get("errors"), None);
}

#[tokio::test]
async fn callers_without_a_good_token_and_frozen_shops_are_refused_by_status() {
    let server = server().await;
    for (token, status) in [("", 401), ("shpat_invalid", 401), ("shpat_frozen", 402)] {
        let answer = post(&server, token, SET, customer("ada@example.com", ""))
            .await
            .expect("an answer");
        assert_eq!(answer.status, status, "{token}");
    }
}

#[tokio::test]
async fn order_whose_reply_is_lost_is_there_all_the_same() {
    let server = server().await;
    let fault = Fault {
        effect: Some(true),
        ..Fault::new(Mode::LostReply, 1.0)
    };
    outage(&server, "shopify", fault);
    let lines = json!([{"title": "Cleaning", "quantity": 1, "priceSet": {"shopMoney": {}}}]);
    let order =
        json!({"order": {"lineItems": lines, "sourceIdentifier": "cw-9", "note": "[ref:o9]"}});
    assert!(post(&server, "shpat_1", ORDER, order).await.is_none());
    server.clear_outages();
    let query = json!({"query": "source_identifier:cw-9"});
    let found = post(&server, "shpat_1", SEARCH, query)
        .await
        .expect("an answer");
    let node = found.body.pointer("/data/orders/nodes/0/sourceIdentifier");
    assert_eq!(node, Some(&"cw-9".into()));
    assert_eq!(effects(&server, "o9"), 1);
}

/// As shops are connected since 2026: tokens of a day for the organisation's own app, of an hour for a public one.
#[tokio::test]
async fn tokens_that_end_belong_to_the_shop_of_their_client() {
    let server = server().await;
    let path = "/shopify/admin/oauth/access_token";
    let form = [("content-type", "application/x-www-form-urlencoded")];
    let json = [("content-type", "application/json")];
    let own = "grant_type=client_credentials&client_id=c&client_secret=s";
    let own = call(&server, "POST", path, &form, own)
        .await
        .expect("an answer");
    assert_eq!(own.body["expires_in"], 86_399);
    let refresh =
        r#"{"grant_type":"refresh_token","client_id":"c","client_secret":"s","refresh_token":"c"}"#;
    let public = call(&server, "POST", path, &json, refresh)
        .await
        .expect("an answer");
    assert_eq!(public.body["expires_in"], 3_600);
    assert!(public.body["refresh_token"].is_string());
    for granted in [own, public] {
        let token = granted.body["access_token"].as_str().expect("a token");
        let made = post(&server, token, SET, customer("ada@example.com", "[ref:t1]")).await;
        assert_eq!(made.expect("an answer").status, 200);
    }
    assert_eq!(effects(&server, "t1"), 1, "they are one shop's");
    let wrong = "grant_type=client_credentials&client_id=c&client_secret=invalid";
    let wrong = call(&server, "POST", path, &form, wrong)
        .await
        .expect("an answer");
    assert_eq!(wrong.body["error"], "invalid_client");
}
