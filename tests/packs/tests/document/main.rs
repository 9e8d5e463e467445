//! A sample of all packs before their vendors' documents; `make packs` judges every operation.
#![expect(clippy::print_stdout, reason = "numbers are for whoever looks")]

use std::fs;
use std::path::Path;

use causeway_packs::document::{self, Judged};
use causeway_packs::remade::remade;

/// Every so manyth operation.
const STEP: usize = 20;

#[test]
fn the_vendors_documents_take_what_the_packs_send_and_refuse_what_they_refuse() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let documents = root.join("../shared/providers/documents");
    if !documents.exists() {
        println!("no collection of documents beside the project: nobody judges");
        return;
    }
    let judged = std::thread::scope(|scope| {
        let start = |name| {
            let folder = root.join("functions").join(name);
            let documents = &documents;
            scope.spawn(move || document::judge(&folder, documents, STEP).unwrap())
        };
        let started: Vec<_> = document::PACKS.into_iter().map(start).collect();
        let ended = started.into_iter().map(|one| one.join().unwrap());
        ended.collect::<Vec<Judged>>()
    });
    let mut whole = Judged::default();
    judged.into_iter().for_each(|one| whole.join(one));
    println!(
        "{} operations, {} mutations, {:.2} % agreed",
        whole.operations,
        whole.mutations,
        100.0 * whole.agree()
    );
    assert!(whole.unjudged.is_empty(), "{:?}", whole.unjudged);
    let unexplained = whole
        .kinds
        .iter()
        .filter(|(kind, _)| kind.contains("UNEXPLAINED"));
    let unexplained: Vec<_> = unexplained
        .map(|(kind, counted)| (kind, &counted.examples))
        .collect();
    assert!(unexplained.is_empty(), "{unexplained:#?}");
    assert!(whole.agree_beside_the_page() >= 0.99, "{:?}", whole.kinds);
}

#[test]
fn what_is_checked_in_is_what_an_import_makes_of_the_documents() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let documents = root.join("../shared/providers/documents");
    if !documents.exists() {
        println!("no collection of documents beside the project: nothing is imported");
        return;
    }
    let differences = document::PACKS.into_iter().flat_map(|name| {
        let made = remade(&root.join("functions").join(name), &documents).unwrap();
        assert!(made.iter().all(|file| !file.made.is_empty()), "{name}");
        made.into_iter().filter_map(|file| file.difference())
    });
    let differences: Vec<String> = differences.collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

/// A judge that agrees with everything proves nothing.
#[test]
fn a_pack_that_asks_for_less_than_its_document_is_found() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let documents = root.join("../shared/providers/documents");
    if !documents.exists() {
        println!("no collection of documents beside the project: nobody judges");
        return;
    }
    let own = root.join("functions/adyen");
    let planted = Path::new(env!("CARGO_TARGET_TMPDIR")).join("planted/adyen");
    fs::create_dir_all(&planted).unwrap();
    fs::copy(own.join("provider.toml"), planted.join("provider.toml")).unwrap();
    let lines = fs::read_to_string(own.join("operations.jsonl")).unwrap();
    for (keyword, kind) in [
        (
            "\"required\":",
            "a field must be given, and the pack does not ask for it",
        ),
        ("\"enum\":", "a list of values that the pack does not hold"),
        ("\"maxLength\":", "a bound that the pack does not hold"),
    ] {
        // A keyword that packs do not know holds nothing.
        let less = lines.replace(keyword, "\"x\":");
        fs::write(planted.join("operations.jsonl"), less).unwrap();
        let judged = document::judge(&planted, &documents, 3).unwrap();
        let found = judged.kinds.keys().any(|known| known.ends_with(kind));
        assert!(found, "{keyword} {:?}", judged.kinds);
    }
}
