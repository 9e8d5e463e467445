//! The list of await points is checked in: a new one shows in a review.

use std::collections::BTreeSet;
use std::path::Path;

use causeway_simulation::await_points::{SOURCE, scan};

const LIST: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/await_points.txt");

#[test]
fn the_list_of_await_points_is_what_the_source_holds() {
    let points = scan(Path::new(SOURCE));
    let names: Vec<_> = points.iter().map(|point| point.name.as_str()).collect();
    let found = names.join("\n") + "\n";
    if std::env::var_os("CAUSEWAY_BLESS").is_some() {
        std::fs::write(LIST, &found).expect("a writable list");
    }
    let listed = std::fs::read_to_string(LIST).unwrap_or_default();
    let (found, listed): (BTreeSet<_>, BTreeSet<_>) =
        (found.lines().collect(), listed.lines().collect());
    let (new, gone): (Vec<_>, Vec<_>) = (
        found.difference(&listed).collect(),
        listed.difference(&found).collect(),
    );
    assert!(
        new.is_empty() && gone.is_empty(),
        "await points changed: look whether a crash there is harmless, then CAUSEWAY_BLESS=1\nnew: {new:#?}\ngone: {gone:#?}"
    );
    let distinct: BTreeSet<_> = names.iter().collect();
    assert_eq!(
        distinct.len(),
        names.len(),
        "every point has a name of its own"
    );
}

#[test]
fn every_call_of_a_seam_in_the_story_is_on_the_list() {
    let points = scan(Path::new(SOURCE));
    let has = |file: &str, function: &str| {
        let name = format!("{file} {function} ");
        points.iter().any(|point| point.name.starts_with(&name))
    };
    for (file, function) in [
        ("pipeline/mod.rs", "process"),
        ("pipeline/attempt.rs", "attempt"),
        ("pipeline/call.rs", "carry_out"),
        ("pipeline/ready.rs", "readied"),
        ("pipeline/finish.rs", "finish"),
        ("ledger/mod.rs", "claim"),
        ("lanes/mod.rs", "update"),
        ("breaker/circuit.rs", "admit"),
        ("limiter/rate_limiter.rs", "take"),
    ] {
        assert!(has(file, function), "{file} {function}");
    }
    assert!(!points.iter().any(|point| point.file.contains("dynamodb")));
}
