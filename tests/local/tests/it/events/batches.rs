//! Requests that go to their vendor together: HubSpot takes up to a hundred contacts in one call.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use causeway::gatekeeper::WatchedLane;
use causeway::lane_control::{LaneControl, Setting};
use causeway_fakes::Server;
use causeway_gatekeeper::AwsLaneControl;
use causeway_local::stack::LocalStack;
use serde_json::{Value, json};

use super::letters;
use crate::interface_emulator::{invoke, received};

/// The one call that carries contacts.
const CALL: &str = "POST /crm/v3/objects/contacts/batch/upsert";

/// Ten messages are through in seconds; elements that are sent again alone take a backoff more.
const THROUGH_MAX: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(100);

fn request(marker: &str, email: &str) -> Value {
    json!({
        "provider": "hubspot", "operation": "contacts.upsert", "idempotency_key": marker,
        "created_at": "2026-11-22T10:00:00Z",
        "payload": {
            "id_property": "email", "id": email,
            "properties": {"firstname": "Ada", "jobtitle": format!("Guest [ref:{marker}]")},
        },
    })
}

/// A hundred records in one event: ninety-nine contacts in one call, each completed by itself, and one payload that was
/// never fit to go along.
pub async fn a_hundred_records_are_one_call_and_a_hundred_outcomes(
    stack: &LocalStack,
    fakes: &Server,
) {
    let marker = |n: usize| format!("hundred-{n:03}");
    let mut requests: Vec<Value> = (0..100)
        .map(|n| request(&marker(n), &format!("hundred{n}@example.com")))
        .collect();
    requests[37]["payload"]["properties"] = json!("no object");
    let before = calls(fakes);

    let answer = invoke(stack, "Hubspot", &received(&requests)).await;

    assert_eq!(answer, json!({"batchItemFailures": []}));
    assert_eq!(calls(fakes) - before, 1);
    let journal = fakes.journal();
    let statuses = statuses(stack).await;
    for n in 0..100 {
        let (effects, status) = match n {
            37 => (0, "REJECTED"),
            _ => (1, "COMPLETED"),
        };
        let marker = marker(n);
        assert_eq!(journal.effects_of("hubspot", &marker), effects, "{marker}");
        assert_eq!(statuses[&format!("hubspot#default#{marker}")], status);
    }
    let letters = letters(stack, "Hubspot", 1).await;
    let letters: Vec<&str> = letters.iter().map(|letter| letter.code.as_str()).collect();
    assert_eq!(letters, ["payload_invalid"]);
}

/// Ten messages that wait in the queue are received together and go in one call.
pub async fn ten_messages_are_one_call(stack: &LocalStack, fakes: &Server) {
    let markers: Vec<String> = (0..10).map(|n| format!("ten-{n}")).collect();
    let requests = markers
        .iter()
        .map(|marker| request(marker, &format!("{marker}@example.com")));
    let before = calls(fakes);

    send_together(stack, requests.collect()).await;
    until(|| all_delivered(fakes, &markers)).await;

    assert_eq!(calls(fakes) - before, 1);
}

/// One bad address has HubSpot refuse a whole call. Each of its requests is then sent alone: nine are delivered, and the
/// bad one alone is rejected.
pub async fn a_bad_element_does_not_hurt_the_others(stack: &LocalStack, fakes: &Server) {
    let good: Vec<String> = (0..9).map(|n| format!("beside-{n}")).collect();
    let mut requests: Vec<Value> = good
        .iter()
        .map(|marker| request(marker, &format!("{marker}@example.com")))
        .collect();
    requests.insert(4, request("bad-address", "no address"));
    let before = calls(fakes);

    send_together(stack, requests).await;
    until(|| all_delivered(fakes, &good)).await;
    let letters = letters(stack, "Hubspot", 1).await;
    let codes: Vec<&str> = letters.iter().map(|letter| letter.code.as_str()).collect();
    assert_eq!(codes, ["provider_rejected"]);
    assert!(letters[0].body.contains("bad-address"));
    assert_eq!(fakes.journal().effects_of("hubspot", "bad-address"), 0);
    assert_eq!(calls(fakes) - before, 1 + 10, "together, then each alone");
}

fn calls(fakes: &Server) -> usize {
    let calls = fakes.calls();
    let contacts = calls.iter().filter(|call| call.call == CALL);
    contacts.count()
}

fn all_delivered(fakes: &Server, markers: &[String]) -> bool {
    let journal = fakes.journal();
    let mut effects = markers
        .iter()
        .map(|marker| journal.effects_of("hubspot", marker));
    effects.all(|effects| effects == 1)
}

async fn until(done: impl Fn() -> bool) {
    let end = Instant::now() + THROUGH_MAX;
    while !done() {
        assert!(Instant::now() < end, "not through in {THROUGH_MAX:?}");
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// Puts ten messages into the queue while nobody receives any: else the first receive might find some of them only.
async fn send_together(stack: &LocalStack, requests: Vec<Value>) {
    let function = stack.output("GatekeeperFunctionName").expect("an output");
    let variables = stack.environment(function).await.expect("it is deployed");
    let queue = format!("{}Hubspot", variables["QUEUE_PREFIX"]);
    let lane = WatchedLane::read(queue, &variables["LANE_Hubspot"]).expect("a lane");
    let control = AwsLaneControl::new(
        aws_sdk_lambda::Client::new(&stack.sdk_config()),
        aws_sdk_sqs::Client::new(&stack.sdk_config()),
    );
    let seen = control.read(std::slice::from_ref(&lane.source)).await;
    assert!(seen.expect("it answers").contains_key(&lane.source));
    let set = async |setting| control.set(&lane.source, setting).await.expect("it is set");
    set(Setting::Disabled).await;
    let entries = requests.iter().enumerate().map(|(at, request)| {
        SendMessageBatchRequestEntry::builder()
            .id(at.to_string())
            .message_body(request.to_string())
            .build()
            .expect("an entry")
    });
    let sent = aws_sdk_sqs::Client::new(&stack.sdk_config())
        .send_message_batch()
        .queue_url(stack.output("HubspotQueueUrl").expect("an output"))
        .set_entries(Some(entries.collect()))
        .send()
        .await
        .expect("it answers");
    assert_eq!(sent.successful().len(), requests.len());
    set(Setting::Enabled {
        maximum_concurrency: lane.maximum_concurrency,
    })
    .await;
}

/// The ledger's records: status by primary key.
async fn statuses(stack: &LocalStack) -> BTreeMap<String, String> {
    let table = stack.output("RequestsTable").expect("an output");
    let items = aws_sdk_dynamodb::Client::new(&stack.sdk_config())
        .scan()
        .table_name(table)
        .consistent_read(true)
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await
        .expect("it answers");
    let text = |value: &aws_sdk_dynamodb::types::AttributeValue| value.as_s().ok().cloned();
    let record = |item: std::collections::HashMap<String, _>| {
        Some((text(item.get("pk")?)?, text(item.get("status")?)?))
    };
    items.into_iter().filter_map(record).collect()
}
