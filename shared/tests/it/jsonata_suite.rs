//! The official test suite of JSONata, where it is present: how far the language of a mapping is the language.
//!
//! `jsonata_deviations.txt` lists the cases that come out otherwise, by name. A case that is not in it must pass; a case
//! that is in it and passes must be taken out.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use causeway::Timestamp;
use causeway::mapping::Mapper;
use causeway::mapping::jsonata::Jsonata;
use serde_json::Value;

const DEVIATIONS: &str = include_str!("jsonata_deviations.txt");

/// Beside the repository: the data is not ours to ship.
fn suite() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/eval/jsonata-suite")
}

fn read(path: &Path) -> Option<Value> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

fn sorted(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a readable folder");
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("an entry").path())
        .collect();
    paths.sort();
    paths
}

/// Every case: its name, and what it says. A file may hold several.
fn cases(suite: &Path) -> Vec<(String, Value)> {
    let mut found = Vec::new();
    for group in sorted(&suite.join("groups")) {
        for path in sorted(&group)
            .into_iter()
            .filter(|path| path.extension().is_some_and(|end| end == "json"))
        {
            let stem = |path: &Path| {
                path.file_stem()
                    .and_then(|stem| stem.to_str())
                    .unwrap_or_default()
                    .to_owned()
            };
            let name = format!("{}/{}", stem(&group), stem(&path));
            // Some hold half a surrogate pair, which is no text to serde_json, and so in no payload.
            match read(&path).unwrap_or_default() {
                Value::Array(several) => {
                    let numbered = several.into_iter().enumerate();
                    found.extend(numbered.map(|(n, mut case)| {
                        complete(&group, &mut case);
                        (format!("{name}#{n}"), case)
                    }));
                }
                mut case => {
                    complete(&group, &mut case);
                    found.push((name, case));
                }
            }
        }
    }
    found
}

/// An expression may stand in a file of its own.
fn complete(group: &Path, case: &mut Value) {
    if let Some(file) = case.get("expr-file").and_then(Value::as_str) {
        case["expr"] = fs::read_to_string(group.join(file))
            .expect("an expression")
            .into();
    }
}

/// Whether two results are the same: 1 and 1.0 are.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(l), Value::Number(r)) => l.as_f64() == r.as_f64(),
        (Value::Array(l), Value::Array(r)) => {
            l.len() == r.len() && l.iter().zip(r).all(|(l, r)| same(l, r))
        }
        (Value::Object(l), Value::Object(r)) => {
            l.len() == r.len()
                && l.iter()
                    .all(|(key, l)| r.get(key).is_some_and(|r| same(l, r)))
        }
        _ => left == right,
    }
}

/// Whether a case ends as it should; none where a mapping cannot be asked (bindings from outside, no input at all).
fn passes(suite: &Path, case: &Value) -> Option<bool> {
    if case
        .get("bindings")
        .and_then(Value::as_object)
        .is_some_and(|bindings| !bindings.is_empty())
    {
        return None;
    }
    let data = match case.get("dataset").and_then(Value::as_str) {
        Some(name) => read(&suite.join("datasets").join(format!("{name}.json")))?,
        // A mapping always has a payload; nothing comes close to *undefined* as an object without fields does.
        None => case
            .get("data")
            .cloned()
            .unwrap_or_else(|| Value::Object(serde_json::Map::new())),
    };
    let source = case.get("expr").and_then(Value::as_str)?;
    let result =
        Jsonata::compile(source).and_then(|engine| engine.map(&data, Timestamp::from_millis(0)));
    Some(match (result, case.get("result")) {
        (Ok(Some(found)), Some(expected)) => same(&found, expected),
        (Ok(None), None) => case.get("undefinedResult").is_some(),
        // Which error it is, is not compared: a mapping fails, whatever the code.
        (Err(_), None) => case.get("undefinedResult").is_none(),
        _ => false,
    })
}

#[test]
#[expect(clippy::print_stdout, reason = "says what it left out")]
fn the_language_is_jsonata_but_for_a_list_that_can_only_get_shorter() {
    let suite = suite();
    if !suite.is_dir() {
        println!("left out: {} is not there", suite.display());
        return;
    }
    let cases = cases(&suite);
    assert!(cases.len() > 1500, "{} cases", cases.len());
    let (mut failed, mut passed, mut left_out) = (BTreeSet::new(), 0, 0);
    for (name, case) in &cases {
        match passes(&suite, case) {
            None => left_out += 1,
            Some(true) => passed += 1,
            Some(false) => drop(failed.insert(name.as_str())),
        }
    }
    println!(
        "{passed} passed, {} deviate, {left_out} need bindings",
        failed.len()
    );
    let listed: BTreeSet<&str> = DEVIATIONS
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect();
    if std::env::var_os("CAUSEWAY_BLESS").is_some() {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/jsonata_deviations.txt");
        // Why most of them are there: what mappings may not use ($eval, $shuffle, transforms, signatures of functions,
        // built-ins as values), bounds (ranges, depth, lists in lists), and dates that would be guessed: texts that are no
        // date, parts that a picture leaves out, years in words.
        let lines: String = failed.iter().map(|name| format!("{name}\n")).collect();
        fs::write(path, lines).expect("written");
        return;
    }
    let new: Vec<&&str> = failed.difference(&listed).collect();
    let gone: Vec<&&str> = listed.difference(&failed).collect();
    assert!(new.is_empty(), "these cases no longer pass: {new:?}");
    assert!(
        gone.is_empty(),
        "these cases pass now; take them out of the list: {gone:?}"
    );
}
