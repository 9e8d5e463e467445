//! How late the lane is, by its own measure.

use super::*;

async fn late(world: &World, message: Message) -> Option<Duration> {
    let report = world.receive([message]).await;
    report.entries[0].late
}

#[tokio::test]
async fn a_message_that_is_received_first_is_as_late_as_it_has_waited() {
    let world = World::new();
    world.clock.advance(secs(1_200));
    let late = late(&world, message("m", body("k", "orders.create"))).await;
    assert_eq!(late, Some(secs(1_200)));
}

/// A single request that fails for hours is no sign that the lane is slow.
#[tokio::test]
async fn what_comes_back_for_a_retry_of_its_own_is_not_late() {
    let world = World::new();
    world.vendor.always(Some(Reply::Status(503, "{}")));
    let first = message("m", body("k", "orders.replace"));
    assert!(late(&world, first.clone()).await.is_some());
    world.clock.advance(secs(3_600));
    assert_eq!(late(&world, first.again()).await, None);
}

/// Its messages are as old as its pause; the others go on.
#[tokio::test]
async fn what_a_paused_connection_puts_off_is_not_late() {
    let world = World::new();
    let mut request = request("k", "orders.create");
    request["connection"] = "nobody".into();
    let first = message("m", request.to_string());
    world.receive([first.clone()]).await;
    world.clock.advance(secs(7_200));
    let report = world.receive([first.again()]).await;
    let entry = &report.entries[0];
    assert_eq!(entry.outcome.code(), Some("connection_paused"));
    assert_eq!(entry.late, None);
}

/// Nobody sees it before it comes back: it says beforehand how old it will be then.
#[tokio::test]
async fn what_the_lane_puts_off_is_as_late_as_it_will_be() {
    let world = World::new();
    world.vendor.always(Some(Reply::Status(422, "{}")));
    world.queue.refuse_sends(true);
    world.clock.advance(secs(1_200));
    let again = message("m", body("k", "orders.replace")).again();
    let report = world.receive([again]).await;
    let entry = &report.entries[0];
    let Outcome::Deferred { until, .. } = entry.outcome else {
        panic!("{:?}", entry.outcome);
    };
    assert_eq!(entry.late, Some(until.since(NOON)));
    assert!(entry.late > Some(secs(1_200)));
}
