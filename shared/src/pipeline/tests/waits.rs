//! Where deferred messages wait, and how many retries there are.

use super::*;
use crate::queue::{MAX_DELAY, MAX_WAITING};
use crate::retry::RetryBudget;

#[tokio::test]
async fn with_room_in_the_queue_messages_wait_by_visibility() {
    let world = World::new();
    world.open_breaker().await;
    world.queue.set_in_flight(MAX_WAITING - 20);
    let report = world
        .receive([message("m", body("k", "orders.create"))])
        .await;
    assert_eq!(report.retained(), ["m"]);
    assert!(world.queue.done().sent_again.is_empty());
}

#[tokio::test]
async fn with_too_many_in_flight_messages_are_sent_again_with_their_history_and_acknowledged() {
    let world = World::new();
    world.open_breaker().await;
    world.queue.set_in_flight(MAX_WAITING);
    let hidden = world.queue.done().hidden.len();
    // Beyond the time for which the earlier count is believed.
    world.clock.advance(secs(11));
    let waiting = Message {
        group_id: Some("tenant".into()),
        trace_header: Some("Root=1".into()),
        ..message("m", body("k", "orders.create"))
    };
    let report = world.receive([waiting.clone()]).await;
    assert!(
        report.retained().is_empty(),
        "acknowledged: another one waits"
    );
    let done = world.queue.done();
    assert_eq!(done.hidden.len(), hidden);
    assert_eq!(done.sent_again.len(), 1);
    assert_eq!(done.sent_again[0].message, waiting);
    assert!(done.sent_again[0].delay <= MAX_DELAY);
}

#[tokio::test]
async fn a_message_that_cannot_be_sent_again_waits_where_it_is() {
    let world = World::new();
    world.open_breaker().await;
    world.queue.set_in_flight(MAX_WAITING);
    world.clock.advance(secs(11));
    world.queue.refuse_sends(true);
    let report = world
        .receive([message("m", body("k", "orders.create"))])
        .await;
    assert_eq!(report.retained(), ["m"]);
    assert_eq!(
        world
            .queue
            .done()
            .hidden
            .last()
            .map(|hidden| hidden.0.as_str()),
        Some("receipt-m")
    );
}

#[tokio::test]
async fn a_rejected_message_that_was_sent_again_is_no_redrive() {
    let world = World::new();
    world.vendor.always(Some(Reply::Status(422, "{}")));
    let first = message("m0", body("k", "orders.replace"));
    assert!(matches!(
        world.outcome(first.clone()).await,
        Outcome::Rejected(_)
    ));
    // The original was sent again before, and its copy comes now.
    let copy = Message {
        id: "m1".into(),
        ..first.again()
    };
    assert!(matches!(world.outcome(copy).await, Outcome::Rejected(_)));
    assert_eq!(world.vendor.calls().len(), 1);
    assert_eq!(
        world.letters().len(),
        2,
        "the letter is sent again, since its loss cannot be ruled out"
    );
}

#[tokio::test]
async fn retries_beyond_the_budget_wait_without_an_attempt() {
    let world = World::new();
    world.vendor.always(Some(Reply::TryAfter(1)));
    let mut waiting = Vec::new();
    for n in 0..20 {
        let message = message(&format!("m{n}"), body(&format!("k{n}"), "orders.replace"));
        assert!(matches!(
            world.outcome(message.clone()).await,
            Outcome::Retry { .. }
        ));
        world.clock.advance(secs(2));
        waiting.push(message.again());
    }
    world.clock.advance(secs(120));
    let before = world.vendor.calls().len();
    let report = world.receive(waiting.clone()).await;
    let without = |code: &str| {
        let of_code = report
            .entries
            .iter()
            .filter(|entry| entry.outcome.code() == Some(code));
        of_code.count()
    };
    let made = world.vendor.calls().len() - before;
    assert_eq!(
        made, 6,
        "the floor: nothing else was attempted for a minute"
    );
    assert_eq!(without("retry_budget"), 14);
    let refused = report
        .entries
        .iter()
        .find(|entry| entry.outcome.code() == Some("retry_budget"));
    let key = refused.expect("one").message_id.replace('m', "k");
    assert_eq!(world.record(&key).map(|record| record.attempts), Some(1));

    // They get through in the end, and success makes room for more.
    world.vendor.always(None);
    for _ in 0..10 {
        world.clock.advance(RetryBudget::wait(1.0) + secs(60));
        waiting = waiting.iter().map(Message::again).collect();
        world.receive(waiting.clone()).await;
    }
    assert_eq!(world.vendor.effects().len(), 20);
}
