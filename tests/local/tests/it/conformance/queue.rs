//! The queues: what is sent arrives whole on the other side, and what is hidden stays hidden.
//!
//! The other side is a plain SQS client. What it should see is spelled out here from the design's words, and is the
//! same for the queue in memory, whose other side is its own record of what it was asked.

mod other_side;
mod seen;

use std::time::Duration;

use causeway::Timestamp;
use causeway::outcome::{Code, Reason};
use causeway::queue::{Again, Letter, MemoryQueue, Message, Queue};
use causeway_local::stack::BareEmulator;

use self::other_side::Sqs;
use self::seen::{Seen, again_seen, letter_seen, on_the_wire, outgoing};
use super::samples::NOON;
use super::{agree, seeds};
use crate::faults::Faults;
use crate::random::Random;

/// Operations of one walk.
const STEPS: usize = 8;

/// More than a batch holds, in count and now and then in bytes.
const MAX_LETTERS: usize = 23;

#[derive(Clone, Debug)]
enum Operation {
    Bury(Vec<Letter>),
    SendAgain(Vec<Again>),
}

#[tokio::test]
async fn memory_and_sqs_carry_the_same_letters_and_messages() {
    let emulator = emulator("test-conformance-queue").await;
    let (wire, config) = Faults::around(&emulator.sdk_config());
    for seed in seeds() {
        let memory = MemoryQueue::default();
        let sqs = Sqs::new(&emulator, &config, seed).await;
        let mut random = Random::new(seed);
        for step in 0..STEPS {
            let operation = operation(&mut random);
            wire.next([]);
            let ours = apply(&memory, &operation).await;
            let theirs = apply(&sqs.queue, &operation).await;
            agree(seed, step, &operation, &ours, &theirs);
            assert_eq!(
                on_the_wire(&wire.tries()),
                outgoing(&operation),
                "seed {seed}, step {step}"
            );
        }
        let (letters, again) = (sqs.read(&sqs.dlq_url).await, sqs.read(&sqs.queue_url).await);
        let done = memory.done();
        let mut expected: Vec<Seen> = done.letters.iter().map(letter_seen).collect();
        expected.sort();
        agree(seed, STEPS, &"all letters", &expected, &letters);
        let mut expected: Vec<Seen> = done.sent_again.iter().map(again_seen).collect();
        expected.sort();
        agree(
            seed,
            STEPS,
            &"all messages that were sent again",
            &expected,
            &again,
        );
    }
}

#[tokio::test]
async fn hidden_messages_stay_hidden_and_a_receipt_that_is_none_fails_alone() {
    let emulator = emulator("test-conformance-hidden").await;
    let config = emulator.sdk_config();
    let sqs = Sqs::new(&emulator, &config, 0).await;
    let memory = MemoryQueue::default();
    for number in 0..12 {
        let send = sqs.client.send_message().queue_url(&sqs.queue_url);
        send.message_body(format!("m{number}"))
            .send()
            .await
            .expect("sent");
    }
    let mut received = sqs.receive(&sqs.queue_url).await;
    received.extend(sqs.receive(&sqs.queue_url).await);
    assert_eq!(received.len(), 12);
    assert_eq!(sqs.queue.in_flight().await, Ok(12));

    // Every third comes back at once, the others after an hour; one receipt is nobody's.
    let wait = |at: usize| Duration::from_secs(if at.is_multiple_of(3) { 0 } else { 3600 });
    let mut hide: Vec<(String, Duration)> = received
        .iter()
        .enumerate()
        .map(|(at, message)| {
            (
                message.receipt_handle().expect("a handle").to_owned(),
                wait(at),
            )
        })
        .collect();
    let ours = memory.hide(&hide).await;
    let theirs = sqs.queue.hide(&hide).await;
    assert_eq!((ours.len(), &ours), (12, &theirs));
    hide.truncate(1);
    hide.push(("nobody's".to_owned(), Duration::from_secs(1)));
    let results = sqs.queue.hide(&hide).await;
    assert_eq!(
        results.iter().map(Result::is_ok).collect::<Vec<_>>(),
        [true, false]
    );

    let mut back: Vec<String> = sqs
        .read(&sqs.queue_url)
        .await
        .into_iter()
        .map(|seen| seen.body)
        .collect();
    let mut expected: Vec<String> = received
        .iter()
        .enumerate()
        .filter(|(at, _)| wait(*at).is_zero())
        .filter_map(|(_, message)| message.body.clone())
        .collect();
    back.sort();
    expected.sort();
    assert_eq!(back, expected);
}

async fn emulator(name: &str) -> BareEmulator {
    let emulator = BareEmulator::up(name).await;
    emulator.unwrap_or_else(|error| panic!("{}", error.report()))
}

async fn apply(queue: &dyn Queue, operation: &Operation) -> Vec<bool> {
    let results = match operation {
        Operation::Bury(letters) => queue.bury(letters).await,
        Operation::SendAgain(messages) => queue.send_again(messages).await,
    };
    results.iter().map(Result::is_ok).collect()
}

fn operation(random: &mut Random) -> Operation {
    let count = random.below(MAX_LETTERS + 1);
    if random.one_in(3) {
        return Operation::SendAgain((0..count).map(|_| again(random)).collect());
    }
    Operation::Bury((0..count).map(|_| letter(random)).collect())
}

/// A body as it may stand in a queue; now and then one as long as a request may be.
fn body(random: &mut Random) -> String {
    let long = if random.one_in(30) { 256 << 10 } else { 0 };
    format!("{{{}{}", random.text(200), "x".repeat(long))
}

fn name(random: &mut Random) -> String {
    format!("name-{}", random.below(1000))
}

fn at(random: &mut Random) -> Timestamp {
    NOON + Duration::from_millis(random.below(100_000) as u64)
}

fn letter(random: &mut Random) -> Letter {
    let words = random.text(100);
    // A vendor's words may hold what SQS refuses.
    let detail = if random.one_in(4) {
        format!("{words}\u{0}\u{1b}\u{fffe}")
    } else {
        words
    };
    let mut reason = Reason::new(Code::new("provider_rejected"), detail);
    reason.attempts = random.below(9) as u32;
    reason.provider_status = random.maybe(|random| 200 + random.below(300) as u16);
    reason.last_attempt = random.maybe(at);
    reason.closing = random.maybe(|random| random.below(99) as u64);
    Letter {
        body: body(random),
        reason,
        first_seen: at(random),
        request_id: random.maybe(name),
        connection: random.maybe(name),
        operation: random.maybe(name),
        revision: random.maybe(|random| random.below(99) as u32),
        group_id: random.maybe(name),
        trace_header: random.maybe(trace),
    }
}

fn trace(random: &mut Random) -> String {
    format!(
        "Root=1-5759e988-bd862e3fe1be46a994272793;Parent={:016x};Sampled=1",
        random.below(1 << 40)
    )
}

fn again(random: &mut Random) -> Again {
    let message = Message {
        id: name(random),
        origin: name(random),
        receipt_handle: name(random),
        body: body(random),
        receive_count: 1 + random.below(900) as u32,
        sent_at: at(random),
        mark: random.maybe(|random| random.below(99) as u64),
        revision: random.maybe(|random| random.below(99) as u32),
        first_seen: at(random),
        group_id: random.maybe(name),
        trace_header: random.maybe(trace),
    };
    // Only what is not delayed can be read in the end.
    let delay = Duration::ZERO;
    Again { message, delay }
}
