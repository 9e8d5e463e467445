//! Keyed operations at one write: the vendor's key is the guard of a first call.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::acme::RETENTION;
use super::*;
use crate::StoreError;
use crate::ledger::{Expected, LedgerStore, MemoryLedger, Record, Write};

/// A ledger that counts, and whose writes or reads fail when told to.
#[derive(Default)]
struct Counted {
    inner: MemoryLedger,
    reads: AtomicUsize,
    writes: Mutex<Vec<Status>>,
    failing_reads: AtomicUsize,
}

#[async_trait]
impl LedgerStore for Counted {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        if self.failing_reads.load(Ordering::SeqCst) > 0 {
            self.failing_reads.fetch_sub(1, Ordering::SeqCst);
            return Err(StoreError::new("BatchGetItem", "throttled"));
        }
        self.inner.read(keys).await
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        self.writes
            .lock()
            .expect("nobody panicked")
            .push(next.status);
        self.inner.write(next, expected).await
    }
}

fn counted() -> (World, Arc<Counted>) {
    let ledger = Arc::new(Counted::default());
    let world = World::with(|seams| seams.ledger = ledger.clone());
    (world, ledger)
}

impl Counted {
    fn writes(&self) -> Vec<Status> {
        std::mem::take(&mut self.writes.lock().expect("nobody panicked"))
    }

    fn record(&self, key: &str) -> Option<Record> {
        self.inner.records().remove(&format!("acme#default#{key}"))
    }
}

#[tokio::test]
async fn ten_keyed_requests_cost_one_read_and_ten_writes() {
    let (world, ledger) = counted();
    let batch = (0..10).map(|n| message(&format!("m{n}"), body(&format!("k{n}"), "orders.create")));
    let report = world.receive(batch).await;
    assert!(report.retained.is_empty());
    assert_eq!(ledger.reads.load(Ordering::SeqCst), 1);
    assert_eq!(ledger.writes(), [Status::Completed; 10]);
    // One more for the limiter's one item: 1.1 a request.
    assert_eq!(world.states.writes(), 1);
}

#[tokio::test]
async fn other_operations_and_later_receives_claim() {
    let (world, ledger) = counted();
    for operation in ["orders.replace", "orders.post", "orders.book"] {
        world
            .outcome(message(operation, body(operation, operation)))
            .await;
        assert_eq!(
            ledger.writes(),
            [Status::InProgress, Status::Completed],
            "{operation}"
        );
    }
    world
        .outcome(message("m", body("k", "orders.create")).again())
        .await;
    assert_eq!(ledger.writes(), [Status::InProgress, Status::Completed]);
}

#[tokio::test]
async fn where_the_ledger_could_not_be_read_a_first_receive_claims() {
    let (world, ledger) = counted();
    ledger.failing_reads.store(1, Ordering::SeqCst);
    let outcome = world
        .outcome(message("m", body("k", "orders.create")))
        .await;
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(ledger.writes(), [Status::InProgress, Status::Completed]);
}

#[tokio::test]
async fn a_duplicate_and_a_conflict_are_answered_without_a_call_or_a_token() {
    let world = World::new();
    world
        .outcome(message("m1", body("k", "orders.create")))
        .await;
    let tokens = world.states.writes();
    let mut other = request("k", "orders.create");
    other["payload"]["amount"] = 2.into();
    let report = world
        .receive([
            message("m2", body("k", "orders.create")),
            message("m3", other.to_string()),
        ])
        .await;
    let codes: Vec<_> = report
        .entries
        .iter()
        .map(|entry| entry.outcome.code().unwrap_or(entry.outcome.name()))
        .collect();
    assert_eq!(codes, ["Duplicate", "idempotency_conflict"]);
    assert_eq!(world.vendor.calls().len(), 1);
    assert_eq!(
        world.states.writes(),
        tokens + 2,
        "drawn beside the read, and returned"
    );
}

#[tokio::test]
async fn copies_in_one_batch_are_sent_once() {
    let world = World::new();
    let copies = (0..5).map(|n| message(&format!("m{n}"), body("k", "orders.create")));
    let report = world.receive(copies).await;
    assert!(report.retained.is_empty());
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_message_that_was_sent_again_is_no_first_receive() {
    let (world, ledger) = counted();
    let again = Message {
        origin: "m0".into(),
        receive_count: 2,
        ..message("m1", body("k", "orders.create"))
    };
    world.outcome(again).await;
    assert_eq!(ledger.writes(), [Status::InProgress, Status::Completed]);
    assert_eq!(
        ledger
            .record("k")
            .map(|record| record.message_id)
            .as_deref(),
        Some("m0")
    );
}

#[tokio::test]
async fn what_may_have_been_sent_before_the_vendor_forgot_its_key_is_unknown() {
    let world = World::new();
    world.clock.advance(RETENTION);
    let late = message("m", body("k", "orders.create")).again();
    assert!(matches!(world.outcome(late).await, Outcome::Unknown(_)));
    assert!(world.vendor.calls().is_empty());
}

#[tokio::test]
async fn what_an_open_breaker_put_off_for_days_was_never_sent() {
    let world = World::new();
    world.open_breaker().await;
    let waiting = message("m", body("k", "orders.create"));
    let outcome = world.outcome(waiting.clone()).await;
    assert_eq!(outcome.code(), Some("breaker_open"));
    let record = world.record("k").expect("a note");
    assert_eq!((record.status, record.attempts), (Status::Retrying, 0));

    world.clock.advance(RETENTION * 3);
    assert_eq!(world.outcome(waiting.again()).await, Outcome::Delivered);
    let record = world.record("k").expect("a record");
    assert_eq!((record.attempts, record.series), (1, 1));
}

#[tokio::test]
async fn a_short_wait_for_a_slot_is_not_noted() {
    let (world, ledger) = counted();
    let spike =
        (0..1500).map(|n| message(&format!("m{n}"), body(&format!("k{n}"), "orders.create")));
    let report = world.receive(spike).await;
    let deferred = report
        .entries
        .iter()
        .filter(|entry| entry.outcome.code() == Some("rate_limited"))
        .count();
    assert!(deferred > 500, "{deferred}");
    assert!(!ledger.writes().contains(&Status::Retrying));
}

#[tokio::test]
async fn a_refusal_is_final_only_when_no_earlier_call_can_arrive_any_more() {
    let world = World::new();
    // The first receive's call may still be on its way: the same message was handed out twice.
    let again = message("m", body("k", "orders.create")).again();
    world
        .vendor
        .script([Reply::Status(422, "{}"), Reply::Status(422, "{}")]);
    let outcome = world.outcome(again.clone()).await;
    let Outcome::Deferred {
        reason: Deferral::Settling,
        until,
    } = outcome
    else {
        panic!("{outcome:?}")
    };
    assert!(
        until >= NOON + secs(70),
        "5 s to start, the function's timeout, and 5 s more"
    );
    assert!(world.record("k").expect("a record").ambiguous);

    world.clock.advance(until.since(NOON));
    assert!(matches!(
        world.outcome(again.again()).await,
        Outcome::Rejected(_)
    ));
    let record = world.record("k").expect("a record");
    assert!(!record.ambiguous && record.expires_at.is_some());
    let keys: Vec<_> = world
        .vendor
        .calls()
        .iter()
        .map(|call| call.key.clone())
        .collect();
    assert_eq!(keys[0], keys[1]);
}

#[tokio::test]
async fn a_deferral_past_the_requests_deadline_is_noted() {
    let world = World::new();
    let spike = (0..600).map(|n| {
        let mut request = request(&format!("k{n}"), "orders.create");
        request["deadline"] = (NOON + secs(1)).to_string().into();
        message(&format!("m{n}"), request.to_string())
    });
    let report = world.receive(spike).await;
    let deferred = report.retained.last().expect("more than the burst").clone();
    let record = world.record(&deferred.replace('m', "k")).expect("a note");
    assert_eq!((record.status, record.ambiguous), (Status::Retrying, false));
}

#[tokio::test]
async fn a_message_that_the_function_did_not_get_at_once_is_claimed() {
    let (world, ledger) = counted();
    world.clock.advance(secs(6));
    world
        .outcome(message("m", body("k", "orders.create")))
        .await;
    assert_eq!(ledger.writes(), [Status::InProgress, Status::Completed]);
}
