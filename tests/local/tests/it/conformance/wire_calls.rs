//! Which wire calls the adapters make, by their source: a new one without a failure test breaks the suite.

use std::collections::BTreeSet;
use std::fs;

use causeway_local::stack::root;

use super::failures::Subject;

/// What a wire call looks like: the SDK's `send`, the tries without it and what leads to them, reqwest's two ways to wait.
const MARKS: [&str; 7] = [
    ".send()",
    ".connector.call(",
    "put_if(",
    "update_if(",
    ".dynamodb.get(",
    ".execute(",
    ".chunk()",
];

/// Failures on real sockets.
const SOCKETS: &str = "shared/tests/it/http_client.rs";
/// Failures of what early warning asks for, by its fakes.
const WARNING: &str = "functions/warning/src/tests.rs";
const ANSWERS: &str = "shared/tests/it/http_client/answers.rs";

/// Every wire call, by file and function, and what shows that its failures are taken for what they are.
const CALLS: &[(&str, &str, Shown)] = &[
    (
        "functions/gatekeeper/src/aws.rs",
        "read",
        Shown::By(Subject::ListSources),
    ),
    (
        "functions/gatekeeper/src/aws.rs",
        "set",
        Shown::By(Subject::SetSource),
    ),
    (
        "functions/gatekeeper/src/aws.rs",
        "held",
        Shown::By(Subject::Waiting),
    ),
    (
        "functions/warning/src/aws.rs",
        "active",
        Shown::InTest(
            WARNING,
            "where_nobody_can_tell_who_is_active_all_are_looked_at_without_a_depth",
        ),
    ),
    (
        "functions/warning/src/cloudwatch.rs",
        "read",
        Shown::InTest(
            WARNING,
            "what_could_not_be_read_is_said_and_seen_by_the_next_run",
        ),
    ),
    (
        "functions/warning/src/aws.rs",
        "tell",
        Shown::InTest(
            WARNING,
            "what_could_not_be_told_is_told_later_under_the_same_id",
        ),
    ),
    (
        "functions/warning/src/aws.rs",
        "waiting",
        Shown::InTest(
            WARNING,
            "where_nobody_can_tell_who_is_active_all_are_looked_at_without_a_depth",
        ),
    ),
    (
        "shared/src/dynamodb/direct.rs",
        "send",
        Shown::By(Subject::Claim),
    ),
    (
        "shared/src/dynamodb/mod.rs",
        "sdk_get",
        Shown::By(Subject::Load),
    ),
    (
        "shared/src/dynamodb/mod.rs",
        "sdk_put",
        Shown::By(Subject::Claim),
    ),
    (
        "shared/src/dynamodb/mod.rs",
        "sdk_update",
        Shown::By(Subject::Add),
    ),
    (
        "shared/src/http_client/reqwest.rs",
        "bounded",
        Shown::InTest(
            ANSWERS,
            "a_success_beyond_the_bound_is_unreadable_and_a_refusal_is_one_all_the_same",
        ),
    ),
    (
        "shared/src/http_client/reqwest.rs",
        "call",
        Shown::InTest(
            SOCKETS,
            "a_connection_that_breaks_after_the_request_is_ambiguous",
        ),
    ),
    (
        "shared/src/lanes/dynamodb.rs",
        "add",
        Shown::By(Subject::Add),
    ),
    (
        "shared/src/ledger/index/dynamodb.rs",
        "slice",
        Shown::By(Subject::List),
    ),
    (
        "shared/src/lanes/dynamodb.rs",
        "glance",
        Shown::By(Subject::Glance),
    ),
    (
        "shared/src/lanes/dynamodb.rs",
        "load",
        Shown::By(Subject::Load),
    ),
    (
        "shared/src/lanes/dynamodb.rs",
        "swap",
        Shown::By(Subject::Swap),
    ),
    (
        "shared/src/ledger/dynamodb.rs",
        "read",
        Shown::By(Subject::Read),
    ),
    (
        "shared/src/ledger/dynamodb.rs",
        "write",
        Shown::By(Subject::Settle),
    ),
    (
        "shared/src/queue/sqs.rs",
        "change_visibility",
        Shown::By(Subject::Hide),
    ),
    (
        "shared/src/queue/sqs.rs",
        "in_flight",
        Shown::By(Subject::InFlight),
    ),
    ("shared/src/queue/sqs.rs", "send", Shown::By(Subject::Bury)),
    (
        "shared/src/secrets/aws.rs",
        "get",
        Shown::By(Subject::Secret),
    ),
];

#[derive(Clone, Copy, Debug)]
enum Shown {
    /// `failures.rs` fails it in every way.
    By(Subject),
    /// A test in this file, of this name.
    InTest(&'static str, &'static str),
}

#[test]
fn every_wire_call_of_the_adapters_is_failed_in_every_way() {
    let mut found = wire_calls("shared/src");
    found.extend(wire_calls("functions"));
    let named: BTreeSet<(String, String)> = CALLS
        .iter()
        .map(|(file, function, _)| ((*file).to_owned(), (*function).to_owned()))
        .collect();
    let untested: Vec<_> = found.difference(&named).collect();
    assert!(
        untested.is_empty(),
        "no test fails these calls: {untested:?}; make each a subject in failures.rs, or test it elsewhere, and name \
         it here"
    );
    let gone: Vec<_> = named.difference(&found).collect();
    assert!(gone.is_empty(), "these calls are no more: {gone:?}");
}

#[test]
fn every_test_that_is_named_exists() {
    for (file, function, shown) in CALLS {
        let exists = match shown {
            Shown::By(subject) => Subject::ALL.contains(subject),
            Shown::InTest(file, test) => {
                let source = fs::read_to_string(root().join(file));
                source.is_ok_and(|source| source.contains(&format!("fn {test}()")))
            }
        };
        assert!(exists, "{file}, {function}: {shown:?}");
    }
}

/// File and function of each wire call below `folder`, tests left out.
fn wire_calls(folder: &str) -> BTreeSet<(String, String)> {
    let mut calls = BTreeSet::new();
    let mut folders = vec![root().join(folder)];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).expect("a folder of the source") {
            let path = entry.expect("an entry").path();
            if path.file_stem().is_some_and(|stem| stem == "tests") {
                continue;
            }
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let file = path.strip_prefix(root()).expect("it is below");
                let source = fs::read_to_string(&path).expect("source");
                calls.extend(
                    calls_of(&source).map(|function| (file.display().to_string(), function)),
                );
            }
        }
    }
    calls
}

/// The functions of `source` that hold a wire call.
fn calls_of(source: &str) -> impl Iterator<Item = String> {
    let tests = source
        .find("#[cfg(test)]\nmod tests {")
        .unwrap_or(source.len());
    let mut function = String::new();
    let mut holders = Vec::new();
    for line in source[..tests].lines() {
        let line = line.split("//").next().unwrap_or_default();
        if let Some(name) = name_of(line) {
            function = name;
        } else if MARKS.iter().any(|mark| line.contains(mark)) {
            holders.push(function.clone());
        }
    }
    holders.into_iter()
}

/// The name of the function that begins on this line.
fn name_of(line: &str) -> Option<String> {
    let (before, rest) = line.split_once("fn ")?;
    let words = [
        "pub",
        "pub(crate)",
        "pub(super)",
        "async",
        "const",
        "unsafe",
    ];
    let is_item = before.split_whitespace().all(|word| words.contains(&word));
    let name = rest.split(['(', '<']).next()?;
    is_item.then(|| name.to_owned())
}

#[test]
fn a_call_is_found_by_its_function_and_tests_are_left_out() {
    let source = "
        async fn load(&self) {
            // .send() in a comment
            self.client.get_item().send().await
        }
        fn pure() {}
        pub async fn store<T>(put: Put) {
            match put_if(put).await {}
        }
#[cfg(test)]
mod tests {
    fn fails() { x.send() }
}";
    assert_eq!(calls_of(source).collect::<Vec<_>>(), ["load", "store"]);
}
