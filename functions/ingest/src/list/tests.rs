//! What is asked at night, asked of the API.

use std::sync::Arc;

use causeway::clock::ManualClock;
use causeway::lanes::MemoryStates;
use causeway::ledger::{BESIDE, Expected, LedgerStore, MemoryLedger};
use causeway::pack::Class;
use causeway::queue::MemoryProducer;
use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::api::{REQUESTS, Seams};
use crate::http::Request;
use crate::routes;

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn record(pk: &str, status: Status, at: Timestamp) -> Record {
    let item = json!({
        "pk": pk, "format_version": 1, "status": status, "payload_hash": "p", "owner": "o", "generation": 1,
        "series": 1, "claimed_at": at, "attempts": 2, "series_since": at, "first_seen": at, "ambiguous": false,
        "message_id": "m", "code": "provider_unavailable",
    });
    serde_json::from_value(item).expect("a record")
}

async fn world(records: impl IntoIterator<Item = Record>) -> Api {
    let ledger = Arc::new(MemoryLedger::default());
    for record in records {
        let absent = Expected::AbsentOrExpired { now: NOON };
        ledger.write(&record, &absent).await.expect("it answers");
    }
    let seams = Seams {
        ledger: ledger.clone(),
        index: ledger,
        states: Arc::new(MemoryStates::default()),
        mappings: Arc::new(MemoryStates::default()),
        producer: Arc::new(MemoryProducer::default()),
        clock: Arc::new(ManualClock::at(NOON)),
    };
    Api::new(Vec::new(), seams, Class::Reviewed)
}

async fn ask(api: &Api, query: &str) -> (u16, Value) {
    let request = Request {
        method: Method::GET,
        path: REQUESTS.to_owned(),
        query: query.to_owned(),
        ..Request::default()
    };
    let response = routes::answer(api, &request).await;
    let body = serde_json::from_str(&response.body).expect("JSON");
    (response.status.as_u16(), body)
}

fn keys(page: &Value) -> Vec<&str> {
    let requests = page["requests"].as_array().expect("a list").iter();
    requests
        .map(|one| one["idempotency_key"].as_str().expect("a key"))
        .collect()
}

#[tokio::test]
async fn what_ended_unknown_since_ten_o_clock_is_listed_with_where_to_follow_it() {
    let before = Timestamp::from_millis(NOON.as_millis() - 3 * 3_600_000);
    let api = world([
        record("stripe#berlin#order 1/2", Status::Unknown, NOON),
        record("stripe#berlin#before", Status::Unknown, before),
        record("stripe#paris#other", Status::Rejected, NOON),
        record("slack#berlin#other", Status::Unknown, NOON),
    ])
    .await;
    let (status, page) = ask(
        &api,
        "provider=stripe&status=UNKNOWN&since=2026-11-22T10:00:00%2B00:00",
    )
    .await;
    assert_eq!(status, 200, "{page}");
    assert_eq!(keys(&page), ["order 1/2"]);
    let first = &page["requests"][0];
    assert_eq!(
        first["location"],
        "/v1/requests/stripe/berlin?key=order%201%2F2"
    );
    assert_eq!(first["connection"], "berlin");
    assert_eq!(first["status"], "UNKNOWN");
    assert_eq!(first["code"], "provider_unavailable");
    assert_eq!(page.get("next"), None);

    let (_, page) = ask(&api, "provider=stripe&connection=berlin").await;
    assert_eq!(keys(&page), ["order 1/2", "before"]);
    let (_, page) = ask(&api, "provider=stripe").await;
    assert_eq!(keys(&page), ["order 1/2", "before", "other"]);
}

/// The record of a conflict stands beside the key's own, under a name that no answer should show.
#[tokio::test]
async fn a_conflict_is_listed_under_the_key_that_it_is_about() {
    let pk = format!("stripe#berlin#k{BESIDE}0123456789abcdef");
    let api = world([record(&pk, Status::Rejected, NOON)]).await;
    let (_, page) = ask(&api, "provider=stripe").await;
    assert_eq!(keys(&page), ["k"]);
}

#[tokio::test]
async fn pages_follow_each_other_by_next() {
    let many = (0..230).map(|n| record(&format!("stripe#a#{n:03}"), Status::Retrying, NOON));
    let api = world(many).await;
    let (mut seen, mut query) = (Vec::new(), "provider=stripe".to_owned());
    for length in [100, 100, 30] {
        let (_, page) = ask(&api, &query).await;
        let page_keys = keys(&page);
        assert_eq!(page_keys.len(), length);
        seen.extend(page_keys.into_iter().map(str::to_owned));
        let next = page["next"].as_str().unwrap_or_default();
        query = format!("provider=stripe&after={next}");
    }
    assert_eq!(query, "provider=stripe&after=", "the last page has no next");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 230);
}

#[tokio::test]
async fn a_wrong_question_is_told_its_field_and_the_rule() {
    let api = world([]).await;
    for (query, code, field, rule) in [
        ("", "missing_field", "provider", "is missing"),
        ("provider=a%23b", "query_invalid", "provider", "1 to 64"),
        (
            "provider=a&connection=",
            "query_invalid",
            "connection",
            "1 to 64",
        ),
        (
            "provider=a&status=COMPLETED",
            "query_invalid",
            "status",
            "UNKNOWN, REJECTED, RETRYING",
        ),
        ("provider=a&since=2h", "query_invalid", "since", "RFC 3339"),
        (
            "provider=a&since=2026-11-22T10:00:00+01:00",
            "query_invalid",
            "since",
            "%2B",
        ),
        ("provider=a&after=x", "query_invalid", "after", "the `next`"),
        (
            "provider=a&provider=b",
            "query_invalid",
            "provider",
            "twice",
        ),
        (
            "provider=a&order=1",
            "query_invalid",
            "order",
            "the query may have",
        ),
    ] {
        let (status, problem) = ask(&api, query).await;
        assert_eq!((status, &problem["code"]), (400, &json!(code)), "{query}");
        assert_eq!(problem["errors"][0]["field"], field, "{query}");
        let told = problem["errors"][0]["rule"].as_str().expect("a rule");
        assert!(told.contains(rule), "{query}: {told}");
    }
}
