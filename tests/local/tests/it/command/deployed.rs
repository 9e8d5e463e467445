//! Commands that take a deployed lane: what is sent is followed to its end, and an event source is switched.

use std::time::{Duration, Instant};

use causeway_local::stack::{Ended, LocalStack, report};
use serde_json::{Value, json};

use crate::cloudformation::Template;
use crate::deployed::Deployed;

/// How long a change of an event source may take to show: the gatekeeper's minute, and a slow machine's share.
const SHOWN_MAX: Duration = Duration::from_secs(120);

/// Pause between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(500);

pub async fn run(stack: &LocalStack, arguments: &[&str], code: i32) -> Ended {
    let ended = stack.operator().run(arguments).await;
    let ended = ended.unwrap_or_else(|error| panic!("{}", report(&error)));
    assert_eq!(ended.code, code, "{arguments:?}: {ended:#?}");
    ended
}

fn customer(n: usize) -> Value {
    json!({
        "provider": "shopify",
        "operation": "customers.upsert",
        "idempotency_key": format!("command-{n}"),
        "created_at": "2026-11-22T10:00:00Z",
        "payload": {"email": format!("command{n}@example.com"), "firstName": "Ada", "lastName": "Example"},
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_sent_from_a_file_is_followed_to_its_end_and_what_is_refused_can_be_sent_again() {
    let deployed = Deployed::with(&["shopify"]).await;
    let stack = deployed.stack();
    let folder = stack.paths().stack();
    let (file, rejects) = (folder.join("command.jsonl"), folder.join("rejects.jsonl"));
    // 250 requests are three calls. One has a payload that the lane would refuse, one is no JSON.
    let mut lines: Vec<String> = (0..250).map(|n| customer(n).to_string()).collect();
    lines[17] = lines[17].replace("\"email\"", "\"e-mail\"");
    lines[120].pop();
    std::fs::write(&file, lines.join("\n")).expect("the stack's folder");
    let (file, rejects) = (file.display().to_string(), rejects.display().to_string());

    let send = [
        "send",
        &file,
        "--json",
        "--concurrency",
        "2",
        "--rejects",
        &rejects,
    ];
    let sent = run(stack, &send, 3).await;
    let ends = sent.json_lines().expect("a line of JSON each");
    assert_eq!(ends.len(), 250);
    for (at, end) in ends.iter().enumerate() {
        assert_eq!(end["line"], at + 1, "in the input's order");
        let refused = [17, 120].contains(&at);
        assert_eq!(end["status"] == "refused", refused, "{end}");
        if !refused {
            assert_eq!(end["idempotency_key"], format!("command-{at}"));
        }
    }
    assert_eq!(ends[120]["code"], "malformed_json", "{}", ends[120]);
    let errors = ends[17]["errors"].to_string();
    assert!(
        errors.contains("e-mail") || errors.contains("email"),
        "{}",
        ends[17]
    );
    let kept = std::fs::read_to_string(&rejects).expect("rejects are written");
    assert_eq!(
        kept.lines().collect::<Vec<_>>(),
        [&*lines[17], &*lines[120]]
    );

    let followed = run(stack, &["status", "shopify", "command-249", "--watch"], 0).await;
    assert!(followed.stdout.contains("COMPLETED"), "{followed:?}");

    a_requests_log_lines_are_found(stack, "command-249").await;

    // For a person, and once more: the ledger makes one request of the copies.
    let one = folder.join("one.json");
    let pretty = serde_json::to_string_pretty(&customer(1)).expect("JSON");
    std::fs::write(&one, pretty).expect("the stack's folder");
    let again = run(stack, &["send", &one.display().to_string()], 0).await;
    assert!(again.stdout.contains("key command-1 "), "{again:?}");
    assert!(
        again.stdout.ends_with("1 accepted, 0 refused\n"),
        "{again:?}"
    );
    let followed = run(stack, &["status", "shopify", "command-1", "--watch"], 0).await;
    assert!(followed.stdout.contains("attempts      1"), "{followed:?}");
}

/// By its key, which stands in no line: the ledger knows the message's id.
async fn a_requests_log_lines_are_found(stack: &LocalStack, key: &str) {
    let logs = ["logs", "shopify", "--since", "1h", "--key", key];
    let said = run(stack, &[&logs[..], &["--json"]].concat(), 0).await;
    let lines = said.json_lines().expect("a line of JSON each");
    let ends = lines
        .iter()
        .filter(|line| line["message"] == "request ended");
    let ends: Vec<_> = ends.map(|line| &line["fields"]["outcome"]).collect();
    // A limit may have put it off before.
    assert_eq!(ends.last(), Some(&&json!("Delivered")), "{said:?}");
    let told = run(stack, &logs, 0).await;
    assert!(
        told.stdout
            .contains("INFO  request ended  outcome=Delivered"),
        "{told:?}"
    );

    // The newest of many, and that there are more.
    let of_lane = [
        "logs",
        "Shopify",
        "--since",
        "1h",
        "--connection",
        "default",
        "--limit",
        "3",
    ];
    let some = run(stack, &of_lane, 3).await;
    assert_eq!(some.stdout.lines().count(), 3, "{some:?}");
    assert!(
        some.stderr.contains("older lines are not shown"),
        "{some:?}"
    );
    let none = run(stack, &["logs", "shopify", "--connection", "nobody"], 0).await;
    assert!(
        none.stdout.contains("said nothing of that kind"),
        "{none:?}"
    );
    let of_nobody = run(stack, &["logs", "shopify", "--key", "never-sent"], 1).await;
    assert!(
        of_nobody.stderr.contains("there is no record of"),
        "{of_nobody:?}"
    );
    run(stack, &["logs", "gatekeeper", "--level", "error"], 0).await;
}

/// Whether the lane's event source is in `state`, with `batches` at once where that is told, before the deadline.
async fn shows(stack: &LocalStack, state: &str, batches: Option<i64>) -> Value {
    let end = Instant::now() + SHOWN_MAX;
    loop {
        let looked: Value = run(stack, &["lanes", "--json"], 0)
            .await
            .json()
            .expect("a look");
        let lanes = looked["lanes"].as_array().expect("a list").iter();
        let mut lanes = lanes.filter(|lane| lane["provider"] == "shopify");
        let lane = lanes.next().expect("the lane is deployed").clone();
        let source = &lane["source"];
        let is_so = source["state"] == state
            && batches.is_none_or(|batches| source["maximum_concurrency"] == batches);
        if is_so || Instant::now() > end {
            assert!(is_so, "{state} is not shown: {lane}");
            return lane;
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// While its breaker is open the gatekeeper wants the source off as well, and with it closed on: nobody works against
/// the test.
#[tokio::test(flavor = "multi_thread")]
async fn a_lane_s_source_is_turned_off_and_on_at_its_own_concurrency() {
    let deployed = Deployed::with(&["shopify"]).await;
    let stack = deployed.stack();
    let full = shows(stack, "Enabled", None).await["source"]["maximum_concurrency"]
        .as_i64()
        .expect("every lane's source is bounded");
    let open = [
        "breaker",
        "open",
        "shopify",
        "--for",
        "10m",
        "--reason",
        "test of the source",
    ];
    run(stack, &open, 0).await;
    let off = run(stack, &["lanes", "disable", "shopify"], 0).await;
    assert!(off.stdout.contains("event source off"), "{off:?}");
    assert!(off.stderr.contains("causeway breaker open"), "{off:?}");
    let lane = shows(stack, "Disabled", None).await;
    assert_eq!(
        lane["breakers"][0]["reason"], "test of the source",
        "{lane}"
    );
    let on = run(stack, &["lanes", "enable", "shopify"], 0).await;
    assert!(on.stderr.contains("turns the source off again"), "{on:?}");

    run(stack, &["breaker", "close", "shopify"], 0).await;
    let on = run(stack, &["lanes", "enable", "shopify", "--json"], 0).await;
    let switched: Value = on.json().expect("one document");
    assert_eq!(switched["maximum_concurrency"], full, "{switched}");
    assert_eq!(switched["warning"], Value::Null, "{switched}");
    shows(stack, "Enabled", Some(full)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn old_versions_go_but_for_the_newest_and_what_an_alias_names() {
    let deployed = Deployed::with(&[]).await;
    let stack = deployed.stack();
    let lambda = aws_sdk_lambda::Client::new(&stack.sdk_config());
    let function = stack.output("GatekeeperFunctionName").expect("it");
    for number in 1..=5 {
        // Lambda publishes nothing where nothing has changed.
        let change = lambda.update_function_configuration();
        let change = change.function_name(function).memory_size(128 + number);
        change.send().await.expect("a change");
        let publish = lambda.publish_version().function_name(function);
        publish.send().await.expect("a version");
    }
    let alias = lambda.create_alias().function_name(function).name("live");
    let alias = alias.function_version("2").send().await;
    alias.expect("an alias");

    let prune = ["lanes", "prune", "--keep", "2", "--dry-run"];
    let dry = run(stack, &prune, 0).await;
    let would = format!("{function}: would go 1, 3; 3 kept\n2 versions would go, ");
    assert!(dry.stdout.starts_with(&would), "{dry:?}");
    let pruned = run(stack, &["lanes", "prune", "--keep", "2", "--json"], 0).await;
    let report: Value = pruned.json().expect("one document");
    let functions = report["functions"].as_array().expect("all functions");
    assert_eq!(functions.len(), Template::read().lanes.len() + 3);

    let listed = lambda.list_versions_by_function().function_name(function);
    let listed = listed.send().await.expect("versions");
    let left: Vec<_> = listed
        .versions()
        .iter()
        .filter_map(|one| one.version())
        .collect();
    assert_eq!(left, ["$LATEST", "2", "4", "5"]);
    let again = run(stack, &["lanes", "prune", "--keep", "2"], 0).await;
    assert!(
        again.stdout.starts_with("0 versions deleted, "),
        "{again:?}"
    );
}

/// One lane's release goes out by itself, and back; no other lane's moves.
#[tokio::test(flavor = "multi_thread")]
async fn one_lane_goes_on_to_a_release_and_back_and_the_others_stay() {
    let deployed = Deployed::with(&["seam"]).await;
    let stack = deployed.stack();
    let lambda = aws_sdk_lambda::Client::new(&stack.sdk_config());
    let function = stack.output("SeamFunctionName").expect("it");
    let change = lambda.update_function_configuration();
    let change = change.function_name(function).memory_size(300);
    change.send().await.expect("a change");
    let publish = lambda.publish_version().function_name(function);
    publish.send().await.expect("a version");
    let live = async |lane: &str| {
        let shown = run(stack, &["lanes", "releases", "--json"], 0).await;
        let shown: Value = shown.json().expect("one document");
        let mut all = shown.as_array().expect("lanes").iter();
        let one = all.find(|one| one["lane"] == lane).expect("it is there");
        (one["live"].clone(), one["shifting"].clone())
    };
    let others = live("Guesty").await;
    assert_eq!(live("Seam").await.0, 1);

    let dry = run(stack, &["lanes", "release", "seam"], 0).await;
    assert_eq!(dry.stdout, "Seam would run version 2 (before: 1)\n");
    assert_eq!(live("Seam").await.0, 1, "nothing has changed");
    let share = ["lanes", "release", "seam", "--share", "10", "--yes"];
    run(stack, &share, 0).await;
    assert_eq!(live("Seam").await, (1.into(), serde_json::json!([2, 10])));
    run(stack, &["lanes", "release", "seam", "--yes"], 0).await;
    assert_eq!(live("Seam").await, (2.into(), Value::Null));
    run(stack, &["lanes", "rollback", "seam", "--yes"], 0).await;
    assert_eq!(live("Seam").await.0, 1);
    assert_eq!(live("Guesty").await, others);
    let none = run(stack, &["lanes", "rollback", "seam", "--yes"], 2).await;
    assert!(none.stderr.contains("no version before 1"), "{none:?}");
}
