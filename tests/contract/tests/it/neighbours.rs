//! No provider repeats its neighbour.

use std::path::Path;

use causeway_contract::LINES;
use causeway_contract::neighbours::{REPEATED, Source, lines, repetitions, sources};

/// What a file beside `lib.rs` may have, as any file of the house.
const FILE: usize = 300;

fn source(name: &str, text: &str) -> Source {
    Source {
        name: name.to_owned(),
        files: vec![("lib.rs".to_owned(), text.to_owned())],
    }
}

/// A judgement of `lines` lines, in the clothes of `name`.
fn provider(name: &str, lines: usize, own: &str) -> Source {
    let arms = (0..lines).map(|arm| format!("            \"code_{arm}\" => Verdict::unwell(),\n"));
    let arms: String = arms.collect();
    let head = "use causeway::provider::{\n    Answer, Verdict,\n};\n\n/// What it is for.\n#[derive(\n    Debug\n)]";
    source(
        name,
        &format!(
            "{head}\nimpl Provider for X {{\n    fn classify(\n        &self,\n        answer: &Answer,\n    ) -> Verdict {{\n        \
             match {own} {{\n{arms}        }}\n    }}\n}}\n#[cfg(test)]\nmod tests {{\n{}}}\n",
            "    assert!(true);\n".repeat(9)
        ),
    )
}

#[test]
fn no_two_providers_share_six_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = sources(&root).expect("the workspace's providers");
    assert!(sources.len() >= 2, "there are providers to compare");
    let found = repetitions(&sources);
    let shown = found.iter().map(|repetition| {
        let (here, there) = (&repetition.here, &repetition.there);
        format!("\n{here} and {there}:\n  {}", repetition.lines.join("\n  "))
    });
    let shown: String = shown.collect();
    assert!(found.is_empty(), "belongs into shared/:{shown}");
}

#[test]
fn every_provider_fits_a_screen_or_two() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    for source in sources(&root).expect("the workspace's providers") {
        let name = &source.name;
        for (file, text) in &source.files {
            let lines = lines(text);
            let most = if file == "lib.rs" { LINES.1 } else { FILE };
            assert!(lines.code <= most, "{name}/src/{file}: {lines:?}");
        }
    }
}

/// The negative probe: a copied judgement is found, with both its places, whatever stands around it.
#[test]
fn six_copied_lines_are_found_and_five_are_not() {
    let copied = [
        provider("acme", REPEATED, "acme_code"),
        provider("other", REPEATED, "answer.status"),
    ];
    let found = repetitions(&copied);
    assert_eq!(found.len(), 1, "{found:#?}");
    assert_eq!(found[0].here, "acme/src/lib.rs:15");
    assert_eq!(found[0].there, "other/src/lib.rs:15");
    assert_eq!(found[0].lines.len(), REPEATED);

    let fewer = REPEATED - 1;
    let copied = [
        provider("acme", fewer, "acme_code"),
        provider("other", fewer, "answer.status"),
    ];
    assert_eq!(repetitions(&copied), []);
}

#[test]
fn a_provider_that_calls_the_same_after_itself_repeats_it_all_the_same() {
    let text = |name: &str| -> String {
        let lines = (0..REPEATED).map(|line| format!("let a{line} = {name}::of({line});\n"));
        lines.collect()
    };
    let copied = [
        source("acme", &text("acme")),
        source("big-shop", &text("big_shop")),
    ];
    assert_eq!(repetitions(&copied).len(), 1);
}

#[test]
fn what_everybody_must_write_is_no_repetition() {
    let text = "mod payloads;\n\nuse std::time::Duration;\n\nuse causeway::provider::{\n    A, B,\n    C,\n};\n\n\
        #[derive(Deserialize)]\n#[serde(\n    deny_unknown_fields\n)]\nstruct Reply {\n}\n\nimpl Provider for X {\n    \
        fn spec(&self) -> &'static Spec {\n        &SPEC\n    }\n\n    fn classify_batch(\n        &self,\n        \
        operation: &Operation,\n        elements: &[&Json],\n        answer: &Answer,\n        now: Timestamp,\n    ) \
        -> Vec<Verdict> {\n    }\n}\n";
    assert_eq!(
        repetitions(&[source("acme", text), source("other", text)]),
        []
    );
}
