//! Every pack of the project, held to the contract.

use std::fs;
use std::path::{Path, PathBuf};

use causeway::provider::Provider;
use causeway_contract::Mode;

/// The folders of `functions/` that are packs.
fn folders() -> Vec<PathBuf> {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let entries = fs::read_dir(functions).expect("functions/ is there");
    let folders = entries.map(|entry| entry.expect("an entry").path());
    let mut packs: Vec<_> = folders
        .filter(|folder| folder.join("provider.toml").is_file())
        .collect();
    packs.sort();
    packs
}

#[test]
fn every_pack_keeps_the_contract() {
    let packs = folders();
    assert!(packs.len() >= 12, "{packs:?}");
    let mut broken = Vec::new();
    for folder in packs {
        match causeway_lane::read(&folder) {
            Ok(pack) => {
                broken.extend(pack.check().err().map(|error| error.to_string()));
                let place = folder.display().to_string();
                let found = causeway_contract::breaches(&pack, &place, Mode::from_env());
                broken.extend(
                    found
                        .iter()
                        .map(|breach| format!("{}: {breach}", pack.page().name)),
                );
            }
            Err(error) => broken.push(error.to_string()),
        }
    }
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}

/// What an import writes, a lane can carry out: every operation takes the payloads that its schema describes, refuses
/// what the `jsonschema` crate refuses, and makes a call of them that carries the credentials.
#[test]
fn every_operation_of_every_pack_takes_what_its_schema_describes() {
    let (mut operations, mut broken) = (0, Vec::new());
    for folder in folders() {
        let pack = causeway_lane::read(&folder).unwrap_or_else(|error| panic!("{error}"));
        for name in pack.spec().operations.names() {
            operations += 1;
            let found = causeway_contract::of_schema(&pack, &name);
            broken.extend(
                found
                    .iter()
                    .map(|found| format!("{}: {name}: {found}", pack.page().name)),
            );
        }
    }
    let shown = &broken[..broken.len().min(40)];
    assert!(
        broken.is_empty(),
        "{} broken:\n{}",
        broken.len(),
        shown.join("\n")
    );
    assert!(operations >= 1_500, "{operations} operations");
}

/// Editors complete `provider.toml` by it. `CAUSEWAY_BLESS=1` writes it anew.
#[test]
fn the_pages_schema_is_what_the_code_says() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions/provider.schema.json");
    let mut schema = causeway::pack::page::page_schema().to_value();
    schema.sort_all_objects();
    let now = serde_json::to_string_pretty(&schema).expect("JSON") + "\n";
    if Mode::from_env() == Mode::Bless {
        fs::write(&file, &now).expect("written");
    }
    let known = fs::read_to_string(&file).expect("functions/provider.schema.json");
    assert!(
        known == now,
        "it is not what the code says: CAUSEWAY_BLESS=1"
    );
}
