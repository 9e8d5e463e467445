//! The events that README offers for `sam local invoke`, and events made up here, through the built programs.
//!
//! A container engine is more than this project may ask for, so the same programs get the
//! same events from the emulator that the container would run.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

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

    the_gatekeeper_takes_both_its_events(&stack).await;

    let stopped = stack.down();
    assert_eq!(stopped.left, 0, "every process ended");
    fakes.stop().await;
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
    let control = AwsLaneControl::new(aws_sdk_lambda::Client::new(&config));
    let function = stack.output("GatekeeperFunctionName").expect("an output");
    let variables = stack.environment(function).await.expect("it is deployed");
    let lane: WatchedLane = variables["LANE_Stripe"].parse().expect("a lane");
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
