//! The ratchet: no code without an explanation, and no explanation of a code that is not there.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use causeway_ingest::catalogue;

use super::*;

/// Words of the source that are no code of a letter.
const NO_LETTERS: &[&str] = &[];

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
                    found.push(path);
                }
                _ => {}
            }
        }
    }
    found
}

/// The words between `before` and the next quotation mark.
fn words<'a>(text: &'a str, before: &str) -> impl Iterator<Item = &'a str> {
    text.split(before)
        .skip(1)
        .filter_map(|rest| rest.split('"').next())
}

/// Codes that the sources under `folder` make.
fn made_in(folder: &Path) -> BTreeSet<String> {
    let mut made = BTreeSet::new();
    for path in sources(folder) {
        let text = fs::read_to_string(path).expect("a source");
        let code = text.split("#[cfg(test)]").next().unwrap_or_default();
        made.extend(words(code, "Code::new(\"").map(str::to_owned));
    }
    made.retain(|word| !NO_LETTERS.contains(&word.as_str()));
    made
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
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
    let mut made = made_in(&root().join("shared/src"));
    made.extend(decode_codes());
    assert!(made.len() >= 25, "the sources are read: {made:?}");
    for code in &made {
        assert!(
            explain("stripe", code).is_some(),
            "{code} has no explanation"
        );
    }
    let known: BTreeSet<_> = EVERY_LANE
        .iter()
        .map(|known| known.code.to_owned())
        .collect();
    let gone: Vec<_> = known.difference(&made).collect();
    assert_eq!(
        gone,
        [super::super::letter::NO_CODE],
        "explanations of codes that nobody gives"
    );
}

/// Whatever a row of a page says, it says for people, too.
#[test]
fn every_code_of_a_single_vendor_is_explained_for_that_vendor() {
    for pack in catalogue::packs() {
        let page = pack.page();
        for row in &page.answer {
            let is_told = row.means.is_some() && row.who.is_some() && row.advice.is_some();
            assert!(
                is_told,
                "{}: a row of {:?} has no words for people",
                page.name, row.is
            );
            if let Some(code) = &row.code {
                assert!(explain(&page.name, code).is_some(), "{}: {code}", page.name);
            }
        }
    }
}

#[test]
fn an_explanation_is_whole_sentences_and_each_code_has_one() {
    let mut seen = BTreeSet::new();
    for known in EVERY_LANE {
        assert!(seen.insert(known.code), "{} twice", known.code);
    }
    for known in EVERY_LANE
        .iter()
        .chain(OF_VENDORS.iter().map(|(_, known)| known))
    {
        for text in [known.meaning, known.action] {
            assert!(
                text.ends_with('.') && text.len() > 20,
                "{}: {text}",
                known.code
            );
        }
    }
}
