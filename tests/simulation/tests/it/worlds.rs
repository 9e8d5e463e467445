//! The worlds themselves.

use causeway_simulation::{sim, summary};

/// Enough to meet every kind of fault; `make sim` runs many more.
const SEEDS: u64 = 120;

#[test]
fn every_promise_is_kept_in_a_few_hundred_worlds() {
    let summary = summary::run(1, SEEDS, 2, |_, _| true);
    let said: Vec<_> = summary
        .failures
        .iter()
        .map(|failure| format!("make sim SEED={}: {:?}", failure.seed, failure.violation))
        .collect();
    assert!(summary.is_clean(), "{said:#?}");
    assert_eq!(summary.seeds, SEEDS);
    // A world in which nothing goes wrong would be clean, too.
    let counts = &summary.counts;
    for (count, least) in [
        (counts.crashes, 300),
        (counts.lost_replies, 100),
        (counts.repeated_trips, 100),
        (counts.throttles, 100),
        (counts.conflicts, 500),
        (counts.partial_failures, 200),
        (counts.duplicates_delivered, 30),
        (counts.openings, 20),
        (counts.redriven, 50),
        (counts.sent_again, 500),
        (counts.ambiguous_unsafe, 100),
        (counts.batched_calls, 40),
        (counts.batched_requests, 100),
    ] {
        assert!(count >= least, "{count} of at least {least}: {counts:?}");
    }
    for outcome in [
        "Delivered ",
        "Duplicate ",
        "Rejected forbidden",
        "Unknown outcome_unknown",
    ] {
        assert!(counts.outcomes.contains_key(outcome), "{outcome}");
    }
}

#[test]
fn one_seed_is_one_world() {
    for seed in [3, 8, 21] {
        let (first, second) = (sim::run(seed, true), sim::run(seed, true));
        assert!(
            first
                .trace
                .as_ref()
                .is_some_and(|trace| trace.len() > 1_000)
        );
        assert_eq!(first.trace, second.trace, "seed {seed}");
        assert_eq!(first.counts, second.counts);
        // Looking changes nothing.
        assert_eq!(sim::run(seed, false).counts, first.counts);
    }
    assert_ne!(sim::run(3, true).trace, sim::run(4, true).trace);
}
