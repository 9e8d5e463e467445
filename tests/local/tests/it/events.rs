//! The events that README offers for `sam local invoke`, and events made up here, through the built programs.
//!
//! A container engine is more than this project may ask for, so the same programs get the
//! same events from the emulator that the container would run.

mod batches;
mod mappings;

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use causeway::breaker::{Breaker, State};
use causeway::clock::{Clock, SystemClock};
use causeway::gatekeeper::WatchedLane;
use causeway::lane_control::{LaneControl, MIN_CONCURRENCY, Setting};
use causeway::lanes::{DynamoStates, StateStore};
use causeway_fakes::Server;
use causeway_gatekeeper::AwsLaneControl;
use causeway_local::stack::{LocalStack, UpOptions, root};
use serde_json::{Value, json};

use crate::cloudformation::Template;
use crate::interface_emulator::invoke;

/// Letters that are on their way arrive in seconds, those of requests that are tried again within a backoff more.
const LETTERS_MAX: Duration = Duration::from_secs(60);

#[tokio::test(flavor = "multi_thread")]
async fn the_sample_events_reach_the_vendors_once_however_often_they_come() {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let fakes = Server::start(any_port).await.expect("a free port");
    let stack = LocalStack::up(UpOptions {
        name: "test-events".to_owned(),
        provider_base_url: fakes.base_url().to_owned(),
        parameters: Vec::new(),
        progress: Arc::new(|_| {}),
    })
    .await
    .unwrap_or_else(|error| panic!("{}", error.report()));

    for (lane, settings) in &Template::read().lanes {
        let provider = settings["Provider"].as_str().expect("a name");
        let event = event(provider);
        let marker = format!("local-invoke-{provider}-1");

        let answer = invoke(&stack, lane, &event).await;
        assert_eq!(answer, json!({"batchItemFailures": []}), "{lane}");
        assert_eq!(fakes.journal().effects_of(provider, &marker), 1, "{lane}");

        // Whatever becomes of the copy (a limiter may send it back first), it has no effect.
        invoke(&stack, lane, &event).await;
        assert_eq!(fakes.journal().effects_of(provider, &marker), 1, "{lane}");
    }

    batches::a_hundred_records_are_one_call_and_a_hundred_outcomes(&stack, &fakes).await;
    batches::ten_messages_are_one_call(&stack, &fakes).await;
    batches::a_bad_element_does_not_hurt_the_others(&stack, &fakes).await;
    mappings::a_connections_own_mapping_is_used_for_it_alone(&stack, &fakes).await;
    the_gatekeeper_takes_both_its_events(&stack).await;

    let stopped = stack.down();
    assert_eq!(stopped.left, 0, "every process ended");
    fakes.stop().await;
}

/// A dead letter.
struct Letter {
    body: String,
    code: String,
    detail: String,
}

/// Takes letters out of a lane's dead-letter queue until it has as many as are expected; and all others that are there.
async fn letters(stack: &LocalStack, lane: &str, expected: usize) -> Vec<Letter> {
    let dlq_url = stack.output(&format!("{lane}DlqUrl")).expect("an output");
    let sqs = aws_sdk_sqs::Client::new(&stack.sdk_config());
    let mut letters = Vec::new();
    let end = Instant::now() + LETTERS_MAX;
    loop {
        let call = sqs.receive_message().queue_url(dlq_url);
        let call = call
            .max_number_of_messages(10)
            .message_attribute_names("All");
        let answer = call.send().await.expect("it answers");
        let messages = answer.messages.unwrap_or_default();
        if messages.is_empty() && letters.len() >= expected {
            return letters;
        }
        assert!(Instant::now() < end, "{} letters", letters.len());
        for message in messages {
            let taken = sqs.delete_message().queue_url(dlq_url);
            let taken = taken.set_receipt_handle(message.receipt_handle.clone());
            taken.send().await.expect("it answers");
            letters.push(Letter::of(&message));
        }
    }
}

impl Letter {
    fn of(message: &aws_sdk_sqs::types::Message) -> Self {
        let attribute = |name: &str| {
            let value = message.message_attributes()?.get(name)?.string_value()?;
            Some(value.to_owned())
        };
        Self {
            code: attribute("code").unwrap_or_default(),
            detail: attribute("detail").unwrap_or_default(),
            body: message.body().unwrap_or_default().to_owned(),
        }
    }
}

/// A file of `infra/events/`.
fn event(name: &str) -> Value {
    let file = root().join(format!("infra/events/{name}.json"));
    let text = std::fs::read(&file).unwrap_or_else(|_| panic!("no {}", file.display()));
    serde_json::from_slice(&text).expect("JSON")
}

/// The deployed gatekeeper hears of the same changes, so that either of the two may have set the event source.
async fn the_gatekeeper_takes_both_its_events(stack: &LocalStack) {
    let config = stack.sdk_config();
    let table = stack.output("LanesTable").expect("an output");
    let states = DynamoStates::new(aws_sdk_dynamodb::Client::new(&config), table);
    let control = AwsLaneControl::new(
        aws_sdk_lambda::Client::new(&config),
        aws_sdk_sqs::Client::new(&config),
    );
    let function = stack.output("GatekeeperFunctionName").expect("an output");
    let variables = stack.environment(function).await.expect("it is deployed");
    let queue = format!("{}Stripe", variables["QUEUE_PREFIX"]);
    let lane = WatchedLane::read(queue, &variables["LANE_Stripe"]).expect("a lane");
    assert_eq!(
        (lane.provider.as_str(), lane.maximum_concurrency),
        ("stripe", 5)
    );
    let stands = async || {
        let ids = [lane.source.clone()];
        control.read(&ids).await.expect("it answers")[&lane.source]
    };
    let store = async |breaker: &Breaker| {
        let key = lane.breaker_key();
        let version = states.load(&key).await.expect("it answers");
        let value = serde_json::to_value(breaker).expect("JSON");
        let version = version.map(|stored| stored.version);
        states
            .swap(&key, version, &value, "test")
            .await
            .expect("it answers");
    };

    let now = SystemClock.now();
    let mut breaker = Breaker {
        state: State::Open,
        opened_at: Some(now),
        open_until: Some(now + Duration::from_secs(600)),
        ..Breaker::default()
    };
    store(&breaker).await;
    let answer = invoke(stack, "Gatekeeper", &event("gatekeeper-stream")).await;
    assert_eq!(answer["looked_at"], json!(["stripe"]));
    assert_eq!(answer["open"], json!(["stripe"]));
    assert_eq!(answer["failed"], json!([]));
    assert!(stands().await.is(Setting::Disabled));

    breaker.open_until = Some(now);
    store(&breaker).await;
    let answer = invoke(stack, "Gatekeeper", &event("gatekeeper-schedule")).await;
    let mut all: Vec<Value> = Template::read()
        .lanes
        .values()
        .map(|lane| lane["Provider"].clone())
        .collect();
    all.sort_by_key(Value::to_string);
    assert_eq!(answer["looked_at"], json!(all));
    assert_eq!(answer["failed"], Value::Array(Vec::new()));
    assert!(stands().await.is(Setting::Enabled {
        maximum_concurrency: MIN_CONCURRENCY
    }));
}
