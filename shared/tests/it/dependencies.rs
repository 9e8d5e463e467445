//! What a deployed function is built from.

use std::collections::BTreeSet;
use std::process::Command;

/// Packages and features of what is built in `folder` of the workspace.
fn tree(folder: &str) -> String {
    tree_of(folder, &[])
}

/// Packages and features of what is built in `folder` of the workspace, with these packages chosen.
fn tree_of(folder: &str, packages: &[String]) -> String {
    let chosen = packages.iter().flat_map(|package| ["--package", package]);
    let tree = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{p} [{f}]",
        ])
        .args(chosen)
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

/// The SAM CLI builds each function in its own folder, hence with its own features alone: Lambda's API client, and
/// the event streams that it turns on in shared crates, stay with the gatekeeper; JSON Schemas are compiled by ingest.
#[test]
fn a_lane_carries_nothing_of_gatekeeper_and_ingest() {
    let text = tree("functions/stripe");
    assert!(text.contains("aws-sdk-sqs "), "{text}");
    for absent in [
        "aws-sdk-lambda",
        "aws-smithy-eventstream",
        "event-stream",
        "jsonschema",
        "raw_value",
    ] {
        assert!(!text.contains(absent), "{absent}");
    }
    assert!(tree("functions/gatekeeper").contains("aws-sdk-lambda "));
    assert!(tree("functions/ingest").contains("jsonschema "));
}

/// The local stack compiles all lanes in one go, with the features that they have together, and leaves `sam build` nothing
/// but copying. If one of them had a feature that another has not, each would be compiled twice, and what runs locally
/// would not be what is deployed.
#[test]
fn lanes_built_together_have_the_features_that_each_has_alone() {
    let functions = concat!(env!("CARGO_MANIFEST_DIR"), "/../functions");
    let lanes: Vec<String> = std::fs::read_dir(functions)
        .expect("functions/ exists")
        .map(|entry| entry.expect("it can be read"))
        .filter(|entry| entry.path().join("Cargo.toml").exists())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name != "gatekeeper" && name != "ingest")
        .collect();
    assert!(lanes.len() > 1, "{lanes:?}");
    let packages: Vec<String> = lanes
        .iter()
        .map(|name| format!("causeway-{name}"))
        .collect();
    let together = tree_of("", &packages);
    let together: BTreeSet<&str> = together.lines().map(unit).collect();
    for lane in &lanes {
        let alone = tree(&format!("functions/{lane}"));
        for line in alone.lines().map(unit) {
            assert!(together.contains(line), "{lane} alone has {line}");
        }
    }
}

/// A line of the tree without the mark of what was listed before.
fn unit(line: &str) -> &str {
    line.trim_end_matches(" (*)")
}

/// `sam build` resolves features over the default members, the functions. A test or a tool that turns a feature on
/// must not change them, and the SDK's default features (an HTTP stack with open advisories, a second TLS provider)
/// must not slip in.
#[test]
fn functions_are_built_with_one_tls_stack_and_no_feature_of_a_tool() {
    let text = tree("");
    let has = |what: &str| text.lines().find(|line| line.starts_with(what));

    assert!(
        has("causeway-stripe ").is_some() && has("ring ").is_some(),
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
