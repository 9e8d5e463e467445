//! Several requests in one call: each keeps its own record, outcome and retry.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use serde_json::json;

use super::acme::MOST_IN_A_CALL;
use super::vendor::Seen;
use super::*;
use crate::pipeline::Report;

const ALL_STORED: Reply = Reply::Status(200, r#"{"refused":[]}"#);

/// A `stock.upsert` of `sku` under the key of the same name.
fn stock(sku: &str) -> Message {
    stock_of(sku, sku)
}

fn stock_of(key: &str, sku: &str) -> Message {
    let mut request = request(key, "stock.upsert");
    request["payload"] = json!({"sku": sku});
    message(&format!("m-{key}"), request.to_string())
}

/// How each key ended, as `(key, outcome)` in the order of the batch.
fn ends(report: &Report) -> BTreeMap<String, Outcome> {
    let ends = report.entries.iter();
    ends.map(|entry| (entry.message_id.replace("m-", ""), entry.outcome.clone()))
        .collect()
}

fn skus(call: &Seen) -> Vec<String> {
    let body: Vec<serde_json::Value> = serde_json::from_str(&call.body).expect("a list");
    let sku = |element: &serde_json::Value| element["sku"].as_str().map(str::to_owned);
    body.iter().filter_map(sku).collect()
}

#[tokio::test]
async fn one_call_carries_them_all_and_costs_one_token() {
    let world = World::new();
    world.vendor.script([ALL_STORED]);
    // The limit of this operation lets one call through a minute: four messages are one.
    let report = world.receive(["a", "b", "c", "d"].map(stock)).await;
    assert_eq!(ends(&report).len(), 4);
    assert!(ends(&report).values().all(|end| *end == Outcome::Delivered));
    let calls = world.vendor.calls();
    assert_eq!(calls.len(), 1);
    assert_eq!(skus(&calls[0]), ["a", "b", "c", "d"]);
    for key in ["a", "b", "c", "d"] {
        let record = world.record(key).expect("a record of its own");
        let made = record.response.expect("its own answer").object_id;
        assert_eq!(record.status, Status::Completed);
        assert_eq!(made, Some(format!("stock_{key}")));
    }
    let next = world.outcome(stock("e")).await;
    assert!(matches!(
        next,
        Outcome::Deferred {
            reason: Deferral::RateLimited,
            ..
        }
    ));
}

#[tokio::test]
async fn calls_hold_no_more_than_the_vendor_takes() {
    let world = World::new();
    world.vendor.script([ALL_STORED]);
    let skus_: Vec<String> = (0..=MOST_IN_A_CALL).map(|n| format!("s{n}")).collect();
    let report = world.receive(skus_.iter().map(|sku| stock(sku))).await;
    assert_eq!(skus(&world.vendor.calls()[0]).len(), MOST_IN_A_CALL);
    // The second call has no token left in this minute.
    let deferred = |end: &Outcome| matches!(end, Outcome::Deferred { .. });
    assert_eq!(
        ends(&report).values().filter(|end| deferred(end)).count(),
        1
    );
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn one_refused_element_is_one_rejected_message() {
    let world = World::new();
    world
        .vendor
        .script([Reply::Status(200, r#"{"refused":["b"]}"#)]);
    let ends = ends(&world.receive(["a", "b", "c"].map(stock)).await);
    assert_eq!(ends["a"], Outcome::Delivered);
    assert!(matches!(ends["b"], Outcome::Rejected(_)));
    assert_eq!(ends["c"], Outcome::Delivered);
    assert_eq!(world.letters().len(), 1);
    assert_eq!(world.letters()[0].reason.code, code::PROVIDER_REJECTED);
}

#[tokio::test]
async fn what_is_refused_as_a_whole_goes_alone_and_only_the_bad_element_ends() {
    let world = World::new();
    world.vendor.script([Reply::Status(400, "no")]);
    let batch = ["a", "b"].map(stock);
    let report = world.receive(batch.clone()).await;
    let retried =
        |end: &Outcome| matches!(end, Outcome::Retry { code, .. } if *code == code::BATCH_REFUSED);
    assert!(ends(&report).values().all(retried));
    assert!(world.letters().is_empty());

    world
        .vendor
        .on(r#"[{"sku":"b"}]"#, Reply::Status(400, "no"));
    world.vendor.always(Some(ALL_STORED));
    for message in batch {
        // One call of this operation a minute, and what clocks and buckets take.
        world.clock.advance(secs(65));
        world.receive([message.again()]).await;
    }
    let calls: Vec<_> = world.vendor.calls().iter().map(skus).collect();
    assert_eq!(calls, [vec!["a", "b"], vec!["a"], vec!["b"]]);
    assert_eq!(
        world.record("a").expect("a record").status,
        Status::Completed
    );
    assert_eq!(
        world.record("b").expect("a record").status,
        Status::Rejected
    );
}

#[tokio::test]
async fn those_that_go_alone_draw_tokens_of_their_own() {
    let world = World::new();
    world.vendor.script([Reply::Status(400, "no")]);
    let batch = ["a", "b"].map(stock);
    world.receive(batch.clone()).await;
    world.vendor.always(Some(ALL_STORED));
    world.clock.advance(secs(120));
    let ends = ends(&world.receive(batch.map(|message| message.again())).await);
    // Two calls, and leave for one.
    let delivered = |end: &&Outcome| **end == Outcome::Delivered;
    assert_eq!(ends.values().filter(delivered).count(), 1);
    assert_eq!(world.vendor.calls().len(), 2);
}

#[tokio::test]
async fn what_the_vendor_takes_for_the_same_never_shares_a_call() {
    let world = World::new();
    world.vendor.always(Some(ALL_STORED));
    let (first, second) = (stock_of("k1", "a"), stock_of("k2", "a"));
    let ends_ = ends(&world.receive([first, second.clone()]).await);
    assert_eq!(ends_["k1"], Outcome::Delivered);
    assert!(matches!(ends_["k2"], Outcome::Deferred { .. }));
    assert_eq!(world.record("k2").expect("a record").attempts, 0);
    world.clock.advance(secs(65));
    assert_eq!(world.outcome(second.again()).await, Outcome::Delivered);
    let calls: Vec<_> = world.vendor.calls().iter().map(skus).collect();
    assert_eq!(calls, [["a"], ["a"]]);
}

#[tokio::test]
async fn records_with_one_key_run_in_turn() {
    let world = World::new();
    world.vendor.always(Some(ALL_STORED));
    let copy = Message {
        id: "m-copy".into(),
        origin: "m-copy".into(),
        ..stock("a")
    };
    let report = world.receive([stock("a"), copy, stock("b")]).await;
    let ends = ends(&report);
    assert_eq!(ends["a"], Outcome::Delivered);
    assert_eq!(ends["b"], Outcome::Delivered);
    assert!(!matches!(
        ends["copy"],
        Outcome::Delivered | Outcome::Rejected(_)
    ));
    assert_eq!(world.vendor.calls().len(), 1);
}

#[tokio::test]
async fn connections_share_no_call() {
    let world = World::new();
    world.secrets.add("other");
    world.vendor.always(Some(ALL_STORED));
    let mut elsewhere = request("b", "stock.upsert");
    elsewhere["payload"] = json!({"sku": "b"});
    elsewhere["connection"] = json!("other");
    let elsewhere = message("m-b", elsewhere.to_string());
    let ends = ends(&world.receive([stock("a"), elsewhere]).await);
    assert!(ends.values().all(|end| *end == Outcome::Delivered));
    assert_eq!(world.vendor.calls().len(), 2);
}

#[tokio::test]
async fn a_judgement_that_leaves_someone_out_delivers_nobody() {
    let world = World::new();
    world
        .vendor
        .script([Reply::Status(200, r#"{"refused":[],"most":1}"#)]);
    let ends = ends(&world.receive(["a", "b"].map(stock)).await);
    assert!(
        ends.values()
            .all(|end| matches!(end, Outcome::Retry { .. })),
        "{ends:?}"
    );
    assert!(world.letters().is_empty());
}

#[tokio::test]
async fn a_lost_answer_sends_all_of_them_again() {
    let world = World::new();
    world.vendor.script([Reply::Lost, ALL_STORED]);
    let batch = ["a", "b"].map(stock);
    world.receive(batch.clone()).await;
    world.clock.advance(secs(65));
    let again = batch.map(|message| message.again());
    let ends = ends(&world.receive(again).await);
    assert!(
        ends.values().all(|end| *end == Outcome::Delivered),
        "{ends:?}"
    );
    let calls: Vec<_> = world.vendor.calls().iter().map(skus).collect();
    assert_eq!(calls, [["a", "b"], ["a", "b"]]);
}

#[tokio::test]
async fn a_bad_payload_leaves_the_call_to_the_others() {
    let world = World::new();
    world.vendor.script([ALL_STORED]);
    let mut bad = request("bad", "stock.upsert");
    bad["payload"] = json!({"sku": 7});
    let bad = message("m-bad", bad.to_string());
    let ends = ends(&world.receive([bad, stock("a"), stock("b")]).await);
    assert!(
        matches!(&ends["bad"], Outcome::Rejected(reason) if reason.code == code::PAYLOAD_INVALID)
    );
    assert_eq!(ends["a"], Outcome::Delivered);
    assert_eq!(skus(&world.vendor.calls()[0]), ["a", "b"]);
}

#[tokio::test]
async fn refused_credentials_are_heard_of_once() {
    let world = World::new();
    world.vendor.always(Some(Reply::Status(401, "no")));
    let ends = ends(&world.receive(["a", "b", "c"].map(stock)).await);
    assert!(
        ends.values()
            .all(|end| matches!(end, Outcome::Deferred { .. })),
        "{ends:?}"
    );
    assert_eq!(world.vendor.calls().len(), 1);
    assert_eq!(world.secrets.forgotten.load(Ordering::SeqCst), 1);
}
