//! The circuit breaker as messages meet it.

use futures_util::FutureExt;

use super::acme::{Acme, Boundless};
use super::world::lane;
use super::*;
use crate::breaker::{Breaker, State};
use crate::clock::Clock;
use crate::lanes::StateStore;

/// `count` first receives of new requests.
fn batch(from: usize, count: usize) -> Vec<Message> {
    let numbers = from..from + count;
    numbers
        .map(|n| message(&format!("m{n}"), body(&format!("k{n}"), "orders.create")))
        .collect()
}

/// A world whose breaker has just opened: six calls behind it.
async fn opened() -> World {
    let world = World::new();
    world.open_breaker().await;
    world.vendor.always(Some(Reply::Status(503, "{}")));
    world
}

/// A world whose open window has just ended, with a vendor that is well again.
async fn recovered() -> World {
    let world = opened().await;
    world.vendor.always(None);
    world.clock.advance(secs(60));
    world
}

#[tokio::test]
async fn five_faults_of_one_batch_do_not_open_it_and_a_second_failing_batch_does() {
    let world = World::new();
    world.vendor.always(Some(Reply::Status(503, "{}")));
    world.receive(batch(0, 5)).await;
    assert_eq!(
        world.breaker().state,
        State::Closed,
        "one environment's network may be broken"
    );
    world.clock.advance(secs(2));
    world.receive(batch(5, 1)).await;
    let breaker = world.breaker();
    assert_eq!((breaker.state, breaker.opened), (State::Open, 1));
    assert_eq!(breaker.open_until, Some(world.clock.now() + secs(60)));
}

#[tokio::test]
async fn faults_of_two_environments_open_it_at_once() {
    let world = World::new();
    world.vendor.always(Some(Reply::NotSent));
    world.receive(batch(0, 3)).await;
    let other = lane(Acme, world.seams.clone(), "another environment");
    other.process(batch(3, 2), &world.invocation()).await;
    assert_eq!(world.breaker().state, State::Open);
}

#[tokio::test]
async fn an_open_breaker_costs_no_call_no_attempt_and_no_write() {
    let world = opened().await;
    let (calls, records) = (world.vendor.calls().len(), world.ledger.records());
    let open_until = world.breaker().open_until.expect("an end");
    world.clock.advance(secs(10));
    let writes = world.states.writes();
    // Six that have failed before, and are noted so; what was received before and has no record would be noted now.
    let report = world.receive(batch(0, 6).iter().map(Message::again)).await;
    assert_eq!(report.retained().len(), 6);
    for entry in &report.entries {
        let Outcome::Deferred {
            reason: Deferral::BreakerOpen,
            until,
        } = entry.outcome
        else {
            panic!("{:?}", entry.outcome);
        };
        assert!(
            (open_until..=open_until + secs(5)).contains(&until),
            "{until}"
        );
    }
    assert_eq!(world.vendor.calls().len(), calls);
    assert_eq!(world.ledger.records(), records);
    assert_eq!(world.states.writes(), writes);
}

#[tokio::test]
async fn behind_a_breaker_that_is_forced_open_for_long_messages_look_again() {
    let world = World::new();
    let now = world.clock.now();
    let forced = Breaker::default().force_open(now, "drill", now + secs(7200));
    let forced = serde_json::to_value(forced.expect("allowed")).expect("JSON");
    let swapped = world
        .states
        .swap("acme#*#breaker", None, &forced, "operator");
    swapped.await.expect("stored");
    let Outcome::Deferred {
        reason: Deferral::BreakerOpen,
        until,
    } = world.outcome(batch(0, 1).remove(0)).await
    else {
        panic!("it was let through");
    };
    assert!(
        (now + secs(300)..=now + secs(305)).contains(&until),
        "{until}"
    );
    assert!(world.vendor.calls().is_empty());
}

#[tokio::test]
async fn after_the_window_one_call_of_one_batch_tries_the_provider() {
    let world = recovered().await;
    let before = world.vendor.calls().len();
    let report = world.receive(batch(10, 5)).await;
    assert_eq!(world.vendor.calls().len(), before + 1);
    assert_eq!(
        report
            .entries
            .iter()
            .filter(|entry| entry.outcome == Outcome::Delivered)
            .count(),
        1
    );
    assert_eq!(report.retained().len(), 4);
    let breaker = world.breaker();
    assert_eq!((breaker.state, breaker.successes), (State::HalfOpen, 1));
    assert_eq!(
        breaker.probe_owner, None,
        "the next probe may come from anyone"
    );
}

#[tokio::test]
async fn while_one_environment_probes_the_others_keep_away() {
    let world = recovered().await;
    world.vendor.script([Reply::Hang]);
    assert!(world.receive(batch(10, 1)).now_or_never().is_none());
    let before = world.vendor.calls().len();
    let other = lane(Acme, world.seams.clone(), "another environment");
    let report = other.process(batch(11, 5), &world.invocation()).await;
    assert_eq!(report.retained().len(), 5);
    assert_eq!(world.vendor.calls().len(), before);

    // The prober died: its lease ends by itself.
    world.clock.advance(secs(70));
    other.process(batch(11, 5), &world.invocation()).await;
    assert_eq!(world.vendor.calls().len(), before + 1);
}

#[tokio::test]
async fn three_successes_close_it_and_admission_ramps_up() {
    let world = recovered().await;
    for probe in 0..3 {
        assert_ne!(world.breaker().state, State::Closed);
        world.receive(batch(10 + probe, 1)).await;
    }
    assert_eq!(world.breaker().state, State::Closed);
    // The limiter used to be asked beside the breaker, at the full rate, as soon as that was closed.
    // A window of 1,000 holds a quarter, a half, all of them.
    for (wait, most) in [(0, 250), (30, 500), (30, 1_000)] {
        world.clock.advance(secs(wait));
        world.receive(batch(1_000 * most, 700)).await;
        let stored = world.states.values().remove("acme#default#limit#account");
        let value = stored.expect("tokens were drawn").value;
        assert_eq!(value["sums"]["account"], most, "after {wait} s more");
    }
}

#[tokio::test]
async fn a_lane_without_limits_ramps_up_by_shares_of_its_batches() {
    let world = recovered().await;
    let lane = lane(Boundless, world.seams.clone(), "boundless");
    for probe in 0..3 {
        lane.process(batch(10 + probe, 1), &world.invocation())
            .await;
    }
    assert_eq!(world.breaker().state, State::Closed);
    for (from, wait, called) in [(20, 0, 3), (30, 30, 5), (40, 30, 10)] {
        world.clock.advance(secs(wait));
        let before = world.vendor.calls().len();
        let report = lane.process(batch(from, 10), &world.invocation()).await;
        assert_eq!(world.vendor.calls().len() - before, called);
        assert_eq!(report.retained().len(), 10 - called);
    }
}

#[tokio::test]
async fn a_failed_probe_opens_it_again_for_longer() {
    let world = recovered().await;
    world.vendor.script([Reply::Status(503, "{}")]);
    world.receive(batch(10, 2)).await;
    let breaker = world.breaker();
    assert_eq!(
        (breaker.state, breaker.reopenings, breaker.opened),
        (State::Open, 1, 1)
    );
    let window = breaker.open_until.expect("an end").since(world.clock.now());
    assert!((secs(120)..=secs(132)).contains(&window), "{window:?}");
}

#[tokio::test]
async fn a_probe_that_finds_a_duplicate_is_handed_back() {
    let world = recovered().await;
    world.receive(batch(10, 1)).await;
    let done = message("m10", body("k10", "orders.create")).again();
    assert_eq!(world.outcome(done).await, Outcome::Duplicate);
    let breaker = world.breaker();
    assert_eq!((breaker.state, breaker.successes), (State::HalfOpen, 1));
    assert_eq!(breaker.probe_owner, None);
}

#[tokio::test]
async fn a_probe_by_a_request_whose_holder_died_counts_and_keeps_its_lease_while_it_runs() {
    // The breaker used to be told before those requests ran: their probe was handed back unused, somebody else could
    // probe beside it, and its success was lost.
    let world = recovered().await;
    world.vendor.script([Reply::Hang]);
    let dead = message("m10", body("k10", "orders.create"));
    assert!(world.receive([dead.clone()]).now_or_never().is_none());
    world.clock.advance(secs(70));

    world.vendor.script([Reply::Hang]);
    assert!(
        world.receive([dead.again()]).now_or_never().is_none(),
        "alone"
    );
    assert_eq!(world.breaker().probe_owner.as_deref(), Some("environment"));
    world.clock.advance(secs(70));

    assert_eq!(
        world.outcome(dead.again().again()).await,
        Outcome::Delivered
    );
    assert_eq!(
        (world.breaker().state, world.breaker().successes),
        (State::HalfOpen, 1)
    );
}

#[tokio::test]
async fn a_slow_answer_is_delivered_and_counts_against_the_provider() {
    let world = World::new();
    world.vendor.script([Reply::Slow(secs(11))]);
    let outcome = world
        .outcome(message("m1", body("k", "orders.create")))
        .await;
    assert_eq!(outcome, Outcome::Delivered);
    let bad: u32 = world.breaker().window.iter().map(|bucket| bucket.bad).sum();
    assert_eq!(bad, 1);
}
