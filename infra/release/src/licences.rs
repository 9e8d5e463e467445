//! The licences of what is linked into a program: most ask for their text beside every copy.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::error::Error;
use crate::tree::{Id, Package, Tree};

/// How the files begin that a package tells its terms in, in lower case.
const TERMS: [&str; 6] = [
    "copying",
    "copyright",
    "licence",
    "license",
    "notice",
    "unlicense",
];

/// The terms of all packages but our own: each text once, below the names of those whose text it is.
///
/// # Errors
/// When a source is missing, or a file of it cannot be read.
pub fn third_party(tree: &Tree, sources: &BTreeMap<Id, PathBuf>) -> Result<String, Error> {
    let (mut texts, mut without) = (BTreeMap::<String, BTreeSet<&Id>>::new(), String::new());
    for (id, package) in &tree.packages {
        if package.is_own {
            continue;
        }
        let folder = sources.get(id).ok_or_else(|| Error::Unexpected {
            what: "cargo metadata".to_owned(),
            why: format!("no source of {} {}", id.name, id.version),
        })?;
        let files = chosen(package, terms(folder)?);
        if files.is_empty() {
            let licence = package.licence.as_deref().unwrap_or("no licence named");
            without += &format!("  {} {}: {licence}\n", id.name, id.version);
        }
        for file in files {
            let text = fs::read(&file).map_err(Error::of(&file))?;
            let text = String::from_utf8_lossy(&text).replace("\r\n", "\n");
            texts
                .entry(text.trim_end().to_owned())
                .or_default()
                .insert(id);
        }
    }
    let mut told = String::from("What this program is linked with, and under which terms.\n");
    if !without.is_empty() {
        told +=
            "\nThese name their licence (https://spdx.org/licenses/) and bring no text of it:\n";
        told += &without;
    }
    for (text, ids) in texts {
        told += "\n----------------------------------------------------------------------------\n";
        for id in ids {
            told += &format!("  {} {}\n", id.name, id.version);
        }
        told += &format!("\n{text}\n");
    }
    Ok(told)
}

/// Of a choice ("MIT OR Apache-2.0") the shorter text: one of them is enough.
fn chosen(package: &Package, mut files: Vec<PathBuf>) -> Vec<PathBuf> {
    let licence = package.licence.as_deref().unwrap_or_default();
    let is_choice = licence.contains(" OR ") || licence.contains('/');
    let says = |file: &Path, what: &str| {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        name.to_ascii_lowercase().contains(what)
    };
    if is_choice && licence.contains("MIT") && files.iter().any(|file| says(file, "mit")) {
        files.retain(|file| !says(file, "apache") && !says(file, "unlicense"));
    }
    files
}

/// Files of terms in a package's own folder, or one below it that is called so.
fn terms(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut found = Vec::new();
    for path in listed(folder)? {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let name = name.to_ascii_lowercase();
        if !TERMS.iter().any(|begin| name.starts_with(begin)) {
            continue;
        }
        if path.is_dir() {
            found.extend(listed(&path)?.into_iter().filter(|path| path.is_file()));
        } else {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

fn listed(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let entries = fs::read_dir(folder).map_err(Error::of(folder))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path()));
    paths.collect::<Result<_, _>>().map_err(Error::of(folder))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str) -> Id {
        Id {
            name: name.to_owned(),
            version: "1.0.0".to_owned(),
        }
    }

    fn package(licence: &str, is_own: bool) -> Package {
        Package {
            licence: Some(licence.to_owned()),
            is_own,
            needs: BTreeSet::new(),
        }
    }

    #[test]
    fn each_text_stands_once_and_whoever_brings_none_is_named() {
        let place = std::env::temp_dir().join(format!("causeway-licences-{}", std::process::id()));
        let source = |name: &str, files: &[(&str, &str)]| {
            let folder = place.join(name);
            fs::create_dir_all(folder.join("LICENSES")).expect("a folder");
            for (file, text) in files {
                fs::write(folder.join(file), text).expect("a file");
            }
            (id(name), folder)
        };
        let both = [
            ("LICENSE-MIT", "Mit, by A\r\n"),
            ("LICENSE-APACHE", "Apache"),
        ];
        let sources = BTreeMap::from([
            source("a", &both),
            source("b", &[("license.txt", "Mit, by A")]),
            source(
                "c",
                &[
                    ("LICENSES/ISC.txt", "Isc"),
                    ("NOTICE", "by C"),
                    ("build.rs", "code"),
                ],
            ),
            source("d", &[("README.md", "no terms")]),
        ]);
        let tree = Tree {
            root: id("ours"),
            packages: BTreeMap::from([
                (id("ours"), package("Apache-2.0", true)),
                (id("a"), package("MIT OR Apache-2.0", false)),
                (id("b"), package("MIT", false)),
                (id("c"), package("ISC", false)),
                (id("d"), package("Zlib", false)),
            ]),
        };
        let told = third_party(&tree, &sources);
        let _ = fs::remove_dir_all(&place);
        let told = told.expect("terms");
        assert_eq!(told.matches("Mit, by A").count(), 1, "{told}");
        assert!(
            told.contains("  a 1.0.0\n  b 1.0.0\n\nMit, by A\n"),
            "{told}"
        );
        assert!(
            told.contains("\nIsc\n") && told.contains("\nby C\n"),
            "{told}"
        );
        assert!(
            told.contains("bring no text of it:\n  d 1.0.0: Zlib\n"),
            "{told}"
        );
        for absent in ["Apache", "code", "ours"] {
            assert!(!told.contains(absent), "{absent}: {told}");
        }
    }
}
