//! What an end says: a rejected request had no effect and none will come; and every end stands in the ledger before its
//! letter goes out.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;

use super::acme::SETTLE;
use super::world::FUNCTION_TIMEOUT;
use super::*;
use crate::StoreError;
use crate::clock::Clock;
use crate::ledger::state::Ask;
use crate::ledger::{Expected, Finding, LedgerStore, MemoryLedger, Record, Write, claim};
use crate::outcome::Reason;
use crate::pipeline::{Entry, SETTLE_RESERVE};
use crate::provider::Safety;
use crate::request::Request;

/// What happens to a write.
#[derive(Clone, Copy, Debug)]
enum Fault {
    /// It is not written.
    Refused,
    /// It is written, and its reply is lost.
    ReplyLost,
}

/// A ledger that counts, and whose next writes of one status fail as told.
#[derive(Default)]
struct Faulty {
    inner: MemoryLedger,
    reads: AtomicUsize,
    writes: Mutex<Vec<Status>>,
    faults: Mutex<VecDeque<(Status, Fault)>>,
}

#[async_trait]
impl LedgerStore for Faulty {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        self.inner.read(keys).await
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        let fault = {
            let mut faults = self.faults.lock().expect("nobody panicked");
            let is_next = faults.front().is_some_and(|(of, _)| *of == next.status);
            if is_next { faults.pop_front() } else { None }
        };
        if !matches!(fault, Some((_, Fault::Refused))) {
            self.writes
                .lock()
                .expect("nobody panicked")
                .push(next.status);
            let written = self.inner.write(next, expected).await?;
            if fault.is_none() {
                return Ok(written);
            }
        }
        Err(StoreError::new("PutItem", "throttled"))
    }
}

fn faulty(faults: impl IntoIterator<Item = (Status, Fault)>) -> (World, Arc<Faulty>) {
    let ledger = Arc::new(Faulty::default());
    ledger.faults.lock().expect("fresh").extend(faults);
    let world = World::with(|seams| seams.ledger = ledger.clone());
    (world, ledger)
}

impl Faulty {
    fn writes(&self) -> Vec<Status> {
        std::mem::take(&mut self.writes.lock().expect("nobody panicked"))
    }

    fn record(&self, pk: &str) -> Option<Record> {
        self.inner.records().remove(pk)
    }
}

/// A request whose deadline passes before any second attempt.
fn with_deadline(key: &str, operation: &str) -> Message {
    let mut request = request(key, operation);
    request["deadline"] = (NOON + Duration::from_millis(100)).to_string().into();
    message("m", request.to_string())
}

fn reason(outcome: &Outcome) -> &Reason {
    match outcome {
        Outcome::Rejected(reason) | Outcome::Unknown(reason) => reason,
        other => panic!("no end: {other:?}"),
    }
}

#[tokio::test]
async fn every_request_costs_two_writes_whatever_its_safety() {
    for operation in [
        "orders.create",
        "orders.replace",
        "orders.book",
        "orders.post",
    ] {
        let (world, ledger) = faulty([]);
        let batch = (0..10).map(|n| message(&format!("m{n}"), body(&format!("k{n}"), operation)));
        let report = world.receive(batch).await;
        assert!(report.retained().is_empty());
        assert_eq!(ledger.reads.load(Ordering::SeqCst), 0, "{operation}");
        let mut writes = ledger.writes();
        writes.sort_unstable_by_key(|status| *status == Status::Completed);
        let expected = [[Status::InProgress; 10], [Status::Completed; 10]].concat();
        assert_eq!(writes, expected, "{operation}");
        // One more for the limiter's one item: 2.1 a request.
        assert_eq!(world.states.writes(), 1, "{operation}");
    }
}

#[tokio::test]
async fn what_the_ledger_answers_draws_no_token() {
    let world = World::new();
    world
        .outcome(message("m1", body("k", "orders.create")))
        .await;
    let tokens = world.states.writes();
    let mut other = request("k", "orders.create");
    other["payload"]["amount"] = 2.into();
    let report = world
        .receive([
            message("m2", body("k", "orders.create")).again(),
            message("m3", other.to_string()).again(),
        ])
        .await;
    let codes: Vec<_> = report
        .entries
        .iter()
        .map(|entry| entry.outcome.code().unwrap_or(entry.outcome.name()))
        .collect();
    assert_eq!(codes, ["Duplicate", "idempotency_conflict"]);
    assert_eq!(world.vendor.calls().len(), 1);
    assert_eq!(world.states.writes(), tokens);
}

/// A payment with a deadline in 30 s, whose call timed out at 20 s, was called rejected: whoever read "rejected" paid
/// again.
#[tokio::test]
async fn a_bound_that_is_spent_in_doubt_ends_unknown() {
    for operation in ["orders.create", "orders.replace"] {
        let world = World::new();
        world.vendor.script([Reply::Lost]);
        let outcome = world.outcome(with_deadline("k", operation)).await;
        assert!(matches!(outcome, Outcome::Unknown(_)), "{outcome:?}");
        let reason = reason(&outcome);
        assert_eq!(reason.code, code::OUTCOME_UNKNOWN);
        assert!(
            reason.detail.starts_with("deadline_exceeded: "),
            "{reason:?}"
        );
        let record = world.record("k").expect("a record");
        assert_eq!((record.status, record.ambiguous), (Status::Unknown, true));
        assert_eq!(record.expires_at, None);
    }
}

#[tokio::test]
async fn a_bound_that_is_spent_without_doubt_ends_rejected() {
    let world = World::new();
    world.vendor.script([Reply::NotSent]);
    let outcome = world.outcome(with_deadline("k", "orders.create")).await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    assert_eq!(reason(&outcome).code, code::DEADLINE_EXCEEDED);
}

/// A booking whose answer was lost, and whose deadline passes before anyone can ask.
async fn spent_booking() -> (World, Message) {
    let world = World::new();
    world.vendor.script([Reply::Lost]);
    let first = with_deadline("k", "orders.book");
    let outcome = world.outcome(first.clone()).await;
    let Outcome::Retry { until, .. } = outcome else {
        panic!("{outcome:?}")
    };
    assert!(until >= NOON + SETTLE);
    world.clock.advance(until.since(NOON));
    (world, first.again())
}

#[tokio::test]
async fn the_vendor_is_asked_after_the_last_attempt_too_and_a_hit_completes() {
    let (world, again) = spent_booking().await;
    world
        .vendor
        .script([Reply::Status(200, r#"{"id":"obj_found"}"#)]);
    assert_eq!(world.outcome(again).await, Outcome::Delivered);
    assert_eq!(world.vendor.calls().len(), 2, "asked once");
    assert_eq!(world.vendor.effects().values().sum::<u32>(), 1);
}

#[tokio::test]
async fn a_miss_after_a_spent_bound_ends_with_that_bound() {
    let (world, again) = spent_booking().await;
    world.vendor.script([Reply::Status(404, "{}")]);
    let outcome = world.outcome(again).await;
    assert!(matches!(outcome, Outcome::Rejected(_)), "{outcome:?}");
    assert_eq!(reason(&outcome).code, code::DEADLINE_EXCEEDED);
    let record = world.record("k").expect("a record");
    assert_eq!((record.ambiguous, record.first_sent_at), (false, None));
}

#[tokio::test]
async fn a_refusal_speaks_for_an_earlier_send_only_where_the_key_was_looked_up() {
    // What stands in front of the vendor's memory of keys says nothing of the first call.
    for (status, body_text, expected) in [
        (402, "{}", Status::Rejected),
        (422, "{}", Status::Rejected),
        (422, "<html>", Status::Unknown),
        (404, "{}", Status::Unknown),
        (413, "{}", Status::Unknown),
    ] {
        let world = World::new();
        world
            .vendor
            .script([Reply::Lost, Reply::Status(status, body_text)]);
        let first = message("m", body("k", "orders.create"));
        let Outcome::Retry { until, .. } = world.outcome(first.clone()).await else {
            panic!("{status}: a timeout is retried");
        };
        world.clock.advance(until.since(NOON));
        world.outcome(first.again()).await;
        let record = world.record("k").expect("a record");
        assert_eq!(record.status, expected, "{status} {body_text}");
    }
}

#[tokio::test]
async fn five_copies_of_a_refused_request_make_one_attempt_and_their_letters_one_redrive() {
    let world = World::new();
    world.vendor.always(Some(Reply::Status(402, "{}")));
    let copies = (0..5).map(|n| message(&format!("m{n}"), body("k", "orders.create")));
    world.receive(copies).await;
    assert_eq!(world.vendor.calls().len(), 1);
    let letters = world.letters();
    let marks: Vec<_> = letters.iter().map(|letter| letter.reason.closing).collect();
    assert_eq!(marks, [Some(1); 5]);

    world.clock.advance(secs(60));
    let letters = letters.iter().enumerate();
    let again = letters.map(|(n, letter)| redriven(&format!("r{n}"), letter));
    let report = world.receive(again.collect::<Vec<_>>()).await;
    assert_eq!(world.vendor.calls().len(), 2);
    let names: Vec<_> = report
        .entries
        .iter()
        .map(|entry| entry.outcome.name())
        .collect();
    let count = |name| names.iter().filter(|other| **other == name).count();
    assert_eq!((count("Rejected"), count("Duplicate")), (1, 4), "{names:?}");
}

#[tokio::test]
async fn an_end_without_a_claim_stands_in_the_ledger() {
    let world = World::new();
    world.open_breaker().await;
    let old = Message {
        receive_count: 950,
        ..message("m", body("k", "orders.create"))
    };
    let outcome = world.outcome(old).await;
    assert_eq!(reason(&outcome).code, code::QUEUE_TIME_SPENT);
    let record = world.record("k").expect("whoever asks is answered");
    assert_eq!(record.status, Status::Rejected);
    assert_eq!(record.code, Some(code::QUEUE_TIME_SPENT));

    let mut unknown = request("u", "orders.create");
    unknown["operation"] = "orders.burn".into();
    world.outcome(message("m2", unknown.to_string())).await;
    let record = world.record("u").expect("whoever asks is answered");
    assert_eq!(record.code, Some(code::UNKNOWN_OPERATION));
}

#[tokio::test]
async fn while_the_ledger_cannot_be_written_nothing_ends() {
    let (world, ledger) = faulty([(Status::Rejected, Fault::Refused)]);
    let late = with_deadline("k", "orders.create");
    world.clock.advance(secs(2));
    let outcome = world.outcome(late.clone()).await;
    assert_eq!(outcome.code(), Some("store_unavailable"));
    assert!(world.letters().is_empty());
    let outcome = world.outcome(late.again()).await;
    assert_eq!(reason(&outcome).code, code::DEADLINE_EXCEEDED);
    assert_eq!(ledger.writes(), [Status::Rejected], "one write, no claim");
}

#[tokio::test]
async fn a_conflicts_end_stands_beside_the_key_and_its_letter_can_go_again() {
    let (world, ledger) = faulty([]);
    world
        .outcome(message("m1", body("k", "orders.create")))
        .await;
    let mut other = request("k", "orders.create");
    other["payload"]["amount"] = 2.into();
    world.outcome(message("m2", other.to_string())).await;
    let stored = ledger.inner.records();
    let of_key = &stored["acme#default#k"];
    assert_eq!(of_key.status, Status::Completed);
    let beside: Vec<_> = stored
        .values()
        .filter(|record| record.pk != of_key.pk)
        .collect();
    assert_eq!(beside.len(), 1);
    assert_eq!(beside[0].code, Some(code::IDEMPOTENCY_CONFLICT));
    assert!(beside[0].pk.starts_with("acme#default#k\u{1f}"));
    assert_eq!(world.letters()[0].reason.closing, None);
}

/// The vendor had delivered an unsafe call, the settlement's write failed once, and with 50 s left the request became
/// unknown.
#[tokio::test]
async fn what_a_call_came_to_is_written_until_it_stands() {
    for fault in [Fault::Refused, Fault::ReplyLost] {
        let (world, ledger) = faulty([(Status::Completed, fault); 3]);
        let outcome = world.outcome(message("m", body("k", "orders.post"))).await;
        assert_eq!(outcome, Outcome::Delivered, "{fault:?}");
        let record = ledger.record("acme#default#k").expect("a record");
        assert_eq!(record.status, Status::Completed, "{fault:?}");
    }
}

#[tokio::test]
async fn what_cannot_be_written_until_the_reserve_comes_back() {
    let (world, _) = faulty([(Status::Completed, Fault::Refused); 100]);
    let started = world.clock.now();
    let outcome = world.outcome(message("m", body("k", "orders.post"))).await;
    assert_eq!(outcome.code(), Some("store_unavailable"));
    let spent = world.clock.now().since(started);
    assert!(spent <= FUNCTION_TIMEOUT - SETTLE_RESERVE, "{spent:?}");
    assert!(
        spent >= FUNCTION_TIMEOUT - SETTLE_RESERVE - secs(3),
        "{spent:?}"
    );
}

#[tokio::test]
async fn a_claim_whose_reply_was_lost_is_our_own() {
    let (world, ledger) = faulty([(Status::InProgress, Fault::ReplyLost); 2]);
    let outcome = world.outcome(message("m", body("k", "orders.post"))).await;
    assert_eq!(outcome, Outcome::Delivered);
    assert_eq!(world.vendor.calls().len(), 1);
    let record = ledger.record("acme#default#k").expect("a record");
    assert_eq!((record.generation, record.attempts), (1, 1));
}

/// After functions were killed under load, each batch drew tokens for all ten, let those of the interrupted lapse, drew
/// again for each from the emptied bucket, and put it off: for minutes hardly anything was delivered.
#[tokio::test]
async fn who_was_interrupted_draws_one_token_when_it_can_go() {
    /// With as many tokens drawn for nothing the account's 500 would not do.
    const INTERRUPTED: usize = 300;
    let world = World::new();
    let mut batch = Vec::new();
    for n in 0..INTERRUPTED {
        let message = message(&format!("m{n}"), body(&format!("k{n}"), "orders.create"));
        let request = Request::decode(&message.body).expect("a request");
        let ask = Ask {
            pk: &request.ledger_key().to_string(),
            payload_hash: request.payload_hash.as_str(),
            message_id: &message.id,
            sent_at: NOON,
            mark: None,
            owner: "the dead",
            now: NOON,
            lease_until: NOON + secs(65),
            first_seen: NOON,
            alone: false,
            safety: Safety::Natural,
        };
        let claimed = claim(world.ledger.as_ref(), &ask, None).await;
        assert!(matches!(claimed, Ok(Finding::Granted(_))));
        batch.push(message.again());
    }
    world.clock.advance(secs(66));
    batch.push(message("healthy", body("healthy", "orders.create")));
    let report = world.receive(batch).await;
    let delivered = |entry: &&Entry| entry.outcome == Outcome::Delivered;
    let delivered = report.entries.iter().filter(delivered).count();
    assert_eq!(delivered, INTERRUPTED + 1);
    let first = &world.vendor.calls()[0];
    assert!(first.body.contains("healthy"), "it does not wait for them");
}
