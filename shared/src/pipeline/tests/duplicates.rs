//! Requests that come more than once, letters that cannot be sent, and the order of ledger, letter, acknowledgement.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;

use super::*;
use crate::StoreError;
use crate::ledger::{Expected, LedgerStore, MemoryLedger, Record, Write};
use crate::queue::{Again, Letter, Queue};

#[tokio::test]
async fn two_messages_of_one_key_in_one_batch_make_one_call() {
    let world = World::new();
    let report = world
        .receive([
            message("m1", body("k", "orders.create")),
            message("m2", body("k", "orders.create")),
        ])
        .await;
    let outcomes: Vec<_> = report.entries.iter().map(|entry| &entry.outcome).collect();
    assert_eq!(outcomes, [&Outcome::Delivered, &Outcome::Duplicate]);
    assert!(report.retained().is_empty());
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn the_second_of_a_batch_waits_where_the_first_must_try_again() {
    let world = World::new();
    world.vendor.script([Reply::TryAfter(60)]);
    let report = world
        .receive([
            message("m1", body("k", "orders.create")),
            message("m2", body("k", "orders.create")),
        ])
        .await;
    assert_eq!(report.entries[0].outcome.name(), "Retried");
    assert_eq!(report.entries[1].outcome.code(), Some("not_due"));
    assert_eq!(report.retained(), ["m1", "m2"]);
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_message_whose_acknowledgement_was_lost_is_a_duplicate_without_a_call() {
    let world = World::new();
    let first = message("m1", body("k", "orders.post"));
    assert_eq!(world.outcome(first.clone()).await, Outcome::Delivered);
    assert_eq!(world.outcome(first.again()).await, Outcome::Duplicate);
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_request_that_somebody_works_on_asks_again_soon_and_no_later_than_the_lease_ends() {
    let world = World::new();
    world.vendor.script([Reply::Hang]);
    let other = World::with(|seams| *seams = world.seams.clone());
    let invocation = other.invocation();
    let busy = other
        .lane
        .process(vec![message("m1", body("k", "orders.post"))], &invocation);
    let mut busy = Box::pin(busy);
    assert!(futures_util::poll!(&mut busy).is_pending());

    let second = message("m2", body("k", "orders.post"));
    let waits_until = |until| Outcome::Deferred {
        reason: Deferral::KeyInProgress,
        until,
    };
    assert_eq!(
        world.outcome(second.clone()).await,
        waits_until(NOON + secs(10))
    );
    world.clock.advance(secs(60));
    let lease_end = invocation.deadline + crate::ledger::state::LEASE_MARGIN;
    assert_eq!(world.outcome(second.again()).await, waits_until(lease_end));
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_key_used_with_another_payload_is_a_conflict_and_leaves_the_record_alone() {
    let world = World::new();
    world
        .outcome(message("m1", body("k", "orders.create")))
        .await;
    let before = world.record("k");
    let mut other = request("k", "orders.create");
    other["payload"]["amount"] = 2.into();
    world.outcome(message("m2", other.to_string())).await;
    let reason = world.letters().remove(0).reason;
    assert_eq!(reason.code, code::IDEMPOTENCY_CONFLICT);
    assert!(
        reason.detail.starts_with("idempotency_key: "),
        "{}",
        reason.detail
    );
    assert_eq!(world.record("k"), before);
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_letter_that_cannot_be_sent_keeps_its_message_and_is_sent_again_without_a_call() {
    let world = World::new();
    world.vendor.on("refused", Reply::Status(422, "{}"));
    world.vendor.on("doubtful", Reply::Lost);
    let batch = [
        message("poison", "{"),
        message("m1", body("refused", "orders.create")),
        message("m2", body("doubtful", "orders.post")),
        message("m3", body("good", "orders.create")),
    ];
    world.queue.refuse_sends(true);
    let report = world.receive(batch.clone()).await;
    let mut retained = report.retained();
    retained.sort_unstable();
    assert_eq!(retained, ["m1", "m2", "poison"]);
    assert!(world.letters().is_empty());
    assert_eq!(world.vendor.calls().len(), 3);

    world.queue.refuse_sends(false);
    let report = world.receive(batch[..3].iter().map(Message::again)).await;
    assert!(report.retained().is_empty());
    let mut codes: Vec<_> = world
        .letters()
        .iter()
        .map(|letter| letter.reason.code.to_string())
        .collect();
    codes.sort_unstable();
    assert_eq!(
        codes,
        ["malformed_json", "outcome_unknown", "provider_rejected"]
    );
    assert_eq!(
        world.vendor.calls().len(),
        3,
        "the ledger knew the end of each"
    );
}

#[tokio::test]
async fn a_redrive_after_a_definite_rejection_calls_with_a_new_key() {
    let world = World::new();
    world.vendor.script([Reply::Status(422, "{}")]);
    world
        .outcome(message("m1", body("k", "orders.create")))
        .await;
    let redriven = redriven("m2", &world.letters()[0]);
    assert_eq!(world.outcome(redriven).await, Outcome::Delivered);
    let calls = world.vendor.calls();
    assert_eq!(calls.len(), 2);
    // The vendor would replay the stored refusal for the old one.
    assert_ne!(calls[0].key, calls[1].key);
}

#[tokio::test]
async fn a_redrive_after_doubt_calls_with_the_old_key() {
    let world = World::new();
    world.vendor.script([Reply::Lost]);
    let spent = Message {
        receive_count: 950,
        ..message("m1", body("k", "orders.create"))
    };
    assert!(matches!(world.outcome(spent).await, Outcome::Unknown(_)));
    let redriven = redriven("m2", &world.letters()[0]);
    assert_eq!(world.outcome(redriven).await, Outcome::Delivered);
    let calls = world.vendor.calls();
    assert_eq!(calls[0].key, calls[1].key);
    assert_eq!(world.vendor.effects().values().sum::<u32>(), 1);
}

#[tokio::test]
async fn a_redrive_of_an_unknown_end_gets_its_letter_again_and_no_call() {
    let world = World::new();
    world.vendor.script([Reply::Lost]);
    world.outcome(message("m1", body("k", "orders.post"))).await;
    let redriven = redriven("m2", &world.letters()[0]);
    assert!(matches!(world.outcome(redriven).await, Outcome::Unknown(_)));
    let letters = world.letters();
    assert_eq!(letters.len(), 2);
    assert_eq!(letters[0].reason, letters[1].reason);
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn a_call_that_changed_since_a_doubtful_one_is_not_sent_under_its_key() {
    // A release that builds the call differently: the vendor would answer "key used with other parameters".
    let world = World::new();
    world.vendor.script([Reply::Lost]);
    let first = message("m1", body("k", "orders.create"));
    world.outcome(first.clone()).await;
    let record = world.record("k").expect("a record");
    let changed = Record {
        wire_hash: Some("of the release before".into()),
        ..record.clone()
    };
    world
        .ledger
        .write(&changed, &Expected::unchanged(&record))
        .await
        .expect("memory");
    world.clock.advance(secs(60));
    assert!(matches!(
        world.outcome(first.again()).await,
        Outcome::Unknown(_)
    ));
    assert_eq!(world.vendor.calls().len(), 1);
}

/// A dead-letter queue that looks into the ledger whenever a letter comes.
struct Notary(Arc<MemoryLedger>);

#[async_trait]
impl Queue for Notary {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        let statuses: Vec<_> = self
            .0
            .records()
            .values()
            .map(|record| record.status)
            .collect();
        assert_eq!(statuses, [Status::Rejected, Status::Unknown]);
        vec![Ok(()); letters.len()]
    }

    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>> {
        vec![Ok(()); messages.len()]
    }

    async fn send_again(&self, messages: &[Again]) -> Vec<Result<(), StoreError>> {
        vec![Ok(()); messages.len()]
    }

    async fn in_flight(&self) -> Result<u64, StoreError> {
        Ok(0)
    }
}

#[tokio::test]
async fn the_ledger_is_written_before_the_letter() {
    let ledger = Arc::new(MemoryLedger::default());
    let world = World::with(|seams| {
        seams.ledger = ledger.clone();
        seams.queue = Arc::new(Notary(ledger.clone()));
    });
    world.vendor.script([Reply::Status(422, "{}"), Reply::Lost]);
    let report = world
        .receive([
            message("m1", body("a", "orders.create")),
            message("m2", body("b", "orders.post")),
        ])
        .await;
    assert!(report.retained().is_empty());
}

/// A ledger that fails to settle while told to.
#[derive(Default)]
struct Stubborn(MemoryLedger, AtomicBool);

#[async_trait]
impl LedgerStore for Stubborn {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        self.0.read(keys).await
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        if self.1.load(Ordering::SeqCst) && next.status != Status::InProgress {
            return Err(StoreError::new("PutItem", "throttled"));
        }
        self.0.write(next, expected).await
    }
}

#[tokio::test]
async fn an_effect_that_could_not_be_recorded_is_not_acknowledged() {
    let ledger = Arc::new(Stubborn::default());
    let world = World::with(|seams| seams.ledger = ledger.clone());
    ledger.1.store(true, Ordering::SeqCst);
    let first = message("m1", body("k", "orders.create"));
    let report = world.receive([first.clone()]).await;
    assert_eq!(report.entries[0].outcome.code(), Some("store_unavailable"));
    assert_eq!(report.retained(), ["m1"]);

    ledger.1.store(false, Ordering::SeqCst);
    world.clock.advance(secs(70));
    assert_eq!(world.outcome(first.again()).await, Outcome::Delivered);
    assert_eq!(
        world.vendor.effects().values().sum::<u32>(),
        1,
        "the key was the same"
    );
}
