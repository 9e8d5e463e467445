//! What `sam build` lays for a lane: the program and its provider's pack, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use causeway_local::stack::root;

use crate::cloudformation::Template;

/// A folder of this test's own, with a program in it.
fn folder(name: &str) -> PathBuf {
    let folder = root().join("target/local/artefacts").join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder");
    fs::write(folder.join("program"), "the one program").expect("a file");
    folder
}

fn lay(folder: &Path, lane: &str, packs: &[&Path]) -> Output {
    let packs = packs.iter().map(|pack| pack.display().to_string());
    Command::new(root().join("infra/build/lay-lane"))
        .arg(lane)
        .arg(folder.join("program"))
        .arg(folder.join(lane))
        .env("CAUSEWAY_PACKS", packs.collect::<Vec<_>>().join(":"))
        .output()
        .expect("Python")
}

/// Every file of an artefact, by its place.
fn files(artefact: &Path) -> BTreeMap<String, Vec<u8>> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    walk(artefact, &mut found);
    let file = |path: PathBuf| {
        let place = path.strip_prefix(artefact).expect("inside").display();
        (place.to_string(), fs::read(&path).expect("a file"))
    };
    found.into_iter().map(file).collect()
}

/// A pack `name` in `folder`, whose page says that it is `says`.
fn pack(folder: &Path, name: &str, says: &str) {
    let pack = folder.join(name);
    fs::create_dir_all(&pack).expect("a folder");
    fs::write(pack.join("provider.toml"), format!("name = \"{says}\"\n")).expect("a file");
    fs::write(pack.join("operations.jsonl"), "").expect("a file");
}

#[test]
fn a_lanes_artefact_is_the_program_and_its_pack() {
    let folder = folder("shipped");
    for (lane, settings) in &Template::read().shipped {
        let laid = lay(&folder, lane, &[]);
        assert!(laid.status.success(), "{laid:?}");
        let provider = settings["Provider"].as_str().expect("a name");
        let source = root().join("functions").join(provider);
        let mut expected = BTreeMap::from([("bootstrap".to_owned(), b"the one program".to_vec())]);
        for (place, text) in files(&source) {
            let is_data = ["provider.toml", "operations.jsonl"].contains(&place.as_str());
            if is_data || place.starts_with("mappings/") {
                expected.insert(format!("pack/{place}"), text);
            }
        }
        let artefact = files(&folder.join(lane));
        assert!(artefact == expected, "{lane}: {:?}", artefact.keys());
        let bootstrap = fs::metadata(folder.join(lane).join("bootstrap")).expect("it");
        assert_eq!(bootstrap.permissions().mode() & 0o777, 0o755);
    }
}

#[test]
fn a_pack_of_ones_own_is_a_lane_by_its_name_and_takes_the_place_of_a_shipped_one() {
    let folder = folder("own");
    let (first, second) = (folder.join("first"), folder.join("second"));
    pack(&first, "acme", "acme");
    pack(&first, "stripe", "stripe");
    pack(&second, "acme", "acme");
    fs::write(second.join("acme/operations.jsonl"), "of the second\n").expect("a file");

    for lane in ["acme", "Stripe"] {
        let laid = lay(&folder, lane, &[&first, &second]);
        assert!(laid.status.success(), "{laid:?}");
    }
    let acme = &files(&folder.join("acme"));
    assert_eq!(acme["pack/operations.jsonl"], b"of the second\n");
    let stripe = &files(&folder.join("Stripe"));
    assert_eq!(stripe["pack/provider.toml"], b"name = \"stripe\"\n");
    // Nothing is left of what lay there before.
    let laid = lay(&folder, "Stripe", &[]);
    assert!(laid.status.success(), "{laid:?}");
    assert!(files(&folder.join("Stripe")).len() > stripe.len());
    lay(&folder, "Stripe", &[&first]);
    assert_eq!(&files(&folder.join("Stripe")), stripe);
}

#[test]
fn a_lane_without_a_pack_or_with_anothers_is_refused_with_what_to_do() {
    let folder = folder("wrong");
    let own = folder.join("own");
    pack(&own, "acme", "another");
    for (lane, packs, says) in [
        ("Strpe", &[][..], "no pack `Strpe`"),
        ("acme", &[], "name it in template.yaml"),
        ("acme", &[own.as_path()], "must say name = \"acme\""),
    ] {
        let laid = lay(&folder, lane, packs);
        let errors = String::from_utf8_lossy(&laid.stderr);
        assert!(!laid.status.success() && errors.contains(says), "{errors}");
        assert!(!folder.join(lane).exists(), "half an artefact");
    }
}
