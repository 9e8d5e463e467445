//! Batches against an ingest that misbehaves on command.

use std::sync::Mutex;

use async_trait::async_trait;
use causeway::Timestamp;
use causeway::clock::ManualClock;
use causeway::http_client::CallError;
use serde_json::{Value, json};

use super::*;

/// Answers calls one after another by a script; the last step stays. It keeps what was asked.
struct Ingest {
    script: Mutex<Vec<Step>>,
    bodies: Mutex<Vec<Value>>,
}

#[derive(Clone)]
enum Step {
    /// This status and body.
    Answer(u16, Value),
    /// Takes all, but these texts' `n` fail with this refusal.
    TakeAllBut(Vec<i64>, Value),
    /// Nobody knows.
    Lose,
}

impl Ingest {
    fn new(script: &[Step]) -> Self {
        let mut script = script.to_vec();
        script.reverse();
        Self {
            script: Mutex::new(script),
            bodies: Mutex::default(),
        }
    }

    fn asked(&self) -> Vec<Vec<i64>> {
        let bodies = self.bodies.lock().expect("no panic holds it");
        let numbers = |body: &Value| {
            let requests = body["requests"].as_array().expect("a list").iter();
            requests
                .map(|one| one["n"].as_i64().expect("a number"))
                .collect()
        };
        bodies.iter().map(numbers).collect()
    }
}

#[async_trait]
impl HttpClient for Ingest {
    async fn call(&self, _: &str, wire: &Wire, _: Duration) -> Result<Answer, CallError> {
        let body: Value = serde_json::from_slice(&wire.body).expect("the body is JSON");
        self.bodies
            .lock()
            .expect("no panic holds it")
            .push(body.clone());
        let mut script = self.script.lock().expect("no panic holds it");
        let step = match script.len() {
            1 => script[0].clone(),
            _ => script.pop().expect("a step is left"),
        };
        let (status, answer) = match step {
            Step::Lose => return Err(CallError::Ambiguous("the connection broke".to_owned())),
            Step::Answer(status, answer) => (status, answer),
            Step::TakeAllBut(numbers, refusal) => {
                let requests = body["requests"].as_array().expect("a list").iter();
                let results = requests.map(|one| match &one["n"] {
                    n if numbers.contains(&n.as_i64().expect("a number")) => refusal.clone(),
                    n => json!({"status": 202, "id": format!("id-{n}"), "idempotency_key": format!("key-{n}"), "location": "/"}),
                });
                (207, json!({"results": results.collect::<Vec<_>>()}))
            }
        };
        Ok(Answer {
            status,
            headers: http::HeaderMap::new(),
            body: answer.to_string().into(),
        })
    }
}

struct Nobody;

#[async_trait]
impl Authorise for Nobody {
    async fn authorise(&self, _: &str, wire: Wire) -> Result<Wire, Error> {
        Ok(wire)
    }
}

fn items(numbers: std::ops::RangeInclusive<i64>) -> Vec<Item> {
    let items = numbers.map(|n| Item {
        line: n.unsigned_abs(),
        text: Ok(format!("{{\"n\":{n}}}")),
    });
    items.collect()
}

async fn send(ingest: &Ingest, items: Vec<Item>) -> Result<Vec<Sent>, Error> {
    let sender = Sender {
        url: "http://127.0.0.1:1",
        http: ingest,
        authorise: &Nobody,
        clock: &ManualClock::at(Timestamp::from_millis(0)),
    };
    sender.send(items).await
}

fn refused(code: &str, retryable: bool) -> Value {
    json!({"type": "about:blank", "title": "Bad", "status": 400, "code": code,
        "detail": "a rule", "retryable": retryable})
}

fn codes(sent: &[Sent]) -> Vec<String> {
    let codes = sent.iter().map(|one| match &one.end {
        End::Accepted {
            idempotency_key, ..
        } => idempotency_key.clone(),
        End::Refused(refusal) => refusal.code.clone(),
    });
    codes.collect()
}

#[tokio::test]
async fn each_request_has_its_own_end_and_refused_ones_keep_their_text() {
    let ingest = Ingest::new(&[Step::TakeAllBut(vec![2], refused("payload_invalid", false))]);
    let sent = send(&ingest, items(1..=3)).await.expect("it is let in");
    assert_eq!(codes(&sent), ["key-1", "payload_invalid", "key-3"]);
    assert_eq!(sent[1].text.as_deref(), Some("{\"n\":2}"));
    assert_eq!(sent[0].text, None);
    assert_eq!(ingest.asked().len(), 1);
}

/// A lost answer, a throttle and an ill gateway are asked again with the very same texts, hence the same keys.
#[tokio::test]
async fn what_brought_no_answer_is_sent_again_as_it_was() {
    let ill = Step::Answer(503, json!({"message": "Service Unavailable"}));
    let throttled = Step::Answer(429, json!({"message": "Too Many Requests"}));
    let script = [
        Step::Lose,
        throttled,
        ill,
        Step::TakeAllBut(vec![], json!(null)),
    ];
    let ingest = Ingest::new(&script);
    let sent = send(&ingest, items(1..=2)).await.expect("it is let in");
    assert_eq!(codes(&sent), ["key-1", "key-2"]);
    assert_eq!(ingest.asked(), [[1, 2], [1, 2], [1, 2], [1, 2]]);
}

#[tokio::test]
async fn only_what_the_queue_did_not_confirm_is_sent_again() {
    let unsure = Step::TakeAllBut(vec![2, 4], refused("queue_unavailable", true));
    let bad = Step::TakeAllBut(vec![4], refused("payload_invalid", false));
    let ingest = Ingest::new(&[unsure, bad]);
    let sent = send(&ingest, items(1..=4)).await.expect("it is let in");
    assert_eq!(codes(&sent), ["key-1", "key-2", "key-3", "payload_invalid"]);
    assert_eq!(ingest.asked(), [vec![1, 2, 3, 4], vec![2, 4]]);
}

#[tokio::test]
async fn tries_are_bounded_and_what_is_left_is_said_to_be_retryable() {
    let ingest = Ingest::new(&[Step::Lose]);
    let sent = send(&ingest, items(1..=1)).await.expect("it is let in");
    let End::Refused(refusal) = &sent[0].end else {
        panic!("nothing answered: {sent:?}");
    };
    assert!(
        refusal.retryable && refusal.code == "no_answer",
        "{refusal:?}"
    );
    assert_eq!(sent[0].text.as_deref(), Some("{\"n\":1}"));
    assert_eq!(ingest.asked().len(), TRIES as usize);
}

#[tokio::test]
async fn a_call_that_is_too_large_is_halved_and_the_order_kept() {
    let large = Step::Answer(413, json!({"message": "Request Entity Too Large"}));
    let ingest = Ingest::new(&[large.clone(), Step::TakeAllBut(vec![], json!(null))]);
    let sent = send(&ingest, items(1..=5)).await.expect("it is let in");
    assert_eq!(codes(&sent), ["key-1", "key-2", "key-3", "key-4", "key-5"]);
    assert_eq!(
        ingest.asked(),
        [vec![1, 2, 3, 4, 5], vec![1, 2], vec![3, 4, 5]]
    );

    let ingest = Ingest::new(&[large]);
    let sent = send(&ingest, items(1..=2)).await.expect("it is let in");
    assert_eq!(codes(&sent), ["http_error", "http_error"]);
    assert_eq!(ingest.asked(), [vec![1, 2], vec![1], vec![2]]);
}

#[tokio::test]
async fn whoever_is_not_let_in_is_told_what_is_missing_and_nothing_is_repeated() {
    let ingest = Ingest::new(&[Step::Answer(403, json!({"message": "Forbidden"}))]);
    let error = send(&ingest, items(1..=2)).await.expect_err("not let in");
    assert!(error.to_string().contains("execute-api:Invoke"), "{error}");
    assert_eq!(ingest.asked().len(), 1);
}

#[tokio::test]
async fn broken_requests_stay_at_home() {
    let ingest = Ingest::new(&[Step::TakeAllBut(vec![], json!(null))]);
    let mut all = items(1..=3);
    all[1].text = Err(crate::send::input::Broken {
        code: "malformed_json",
        detail: "the line is no JSON (column 3)".to_owned(),
        text: Some("{\"n\"".to_owned()),
    });
    let sent = send(&ingest, all).await.expect("it is let in");
    assert_eq!(codes(&sent), ["key-1", "malformed_json", "key-3"]);
    assert_eq!(sent[1].text.as_deref(), Some("{\"n\""));
    assert_eq!(ingest.asked(), [[1, 3]]);
}

/// An answer of another shape is no reason to count anybody as accepted.
#[tokio::test]
async fn an_answer_that_does_not_match_accepts_nobody() {
    let short = json!({"results": [{"status": 202, "id": "i", "idempotency_key": "k"}]});
    let ingest = Ingest::new(&[Step::Answer(202, short)]);
    let sent = send(&ingest, items(1..=2)).await.expect("it is let in");
    assert_eq!(codes(&sent), ["bad_answer", "bad_answer"]);
}

#[test]
fn waits_double_up_to_a_bound_and_a_refusal_names_field_and_rule() {
    assert_eq!(backoff(0, 1.0), BACKOFF);
    assert_eq!(backoff(3, 0.5), BACKOFF * 4);
    assert_eq!(backoff(30, 1.0), BACKOFF_MAX);
    assert!((0..100).all(|_| (0.0..1.0).contains(&jitter())));
    let refusal: Refusal = serde_json::from_value(json!({"code": "payload_invalid", "detail": "2 fields are wrong",
        "errors": [{"field": "payload.a", "rule": "must be text"}, {"field": "payload.b", "rule": "must be given"}]}))
        .expect("a refusal");
    assert_eq!(
        refusal.sentence(),
        "payload_invalid: payload.a: must be text; payload.b: must be given"
    );
}
