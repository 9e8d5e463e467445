//! The demo in small, on the real template, and its self-check.

use std::sync::Arc;

use causeway_local::demo::{Options, on_a_stack};
use causeway_local::stack::root;

/// A verification that only ever says yes proves nothing: after a run in which all is well, one effect is
/// counted twice and one dead letter deleted, and these two must be found, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn duplicate_effect_and_deleted_message_are_the_only_findings_after_a_small_load() {
    let options = Options {
        messages: 300,
        outage: false,
        self_check: true,
        summary: root().join("target/demo/self-check.json"),
    };
    let summary = on_a_stack("test-demo", &options, Arc::new(|_| {}))
        .await
        .unwrap_or_else(|error| panic!("{error}"));

    let found = &summary.disagreements;
    assert!(summary.self_check_noticed(), "{found:#?}");
    let all = &summary.all;
    assert_eq!(all.lost, 1);
    assert_eq!(all.effects, all.effects_expected + 1);
    // Everything but the two was as it should be: each message is delivered, a duplicate or a letter.
    let accounted = all.delivered + all.duplicates + all.in_dlq;
    assert_eq!(all.sent, accounted + 1, "one letter was deleted");
}
