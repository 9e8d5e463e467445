//! The operators' command, run as a process. Most of it needs no lane's function: an emulator with a stack of tables
//! and queues will do, and is up in seconds.

mod connections;
mod deployed;
mod verbs;

use std::time::Duration;

use causeway::Timestamp;
use causeway::breaker::Breaker;
use causeway::clock::{Clock, SystemClock};
use causeway::lanes::{DynamoStates, StateStore};
use causeway::ledger::{DynamoLedger, Expected, LedgerStore, Record, Status, Write};
use causeway_local::stack::{BareEmulator, Ended, report};
use serde::Serialize;
use serde_json::{Value, json};

use crate::cloudformation::Template;
use crate::conformance::samples::claim;

/// The topic that the stack's alarms tell: nothing listens there.
pub const TOPIC: &str = "arn:aws:sns:us-east-1:000000000000:alerts";

/// An emulator with a stack `causeway` whose outputs name three tables and the queues of these lanes, and no function.
pub async fn tables_and_queues(name: &str, lanes: &[&str]) -> BareEmulator {
    let table = |name: &str| {
        json!({"Type": "AWS::DynamoDB::Table", "Properties": {
            "TableName": name,
            "BillingMode": "PAY_PER_REQUEST",
            "AttributeDefinitions": [{"AttributeName": "pk", "AttributeType": "S"}],
            "KeySchema": [{"AttributeName": "pk", "KeyType": "HASH"}],
        }})
    };
    let queue = json!({"Type": "AWS::SQS::Queue"});
    let mut template = json!({"Resources": {}, "Outputs": {"AlertsTopicArn": {"Value": TOPIC}}});
    for id in ["RequestsTable", "LanesTable", "MappingsTable"] {
        template["Resources"][id] = table(id);
        template["Outputs"][id] = json!({"Value": {"Ref": id}});
    }
    // The ledger's own, as the project's template has them.
    let requests = Template::read();
    let requests = requests.properties("RequestsTable");
    for property in ["AttributeDefinitions", "GlobalSecondaryIndexes"] {
        template["Resources"]["RequestsTable"]["Properties"][property] = requests[property].clone();
    }
    for lane in lanes {
        for kind in ["Queue", "Dlq"] {
            let id = format!("{lane}{kind}");
            template["Resources"][&id] = queue.clone();
            template["Outputs"][format!("{id}Url")] = json!({"Value": {"Ref": id}});
        }
        let function = format!("causeway-{lane}");
        template["Outputs"][format!("{lane}FunctionName")] = json!({"Value": function});
    }
    let emulator = BareEmulator::up(name).await;
    let emulator = emulator.unwrap_or_else(|error| panic!("{}", report(&error)));
    let made = emulator.make_stack("causeway", &template).await;
    made.unwrap_or_else(|error| panic!("{}", report(&error)));
    emulator
}

/// Runs the command; it must end with this exit status.
pub async fn run(emulator: &BareEmulator, arguments: &[&str], code: i32) -> Ended {
    let ended = emulator.operator().run(arguments).await;
    let ended = ended.unwrap_or_else(|error| panic!("{}", report(&error)));
    assert_eq!(ended.code, code, "{arguments:?}: {ended:#?}");
    ended
}

/// The one JSON document that the command prints.
pub async fn json_of(emulator: &BareEmulator, arguments: &[&str], code: i32) -> Value {
    let ended = run(emulator, &[arguments, &["--json"]].concat(), code).await;
    let result = ended.json();
    result.unwrap_or_else(|error| panic!("{}: {ended:#?}", report(&error)))
}

fn shared_state(emulator: &BareEmulator) -> DynamoStates {
    let client = aws_sdk_dynamodb::Client::new(&emulator.sdk_config());
    DynamoStates::new(client, "LanesTable")
}

async fn put(states: &DynamoStates, key: &str, value: &impl Serialize) {
    let value = serde_json::to_value(value).expect("JSON");
    let stored = states.load(key).await.expect("the table answers");
    let version = stored.map(|stored| stored.version);
    let swapped = states.swap(key, version, &value, "test").await;
    swapped.expect("the table answers");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_operator_asks_and_orders_is_read_from_and_written_to_the_tables() {
    let emulator = tables_and_queues("test-command", &["Stripe", "Guesty"]).await;
    what_needs_no_stack_asks_no_aws(&emulator).await;
    errors_say_what_and_what_to_do(&emulator).await;
    a_breaker_is_opened_and_closed(&emulator).await;
    a_connection_is_resumed_and_its_token_stays_where_it_is(&emulator).await;
    lanes_stand_in_one_table(&emulator).await;
    a_list_of_letters_says_how_old_the_oldest_is(&emulator).await;
    a_request_is_found_by_its_key(&emulator).await;
    what_is_not_delivered_is_listed_with_the_next_command(&emulator).await;
    a_connections_mapping_is_put_and_rolled_back(&emulator).await;
}

/// From the document to the item that lanes read, with the project's own mapping for a connection of one's own.
async fn a_connections_mapping_is_put_and_rolled_back(emulator: &BareEmulator) {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let shipped = format!("{root}/functions/guesty/mappings/pms-guest.json");
    let text = std::fs::read_to_string(&shipped).expect("a document of the project");
    let mut newer: Value = serde_json::from_str(&text).expect("JSON");
    let first = newer["version"].as_u64().expect("a version");
    newer["version"] = (first + 1).into();
    let folder = std::env::temp_dir().join(format!("causeway-map-put-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    // Samples that examples name are found from inside the project only: this one brings its own.
    newer["examples"] = json!([example(&newer, root)]);
    let file = folder.join("newer.json");
    std::fs::write(&file, newer.to_string()).expect("a file");
    let file = file.display().to_string();
    let live = async || {
        let states = DynamoStates::new(
            aws_sdk_dynamodb::Client::new(&emulator.sdk_config()),
            "MappingsTable",
        );
        let item = states.load("guesty#berlin#pms-guest").await;
        item.expect("the table answers")
            .map(|item| item.value["document"]["version"].clone())
    };

    let put = ["map", "put", "guesty/berlin"];
    run(emulator, &["map", "put", "guesty", &shipped], 2).await;
    run(emulator, &["map", "put", "stripe/berlin", &shipped], 2).await;
    run(
        emulator,
        &["map", "rollback", "guesty/berlin", "pms-guest"],
        1,
    )
    .await;
    json_of(emulator, &["map", "diff", "guesty/berlin", &shipped], 0).await;
    assert_eq!(live().await, None);
    json_of(emulator, &[&put[..], &[&shipped]].concat(), 0).await;
    assert_eq!(live().await, Some(json!(first)));
    json_of(emulator, &[&put[..], &[&file]].concat(), 0).await;
    assert_eq!(live().await, Some(json!(first + 1)));
    let older = run(emulator, &[&put[..], &[&shipped]].concat(), 2).await;
    assert!(
        older.stderr.contains("version: must be above"),
        "{}",
        older.stderr
    );
    json_of(
        emulator,
        &["map", "rollback", "guesty/berlin", "pms-guest"],
        0,
    )
    .await;
    assert_eq!(live().await, Some(json!(first)));
    std::fs::remove_dir_all(&folder).expect("the folder");
}

/// The first example of `document` with its input written out.
fn example(document: &Value, root: &str) -> Value {
    let mut example = document["examples"][0].clone();
    if let Some(name) = example["input"]["sample"].as_str() {
        let sample = std::fs::read_to_string(format!("{root}/tests/contract/samples/{name}.json"));
        let sample: Value = serde_json::from_str(&sample.expect("a sample")).expect("JSON");
        example["input"] = sample;
    }
    example
}

async fn what_needs_no_stack_asks_no_aws(emulator: &BareEmulator) {
    let listed = json_of(emulator, &["providers"], 0).await;
    let shipped = Template::read().shipped.len();
    assert_eq!(listed.as_array().map(Vec::len), Some(shipped), "{listed}");
    let shown = json_of(emulator, &["providers", "stripe", "customers.create"], 0).await;
    assert_eq!(shown["schema"]["type"], "object", "{shown}");
    let script = run(emulator, &["completions", "bash"], 0).await;
    assert!(script.stdout.contains("_causeway()"), "{}", script.stdout);
    let help = run(emulator, &["--help"], 0).await;
    for command in [
        "send",
        "status",
        "lanes",
        "breaker",
        "connection",
        "dlq",
        "doctor",
        "map",
        "providers",
    ] {
        let listed = help
            .stdout
            .lines()
            .any(|line| line.trim_start().starts_with(command));
        assert!(listed, "{command}: {}", help.stdout);
    }
}

async fn errors_say_what_and_what_to_do(emulator: &BareEmulator) {
    let wrong = run(emulator, &["providrs"], 2).await;
    assert!(wrong.stderr.contains("providers"), "{}", wrong.stderr);
    let nowhere = run(emulator, &["lanes", "--stack", "elsewhere"], 1).await;
    assert!(nowhere.stderr.contains("--stack"), "{}", nowhere.stderr);
    assert!(
        !nowhere.stderr.contains("ServiceError"),
        "{}",
        nowhere.stderr
    );
    let strange = run(emulator, &["breaker", "show", "nobody"], 2).await;
    assert!(
        strange.stderr.contains("deployed: guesty, stripe"),
        "{}",
        strange.stderr
    );
    let named = ["breaker", "show", "stripe/x"];
    let refused = run(emulator, &named, 2).await;
    assert!(
        refused.stderr.contains("stripe has one breaker"),
        "{}",
        refused.stderr
    );
}

async fn a_breaker_is_opened_and_closed(emulator: &BareEmulator) {
    let shown = run(emulator, &["breaker", "show", "stripe"], 0).await;
    assert_eq!(shown.stdout.trim(), "stripe: Closed");
    let open = [
        "breaker",
        "open",
        "stripe",
        "--for",
        "2h",
        "--reason",
        "maintenance",
    ];
    let opened = json_of(emulator, &open, 0).await;
    assert_eq!(opened["before"]["state"], "Closed", "{opened}");
    assert_eq!(opened["after"]["state"], "ForcedOpen", "{opened}");
    let stored = shared_state(emulator).load("stripe#*#breaker").await;
    let stored = stored.expect("the table answers").expect("an item");
    assert_eq!(stored.value["reason"], "maintenance");
    // By the lane's own name, as alarms have it, too.
    let shown = run(emulator, &["breaker", "show", "Stripe"], 0).await;
    assert!(
        shown.stdout.contains("stripe: ForcedOpen until "),
        "{}",
        shown.stdout
    );
    assert!(shown.stdout.contains("maintenance"), "{}", shown.stdout);

    let closed = run(emulator, &["breaker", "close", "stripe"], 0).await;
    assert!(
        closed.stdout.starts_with("was  stripe: ForcedOpen"),
        "{}",
        closed.stdout
    );
    assert!(
        closed.stdout.contains("now  stripe: Closed since"),
        "{}",
        closed.stdout
    );
    run(emulator, &["breaker", "close", "stripe"], 0).await;

    let too_long = ["breaker", "open", "stripe", "--for", "8d", "--reason", "x"];
    let refused = run(emulator, &too_long, 2).await;
    assert!(
        refused.stderr.contains("at most 7 days"),
        "{}",
        refused.stderr
    );
}

/// What nobody should see, as a token.
const TOKEN: &str = "made-up-token-that-nobody-sees";

async fn a_connection_is_resumed_and_its_token_stays_where_it_is(emulator: &BareEmulator) {
    let now = SystemClock.now();
    let key = "guesty#berlin#credentials";
    let paused = json!({
        "format_version": 1,
        "token": {"text": TOKEN, "usable_from": now, "obtained_at": now, "expires_at": now},
        "refresh_token": TOKEN,
        "pause": {"reason": "unauthorised", "since": now, "next_trial": now},
    });
    put(&shared_state(emulator), key, &paused).await;

    let listed = json_of(emulator, &["connection", "list"], 0).await;
    assert_eq!(listed[0]["connection"], "berlin", "{listed}");
    assert_eq!(listed[0]["paused"], "unauthorised", "{listed}");
    let shown = run(emulator, &["connection", "show", "guesty/berlin"], 0).await;
    assert!(
        shown.stdout.contains("causeway/guesty/berlin"),
        "{}",
        shown.stdout
    );
    for seen in [&shown.stdout, &listed.to_string()] {
        assert!(!seen.contains(TOKEN), "{seen}");
    }
    let resumed = json_of(emulator, &["connection", "resume", "Guesty/berlin"], 0).await;
    assert_eq!(resumed["was_paused"], true, "{resumed}");
    let again = json_of(emulator, &["connection", "resume", "guesty/berlin"], 0).await;
    assert_eq!(again["was_paused"], false, "{again}");
    let stored = shared_state(emulator).load(key).await;
    let stored = stored.expect("the table answers").expect("an item");
    assert_eq!(
        stored.value["refresh_token"], TOKEN,
        "the rotated one is kept"
    );
    // The one that the vendor refused is not tried again; lanes see that somebody wrote.
    assert_eq!(stored.value["token"], Value::Null);
    assert_eq!(stored.value["pause"], Value::Null);
    assert_eq!(stored.version, 2);
    let listed = run(emulator, &["connection", "list"], 0).await;
    assert_eq!(listed.stdout.trim(), "No connection is paused.");
}

async fn lanes_stand_in_one_table(emulator: &BareEmulator) {
    let now = SystemClock.now();
    let open = Breaker::default().force_open(now, "an outage", now + Duration::from_secs(600));
    let states = shared_state(emulator);
    put(
        &states,
        "guesty#*#breaker",
        &open.expect("within the rules"),
    )
    .await;
    let sqs = aws_sdk_sqs::Client::new(&emulator.sdk_config());
    let queues = sqs.list_queues().send().await.expect("it answers");
    for url in queues.queue_urls() {
        let sent = sqs.send_message().queue_url(url).message_body("{}").send();
        sent.await.expect("it answers");
    }
    // Nothing feeds these lanes: no event source is found, which is no failure of the others' columns.
    let look = json_of(emulator, &["lanes"], 0).await;
    let lanes = look["lanes"].as_array().expect("a list");
    let names: Vec<_> = lanes.iter().map(|lane| &lane["provider"]).collect();
    assert_eq!(names, ["guesty", "stripe"], "{look}");
    assert_eq!(lanes[0]["breakers"][0]["state"], "ForcedOpen", "{look}");
    assert_eq!(lanes[1]["breakers"][0]["state"], "Closed", "{look}");
    for lane in lanes {
        assert_eq!(lane["queue"]["ready"], 1, "{look}");
        assert_eq!(lane["dead_letters"]["ready"], 1, "{look}");
    }
    let table = run(emulator, &["lanes"], 0).await;
    let row = table.stdout.lines().find(|line| line.contains("guesty"));
    assert!(
        row.is_some_and(|row| row.contains("ForcedOpen")),
        "{}",
        table.stdout
    );
}

async fn what_is_not_delivered_is_listed_with_the_next_command(emulator: &BareEmulator) {
    let client = aws_sdk_dynamodb::Client::new(&emulator.sdk_config());
    let ledger = DynamoLedger::new(client, "RequestsTable");
    let now = SystemClock.now();
    for (pk, status, at) in [
        ("stripe#berlin#o'clock #5", Status::Unknown, now),
        ("stripe#default#-v", Status::Retrying, now),
        (
            "guesty#default#before",
            Status::Unknown,
            now - Duration::from_secs(7_200),
        ),
    ] {
        let record = Record {
            status,
            claimed_at: Some(at),
            ..claim(pk, "me")
        };
        let absent = Expected::AbsentOrExpired { now };
        let written = ledger.write(&record, &absent).await;
        assert_eq!(written.expect("the table answers"), Write::Written);
    }
    let listed = json_of(emulator, &["requests", "list"], 0).await;
    let keys: Vec<_> = listed["requests"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|one| one["idempotency_key"].as_str().expect("a key"))
        .collect();
    assert_eq!(keys, ["before", "o'clock #5", "-v"], "{listed}");
    let of_berlin = json_of(emulator, &["requests", "list", "Stripe/berlin"], 0).await;
    assert_eq!(of_berlin["requests"].as_array().map(Vec::len), Some(1));
    let unknown = ["unknown", "list", "--since", "1h"];
    let unknown = json_of(emulator, &unknown, 0).await;
    assert_eq!(
        unknown["requests"].as_array().map(Vec::len),
        Some(1),
        "{unknown}"
    );
    let none = run(
        emulator,
        &["requests", "list", "guesty", "--status", "rejected"],
        0,
    )
    .await;
    assert!(none.stdout.starts_with("Nothing of that kind"), "{none:?}");
    run(emulator, &["requests", "list", "--limit", "2"], 3).await;

    next_commands_are_taken_as_they_are_printed(emulator).await;
}

/// By a shell, and then by the command: the same key, and the same connection.
async fn next_commands_are_taken_as_they_are_printed(emulator: &BareEmulator) {
    let table = run(emulator, &["requests", "list", "stripe"], 0).await;
    let rows: Vec<_> = table.stdout.lines().skip(1).collect();
    assert_eq!(rows.len(), 2, "{table:?}");
    for row in rows {
        let command = row.split_once("causeway ").expect("a command").1;
        let said = run_printed(emulator, command).await;
        let told = ["UNKNOWN", "RETRYING"].into_iter();
        let told = told.filter(|word| row.contains(word) && said.stdout.contains(word));
        assert_eq!(told.count(), 1, "{row}: {said:?}");
    }
    // And the next one of the next: what nobody knows is settled as it is printed.
    let key = "o'clock #5";
    let unknown = run(emulator, &["status", "stripe/berlin", key], 0).await;
    let next = unknown
        .stdout
        .lines()
        .find(|line| line.starts_with("  next "));
    let command = next.and_then(|line| Some(line.split_once("causeway ")?.1));
    let settled = run_printed(emulator, command.expect("a command")).await;
    assert!(settled.stdout.contains("is now COMPLETED"), "{settled:?}");
    let now = json_of(emulator, &["status", "stripe/berlin", key], 0).await;
    assert_eq!(now["status"], "COMPLETED", "{now}");
}

/// What stands behind `causeway` in a printed command, split by a shell.
async fn run_printed(emulator: &BareEmulator, command: &str) -> Ended {
    let split = std::process::Command::new("sh")
        .args(["-c", &format!("printf '%s\\n' {command}")])
        .output()
        .expect("sh is everywhere");
    let words = String::from_utf8(split.stdout).expect("text");
    let words: Vec<&str> = words.lines().collect();
    run(emulator, &words, 0).await
}

/// Letters are read by people alone: the gatekeeper, which calls before they are deleted, hears of the oldest by this.
async fn a_list_of_letters_says_how_old_the_oldest_is(emulator: &BareEmulator) {
    let before = SystemClock.now();
    run(emulator, &["dlq", "list", "stripe"], 0).await;
    let stored = shared_state(emulator).load("stripe#*#letters").await;
    let stored = stored.expect("the table answers").expect("an item");
    let since = stored.value["since"].as_i64().expect("a time");
    assert!(since > 0 && since <= before.as_millis(), "{stored:?}");
}

async fn a_request_is_found_by_its_key(emulator: &BareEmulator) {
    let absent = run(emulator, &["status", "stripe", "order-1"], 1).await;
    assert!(absent.stderr.contains("no record"), "{}", absent.stderr);
    let at = Timestamp::from_millis(1_795_348_800_000);
    let record = json!({
        "format_version": 1, "status": "COMPLETED", "payload_hash": "00",
        "owner": "me", "generation": 1, "series": 1, "attempts": 1, "series_since": at, "first_seen": at,
        "ambiguous": false, "message_id": "m", "response": {"status": 200, "object_id": "cus_1"},
        "expires_at": 4_000_000_000_i64,
    });
    let client = aws_sdk_dynamodb::Client::new(&emulator.sdk_config());
    let ledger = DynamoStates::new(client, "RequestsTable");
    put(&ledger, "stripe#default#order-1", &record).await;
    let shown = json_of(emulator, &["status", "stripe", "order-1"], 0).await;
    assert_eq!(shown["status"], "COMPLETED", "{shown}");
    assert_eq!(shown["object_id"], "cus_1", "{shown}");
    assert_eq!(shown["first_seen"], "2026-11-22T12:00:00Z", "{shown}");
    let watched = run(
        emulator,
        &["status", "Stripe/default", "order-1", "--watch"],
        0,
    )
    .await;
    assert!(
        watched.stdout.contains("COMPLETED: it took effect"),
        "{}",
        watched.stdout
    );
}
