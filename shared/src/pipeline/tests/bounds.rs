//! Where patience ends: attempts, the function's time, the queue's time, and the lane's own code.

use std::sync::Arc;

use async_trait::async_trait;

use super::acme::{IN_USE, PANIC, TIMEOUT};
use super::world::FUNCTION_TIMEOUT;
use super::*;
use crate::StoreError;
use crate::clock::{Clock, ManualClock};
use crate::ledger::{Expected, LedgerStore, MemoryLedger, Record, Write};
use crate::pipeline::{Invocation, SETTLE_RESERVE};

#[tokio::test]
async fn attempts_end_after_the_eighth_with_the_last_failure_in_the_letter() {
    let world = World::new();
    world.vendor.always(Some(Reply::Status(429, "{}")));
    let mut next = message("m1", body("k", "orders.create"));
    for _ in 0..7 {
        assert!(matches!(
            world.outcome(next.clone()).await,
            Outcome::Retry { .. }
        ));
        next = next.again();
        world.clock.advance(secs(900));
    }
    assert!(matches!(world.outcome(next).await, Outcome::Rejected(_)));
    let reason = world.letters().remove(0).reason;
    assert_eq!(reason.code, code::ATTEMPTS_SPENT);
    assert_eq!(reason.detail, "last failure: rate_limited");
    assert_eq!((reason.attempts, world.vendor.calls().len()), (8, 8));
}

#[tokio::test]
async fn no_call_starts_that_cannot_time_out_and_settle() {
    let world = World::new();
    let enough = TIMEOUT + SETTLE_RESERVE;
    for (time, called) in [(enough - secs(1), 0), (enough, 1)] {
        let invocation = Invocation {
            id: format!("invocation-of-{time:?}"),
            deadline: world.clock.now() + time,
        };
        let batch = vec![message("m1", body("k", "orders.create"))];
        let report = world.lane.process(batch, &invocation).await;
        assert_eq!(world.vendor.calls().len(), called);
        let deferred = matches!(
            report.entries[0].outcome,
            Outcome::Deferred {
                reason: Deferral::OutOfTime,
                ..
            }
        );
        assert_eq!(deferred, called == 0);
    }
}

/// A ledger whose writes take their time.
struct SlowLedger(MemoryLedger, Arc<ManualClock>, Duration);

#[async_trait]
impl LedgerStore for SlowLedger {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        self.0.read(keys).await
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        self.1.advance(self.2);
        self.0.write(next, expected).await
    }
}

fn with_slow_ledger(write: Duration) -> World {
    World::with(|seams| {
        let clock = Arc::new(ManualClock::at(NOON));
        seams.clock = clock.clone();
        seams.ledger = Arc::new(SlowLedger(MemoryLedger::default(), clock, write));
    })
}

#[tokio::test]
async fn a_claim_that_outlasted_its_token_makes_way_for_a_call_with_a_new_one() {
    let world = with_slow_ledger(secs(2));
    let mut request = request("k", "orders.post");
    request["payload"]["desk"] = "north".into();
    let outcome = world.outcome(message("m1", request.to_string())).await;
    assert_eq!(outcome, Outcome::Delivered);
    // One call, under a token that was drawn after the claim: the first had lapsed two seconds before.
    assert_eq!(world.vendor.calls().len(), 1);
    let item = world.states.values().remove("acme#default#limit#account");
    let value = item.expect("tokens were drawn").value;
    assert_eq!(
        value["sums"]["account"], 2,
        "the one that lapsed counts, too"
    );
}

/// Each lapse of a desk's token cost one of the account's, too: on a slow store a Slack workspace's 600 a minute let 46
/// messages through.
#[tokio::test]
async fn what_outlasts_a_slow_claim_is_not_drawn_again() {
    let world = with_slow_ledger(Duration::from_millis(100));
    let mut request = request("k", "orders.post");
    request["payload"]["desk"] = "north".into();
    let outcome = world.outcome(message("m1", request.to_string())).await;
    assert_eq!(outcome, Outcome::Delivered);
    let mut items = world.states.values();
    let mut drawn = |scope: &str| {
        let item = items.remove(&format!("acme#default#limit#{scope}"));
        item.expect("tokens were drawn").value["sums"]["*"].clone()
    };
    assert_eq!(drawn("desk=north"), 2, "its token lasts 20 ms");
    assert_eq!(drawn("account"), 1, "that one lasts 1.2 s");
}

#[tokio::test]
async fn a_claim_that_took_too_long_is_released_instead_of_called() {
    // The time was looked at before the claim only: a throttled table could push the call, and with it the
    // settlement, beyond the function's end, and an unsafe request would have ended unknown for nothing.
    let world = with_slow_ledger(Duration::from_millis(900));
    let invocation = Invocation {
        id: "short".into(),
        deadline: NOON + TIMEOUT + SETTLE_RESERVE + Duration::from_millis(500),
    };
    let batch = vec![message("m1", body("k", "orders.post"))];
    let report = world.lane.process(batch, &invocation).await;
    assert!(world.vendor.calls().is_empty());
    let outcome = &report.entries[0].outcome;
    assert!(
        matches!(
            outcome,
            Outcome::Deferred {
                reason: Deferral::OutOfTime,
                ..
            }
        ),
        "{outcome:?}"
    );
    assert!(FUNCTION_TIMEOUT > TIMEOUT + SETTLE_RESERVE);
}

#[tokio::test]
async fn a_panic_in_the_judgement_stays_one_record_and_counts_as_no_answer() {
    let world = World::new();
    world
        .vendor
        .script([Reply::Status(200, PANIC), Reply::Status(200, PANIC)]);
    let report = world
        .receive([
            message("m1", body("k1", "orders.create")),
            message("m2", body("k2", "orders.post")),
            message("m3", body("k3", "orders.create")),
        ])
        .await;
    let ends: Vec<_> = report
        .entries
        .iter()
        .map(|entry| (entry.message_id.as_str(), entry.outcome.name()))
        .collect();
    assert!(ends.contains(&("m1", "Retried")), "{ends:?}");
    assert!(ends.contains(&("m2", "Unknown")), "{ends:?}");
    assert!(ends.contains(&("m3", "Delivered")), "{ends:?}");
}

#[tokio::test]
async fn a_panic_in_building_the_call_is_rejected_and_stays_one_record() {
    let world = World::new();
    let mut bad = request("k1", "orders.create");
    bad["payload"]["item"] = PANIC.into();
    let report = world
        .receive([
            message("m1", bad.to_string()),
            message("m2", body("k2", "orders.create")),
        ])
        .await;
    assert!(report.retained().is_empty());
    assert_eq!(world.letters()[0].reason.code, code::PANICKED);
    assert_eq!(world.vendor.calls().len(), 1);
    assert_eq!(
        world.record("k1").map(|record| record.status),
        Some(Status::Rejected)
    );
}

#[tokio::test]
async fn time_spent_in_the_queue_ends_a_deferral_before_the_queue_does() {
    let world = World::new();
    world
        .vendor
        .script([Reply::Status(401, "{}"), Reply::Status(IN_USE, "{}")]);
    let old = Message {
        receive_count: 950,
        ..message("m1", body("k1", "orders.create"))
    };
    let aged = Message {
        sent_at: NOON - secs(13 * 24 * 60 * 60),
        ..message("m2", body("k2", "orders.create"))
    };
    let report = world.receive([old, aged]).await;
    assert!(report.retained().is_empty());
    for letter in world.letters() {
        assert_eq!(letter.reason.code, code::QUEUE_TIME_SPENT);
        assert!(
            letter.reason.detail.starts_with("last deferral: "),
            "{}",
            letter.reason.detail
        );
    }
    assert_eq!(world.letters().len(), 2);
}

/// A connection without a secret waited for more than a day; its first real attempt met a 503 and was rejected as
/// `attempts_spent`, because the series was dated from the first claim.
#[tokio::test]
async fn a_long_pause_before_the_first_attempt_rejects_nothing() {
    let world = World::new();
    let mut paused = request("k", "orders.create");
    paused["connection"] = "nowhere".into();
    let first = message("m1", paused.to_string());
    let outcome = world.outcome(first.clone()).await;
    assert!(matches!(
        outcome,
        Outcome::Deferred {
            reason: Deferral::ConnectionPaused,
            ..
        }
    ));
    world.clock.advance(secs(30 * 60 * 60));
    world.secrets.add("nowhere");
    world.vendor.script([Reply::Status(503, "{}")]);
    let outcome = world.outcome(first.again()).await;
    assert!(matches!(outcome, Outcome::Retry { .. }), "{outcome:?}");
    let records = world.ledger.records();
    let record = &records["acme#nowhere#k"];
    assert_eq!(record.series_since, NOON + secs(30 * 60 * 60));
}
