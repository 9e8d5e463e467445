//! The layers of the architecture, held against the source: what a file may not mention, and who may not import whom.

mod imports;

use std::fs;
use std::path::{Path, PathBuf};

/// Files that touch the world: adapters by their file name, and the two edge folders.
fn is_edge(path: &str) -> bool {
    let adapter = [
        "/dynamodb.rs",
        "/sqs.rs",
        "/aws.rs",
        "/reqwest.rs",
        "/system.rs",
    ];
    path == "aws.rs"
        || adapter.iter().any(|name| path.ends_with(name))
        || path.starts_with("dynamodb/")
        || path.starts_with("lambda/")
        || path.starts_with("telemetry/")
}

/// Words and decisions: no async, no clock, no I/O.
fn is_pure(path: &str) -> bool {
    let seams_inside = [
        "breaker/circuit.rs",
        "limiter/rate_limiter.rs",
        "credentials/mod.rs",
        "credentials/access.rs",
        "credentials/allowed.rs",
        "credentials/heard.rs",
        "credentials/keeper.rs",
        "credentials/refresh.rs",
        "mapping/known.rs",
        "ledger/mod.rs",
        "ledger/index/mod.rs",
        "ledger/index/store.rs",
        "ledger/index/memory.rs",
        "ledger/store.rs",
        "ledger/memory.rs",
    ];
    let folders = [
        "request/",
        "breaker/",
        "limiter/",
        "credentials/",
        "ledger/",
        "mapping/",
        "retry/",
        "provider/",
        "trace/",
    ];
    let files = [
        "timestamp.rs",
        "outcome.rs",
        "cache.rs",
        "form.rs",
        "store_error.rs",
        "queue/state.rs",
        "gatekeeper/state.rs",
        "pipeline/state.rs",
        "pipeline/address.rs",
        "pipeline/job.rs",
        "pipeline/leave.rs",
        "pipeline/tally.rs",
    ];
    files.contains(&path)
        || (folders.iter().any(|folder| path.starts_with(folder))
            && !seams_inside.contains(&path)
            && !is_edge(path))
}

fn sources(root: &Path) -> Vec<(String, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(dir).expect("a readable folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(root, &mut found);
    let is_test = |path: &str| path.contains("test") || path.contains("properties");
    found
        .into_iter()
        .filter_map(|path| {
            let name = path.strip_prefix(root).ok()?.to_str()?.replace('\\', "/");
            let text = fs::read_to_string(&path).expect("readable source");
            // Unit tests stand at a file's end; what they use is their own business.
            let code = text.split("#[cfg(test)]\nmod tests {").next()?.to_owned();
            (!is_test(&name)).then_some((name, code))
        })
        .collect()
}

/// Lines of `code` that mention one of `words`, comments left out.
fn mentions<'c>(code: &'c str, words: &[&str]) -> Vec<&'c str> {
    let is_code = |line: &&str| !line.trim_start().starts_with("//");
    code.lines()
        .filter(is_code)
        .filter(|line| words.iter().any(|word| line.contains(word)))
        .collect()
}

fn violations(
    files: &[(String, String)],
    applies: impl Fn(&str) -> bool,
    words: &[&str],
) -> Vec<String> {
    files
        .iter()
        .filter(|(path, _)| applies(path))
        .flat_map(|(path, code)| {
            mentions(code, words)
                .into_iter()
                .map(move |line| format!("{path}: {}", line.trim()))
        })
        .collect()
}

#[test]
fn only_the_edges_know_aws_the_http_client_and_the_environment() {
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(
        files.iter().filter(|(path, _)| !is_edge(path)).count() > 30,
        "the scan found the crate"
    );
    let words = [
        "aws_sdk",
        "aws_config",
        "aws_smithy",
        "aws_lambda",
        "lambda_runtime::",
        " reqwest::",
        "tokio::",
        "std::env",
        "serde_dynamo",
    ];
    let found = violations(&files, |path| !is_edge(path), &words);
    assert_eq!(found, Vec::<String>::new());
}

#[test]
fn words_and_decisions_neither_wait_nor_ask_for_the_time() {
    let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    let words = [
        "async ",
        ".await",
        "Clock",
        "SystemTime::now",
        "Instant::",
        "crate::clock",
        "crate::seams",
        "crate::pipeline::Lane",
    ];
    assert!(
        files.iter().filter(|(path, _)| is_pure(path)).count() > 25,
        "the scan found the decisions"
    );
    let found = violations(&files, is_pure, &words);
    assert_eq!(found, Vec::<String>::new());
}

/// Folders whose files still import each other in circles. It can only get shorter.
const CIRCLES_LEFT: [&str; 1] = ["shared/src/limiter"];

/// The command's 38 files knew each other through `cli.rs`, and ingest's seven through `api.rs`: each had what everybody
/// needs and what dispatches to everybody in one.
#[test]
fn the_files_and_folders_of_a_folder_do_not_import_each_other_in_a_circle() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut crates = vec!["shared".to_owned(), "infra/causeway".to_owned()];
    for entry in fs::read_dir(root.join("functions")).expect("the functions") {
        let folder = entry.expect("an entry").path();
        if folder.join("Cargo.toml").exists() {
            let name = folder.file_name().unwrap_or_default().display();
            crates.push(format!("functions/{name}"));
        }
    }
    let (mut found, mut imports) = (Vec::new(), 0);
    for name in crates {
        let files = sources(&root.join(&name).join("src"));
        let folders = imports::folders(&files);
        imports += folders.values().flatten().count();
        for (folder, siblings) in folders {
            let circle = imports::circle(siblings);
            if !circle.is_empty() {
                let place = [name.clone(), "src".to_owned()].into_iter().chain(folder);
                found.push((place.collect::<Vec<_>>().join("/"), circle));
            }
        }
    }
    assert!(imports > 200, "the scan found {imports} imports");
    let new = found
        .iter()
        .filter(|(place, _)| !CIRCLES_LEFT.contains(&place.as_str()));
    assert_eq!(new.collect::<Vec<_>>(), Vec::<&(String, _)>::new());
    for place in CIRCLES_LEFT {
        let is_left = found.iter().any(|(known, _)| known == place);
        assert!(
            is_left,
            "{place} has no circle any more: it leaves the list"
        );
    }
}

#[test]
fn a_judgement_knows_the_shared_crate_and_nothing_else() {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../functions");
    let mut judgements = 0;
    for entry in fs::read_dir(functions).expect("the functions") {
        let folder = entry.expect("an entry").path();
        // Most packs are data alone; what has no page is an edge of its own, and no provider.
        if !folder.join("provider.toml").exists() || !folder.join("Cargo.toml").exists() {
            continue;
        }
        judgements += 1;
        let files = sources(&folder.join("src"));
        let words = ["aws_", "std::env", "tokio", "reqwest", "causeway_"];
        let found = violations(&files, |_| true, &words);
        assert_eq!(found, Vec::<String>::new(), "{}", folder.display());

        let manifest = fs::read_to_string(folder.join("Cargo.toml")).expect("a manifest");
        let dependencies = manifest.split("[dependencies]").nth(1).unwrap_or_default();
        let mut names = dependencies
            .lines()
            .take_while(|line| !line.starts_with('['))
            .filter_map(|line| line.split(['.', '=', ' ']).next())
            .filter(|name| !name.is_empty());
        assert!(
            names.all(|name| ["causeway", "serde", "serde_json"].contains(&name)),
            "{}",
            folder.display()
        );
    }
    assert!(judgements >= 2);
}
