//! A function that dies: at every await, and again and again on the same request.

use std::sync::Arc;
use std::task::Poll;

use async_trait::async_trait;
use futures_util::FutureExt;
use serde_json::Value;

use super::*;
use crate::StoreError;
use crate::http_client::{CallError, HttpClient};
use crate::lanes::{Added, Additions, StateStore, Swap, Versioned};
use crate::ledger::{Expected, LedgerStore, Record, Write};
use crate::provider::{Answer, Wire};
use crate::queue::{Again, Letter, Message, Queue};

#[tokio::test]
async fn a_call_that_never_comes_back_ends_unknown_where_it_may_not_be_repeated() {
    let world = World::new();
    world.vendor.on("killer", Reply::Hang);
    let batch = [
        message("m1", body("good-1", "orders.post")),
        message("m2", body("killer", "orders.post")),
        message("m3", body("good-2", "orders.create")),
    ];
    assert!(
        world.receive(batch.clone()).now_or_never().is_none(),
        "the function was ended"
    );

    world.clock.advance(secs(66));
    let report = world.receive(batch.iter().map(Message::again)).await;
    assert!(report.retained().is_empty());
    let names: Vec<_> = report
        .entries
        .iter()
        .map(|entry| (entry.message_id.as_str(), entry.outcome.name()))
        .collect();
    for expected in [("m1", "Duplicate"), ("m2", "Unknown"), ("m3", "Duplicate")] {
        assert!(names.contains(&expected), "{names:?}");
    }
    assert_eq!(world.vendor.calls().len(), 3, "nothing was called twice");
}

#[tokio::test]
async fn a_request_that_kills_alone_three_times_is_taken_out_and_the_others_go_through() {
    let world = World::new();
    world.vendor.on("killer", Reply::Hang);
    let mut batch = [
        message("m1", body("killer", "orders.create")),
        message("m2", body("good", "orders.create")),
    ];
    // Once with its batch, three times alone.
    for _ in 0..4 {
        assert!(world.receive(batch.clone()).now_or_never().is_none());
        assert_eq!(
            world.record("good").map(|record| record.status),
            Some(Status::Completed)
        );
        batch = batch.map(|message| message.again());
        world.clock.advance(secs(66));
    }
    let report = world.receive(batch).await;
    assert!(report.retained().is_empty());
    let reason = world.letters().remove(0).reason;
    assert_eq!((reason.code, reason.attempts), (code::OUTCOME_UNKNOWN, 4));
    assert!(
        reason.detail.starts_with("crash_loop: "),
        "{}",
        reason.detail
    );
    let calls = world.vendor.calls();
    assert_eq!(
        calls
            .iter()
            .filter(|call| call.body.contains("good"))
            .count(),
        1
    );
    let mut keys: Vec<_> = calls.iter().map(|call| call.key.clone()).collect();
    keys.sort_unstable();
    keys.dedup();
    assert_eq!(
        keys.len(),
        2,
        "the killer was sent under one key every time"
    );
}

#[tokio::test]
async fn a_survivor_is_sent_again_under_the_same_key_after_the_rest_of_its_batch() {
    let world = World::new();
    world.vendor.script([Reply::Hang]);
    let first = message("m1", body("k", "orders.create"));
    assert!(world.receive([first.clone()]).now_or_never().is_none());
    world.clock.advance(secs(66));
    let report = world
        .receive([first.again(), message("m2", body("other", "orders.create"))])
        .await;
    assert!(
        report
            .entries
            .iter()
            .all(|entry| entry.outcome == Outcome::Delivered)
    );
    let calls = world.vendor.calls();
    assert!(calls[1].body.contains("other"), "the suspect comes last");
    assert_eq!(calls[0].key, calls[2].key);
    assert_eq!(world.vendor.effects().len(), 2);
}

#[tokio::test]
async fn wherever_the_function_dies_each_request_takes_effect_once_or_is_said_to_be_unknown() {
    let places = places_to_die(&[]).await;
    assert!(places > 10, "only {places} places to die at");
    for first in 1..=places {
        // And a second time, while it works on what the first death left behind.
        places_to_die(&[first]).await;
    }
}

/// Lets a batch die as `before` says and then once more, at every place that is left; returns how many there are.
async fn places_to_die(before: &[u32]) -> u32 {
    for polls in 1..MAX_POLLS {
        if !dies_after(&[before, &[polls]].concat()).await {
            return polls - 1;
        }
    }
    panic!("a batch of five that needs {MAX_POLLS} polls");
}

/// More places to die at than a batch can have.
const MAX_POLLS: u32 = 200;

/// Lets a batch run for so many polls in each of its first receives, and then to its end. False when the last of
/// the doomed receives got to its end all the same.
async fn dies_after(polls: &[u32]) -> bool {
    let world = World::with(|seams| {
        seams.http = Arc::new(Yielding(seams.http.clone()));
        seams.ledger = Arc::new(Yielding(seams.ledger.clone()));
        seams.states = Arc::new(Yielding(seams.states.clone()));
        seams.queue = Arc::new(Yielding(seams.queue.clone()));
    });
    world.vendor.on("refused", Reply::Status(422, "{}"));
    let mut batch = vec![
        message("m1", body("keyed", "orders.create")),
        message("m2", body("unsafe", "orders.post")),
        message("m3", body("natural", "orders.replace")),
        message("m4", body("keyed", "orders.create")),
        message("m5", body("refused", "orders.create")),
    ];
    let mut ended = false;
    for &polls in polls {
        ended = is_ended(&world, &batch, polls).await;
        world.clock.advance(secs(66));
        batch = batch.iter().map(Message::again).collect();
    }
    for _ in 0..4 {
        let report = world.receive(batch.clone()).await;
        batch.retain(|message| report.retained().contains(&message.id.as_str()));
        batch = batch.iter().map(Message::again).collect();
        world.clock.advance(secs(75));
    }
    assert!(batch.is_empty(), "{polls:?}: not at an end: {batch:?}");
    check(&world, polls);
    ended
}

/// Polls an invocation so many times and then drops it, as the end of a process does.
async fn is_ended(world: &World, batch: &[Message], polls: u32) -> bool {
    let mut running = Box::pin(world.receive(batch.to_vec()));
    for _ in 0..polls {
        if futures_util::poll!(&mut running).is_ready() {
            return false;
        }
    }
    true
}

fn check(world: &World, polls: &[u32]) {
    let effects = world.vendor.effects();
    let of = |text: &str| {
        let by_body = effects.iter().filter(|(name, _)| name.contains(text));
        by_body.map(|(_, count)| *count).sum::<u32>()
    };
    let status = |key: &str| world.record(key).map(|record| record.status);
    let keyed = crate::request::vendor_key("acme#default#keyed", 1);
    assert_eq!(
        (status("keyed"), of(&keyed)),
        (Some(Status::Completed), 1),
        "{polls:?}"
    );
    assert_eq!(status("natural"), Some(Status::Completed), "{polls:?}");
    assert!(of("natural") >= 1, "{polls:?}");
    match status("unsafe") {
        Some(Status::Completed) => assert_eq!(of("unsafe"), 1, "{polls:?}"),
        Some(Status::Unknown) => assert!(of("unsafe") <= 1, "{polls:?}"),
        other => panic!("{polls:?}: {other:?}"),
    }
    assert_eq!(status("refused"), Some(Status::Rejected), "{polls:?}");
    let letters = world.letters();
    let buried = |text: &str| letters.iter().any(|letter| letter.body.contains(text));
    assert!(buried("refused"), "{polls:?}");
    assert_eq!(
        buried("unsafe"),
        status("unsafe") == Some(Status::Unknown),
        "{polls:?}"
    );
}

/// A seam that gives way before and after it does its work, so that there are places to die at.
pub(super) struct Yielding<T: ?Sized>(pub Arc<T>);

async fn give_way() {
    let mut given = false;
    std::future::poll_fn(|context| {
        if given {
            return Poll::Ready(());
        }
        given = true;
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

async fn around<R>(work: impl Future<Output = R>) -> R {
    give_way().await;
    let result = work.await;
    give_way().await;
    result
}

#[async_trait]
impl HttpClient for Yielding<dyn HttpClient> {
    async fn call(
        &self,
        base_url: &str,
        wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        around(self.0.call(base_url, wire, timeout)).await
    }
}

#[async_trait]
impl LedgerStore for Yielding<dyn LedgerStore> {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        around(self.0.read(keys)).await
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        around(self.0.write(next, expected)).await
    }
}

#[async_trait]
impl StateStore for Yielding<dyn StateStore> {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        around(self.0.load(key)).await
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        around(self.0.swap(key, expected, next, mark)).await
    }

    async fn add(
        &self,
        key: &str,
        additions: &Additions<'_>,
        mark: &str,
    ) -> Result<Added, StoreError> {
        around(self.0.add(key, additions, mark)).await
    }
}

#[async_trait]
impl Queue for Yielding<dyn Queue> {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        around(self.0.bury(letters)).await
    }

    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>> {
        around(self.0.hide(messages)).await
    }

    async fn send_again(&self, messages: &[Again]) -> Vec<Result<(), StoreError>> {
        around(self.0.send_again(messages)).await
    }

    async fn in_flight(&self) -> Result<u64, StoreError> {
        around(self.0.in_flight()).await
    }
}
