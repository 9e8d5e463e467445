//! "Why is it not delivered yet?", asked of the API alone.

use std::sync::Arc;

use async_trait::async_trait;
use causeway::StoreError;
use causeway::clock::ManualClock;
use causeway::lanes::{MemoryStates, StateStore, Swap, Versioned};
use causeway::ledger::{Expected, LedgerStore, MemoryLedger, Response, Status};
use causeway::outcome::code;
use causeway::pack::Class;
use causeway::queue::MemoryProducer;
use http::Method;
use serde_json::{Value, json};

use super::*;
use crate::api::{Lane as Deployed, Seams};
use crate::http::Request;
use crate::routes;

const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

fn after(seconds: u64) -> Timestamp {
    NOON + Duration::from_secs(seconds)
}

/// A table that does not answer.
struct Silent;

#[async_trait]
impl StateStore for Silent {
    async fn load(&self, _: &str) -> Result<Option<Versioned>, StoreError> {
        Err(StoreError::new("GetItem", "silent"))
    }

    async fn swap(&self, _: &str, _: Option<u64>, _: &Value, _: &str) -> Result<Swap, StoreError> {
        Err(StoreError::new("PutItem", "silent"))
    }
}

struct World {
    api: Api,
    ledger: Arc<MemoryLedger>,
    states: Arc<MemoryStates>,
}

fn world(silent: bool) -> World {
    let (ledger, states) = (
        Arc::new(MemoryLedger::default()),
        Arc::new(MemoryStates::default()),
    );
    let seen: Arc<dyn StateStore> = match silent {
        true => Arc::new(Silent),
        false => states.clone(),
    };
    let seams = Seams {
        ledger: ledger.clone(),
        index: ledger.clone(),
        states: seen,
        mappings: Arc::new(MemoryStates::default()),
        producer: Arc::new(MemoryProducer::default()),
        clock: Arc::new(ManualClock::at(NOON)),
    };
    let lane = Deployed {
        provider: "stripe".to_owned(),
        queue_url: "https://queues.test/stripe".to_owned(),
    };
    World {
        api: Api::new(vec![lane], seams, Class::Reviewed),
        ledger,
        states,
    }
}

fn record(status: Status) -> Record {
    Record {
        pk: "stripe#berlin#order-1712".to_owned(),
        format_version: 1,
        status,
        payload_hash: "p".to_owned(),
        wire_hash: None,
        owner: "o".to_owned(),
        generation: 1,
        series: 1,
        lease_until: (status == Status::InProgress).then(|| after(60)),
        claimed_at: Some(NOON),
        attempts: 1,
        series_since: NOON,
        next_attempt_at: (status == Status::Retrying).then(|| after(90)),
        first_seen: NOON,
        first_sent_at: None,
        last_attempt: Some(NOON),
        ambiguous: false,
        alone: false,
        crashes: 0,
        message_id: "m".to_owned(),
        response: None,
        code: None,
        detail: None,
        closing: 0,
        closed_at: None,
        resolved_at: None,
        expires_at: None,
    }
}

impl World {
    async fn keep(&self, record: &Record) {
        let written = self
            .ledger
            .write(record, &Expected::AbsentOrExpired { now: NOON })
            .await;
        written.expect("written");
    }

    async fn share(&self, key: &str, value: Value) {
        self.states
            .swap(key, None, &value, "test")
            .await
            .expect("stored");
    }

    async fn get(&self, query: &str) -> (u16, Value) {
        let request = Request {
            method: Method::GET,
            path: "/v1/requests/stripe/berlin/order-1712".to_owned(),
            query: query.to_owned(),
            ..Request::default()
        };
        let response = routes::answer(&self.api, &request).await;
        (
            response.status.as_u16(),
            serde_json::from_str(&response.body).expect("JSON"),
        )
    }
}

fn support(answer: &Value) -> &str {
    answer["explanation"]["support"]
        .as_str()
        .expect("an explanation")
}

fn open() -> Value {
    json!({"state": "Open", "opened_at": NOON.as_millis() - 60_000, "open_until": after(60).as_millis()})
}

#[tokio::test]
async fn a_request_behind_an_outage_says_since_when_and_what_comes_next() {
    let world = world(false);
    let mut failed = record(Status::Retrying);
    failed.code = Some(code::PROVIDER_UNAVAILABLE);
    failed.response = Some(Response {
        status: 503,
        object_id: None,
    });
    world.keep(&failed).await;
    world.share("stripe#*#breaker", open()).await;
    let (status, answer) = world.get("zone=Europe/Berlin").await;
    assert_eq!((status, &answer["status"]), (200, &json!("RETRYING")));
    for part in [
        "on hold since 2026-11-22 12:59:00",
        "next test is due on 2026-11-22 13:01:00",
        "again by itself on 2026-11-22 13:01:30",
        "Europe/Berlin",
    ] {
        assert!(support(&answer).contains(part), "{part}: {answer}");
    }
    let engineer = answer["explanation"]["engineer"].as_str().expect("text");
    assert!(
        engineer.contains("`provider_unavailable`") && engineer.contains("13:01:30+01:00"),
        "{engineer}"
    );
}

#[tokio::test]
async fn a_request_without_a_record_says_what_holds_its_lane_up() {
    let world = world(false);
    let pause = json!({"pause": {"reason": "unauthorised", "since": NOON.as_millis(), "next_trial": after(900).as_millis()},
        "token": {"text": "secret"}});
    world.share("stripe#berlin#credentials", pause).await;
    let (status, answer) = world.get("").await;
    assert_eq!((status, &answer["code"]), (404, &json!("no_such_request")));
    assert!(
        support(&answer).contains("has not accepted the credentials of the connection “berlin”"),
        "{answer}"
    );
    assert!(support(&answer).contains("2026-11-22 12:15:00"), "{answer}");
    assert!(!answer.to_string().contains("secret"));
}

#[tokio::test]
async fn every_state_is_explained_even_where_the_lane_cannot_be_looked_at() {
    for silent in [false, true] {
        for status in [
            Status::InProgress,
            Status::Retrying,
            Status::Completed,
            Status::Rejected,
            Status::Unknown,
        ] {
            let world = world(silent);
            world.keep(&record(status)).await;
            let (answered, answer) = world.get("").await;
            assert_eq!(answered, 200, "{answer}");
            assert!(support(&answer).len() > 100, "{answer}");
            let engineer = answer["explanation"]["engineer"].as_str().expect("text");
            let tells = silent && status != Status::Completed;
            assert_eq!(engineer.contains("could not be read"), tells, "{engineer}");
        }
    }
}

#[tokio::test]
async fn a_zone_that_is_none_is_answered_with_the_nearest() {
    let world = world(false);
    for (query, part) in [
        ("zone=Europe/Berlln", "Europe/Berlin"),
        ("zone=UTC&zone=UTC", "twice"),
    ] {
        let (status, problem) = world.get(query).await;
        assert_eq!((status, &problem["code"]), (400, &json!("query_invalid")));
        assert!(
            problem["detail"]
                .as_str()
                .is_some_and(|text| text.contains(part)),
            "{problem}"
        );
    }
}

#[tokio::test]
async fn a_refusal_says_in_words_who_can_change_it() {
    let world = world(false);
    for (body, part) in [
        ("{", "could not be read"),
        (
            r#"{"provider":"nobody","operation":"a","idempotency_key":"k","payload":{}}"#,
            "not connected here",
        ),
        (
            r#"{"provider":"stripe","operation":"customers.drop","idempotency_key":"k","payload":{}}"#,
            "not set up",
        ),
        (
            r#"{"provider":"stripe","operation":"customers.create","idempotency_key":"k","payload":{"email":7}}"#,
            "content",
        ),
    ] {
        let request = Request {
            method: Method::POST,
            path: crate::api::REQUESTS.to_owned(),
            body: body.as_bytes().to_vec(),
            ..Request::default()
        };
        let response = routes::answer(&world.api, &request).await;
        let problem: Value = serde_json::from_str(&response.body).expect("JSON");
        assert!(support(&problem).contains(part), "{problem}");
        assert!(
            support(&problem).contains("Whoever sent the request can change that."),
            "{problem}"
        );
    }
}
