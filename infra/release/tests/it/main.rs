//! A release of functions that are made here, packed whole.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use causeway_release::error::Error;
use causeway_release::pack::{Built, LANE_ZIP_MAX, pack};
use causeway_release::papers::{Papers, Subject};
use causeway_release::program::Processor;

/// The least that is a program for Graviton: a header, and one segment that says what loads it.
/// <https://refspecs.linuxfoundation.org/elf/gabi4+/ch4.eheader.html>
fn program() -> Vec<u8> {
    let loader = b"/lib/ld-linux-aarch64.so.1\0";
    let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    // Position-independent, aarch64, version 1.
    bytes.extend([3, 0, 183, 0, 1, 0, 0, 0]);
    // No entry; the segments behind this header; no sections.
    for offset in [0u64, 64, 0] {
        bytes.extend(offset.to_le_bytes());
    }
    // Flags; then the sizes of header and segment, how many segments, and nothing of sections.
    bytes.extend([0; 4]);
    for size in [64u16, 56, 1, 0, 0, 0] {
        bytes.extend(size.to_le_bytes());
    }
    // The segment: what loads it, readable.
    for word in [3u32, 4] {
        bytes.extend(word.to_le_bytes());
    }
    let length = loader.len() as u64;
    for word in [120u64, 0, 0, length, length, 1] {
        bytes.extend(word.to_le_bytes());
    }
    bytes.extend(loader);
    bytes
}

struct Place(PathBuf);

impl Place {
    fn new(name: &str) -> Self {
        let place = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = fs::remove_dir_all(&place);
        for (file, text) in [
            ("LICENSE", "Ours"),
            ("library.html", "Rust's"),
            (
                "functions/acme/provider.toml",
                "name = \"acme\"\nrevision = 3\n",
            ),
            ("functions/acme/operations.jsonl", "{}\n"),
            ("functions/acme/NOTICE", "Acme's document"),
            ("functions/other/provider.toml", "name = \"other\"\n"),
            ("functions/other/operations.jsonl", "{}\n"),
            ("functions/other/NOTICE", "Other's document"),
            ("functions/gatekeeper/Cargo.toml", ""),
            (
                "built/AcmeFunction/pack/provider.toml",
                "name = \"acme\"\nrevision = 3\n",
            ),
            ("built/AcmeFunction/pack/operations.jsonl", "{}\n"),
            ("built/template.yaml", "Resources: {}"),
        ] {
            write(&place.join(file), text.as_bytes());
        }
        for function in ["AcmeFunction", "IngestFunction"] {
            write(
                &place.join("built").join(function).join("bootstrap"),
                &program(),
            );
        }
        write(&place.join("causeway"), b"the command");
        Self(place)
    }

    fn built(&self) -> Built {
        let target = "x86_64-unknown-linux-gnu".to_owned();
        Built {
            root: self.0.clone(),
            functions: self.0.join("built"),
            processor: Processor::Arm64,
            commands: BTreeMap::from([(target, self.0.join("causeway"))]),
            release: "v1.2.3".to_owned(),
            version: "1.2.3".to_owned(),
            compiler: "rustc 1".to_owned(),
            library: self.0.join("library.html"),
        }
    }

    fn pack(&self) -> Result<BTreeMap<String, Vec<u8>>, Error> {
        let built = self.built();
        let papers = |subject: Subject| {
            let papers = Papers {
                third_party: format!("Terms of {}", subject.package),
                bill: b"{}".to_vec(),
            };
            (subject, papers)
        };
        let papers = built.subjects()?.into_iter().map(papers).collect();
        let out = self.0.join("out");
        pack(&built, &papers, &out)?;
        let entries = fs::read_dir(&out).expect("a folder");
        let files = entries.map(|entry| {
            let path = entry.expect("an entry").path();
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            (name.into_owned(), fs::read(&path).expect("a file"))
        });
        Ok(files.collect())
    }
}

fn write(path: &Path, contents: &[u8]) {
    fs::create_dir_all(path.parent().expect("a folder")).expect("it is made");
    fs::write(path, contents).expect("a file");
}

fn inside(zip: &[u8]) -> BTreeMap<String, String> {
    let mut archive = zip::ZipArchive::new(std::io::Cursor::new(zip)).expect("a zip");
    let mut found = BTreeMap::new();
    for index in 0..archive.len() {
        let mut file = archive.by_index(index).expect("a file");
        let mut contents = Vec::new();
        std::io::Read::read_to_end(&mut file, &mut contents).expect("it is whole");
        let text = String::from_utf8_lossy(&contents).into_owned();
        found.insert(file.name().to_owned(), text);
    }
    found
}

#[test]
fn a_release_has_every_function_with_its_terms_and_a_manifest_that_names_it_all() {
    let files = Place::new("whole").pack().expect("a release");
    let names: Vec<&str> = files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        [
            "AcmeFunction-arm64.zip",
            "IngestFunction-arm64.zip",
            "SHA256SUMS",
            "causeway-command-x86_64-unknown-linux-gnu.cdx.json",
            "causeway-ingest-aarch64-unknown-linux-gnu.cdx.json",
            "causeway-lane-aarch64-unknown-linux-gnu.cdx.json",
            "causeway-x86_64-unknown-linux-gnu.zip",
            "manifest.json",
        ]
    );
    let lane = inside(&files["AcmeFunction-arm64.zip"]);
    let places: Vec<&str> = lane.keys().map(String::as_str).collect();
    assert_eq!(
        places,
        [
            "bootstrap",
            "licences/causeway.txt",
            "licences/pack-acme.txt",
            "licences/rust-library.html",
            "licences/third-party.txt",
            "pack/operations.jsonl",
            "pack/provider.toml",
        ]
    );
    assert_eq!(lane["licences/third-party.txt"], "Terms of causeway-lane");
    // What knows all packs tells where all of them come from.
    for other in [
        "IngestFunction-arm64.zip",
        "causeway-x86_64-unknown-linux-gnu.zip",
    ] {
        let inside = inside(&files[other]);
        assert_eq!(
            inside["licences/pack-other.txt"], "Other's document",
            "{other}"
        );
    }
    let manifest: serde_json::Value =
        serde_json::from_slice(&files["manifest.json"]).expect("JSON");
    assert_eq!(manifest["release"], "v1.2.3");
    assert_eq!(manifest["packs"]["acme"]["revision"], 3);
    assert_eq!(manifest["packs"]["other"]["revision"], 0);
    let lane = &manifest["functions"]["AcmeFunction"];
    assert_eq!(
        (&lane["pack"], &lane["file"]),
        (&"acme".into(), &"AcmeFunction-arm64.zip".into())
    );
    assert_eq!(lane["program"]["processor"], "arm64");
    let zip = &manifest["files"]["AcmeFunction-arm64.zip"];
    assert_eq!(zip["bytes"], files["AcmeFunction-arm64.zip"].len());
}

#[test]
fn the_checksums_are_those_that_sha256sum_computes() {
    let place = Place::new("checksums");
    place.pack().expect("a release");
    let check = Command::new("sha256sum")
        .args(["--check", "--strict", "SHA256SUMS"])
        .current_dir(place.0.join("out"))
        .output()
        .expect("sha256sum");
    let said = String::from_utf8_lossy(&check.stdout);
    assert!(
        check.status.success() && said.matches(": OK").count() == 7,
        "{said}"
    );
}

#[test]
fn the_same_build_is_the_same_release_to_the_last_byte() {
    let first = Place::new("first").pack().expect("a release");
    let second = Place::new("second").pack().expect("a release");
    assert!(first == second);
}

#[test]
fn a_lane_that_has_grown_too_large_is_no_release() {
    let place = Place::new("large");
    // Nothing that a compressor makes smaller.
    let mut state = 1u64;
    let noise = std::iter::repeat_with(|| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (state >> 56) as u8
    });
    let noise: Vec<u8> = noise.take(LANE_ZIP_MAX as usize).collect();
    for function in ["AcmeFunction", "IngestFunction"] {
        write(&place.0.join("built").join(function).join("noise"), &noise);
    }
    let refused = place
        .pack()
        .expect_err("a lane above its bound")
        .to_string();
    assert!(
        refused.starts_with("AcmeFunction: the zip has 50"),
        "{refused}"
    );
    // Ingest knows every pack, and has no bound of a lane's.
    assert!(!refused.contains("IngestFunction"), "{refused}");
}

#[test]
fn a_program_that_lambda_cannot_start_is_no_release_and_is_named() {
    let place = Place::new("unfit");
    let own = std::env::current_exe().expect("a path");
    fs::copy(own, place.0.join("built/IngestFunction/bootstrap")).expect("a program");
    let refused = place.pack().expect_err("it has symbols").to_string();
    assert!(
        refused.contains("IngestFunction: it is not stripped"),
        "{refused}"
    );
    assert!(!refused.contains("AcmeFunction"), "{refused}");
}

#[test]
fn inspect_says_what_a_program_is_and_fails_where_it_is_unfit() {
    let place = Place::new("inspect");
    let inspect = |processor: &str| {
        Command::new(env!("CARGO_BIN_EXE_release"))
            .args(["inspect", "--processor", processor])
            .arg(place.0.join("built/AcmeFunction/bootstrap"))
            .output()
            .expect("release")
    };
    let fit = inspect("arm64");
    let said = String::from_utf8_lossy(&fit.stdout);
    assert!(
        fit.status.success() && said.contains("arm64, 147 bytes"),
        "{said}"
    );
    let unfit = inspect("x86_64");
    let said = String::from_utf8_lossy(&unfit.stderr);
    assert!(
        !unfit.status.success() && said.contains("it is for arm64, not for x86_64"),
        "{said}"
    );
}
