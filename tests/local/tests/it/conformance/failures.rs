//! Every wire call of the adapters, failed in every way.
//!
//! What must come of it: an error where nobody can know, never an answer that was not given; where the SDK's own retry
//! goes through, the same as without the failure, our own earlier write included; and no word of a body in an error.

mod world;

use causeway_local::stack::BareEmulator;
use futures_util::future::join_all;
use serde_json::{Value, json};

use self::world::{End, World};
use crate::faults::{BODY_TEXT, Fault, TRIES};

/// A wire call, by what it is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Subject {
    /// A batch read of the ledger.
    Read,
    /// A first conditional write.
    Claim,
    /// A conditional write on what we hold.
    Settle,
    /// A read of shared state.
    Load,
    /// A look at several items of shared state.
    Glance,
    /// A compare-and-swap.
    Swap,
    /// Additions to shared state.
    Add,
    /// A page of what is not delivered.
    List,
    /// Letters to the dead-letter queue.
    Bury,
    /// A change of visibility.
    Hide,
    /// Messages to the lane's queue again.
    SendAgain,
    /// The count of messages in flight.
    InFlight,
    /// A connection's credentials.
    Secret,
    /// The listing of event sources.
    ListSources,
    /// A change of an event source.
    SetSource,
    /// What an event source's queue holds.
    Waiting,
}

impl Subject {
    pub const ALL: [Self; 16] = [
        Self::Read,
        Self::Claim,
        Self::Settle,
        Self::Load,
        Self::Glance,
        Self::Swap,
        Self::Add,
        Self::List,
        Self::Bury,
        Self::Hide,
        Self::SendAgain,
        Self::InFlight,
        Self::Secret,
        Self::ListSources,
        Self::SetSource,
        Self::Waiting,
    ];
}

/// What passes, and what the SDK's retry may get past.
const PASSING: [Fault; 6] = [
    Fault::Throttled,
    Fault::ServerError,
    Fault::Hang,
    Fault::HangAfter,
    Fault::Reset,
    Fault::ResetAfter,
];

#[tokio::test]
async fn no_failure_is_taken_for_an_answer() {
    let emulator = emulator("test-failures").await;
    let subjects = Subject::ALL.map(|subject| fail_in_every_way(&emulator, subject));
    join_all(subjects).await;
}

/// Subjects have an emulator in common, and a script of failures, tables and queues of their own.
async fn fail_in_every_way(emulator: &BareEmulator, subject: Subject) {
    let world = World::new(emulator, &format!("{subject:?}")).await;
    assert_eq!(world.run(subject, &[]).await, End::Healthy, "{subject:?}");
    for fault in PASSING {
        let once = world.run(subject, &[fault]).await;
        assert_eq!(once, End::Healthy, "{subject:?}, {fault:?} once");
        assert_eq!(world.faults.tries().len(), 2, "{subject:?}, {fault:?} once");

        let always = world.run(subject, &[fault; TRIES]).await;
        assert_error(&always, &format!("{subject:?}, {fault:?} each time"));
        assert_eq!(
            world.faults.tries().len(),
            TRIES,
            "{subject:?}, {fault:?} each time"
        );
    }
    let denied = world.run(subject, &[Fault::Denied]).await;
    assert_error(&denied, &format!("{subject:?} denied"));
    // Of a secret it is known what stands in the way: its connection pauses.
    let said = match subject {
        Subject::Secret => "reading it, or using its key, is forbidden",
        _ => "AccessDenied",
    };
    assert!(format!("{denied:?}").contains(said), "{denied:?}");
    assert_eq!(
        world.faults.tries().len(),
        1,
        "{subject:?}: a refusal for good is not asked again"
    );

    let garbage = world.run(subject, &[Fault::Garbage; TRIES]).await;
    assert_error(&garbage, &format!("{subject:?}, garbage"));

    let empty = world.run(subject, &[Fault::Empty]).await;
    match subject {
        // An empty object is what DynamoDB answers to a write that went well; Lambda need not say more.
        Subject::Claim | Subject::Settle | Subject::Swap | Subject::SetSource => {
            assert_eq!(empty, End::Healthy, "{subject:?}");
        }
        // What was added to has come along, or the call is made once more.
        Subject::Add => assert_eq!(empty, End::Healthy, "{subject:?}"),
        // And to the question after an item, or for mappings, that are not there.
        Subject::Load | Subject::ListSources => {
            assert!(matches!(empty, End::Other(_)), "{empty:?}")
        }
        _ => assert_error(&empty, &format!("{subject:?}, an empty answer")),
    }
}

fn assert_error(end: &End, what: &str) {
    let End::Error(text) = end else {
        panic!("{what}: {end:?} in place of an error");
    };
    assert!(
        !text.contains(BODY_TEXT),
        "{what}: a body's words in {text:?}"
    );
}

#[tokio::test]
async fn a_write_whose_replies_were_all_lost_stands_and_is_known_for_our_own() {
    let emulator = emulator("test-lost-replies").await;
    let world = World::new(&emulator, "lost").await;
    for subject in [Subject::Claim, Subject::Settle, Subject::Swap] {
        for fault in [Fault::ResetAfter, Fault::HangAfter, Fault::Garbage] {
            let lost = world.run(subject, &[fault; TRIES]).await;
            assert_error(&lost, &format!("{subject:?}, {fault:?}"));
            assert_eq!(
                world.again(subject).await,
                End::Healthy,
                "{subject:?}, {fault:?}"
            );
        }
    }
    // A letter is sent once more rather than once less.
    let lost = world.run(Subject::Bury, &[Fault::ResetAfter; TRIES]).await;
    assert_error(&lost, "letters whose replies were lost");
    assert!(
        world.letters_of_last_run().await >= 2,
        "each letter is there"
    );
}

#[tokio::test]
async fn answers_in_part_are_taken_for_the_part_they_are() {
    let emulator = emulator("test-partial-answers").await;
    let world = World::new(&emulator, "partial").await;

    // Unprocessed keys are asked for again, and never absent.
    let once = world
        .run(Subject::Read, &[Fault::Changed(leave_unprocessed)])
        .await;
    assert_eq!(once, End::Healthy);
    assert_eq!(world.faults.tries().len(), 2);
    let always = world
        .run(Subject::Read, &[Fault::Changed(leave_unprocessed); TRIES])
        .await;
    assert_error(&always, "keys left unprocessed each time");

    // An onlooker does not wait for them, and takes none for absent.
    let left = world
        .run(Subject::Glance, &[Fault::Changed(leave_unprocessed)])
        .await;
    assert_error(&left, "keys of a look left unprocessed");

    // Of a batch that SQS took in part, the rest failed; so did what the answer does not name at all.
    for subject in [Subject::Bury, Subject::Hide, Subject::SendAgain] {
        for change in [fail_first as fn(&mut Value), forget_first] {
            let end = world.run(subject, &[Fault::Changed(change)]).await;
            assert_eq!(end, End::FirstFailed, "{subject:?}");
        }
    }
}

#[tokio::test]
async fn items_that_cannot_be_read_are_errors() {
    let emulator = emulator("test-unreadable-items").await;
    let world = World::new(&emulator, "unreadable").await;
    for (subject, change) in [
        (Subject::Read, garble_record as fn(&mut Value)),
        (Subject::Load, garble_state),
        (Subject::Glance, garble_key),
        (Subject::Secret, garble_secret),
        (Subject::InFlight, garble_count),
    ] {
        let end = world.run(subject, &[Fault::Changed(change)]).await;
        assert_error(&end, &format!("{subject:?}, garbled"));
    }
}

async fn emulator(name: &str) -> BareEmulator {
    let emulator = BareEmulator::up(name).await;
    emulator.unwrap_or_else(|error| panic!("{}", error.report()))
}

/// All items of a `BatchGetItem` become keys that were left.
fn leave_unprocessed(answer: &mut Value) {
    let responses = std::mem::take(&mut answer["Responses"]);
    for (table, items) in responses.as_object().expect("items by table") {
        let keys = items.as_array().expect("items").iter();
        let keys: Vec<Value> = keys.map(|item| json!({"pk": item["pk"]})).collect();
        answer["Responses"] = json!({ table.as_str(): [] });
        answer["UnprocessedKeys"] =
            json!({ table.as_str(): {"Keys": keys, "ConsistentRead": true} });
    }
}

/// The first entry of a batch fails.
fn fail_first(answer: &mut Value) {
    forget_first(answer);
    answer["Failed"] =
        json!([{"Id": "0", "Code": "InternalError", "SenderFault": false, "Message": BODY_TEXT}]);
}

/// The answer says nothing of the batch's first entry.
fn forget_first(answer: &mut Value) {
    let successful = answer["Successful"].as_array_mut().expect("a list");
    successful.retain(|entry| entry["Id"] != "0");
}

fn garble_record(answer: &mut Value) {
    let responses = answer["Responses"].as_object_mut().expect("items by table");
    for items in responses.values_mut() {
        items[0]["status"] = json!({ "S": BODY_TEXT });
    }
}

fn garble_key(answer: &mut Value) {
    let responses = answer["Responses"].as_object_mut().expect("items by table");
    for items in responses.values_mut() {
        items[0]["pk"] = json!({ "BOOL": true });
    }
}

fn garble_state(answer: &mut Value) {
    answer["Item"]["version"] = json!({ "S": BODY_TEXT });
}

fn garble_secret(answer: &mut Value) {
    answer["SecretString"] = json!(format!("no JSON: {BODY_TEXT}"));
}

fn garble_count(answer: &mut Value) {
    for count in answer["Attributes"]
        .as_object_mut()
        .expect("by name")
        .values_mut()
    {
        *count = json!(BODY_TEXT);
    }
}
