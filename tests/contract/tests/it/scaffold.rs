//! A scaffold compiles and keeps the structural part of the contract.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use causeway_contract::{ScaffoldError, scaffold};

/// A member that depends on the local stack. Chosen beside the new provider, it turns on the features that the whole
/// workspace has: with a provider's alone the SDK and all below it were compiled once more, for this test.
const LOCAL: &str = r#"
[package]
name = "same-features"
edition = "2024"

[dependencies]
causeway-local = { path = "ROOT/tests/local" }
"#;

fn repository() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    fs::canonicalize(root).expect("the workspace's root")
}

/// Brings what a provider is built of and this suite is not, the AWS SDK; touches no network where it is there already.
fn fetch() {
    let fetched = Command::new(env!("CARGO"))
        .args(["fetch", "--locked", "--target", "host-tuple"])
        .current_dir(repository())
        .output()
        .expect("cargo runs");
    let errors = String::from_utf8_lossy(&fetched.stderr);
    assert!(fetched.status.success(), "{errors}");
}

/// An empty workspace with this one's settings, dependencies and versions.
fn workspace(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if root.exists() {
        fs::remove_dir_all(&root).expect("what an earlier run left can go");
    }
    fs::create_dir_all(&root).expect("a folder");
    let repository = repository();
    let manifest = fs::read_to_string(repository.join("Cargo.toml"))
        .expect("the workspace's manifest")
        .replace("path = \"", &format!("path = \"{}/", repository.display()));
    let members = "members = [\"shared\", \"functions/*\", \"infra/causeway\", \"tests/*\"]";
    assert!(manifest.contains(members), "this test knows the line");
    let manifest = manifest
        .replace(members, "members = [\"functions/acme*\", \"tests/local\"]")
        .replace("[\"functions/*\"]", "[\"functions/acme*\"]");
    fs::write(root.join("Cargo.toml"), manifest).expect("a manifest");
    for folder in ["functions/ingest/src", "infra", "tests/local/src"] {
        fs::create_dir_all(root.join(folder)).expect("a folder");
    }
    let local = LOCAL.replace("ROOT", &repository.display().to_string());
    fs::write(root.join("tests/local/Cargo.toml"), local).expect("a manifest");
    fs::write(root.join("tests/local/src/lib.rs"), "").expect("a library");
    for file in [
        "Cargo.lock",
        "template.yaml",
        "infra/lane-alarms.yaml",
        "functions/ingest/Cargo.toml",
        "functions/ingest/src/catalogue.rs",
    ] {
        fs::copy(repository.join(file), root.join(file)).expect(file);
    }
    root
}

#[test]
fn a_scaffold_compiles_and_keeps_the_structural_part_of_the_contract() {
    let root = workspace("scaffold");
    let made = scaffold("acme-pay", &root).expect("a scaffold");
    assert!(made.by_hand.is_empty(), "{:?}", made.by_hand);
    assert!(made.files.iter().all(|file| file.exists()));
    let template = fs::read_to_string(root.join("template.yaml")).expect("the template");
    assert!(template.contains(",AcmePay\n") && template.contains("CodeUri: functions/acme-pay\n"));
    for (file, line) in [
        (
            "Cargo.toml",
            "causeway-acme-pay = { path = \"../acme-pay\" }\n",
        ),
        ("src/catalogue.rs", "    &causeway_acme_pay::AcmePay,\n"),
    ] {
        let text = fs::read_to_string(root.join("functions/ingest").join(file)).expect(file);
        assert!(text.contains(line), "{text}");
    }

    fetch();
    // This workspace's own target folder: the dependencies are built already.
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..");
    let mut test = Command::new(env!("CARGO"));
    // What cargo tells this test about its own package: ring's build script watches some of it, so that ring, and all
    // above it, would be compiled anew here, and once more in the next build of the workspace.
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy();
        if name.starts_with("CARGO_MANIFEST_") || name.starts_with("CARGO_PKG_") {
            test.env_remove(&*name);
        }
    }
    let tested = test
        .args(["test", "--offline", "--quiet"])
        .args(["--package", "causeway-acme-pay", "--test", "contract"])
        .args(["--package", "same-features"])
        .current_dir(&root)
        .env("CARGO_TARGET_DIR", target)
        .output()
        .expect("cargo");
    assert!(
        tested.status.success(),
        "{}{}",
        String::from_utf8_lossy(&tested.stdout),
        String::from_utf8_lossy(&tested.stderr)
    );
    let output = String::from_utf8_lossy(&tested.stdout).into_owned();
    assert!(
        output.contains("1 passed"),
        "the contract was tested: {output}"
    );
}

#[test]
fn a_scaffold_overwrites_nothing_and_has_a_usable_name() {
    let root = workspace("names");
    scaffold("acme", &root).expect("a scaffold");
    let again = scaffold("acme", &root);
    assert!(matches!(again, Err(ScaffoldError::Exists(_))), "{again:?}");
    for (name, taken) in [
        ("Acme", false),
        ("../acme", false),
        ("local", true),
        ("self", true),
    ] {
        match scaffold(name, &root) {
            Err(ScaffoldError::BadName(_)) => assert!(!taken, "{name}"),
            Err(ScaffoldError::Taken(_)) => assert!(taken, "{name}"),
            other => panic!("{name}: {other:?}"),
        }
    }
}
