//! The events that README offers for `sam local invoke`, through the built programs.
//!
//! A container engine is more than this project may ask for, so the same programs get the
//! same events from the emulator that the container would run.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;

use causeway_fakes::Server;
use causeway_local::stack::{LocalStack, UpOptions, root};
use serde_json::json;

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

    for (lane, provider) in [("Stripe", "stripe"), ("Slack", "slack")] {
        let event = root().join(format!("infra/events/{provider}.json"));
        let marker = format!("local-invoke-{provider}-1");

        let answer = invoke(&stack, lane, &event).await;
        assert_eq!(answer, json!({"batchItemFailures": []}), "{lane}");
        assert_eq!(fakes.journal().effects_of(provider, &marker), 1, "{lane}");

        // Whatever becomes of the copy (a limiter may send it back first), it has no effect.
        invoke(&stack, lane, &event).await;
        assert_eq!(fakes.journal().effects_of(provider, &marker), 1, "{lane}");
    }

    let stopped = stack.down();
    assert_eq!(stopped.left, 0, "every process ended");
    fakes.stop().await;
}
