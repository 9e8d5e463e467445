//! Functions killed at random, in small; `make chaos` does it in large.

use std::sync::Arc;

use causeway_local::chaos::{Options, on_a_stack};
use causeway_local::stack::root;

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_and_nothing_done_twice_while_functions_are_killed() {
    let options = Options {
        rounds: 1,
        requests: 200,
        kills: 12,
        late_kills: 0,
        seed: 1,
        summary: root().join("target/chaos/small.json"),
    };
    let summary = on_a_stack("test-chaos", &options, Arc::new(|_| {}))
        .await
        .unwrap_or_else(|error| panic!("{error}"));

    assert!(summary.agrees, "{:#?}", summary.disagreements);
    assert_eq!((summary.lost, summary.double_effects), (0, 0));
    let ended = summary.delivered + summary.rejected + summary.unknown;
    assert_eq!((summary.requests, ended), (200, 200));
    assert_eq!(summary.kills, 12);
    assert!(summary.interrupted > 0, "some kills hit work: {summary:#?}");
}
