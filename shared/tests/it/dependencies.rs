//! What a deployed function is built from.

use std::collections::BTreeSet;
use std::process::Command;

/// Packages and features of what is built in `folder` of the workspace.
fn tree(folder: &str) -> String {
    tree_of(folder, &["--edges", "normal"])
}

/// The same, with this choice of packages and of edges to them.
fn tree_of(folder: &str, choice: &[&str]) -> String {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--locked", "--prefix", "none"])
        .args(["--format", "{p} [{f}]"])
        .args(choice)
        .current_dir(format!("{}/../{folder}", env!("CARGO_MANIFEST_DIR")))
        .output()
        .expect("cargo tree");
    assert!(
        tree.status.success(),
        "{}",
        String::from_utf8_lossy(&tree.stderr)
    );
    String::from_utf8(tree.stdout).expect("text")
}

/// Lines of the tree without the mark of what was listed before.
fn units(tree: &str) -> BTreeSet<&str> {
    tree.lines()
        .map(|line| line.trim_end_matches(" (*)"))
        .collect()
}

#[test]
fn a_lane_carries_nothing_of_gatekeeper_and_ingest() {
    let text = tree("functions/lane");
    assert!(text.contains("aws-sdk-sqs "), "{text}");
    for absent in ["aws-sdk-lambda", "jsonschema"] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert!(tree("functions/gatekeeper").contains("aws-sdk-lambda "));
    assert!(tree("functions/ingest").contains("jsonschema "));
}

/// `sam build` compiles all functions in one go, and each has what any of them turns on. Gatekeeper and ingest once
/// turned on features that no lane had (event streams, `bytes/serde`) in crates below the SDK, which was compiled anew
/// for whoever asked for one function alone. What differs belongs among the features that the shared crate turns on for
/// all.
#[test]
fn functions_built_together_have_the_features_that_each_has_alone() {
    let together = tree("");
    let together = units(&together);
    let functions = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions");
    let mut count = 0;
    for entry in std::fs::read_dir(functions).expect("functions/ exists") {
        let folder = entry.expect("it can be read").path();
        // Packs are no packages, but for those with a judgement in Rust.
        if !folder.join("Cargo.toml").exists() {
            continue;
        }
        let name = folder.file_name().unwrap_or_default().display();
        let alone = tree(&format!("functions/{name}"));
        let more: Vec<_> = units(&alone).difference(&together).copied().collect();
        assert!(more.is_empty(), "{name} alone has {more:#?}");
        count += 1;
    }
    assert!(count > 3, "{count} functions");
}

/// `make demo` builds the local stack's command alone, `make test` everything: with one feature more or less in a crate
/// below the SDK, the SDK was compiled for each of them.
#[test]
fn the_local_stacks_command_is_built_with_the_features_that_tests_have() {
    let tests = tree_of("", &["--workspace", "--edges", "normal,build,dev"]);
    let tests = units(&tests);
    for package in ["causeway-local", "causeway-vendors"] {
        let alone = tree_of("", &["--package", package, "--edges", "normal,build"]);
        let more: Vec<_> = units(&alone).difference(&tests).copied().collect();
        assert!(more.is_empty(), "{package} alone has {more:#?}");
    }
}

/// `sam build` resolves features over the default members, the functions. A test or a tool that turns a feature on
/// must not change them, and the SDK's default features (an HTTP stack with open advisories, a second TLS provider)
/// must not slip in.
#[test]
fn functions_are_built_with_one_tls_stack_and_no_feature_of_a_tool() {
    let text = tree("");
    let has = |what: &str| text.lines().find(|line| line.starts_with(what));

    assert!(
        has("causeway-lane ").is_some() && has("ring ").is_some(),
        "{text}"
    );
    let banned = [
        "hyper v0.",
        "rustls v0.21",
        "openssl-sys",
        "native-tls",
        "aws-lc",
        "clap ",
        "proptest ",
        "rand ",
        "causeway-contract",
        "causeway-fakes",
        "causeway-local",
    ];
    for package in banned {
        assert_eq!(has(package), None);
    }
    let serde_json = has("serde_json ").expect("serde_json");
    assert!(
        serde_json.contains("float_roundtrip"),
        "keys are derived from exact doubles: {serde_json}"
    );
    assert!(
        !serde_json.contains("arbitrary_precision"),
        "it changes what a number is: {serde_json}"
    );
}
