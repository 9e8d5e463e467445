//! The queues: what is sent arrives whole on the other side, and what is hidden stays hidden.
//!
//! The other side is a plain SQS client. What it should see is spelled out here from the design's words, and is the
//! same for the queue in memory, whose other side is its own record of what it was asked.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_sqs::types::{Message as Received, MessageSystemAttributeName};
use causeway::Timestamp;
use causeway::outcome::{Code, Reason};
use causeway::queue::{Again, Letter, MemoryQueue, Message, Queue, SqsQueue};
use causeway_local::stack::BareEmulator;
use serde_json::{Value, json};

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

/// A message as its reader sees it: its body, its attributes with their types, its group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Seen {
    body: String,
    attributes: BTreeMap<String, (String, String)>,
    group_id: Option<String>,
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
    let long = if random.one_in(8) { 256 << 10 } else { 0 };
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
    Letter {
        body: body(random),
        reason,
        first_seen: at(random),
        request_id: random.maybe(name),
        connection: random.maybe(name),
        operation: random.maybe(name),
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
        first_received: at(random),
        first_seen: at(random),
        group_id: random.maybe(name),
        trace_header: random.maybe(trace),
    };
    // Only what is not delayed can be read in the end.
    let delay = Duration::ZERO;
    Again { message, delay }
}

fn seen<'a>(
    body: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str, Option<String>)>,
    group_id: &Option<String>,
) -> Seen {
    let known = attributes
        .into_iter()
        .filter_map(|(name, kind, text)| Some((name.to_owned(), (kind.to_owned(), text?))));
    Seen {
        body: body.to_owned(),
        attributes: known.collect(),
        group_id: group_id.clone(),
    }
}

/// A letter on the other side: the nine attributes of the design, and the format.
fn letter_seen(letter: &Letter) -> Seen {
    let reason = &letter.reason;
    // What SQS does not take becomes a replacement character, and no value is empty.
    let mut detail = reason
        .detail
        .replace(['\u{0}', '\u{1b}', '\u{fffe}'], "\u{fffd}");
    if detail.is_empty() {
        detail = "-".to_owned();
    }
    let attributes = [
        ("code", "String", Some(reason.code.to_string())),
        ("detail", "String", Some(detail)),
        ("attempts", "Number", Some(reason.attempts.to_string())),
        (
            "provider_status",
            "Number",
            reason.provider_status.map(|status| status.to_string()),
        ),
        ("first_seen", "String", Some(letter.first_seen.to_string())),
        (
            "last_attempt",
            "String",
            reason.last_attempt.map(|at| at.to_string()),
        ),
        ("request_id", "String", letter.request_id.clone()),
        ("connection", "String", letter.connection.clone()),
        ("operation", "String", letter.operation.clone()),
        ("format_version", "Number", Some("1".to_owned())),
    ];
    seen(&letter.body, attributes, &letter.group_id)
}

/// A message that was sent again, on the other side: its history.
fn again_seen(again: &Again) -> Seen {
    let message = &again.message;
    let attributes = [
        ("origin", "String", Some(message.origin.clone())),
        (
            "receives",
            "Number",
            Some(message.receive_count.to_string()),
        ),
        ("sent_at", "String", Some(message.sent_at.to_string())),
        (
            "first_received",
            "String",
            Some(message.first_received.to_string()),
        ),
        ("first_seen", "String", Some(message.first_seen.to_string())),
        ("format_version", "Number", Some("1".to_owned())),
    ];
    seen(&message.body, attributes, &message.group_id)
}

/// What an operation puts on the wire beside what a reader sees: body, delay, trace header. The emulator does not pass
/// trace headers of batches on.
fn outgoing(operation: &Operation) -> Vec<(String, Value, Value)> {
    let sent = |body: &String, delay: Value, trace: &Option<String>| {
        let trace = trace.as_ref().map_or(
            Value::Null,
            |header| json!({"AWSTraceHeader": {"DataType": "String", "StringValue": header}}),
        );
        (body.clone(), delay, trace)
    };
    let mut sent: Vec<_> = match operation {
        Operation::Bury(letters) => letters
            .iter()
            .map(|letter| sent(&letter.body, Value::Null, &letter.trace_header))
            .collect(),
        Operation::SendAgain(messages) => messages
            .iter()
            .map(|again| sent(&again.message.body, json!(0), &again.message.trace_header))
            .collect(),
    };
    sent.sort_by_key(|sent| format!("{sent:?}"));
    sent
}

/// The entries of all batches, each of which keeps SQS's bounds.
fn on_the_wire(batches: &[Value]) -> Vec<(String, Value, Value)> {
    let mut sent = Vec::new();
    for batch in batches {
        let entries = batch["Entries"].as_array().expect("a batch");
        assert!(
            (1..=10).contains(&entries.len()),
            "{} entries",
            entries.len()
        );
        let bytes: usize = entries
            .iter()
            .map(|entry| entry["MessageBody"].as_str().map_or(0, str::len))
            .sum();
        assert!(bytes <= 1 << 20, "{bytes} bytes of bodies");
        sent.extend(entries.iter().map(|entry| {
            let body = entry["MessageBody"].as_str().expect("a body").to_owned();
            (
                body,
                entry["DelaySeconds"].clone(),
                entry["MessageSystemAttributes"].clone(),
            )
        }));
    }
    sent.sort_by_key(|sent| format!("{sent:?}"));
    sent
}

/// A lane's queues of their own, the adapter, and a plain client.
struct Sqs {
    client: aws_sdk_sqs::Client,
    queue: SqsQueue,
    queue_url: String,
    dlq_url: String,
}

impl Sqs {
    async fn new(emulator: &BareEmulator, config: &aws_config::SdkConfig, seed: u64) -> Self {
        let queue_url = emulator
            .make_queue(&format!("queue-{seed}"))
            .await
            .expect("a queue");
        let dlq_url = emulator
            .make_queue(&format!("dlq-{seed}"))
            .await
            .expect("a queue");
        let client = aws_sdk_sqs::Client::new(config);
        let queue = SqsQueue::new(client.clone(), &queue_url, &dlq_url);
        Self {
            client: aws_sdk_sqs::Client::new(&emulator.sdk_config()),
            queue,
            queue_url,
            dlq_url,
        }
    }

    async fn receive(&self, url: &str) -> Vec<Received> {
        let receive = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10);
        let answer = receive
            .visibility_timeout(3600)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await;
        answer.expect("received").messages.unwrap_or_default()
    }

    /// Everything that can be read from a queue, sorted.
    async fn read(&self, url: &str) -> Vec<Seen> {
        let mut all = Vec::new();
        // A walk sends at most so many batches.
        for _ in 0..STEPS * MAX_LETTERS {
            let messages = self.receive(url).await;
            if messages.is_empty() {
                break;
            }
            all.extend(messages.iter().map(|message| {
                Seen {
                    body: message.body().unwrap_or_default().to_owned(),
                    attributes: attributes(message),
                    group_id: message
                        .attributes()
                        .and_then(|known| known.get(&MessageSystemAttributeName::MessageGroupId))
                        .cloned(),
                }
            }));
        }
        all.sort();
        all
    }
}

fn attributes(message: &Received) -> BTreeMap<String, (String, String)> {
    let known = message.message_attributes().into_iter().flatten();
    known
        .map(|(name, value)| {
            let text = value.string_value().unwrap_or_default().to_owned();
            (name.clone(), (value.data_type().to_owned(), text))
        })
        .collect()
}
