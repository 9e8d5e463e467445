//! No code without an explanation, no explanation of a code that is not there, and no word of the trade in what support
//! people read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::explain::every_lane::EVERY_LANE;
use crate::explain::{Entry, NO_CODE, entries, entry, explain_code, of_row, refusal, refusals};

/// Words that nobody needs to know who answers a customer.
const JARGON: &[&str] = &[
    "idempotency",
    "idempotent",
    "DLQ",
    "dead-letter",
    "dead letter",
    "ledger",
    "lease",
    "breaker",
    "HTTP",
    "4xx",
    "5xx",
    "payload",
    "JSON",
    "redrive",
    "throttle",
    "throttled",
    "throttling",
    "SQS",
    "Lambda",
    "DynamoDB",
    "backoff",
    "jitter",
    "visibility timeout",
    "ambiguous",
    "half-open",
    "probe",
    "compare-and-swap",
    "event source",
    "schema",
    "stack",
    "EMF",
    "IAM",
    "ARN",
    "poison",
    "payload_hash",
];

/// That `text` has none of them.
pub(super) fn without_jargon(text: &str, of: &str) {
    let lower = text.to_lowercase();
    for word in JARGON {
        let word = word.to_lowercase();
        let is_edge = |c: Option<char>| !c.is_some_and(char::is_alphanumeric);
        let found = lower.match_indices(&word).any(|(at, _)| {
            is_edge(lower[..at].chars().next_back())
                && is_edge(lower[at + word.len()..].chars().next())
        });
        assert!(!found, "{of} says `{word}`: {text}");
    }
}

/// Rows of pages that say such a word all the same: none. A row that needs one is worded anew.
const JARGON_IN_ROWS: &[&str] = &[];

fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let is_test = path.to_string_lossy().contains("test");
            match path.is_dir() {
                true if !is_test => folders.push(path),
                false if !is_test && path.extension().is_some_and(|end| end == "rs") => {
                    found.push(path)
                }
                _ => {}
            }
        }
    }
    found
}

/// What stands in quotation marks at once behind one of `before` in the sources under `folder`; white space apart.
fn words_behind(folder: &Path, before: &[&str]) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for path in sources(folder) {
        let text = fs::read_to_string(path).expect("a source");
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap_or_default();
        let code: String = code.split_whitespace().collect();
        for before in before {
            let words = code
                .split(before)
                .skip(1)
                .filter_map(|rest| rest.split('"').next());
            found.extend(words.map(str::to_owned));
        }
    }
    found
}

/// Codes of bodies that are no request.
fn decode_codes() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("shared/src/request/error.rs")).expect("a source");
    let arms = text.split("=> \"").skip(1);
    arms.filter_map(|rest| rest.split('"').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_code_of_every_lane_is_explained() {
    let mut made = words_behind(&root().join("shared/src"), &["Code::new(\""]);
    // What an answer's row is called that gives no code is no code of ours.
    made.remove("unnamed");
    made.extend(decode_codes());
    assert!(made.len() >= 25, "the sources are read: {made:?}");
    for code in &made {
        assert!(entry(None, code).is_some(), "{code} has no explanation");
    }
    let known: BTreeSet<_> = EVERY_LANE
        .iter()
        .map(|known| known.code.to_owned())
        .collect();
    let judged_in_rust = words_behind(&root().join("functions"), &["Code::new(\""]);
    made.extend(judged_in_rust);
    let gone: Vec<_> = known.difference(&made).collect();
    assert_eq!(gone, [NO_CODE], "explanations of codes that nobody gives");
}

#[test]
fn every_refusal_of_the_api_is_explained() {
    let folder = root().join("functions/ingest/src");
    let before = [
        "Problem::field(\"",
        "Problem::fields(\"",
        "Problem::too_many(\"",
        "Problem::unavailable(\"",
        "StatusCode::BAD_REQUEST,\"",
        "StatusCode::FORBIDDEN,\"",
        "StatusCode::NOT_FOUND,\"",
        "StatusCode::PAYLOAD_TOO_LARGE,\"",
        "StatusCode::METHOD_NOT_ALLOWED,\"",
        "StatusCode::INTERNAL_SERVER_ERROR,\"",
        "QUEUE_REFUSED:&str=\"",
        "QUEUE_UNAVAILABLE:&str=\"",
    ];
    let mut made = words_behind(&folder, &before);
    made.extend(decode_codes());
    assert!(made.len() >= 15, "the sources are read: {made:?}");
    for code in &made {
        assert!(refusal(code).is_some(), "{code} has no explanation");
    }
    let gone: Vec<_> = refusals()
        .map(|known| known.code)
        .filter(|code| !made.contains(*code))
        .collect();
    assert_eq!(
        gone,
        Vec::<&str>::new(),
        "explanations of refusals that nobody gives"
    );
}

/// Whatever a row of a page says, it says for people, too; and without the words of the trade.
#[test]
fn every_row_of_every_page_has_an_entry() {
    let (mut rows, mut worded) = (0, Vec::new());
    for name in packs() {
        let pack = pack(&name);
        for row in &pack.page().answer {
            rows += 1;
            let known = of_row(row)
                .unwrap_or_else(|| panic!("{name}: a row of {:?} has no words for people", row.is));
            whole(&known, &name);
            let said = std::panic::catch_unwind(|| {
                without_jargon(&format!("{} {}", known.plain, known.remedy), &name)
            });
            if said.is_err() {
                worded.push(format!("{name}: {}", known.plain));
            }
            if let Some(code) = &row.code {
                assert!(
                    explain_code(Some(pack.page()), code).is_some(),
                    "{name}: {code}"
                );
            }
        }
    }
    assert!(rows >= 300, "{rows}");
    assert_eq!(worded, JARGON_IN_ROWS);
}

#[test]
fn an_entry_is_whole_sentences_without_jargon_and_each_code_has_one() {
    let mut seen = BTreeSet::new();
    for known in EVERY_LANE.iter().copied().chain(refusals()) {
        assert!(seen.insert(known.code), "{} twice", known.code);
        whole(&known, known.code);
        let told = explain_code(None, known.code).map_or_else(String::new, |told| told.support);
        without_jargon(
            &format!("{} {} {told}", known.plain, known.remedy),
            known.code,
        );
    }
    assert_eq!(entries(None).count(), EVERY_LANE.len());
}

fn whole(known: &Entry<'_>, of: &str) {
    for text in [known.meaning, known.plain] {
        assert!(text.ends_with('.') && text.len() > 10, "{of}: {text}");
    }
    for text in [known.action, known.remedy] {
        assert!(
            text.ends_with('.') && text.len() >= "Nothing.".len(),
            "{of}: {text}"
        );
    }
}
