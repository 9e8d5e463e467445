//! Without functions: what is read, judged, released, moved and left alone.

use std::process::Stdio;

use aws_sdk_sqs::types::Message;
use causeway::lanes::{DynamoStates, StateStore};
use causeway::ledger::{DynamoLedger, Expected, LedgerStore, Record, Status, Write};
use causeway::outcome::code;
use causeway::request::{LedgerKey, Request};
use causeway_local::stack::BareEmulator;
use serde_json::{Value, json};

use super::letters::{Queues, customer};
use crate::command::{run, tables_and_queues};
use crate::conformance::samples::{NOON, claim};

/// An emulator with one lane's queues, its ledger and its breakers.
pub struct Lane {
    pub emulator: BareEmulator,
    pub queues: Queues,
    ledger: DynamoLedger,
    states: DynamoStates,
}

impl Lane {
    pub async fn up(name: &str) -> Self {
        let emulator = tables_and_queues(name, &["Stripe"]).await;
        let config = emulator.sdk_config();
        let outputs = outputs(&config).await;
        let dynamodb = aws_sdk_dynamodb::Client::new(&config);
        Self {
            queues: Queues::new(
                &config,
                &outputs["StripeQueueUrl"],
                &outputs["StripeDlqUrl"],
            ),
            ledger: DynamoLedger::new(dynamodb.clone(), &outputs["RequestsTable"]),
            states: DynamoStates::new(dynamodb, &outputs["LanesTable"]),
            emulator,
        }
    }

    async fn json(&self, arguments: &[&str], code: i32) -> Value {
        let arguments: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
        let ended = run(&self.emulator, &arguments, code).await;
        ended.json().expect("one document")
    }

    /// Completes the request of `message`; its key, where nobody had before.
    pub async fn carry_out(&self, message: &Message) -> Option<String> {
        let record = Record {
            owner: message.receipt_handle().expect("a handle").to_owned(),
            ..record(message.body().expect("a body"), Status::Completed)
        };
        let absent = Expected::AbsentOrExpired { now: NOON };
        let write = self
            .ledger
            .write(&record, &absent)
            .await
            .expect("an answer");
        let key = LedgerKey::parse(&record.pk)
            .expect("a key")
            .key()
            .to_owned();
        (write == Write::Written).then_some(key)
    }

    /// A letter of `key`, whose record in the ledger has this status.
    async fn bury(&self, key: &str, said: &[(&str, &str)], status: Option<Status>) -> String {
        let body = customer(key).to_string();
        if let Some(status) = status {
            let record = record(&body, status);
            let absent = Expected::AbsentOrExpired { now: NOON };
            self.ledger.write(&record, &absent).await.expect("written");
        }
        self.queues.bury(&body, said).await
    }
}

async fn outputs(config: &aws_config::SdkConfig) -> std::collections::BTreeMap<String, String> {
    let reply = aws_sdk_cloudformation::Client::new(config)
        .describe_stacks()
        .stack_name("causeway")
        .send()
        .await
        .expect("the stack is there");
    let outputs = reply.stacks()[0].outputs().iter();
    outputs
        .map(|one| {
            let (key, value) = (one.output_key(), one.output_value());
            (
                key.expect("a name").to_owned(),
                value.expect("a value").to_owned(),
            )
        })
        .collect()
}

fn record(body: &str, status: Status) -> Record {
    let request = Request::decode(body).expect("a request");
    let key = request.ledger_key();
    Record {
        status,
        payload_hash: request.payload_hash.as_str().to_owned(),
        ambiguous: status == Status::Unknown,
        // So long ago that the vendor has forgotten the key: a redrive settles nothing.
        first_sent_at: (status == Status::Unknown).then_some(NOON),
        lease_until: None,
        code: (status != Status::Completed).then_some(code::OUTCOME_UNKNOWN),
        ..claim(key.as_str(), "environment/1/m")
    }
}

const SPENT: &[(&str, &str)] = &[
    ("code", "attempts_spent"),
    ("detail", "last failure: provider_unavailable"),
    ("attempts", "8"),
    ("first_seen", "2026-11-22T10:00:00Z"),
    ("operation", "customers.create"),
    ("connection", "default"),
];

#[tokio::test(flavor = "multi_thread")]
async fn letters_are_grouped_shown_and_explained_and_all_of_them_are_there_afterwards() {
    let lane = Lane::up("test-dlq-read").await;
    for n in 1..=12 {
        let detail = format!("type=card_error code=resource_missing: no such customer cus_{n}");
        let said = [
            ("code", "provider_rejected"),
            ("detail", &*detail),
            ("provider_status", "404"),
        ];
        lane.bury(&format!("order-{n}"), &said, None).await;
    }
    let unknown = [("code", "outcome_unknown"), ("detail", "no answer")];
    let id = lane.bury("order-13", &unknown, Some(Status::Unknown)).await;
    lane.queues
        .bury(
            "no JSON at all",
            &[("code", "malformed_json"), ("detail", "line 1")],
        )
        .await;

    let listed = lane.json(&["dlq", "list", "stripe"], 0).await;
    let groups = listed[0]["groups"].as_array().expect("groups");
    let counts: Vec<_> = groups
        .iter()
        .map(|group| (&group["code"], &group["count"]))
        .collect();
    assert_eq!(
        json!(counts),
        json!([
            ["provider_rejected", 12],
            ["malformed_json", 1],
            ["outcome_unknown", 1]
        ])
    );
    assert_eq!(
        groups[0]["detail"],
        "type=card_error code=resource_missing: no such customer #"
    );
    lane.queues.must_show(&lane.queues.dlq, (14, 0)).await;

    let all = run(&lane.emulator, &["dlq", "list"], 0).await;
    assert!(all.stdout.contains("provider_rejected"), "{}", all.stdout);

    let shown = run(&lane.emulator, &["dlq", "show", "stripe", "order-13"], 0).await;
    assert!(shown.stdout.contains(&id), "{}", shown.stdout);
    assert!(
        shown.stdout.contains("UNKNOWN") && shown.stdout.contains("email"),
        "{}",
        shown.stdout
    );
    assert!(
        !shown.stdout.contains("ada@example.com"),
        "{}",
        shown.stdout
    );
    let whole = lane
        .json(&["dlq", "show", "stripe", &id, "--body"], 0)
        .await;
    assert_eq!(whole[0]["body"]["payload"]["email"], "ada@example.com");

    let explained = run(&lane.emulator, &["dlq", "explain", "stripe", &id], 0).await;
    let next = "causeway dlq resolve stripe 'stripe#default#order-13' --completed";
    assert!(explained.stdout.contains(next), "{}", explained.stdout);
    let explained = run(&lane.emulator, &["dlq", "explain", "stripe"], 0).await;
    assert!(
        explained.stdout.contains("12 letter(s)"),
        "{}",
        explained.stdout
    );

    let nobody = run(&lane.emulator, &["dlq", "show", "stripe", "order-99"], 1).await;
    assert!(nobody.stderr.contains("order-99"), "{}", nobody.stderr);
    lane.queues.must_show(&lane.queues.dlq, (14, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_settles_what_nobody_else_can_tell_of() {
    let lane = Lane::up("test-dlq-resolve").await;
    let said = [("code", "outcome_unknown"), ("detail", "no answer")];
    for key in ["order-1", "order-2"] {
        lane.bury(key, &said, Some(Status::Unknown)).await;
    }
    let resolve = ["dlq", "resolve", "stripe"];
    let because = ["--reason", "seen in the dashboard", "--by", "ada"];
    let with = |rest: &[&'static str]| [&resolve[..], rest, &because[..]].concat();

    let done = lane.json(&with(&["order-1", "--completed"]), 0).await;
    assert_eq!(
        (&done["written"], &done["letters_deleted"]),
        (&json!(true), &json!(1))
    );
    assert_eq!(done["ledger"]["status"], "COMPLETED");
    assert!(
        done["ledger"]["owner"]
            .as_str()
            .is_some_and(|owner| owner.starts_with("operator/ada/"))
    );
    // Said again it is nothing new; the opposite is refused.
    let again = lane.json(&with(&["order-1", "--completed"]), 0).await;
    assert_eq!(again["written"], false);
    let opposite = run(&lane.emulator, &with(&["order-1", "--rejected"]), 1).await;
    assert!(
        opposite.stderr.contains("without any doubt"),
        "{}",
        opposite.stderr
    );
    let absent = run(&lane.emulator, &with(&["order-9", "--rejected"]), 1).await;
    assert!(absent.stderr.contains("no record"), "{}", absent.stderr);
    run(&lane.emulator, &with(&["order-2"]), 2).await;

    // Ruled out, it may be carried out anew.
    let plan = ["dlq", "redrive", "stripe", "--dry-run"];
    let before = lane.json(&plan, 0).await;
    assert_eq!(before["letters"][0]["redrive"]["class"], "ambiguous");
    lane.json(&with(&["stripe#default#order-2", "--rejected"]), 0)
        .await;
    let after = lane.json(&plan, 0).await;
    assert_eq!(after["letters"][0]["redrive"]["class"], "safe");
    lane.queues.must_show(&lane.queues.dlq, (1, 0)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_dropped_is_in_a_file_and_in_the_ledger_and_what_is_in_doubt_stays() {
    let lane = Lane::up("test-dlq-drop").await;
    lane.bury("refused", SPENT, Some(Status::Rejected)).await;
    lane.bury("doubt", SPENT, Some(Status::Unknown)).await;
    let malformed = [("code", "malformed_json"), ("detail", "line 1")];
    lane.queues.bury("no JSON at all", &malformed).await;
    let folder = std::env::temp_dir().join(format!("causeway-drop-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = |name: &str| folder.join(name).display().to_string();
    let drop = ["dlq", "drop", "stripe"];

    // Everything is said before anything is done, and exported as it stands.
    let plan = lane
        .json(&[&drop[..], &["--all", "--dry-run"]].concat(), 3)
        .await;
    assert_eq!((&plan["may_go"], &plan["dropped"]), (&json!(2), &json!(0)));
    let to = file("export.jsonl");
    run(&lane.emulator, &["dlq", "export", "stripe", "--to", &to], 0).await;
    let exported = std::fs::read_to_string(&to).expect("the file");
    assert_eq!(exported.lines().count(), 3, "{exported}");
    assert!(exported.contains("no JSON at all"), "{exported}");
    lane.queues.must_show(&lane.queues.dlq, (3, 0)).await;

    // Not into a file that is there, and not without saying which, why and where to.
    let because = ["--yes", "--by", "ada", "--reason", "the shop is closed"];
    let dropping = async |rest: &[&str], code: i32| {
        let words = [&drop[..], rest, &because[..], &["--json"]].concat();
        run(&lane.emulator, &words, code).await
    };
    dropping(&["--all", "--to", &to], 1).await;
    dropping(&["--to", &file("new")], 2).await;
    dropping(&["--all"], 2).await;
    lane.queues.must_show(&lane.queues.dlq, (3, 0)).await;

    let to = file("dropped.jsonl");
    let done = dropping(&["--all", "--to", &to], 3).await;
    let done: Value = done.json().expect("one document");
    assert_eq!(done["dropped"], 2);
    let why = done["kept"][0]["why"].as_str().expect("a reason");
    assert!(why.contains("dlq resolve"), "{why}");
    lane.queues.must_show(&lane.queues.dlq, (1, 0)).await;
    let dropped = std::fs::read_to_string(&to).expect("the file");
    assert_eq!(dropped.lines().count(), 2, "{dropped}");
    let told = lane.json(&["status", "stripe", "refused"], 0).await;
    assert_eq!(
        (&told["status"], &told["code"], &told["detail"]),
        (
            &json!("REJECTED"),
            &json!("outcome_unknown"),
            &json!("dropped: the shop is closed")
        )
    );
    std::fs::remove_dir_all(&folder).expect("the folder");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_redrive_deletes_what_is_done_sends_a_canary_and_stops_when_that_does_not_come_through() {
    let lane = Lane::up("test-dlq-canary").await;
    lane.bury("done", SPENT, Some(Status::Completed)).await;
    lane.bury("doubt", SPENT, Some(Status::Unknown)).await;
    for n in 0..3 {
        lane.bury(&format!("safe-{n}"), SPENT, None).await;
    }
    let nobody = run(&lane.emulator, &["dlq", "redrive", "stripe"], 2).await;
    assert!(nobody.stderr.contains("--yes"), "{}", nobody.stderr);
    lane.queues.must_show(&lane.queues.dlq, (5, 0)).await;

    let planned = run(
        &lane.emulator,
        &["dlq", "redrive", "stripe", "--dry-run"],
        0,
    )
    .await;
    assert!(
        planned
            .stdout
            .contains("1 already done, 3 safe, 1 ambiguous"),
        "{}",
        planned.stdout
    );
    lane.queues.must_show(&lane.queues.dlq, (5, 0)).await;

    // Nobody works on the lane's queue: the canary cannot end.
    let redrive = ["dlq", "redrive", "stripe", "--yes", "--canary-wait", "2"];
    let done = lane.json(&redrive, 3).await;
    let tally = &done["redrive"];
    assert_eq!(
        (&tally["sent"], &tally["done_before"]),
        (&json!(1), &json!(1)),
        "{done}"
    );
    let why = tally["stopped"].as_str().expect("a reason");
    assert!(why.contains("has not ended within 2 s"), "{why}");
    lane.queues.must_show(&lane.queues.dlq, (3, 0)).await;

    let copy = lane.queues.receive().await.expect("the canary");
    let body: Value = serde_json::from_str(copy.body().expect("a body")).expect("as it was");
    assert!(
        body["idempotency_key"]
            .as_str()
            .is_some_and(|key| key.starts_with("safe-")),
        "{body}"
    );
    let along: Vec<_> = copy.message_attributes.expect("one").into_keys().collect();
    assert_eq!(along, ["first_seen"], "the reason stays behind");
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_sent_while_the_breaker_is_open() {
    let lane = Lane::up("test-dlq-breaker").await;
    lane.bury("safe", SPENT, None).await;
    // Until 2096: what is forced open always has an end.
    let open = json!({"state": "ForcedOpen", "epoch": 1, "open_until": 4_000_000_000_000_i64});
    lane.states
        .swap("stripe#*#breaker", None, &open, "m")
        .await
        .expect("stored");
    let stopped = lane.json(&["dlq", "redrive", "stripe", "--yes"], 3).await;
    assert_eq!(stopped["redrive"]["sent"], 0, "{stopped}");
    assert_eq!(
        stopped["redrive"]["stopped"],
        "the circuit breaker is ForcedOpen"
    );
    lane.queues.must_show(&lane.queues.dlq, (1, 0)).await;
    lane.queues.must_show(&lane.queues.queue, (0, 0)).await;
}

/// Starts a redrive that waits for its canary, and holds the other letters meanwhile.
async fn waiting_redrive(lane: &Lane, hold: &str) -> tokio::process::Child {
    let arguments = [
        "dlq",
        "redrive",
        "stripe",
        "--yes",
        "--canary-wait",
        "600",
        "--hold",
        hold,
    ];
    let mut command = lane
        .emulator
        .operator()
        .command(arguments)
        .expect("it is built");
    let child = command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("it starts");
    lane.queues.must_show(&lane.queues.queue, (1, 0)).await;
    lane.queues.must_show(&lane.queues.dlq, (0, 3)).await;
    child
}

#[tokio::test(flavor = "multi_thread")]
async fn ctrl_c_releases_what_is_held_and_a_killed_process_s_letters_come_back_by_themselves() {
    let lane = Lane::up("test-dlq-held").await;
    for n in 0..4 {
        lane.bury(&format!("order-{n}"), SPENT, None).await;
    }
    // A hold of an hour would be over long after this test.
    let mut child = waiting_redrive(&lane, "3600").await;
    let id = i32::try_from(child.id().expect("it runs")).expect("an id");
    let process = rustix::process::Pid::from_raw(id).expect("an id");
    rustix::process::kill_process(process, rustix::process::Signal::INT).expect("it is ours");
    let ended = child.wait().await.expect("it is ours");
    assert_eq!(ended.code(), Some(130));
    lane.queues.must_show(&lane.queues.dlq, (3, 0)).await;

    lane.queues.empty().await;
    lane.bury("order-4", SPENT, None).await;
    let mut child = waiting_redrive(&lane, "5").await;
    child.kill().await.expect("it is ours");
    lane.queues.must_show(&lane.queues.dlq, (3, 0)).await;
}
