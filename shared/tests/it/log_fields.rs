//! Log lines hold fields of one list: every call of a logging macro, in all functions, held against it.

use std::fs;
use std::path::{Path, PathBuf};

use causeway::telemetry::LOG_FIELDS;

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
}

/// The arguments of each logging macro in `code`, as they are written; what stands in quotation marks left out.
fn logged(code: &str) -> Vec<Vec<String>> {
    let starts =
        ["trace", "debug", "info", "warn", "error"].map(|level| format!("tracing::{level}!("));
    let mut calls = Vec::new();
    for start in starts {
        for (at, _) in code.match_indices(&start) {
            calls.push(arguments(&code[at + start.len()..]));
        }
    }
    calls
}

/// What stands between commas up to the parenthesis that closes.
fn arguments(code: &str) -> Vec<String> {
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut arguments = vec![String::new()];
    for c in code.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            ')' if depth == 0 => break,
            ',' if depth == 0 => arguments.push(String::new()),
            _ => {
                depth += i32::from("([{".contains(c)) - i32::from(")]}".contains(c));
                if let Some(last) = arguments.last_mut() {
                    last.push(c);
                }
            }
        }
    }
    let trimmed = arguments.iter().map(|argument| argument.trim().to_owned());
    trimmed.filter(|argument| !argument.is_empty()).collect()
}

/// The field's name: `%error`, `key = draw.shown()`, `provider`.
fn name(argument: &str) -> &str {
    let name = argument.split_once('=').map_or(argument, |(name, _)| name);
    name.trim().trim_start_matches(['%', '?'])
}

#[test]
fn every_field_that_is_logged_is_on_the_list() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for folder in ["shared/src", "functions"] {
        sources(&root.join(folder), &mut files);
    }
    let mut calls = 0;
    for file in files {
        let code = fs::read_to_string(&file).expect("readable source");
        for arguments in logged(&code) {
            calls += 1;
            for field in arguments.iter().map(|argument| name(argument)) {
                let known = LOG_FIELDS.iter().any(|(known, _)| *known == field);
                assert!(known, "{}: `{field}` is not in LOG_FIELDS", file.display());
            }
        }
    }
    assert!(calls > 30, "the scan found {calls} calls");
}

#[test]
fn the_scan_reads_what_is_logged() {
    let code = r#"
        tracing::warn!(%error, key = draw.shown(), "a (\"text\"), with signs");
        tracing::info!(provider, code = entry.outcome.code(1, 2), until, "done");
    "#;
    let names: Vec<Vec<String>> = logged(code)
        .iter()
        .map(|call| call.iter().map(|it| name(it).to_owned()).collect())
        .collect();
    assert_eq!(
        names,
        [vec!["provider", "code", "until"], vec!["error", "key"]]
    );
}
