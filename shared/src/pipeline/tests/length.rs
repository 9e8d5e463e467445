//! Functions that are too short for their calls.

use super::acme::{ORDERS_CREATE, TIMEOUT};
use super::lines::{Lines, listen};
use super::*;
use crate::clock::Clock;
use crate::pipeline::{Invocation, SETTLE_RESERVE};
use crate::provider::CONNECT_TIMEOUT;

/// Every message was put off, call after call, and nothing said why, until they were 13 days old.
#[tokio::test]
async fn a_function_that_is_too_short_for_its_calls_says_so_once() {
    let lines = Lines::default();
    let writer = lines.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_writer(move || writer.clone())
        .finish();
    let _listening = listen(subscriber);
    let errors = || {
        let all = lines.read().into_iter();
        all.filter(|line| line.contains("ERROR"))
            .collect::<Vec<_>>()
    };

    let once = TIMEOUT + SETTLE_RESERVE;
    for (length, operations) in [
        (once, &[][..]),
        (
            once - secs(1),
            &[
                "orders.create",
                "orders.replace",
                "orders.book",
                "orders.post",
                "stock.upsert",
            ],
        ),
    ] {
        let world = World::new();
        let before = errors().len();
        for _ in 0..3 {
            let invocation = Invocation {
                id: "short".into(),
                deadline: world.clock.now() + length,
            };
            let named = [
                "orders.create",
                "orders.replace",
                "orders.book",
                "orders.post",
                "stock.upsert",
            ];
            let batch = named.map(|operation| message(operation, body(operation, operation)));
            world.lane.process(batch.into(), &invocation).await;
        }
        let told = errors().split_off(before);
        assert_eq!(told.len(), operations.len(), "{told:?}");
        for (told, operation) in told.iter().zip(operations) {
            assert!(
                told.contains(operation) && told.contains("FunctionTimeout"),
                "{told}"
            );
        }
    }
}

/// A vendor that cannot be reached would look like one that took the call and never answered.
#[test]
#[should_panic(expected = "an answer takes longer than a connection")]
fn no_operation_gives_up_before_a_connection_could() {
    let _ = ORDERS_CREATE.timeout(CONNECT_TIMEOUT);
}
