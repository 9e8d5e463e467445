//! What answers say about limits: costs, what is left, spent quotas; and permits, which come back with the batch.

use serde::Deserialize;
use serde_json::Value;

use super::world::{FUNCTION_TIMEOUT, lane};
use super::*;
use crate::Timestamp;
use crate::limiter::{CLOCK_SLACK, Limit, LimitState, Remaining, Signals};
use crate::pipeline::{Lane, Report};
use crate::provider::{Answer, Auth, Operation, Provider, Safety, Spec, Verdict};

/// A vendor that allows two calls at once, counts points, and tells of both in its bodies.
struct Metered;

static SPEC: Spec = Spec {
    limits: &[
        Limit::concurrency("2 at once", 2),
        Limit::bucket("points", 100, 10, Duration::from_secs(1)).in_cost(),
    ],
    ..Spec::new(
        "acme",
        "https://api.acme.example",
        Auth::Bearer { field: "token" },
        &[Operation::new::<acme::Order>("orders.create", Safety::Natural).cost(10)],
    )
};

#[derive(Deserialize)]
struct Meter {
    cost: Option<u32>,
    left: Option<u32>,
    reset_s: Option<u64>,
    spent_for_s: Option<u64>,
}

impl Provider for Metered {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        match answer.json::<Meter>().and_then(|body| body.spent_for_s) {
            Some(seconds) => Verdict::QuotaSpent {
                until: now + secs(seconds),
            },
            None => Verdict::by_status(answer, now),
        }
    }

    fn signals(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Signals {
        assert!(answer.body != acme::PANIC, "an answer that nobody expected");
        let Some(body) = answer.json::<Meter>() else {
            return Signals::default();
        };
        let remaining = body.left.map(|left| Remaining {
            limit: "points",
            left,
            reset: body.reset_s.map(|seconds| now + secs(seconds)),
        });
        Signals {
            remaining: remaining.into_iter().collect(),
            cost: body.cost,
            ..Signals::default()
        }
    }
}

fn metered(world: &World) -> Lane {
    in_environment(world, "one")
}

fn in_environment(world: &World, name: &str) -> Lane {
    lane(Metered, world.seams.clone(), name)
}

fn order(key: &str) -> Message {
    message(key, body(key, "orders.create"))
}

async fn receive(lane: &Lane, world: &World, batch: Vec<Message>) -> Report {
    let mut report = lane.process(batch, &world.invocation()).await;
    report
        .entries
        .sort_by(|one, other| one.message_id.cmp(&other.message_id));
    report
}

async fn outcome(lane: &Lane, world: &World, message: Message) -> Outcome {
    let mut report = receive(lane, world, vec![message]).await;
    report.entries.remove(0).outcome
}

fn limits(world: &World) -> LimitState {
    let stored = world.states.values().remove("acme#default#limit#account");
    serde_json::from_value(stored.map_or(Value::Null, |stored| stored.value)).unwrap_or_default()
}

/// Seconds of the points' refill that are in use.
fn points_s(world: &World) -> f64 {
    limits(world).sums["points"] as f64 / 10.0
}

#[tokio::test]
async fn permits_are_taken_for_the_batch_and_come_back_with_it() {
    let world = World::new();
    let lane = metered(&world);
    let batch = vec![order("a"), order("b"), order("c")];
    let before = world.states.writes();
    let report = receive(&lane, &world, batch).await;
    let outcomes: Vec<_> = report.entries.iter().map(|entry| &entry.outcome).collect();
    assert_eq!(outcomes[..2], [&Outcome::Delivered, &Outcome::Delivered]);
    let Outcome::Deferred { reason, until } = outcomes[2] else {
        panic!("{:?}", outcomes[2]);
    };
    assert_eq!(*reason, Deferral::RateLimited);
    assert!(NOON < *until && *until <= NOON + secs(5), "{until}");
    assert_eq!(world.states.writes() - before, 2, "taken, and given back");
    assert!(limits(&world).permits.is_empty());
    // Two permits for a moment are little of a minute; the points are the limit nearer to its end.
    assert_eq!(report.fullest_limit, Some(("points", 3)));
    world.clock.advance(secs(5));
    assert_eq!(
        outcome(&lane, &world, order("c").again()).await,
        Outcome::Delivered
    );
}

#[tokio::test]
async fn a_function_that_died_in_its_calls_gives_its_permits_back_at_its_deadline() {
    let world = World::new();
    let (dead, lane) = (metered(&world), in_environment(&world, "two"));
    world.vendor.always(Some(Reply::Hang));
    {
        let invocation = world.invocation();
        let mut dying = Box::pin(dead.process(vec![order("a"), order("b")], &invocation));
        assert!(futures_util::poll!(&mut dying).is_pending());
    }
    world.vendor.always(None);
    let refused = outcome(&lane, &world, order("c")).await;
    assert!(matches!(refused, Outcome::Deferred { .. }), "{refused:?}");
    world.clock.advance(FUNCTION_TIMEOUT + CLOCK_SLACK);
    assert_eq!(
        outcome(&lane, &world, order("c").again()).await,
        Outcome::Delivered
    );
}

#[tokio::test]
async fn what_a_call_cost_replaces_what_it_reserved() {
    let world = World::new();
    let lane = metered(&world);
    outcome(&lane, &world, order("a")).await;
    assert!(
        (points_s(&world) - 1.0).abs() < 1e-6,
        "10 points at 10 a second"
    );
    world.clock.advance(secs(60));
    world
        .vendor
        .script([Reply::Status(200, r#"{"id":"o","cost":3}"#)]);
    outcome(&lane, &world, order("b")).await;
    assert!((points_s(&world) - 0.3).abs() < 1e-6);
    world.clock.advance(secs(60));
    world
        .vendor
        .script([Reply::Status(200, r#"{"id":"o","cost":50}"#)]);
    outcome(&lane, &world, order("c")).await;
    assert!((points_s(&world) - 5.0).abs() < 1e-6);
}

#[tokio::test]
async fn what_a_success_says_is_left_holds_for_the_next_calls() {
    let world = World::new();
    let lane = metered(&world);
    let reply = r#"{"id":"o","left":0,"reset_s":90}"#;
    world.vendor.script([Reply::Status(200, reply)]);
    assert_eq!(outcome(&lane, &world, order("a")).await, Outcome::Delivered);
    let Outcome::Deferred { until, .. } = outcome(&lane, &world, order("b")).await else {
        panic!("nothing is left");
    };
    assert!(until >= NOON + secs(90));
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn what_everybody_knew_is_not_written() {
    let world = World::new();
    let lane = lane(Windowed, world.seams.clone(), "windowed");
    for (number, left) in [(0, 119), (1, 118)] {
        world.clock.advance(secs(2));
        let before = world.states.writes();
        let reply = if left == 119 {
            r#"{"id":"o","left":119,"reset_s":60}"#
        } else {
            r#"{"id":"o","left":118,"reset_s":58}"#
        };
        world.vendor.script([Reply::Status(200, reply)]);
        outcome(&lane, &world, order(&format!("k{number}"))).await;
        assert_eq!(world.states.writes() - before, 1, "the tokens alone");
    }
}

/// A vendor with one window, which tells what is left of it.
struct Windowed;

static WINDOWED: Spec = Spec {
    limits: &[Limit::window("points", 120, Duration::from_secs(60))],
    ..Spec::new(
        "acme",
        "https://api.acme.example",
        Auth::Bearer { field: "token" },
        &[Operation::new::<acme::Order>(
            "orders.create",
            Safety::Natural,
        )],
    )
};

impl Provider for Windowed {
    fn spec(&self) -> &'static Spec {
        &WINDOWED
    }

    fn signals(&self, operation: &Operation, answer: &Answer, now: Timestamp) -> Signals {
        Metered.signals(operation, answer, now)
    }
}

#[tokio::test]
async fn a_spent_quota_parks_the_connection_without_an_attempt_or_a_fault() {
    let world = World::new();
    let lane = metered(&world);
    world
        .vendor
        .script([Reply::Status(403, r#"{"spent_for_s":28800}"#)]);
    let hours = secs(28_800);
    let Outcome::Deferred { reason, until } = outcome(&lane, &world, order("a")).await else {
        panic!("parked");
    };
    assert_eq!(reason, Deferral::QuotaSpent);
    assert!((NOON + hours..=NOON + hours + secs(60)).contains(&until));
    assert_eq!(world.record("a").expect("released").attempts, 0);
    assert_eq!(world.breaker(), Default::default());

    // Nobody else of the connection calls, in whatever environment.
    let other = in_environment(&world, "two");
    for key in ["b", "c"] {
        let Outcome::Deferred { reason, until } = outcome(&other, &world, order(key)).await else {
            panic!("parked");
        };
        assert_eq!(reason, Deferral::RateLimited);
        assert!(until >= NOON + hours);
    }
    assert_eq!(world.vendor.calls().len(), 1);
    world.clock.advance(hours + secs(61));
    assert_eq!(
        outcome(&lane, &world, order("a").again()).await,
        Outcome::Delivered
    );
}

#[tokio::test]
async fn a_refusal_without_a_hint_stops_the_lane_for_some_seconds() {
    let world = World::new();
    world.vendor.script([Reply::Status(429, "{}")]);
    let first = message("m1", body("a", "orders.create"));
    let Outcome::Retry { until, .. } = world.outcome(first).await else {
        panic!("refused");
    };
    assert!(until >= NOON + secs(5));
    let second = world
        .outcome(message("m2", body("b", "orders.create")))
        .await;
    assert!(matches!(second, Outcome::Deferred { until, .. } if until >= NOON + secs(5)));
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_panic_over_signals_leaves_the_answer_what_it_is() {
    let world = World::new();
    let lane = metered(&world);
    world.vendor.script([Reply::Status(200, acme::PANIC)]);
    assert_eq!(outcome(&lane, &world, order("a")).await, Outcome::Delivered);
}
