//! What is linked into a program: exactly the packages that cargo would compile for it alone.
//!
//! Tools that describe a workspace (cargo-cyclonedx 0.5.9 does) ask `cargo metadata`, which adds up the features of all its
//! members: a lane then carries the JSON Schema validator that only tests turn on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde::Deserialize;

use crate::error::Error;

/// Lines of a failed command's output that its error shows.
const TAIL_LINES: usize = 10;

/// A package by name and version; the workspace has no two of one name and version.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// A package.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    /// Its licence as its manifest says it, an SPDX expression; none where it says none.
    pub licence: Option<String>,
    /// Whether it is of this workspace.
    pub is_own: bool,
    /// What it is linked with.
    pub needs: BTreeSet<Id>,
}

/// What is linked into one program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tree {
    /// The program's own package.
    pub root: Id,
    /// All of it, the root included.
    pub packages: BTreeMap<Id, Package>,
}

impl Tree {
    /// Asks cargo.
    ///
    /// # Errors
    /// When cargo fails, or answers in another form.
    pub fn of(package: &str, target: &str) -> Result<Self, Error> {
        let text = cargo(&[
            "tree",
            "--locked",
            "--package",
            package,
            // Macros are run by the compiler, and no part of the program.
            "--edges",
            "normal,no-proc-macro",
            "--target",
            target,
            "--prefix",
            "depth",
            "--format",
            "\t{p}\t{l}\t",
        ])?;
        Self::parse(&text)
    }

    /// Reads lines of `DEPTH⇥NAME vVERSION …⇥LICENCE⇥`, deeper ones below what needs them. What has a mark behind it was
    /// listed before, and with what is below it.
    fn parse(text: &str) -> Result<Self, Error> {
        let unexpected = |line: &str| Error::Unexpected {
            what: "cargo tree".to_owned(),
            why: format!("a line that is not understood: {line:?}"),
        };
        let mut packages: BTreeMap<Id, Package> = BTreeMap::new();
        let mut above: Vec<Id> = Vec::new();
        for line in text.lines().filter(|line| !line.is_empty()) {
            let mut fields = line.split('\t');
            let mut field = || fields.next().ok_or_else(|| unexpected(line));
            let (depth, what, licence) = (field()?, field()?, field()?);
            let depth: usize = depth.parse().map_err(|_| unexpected(line))?;
            let mut words = what.split(' ');
            let (name, version) = (words.next(), words.next());
            let version = version.and_then(|version| version.strip_prefix('v'));
            let (Some(name), Some(version)) = (name, version) else {
                return Err(unexpected(line));
            };
            let id = Id {
                name: name.to_owned(),
                version: version.to_owned(),
            };
            if depth > above.len() {
                return Err(unexpected(line));
            }
            above.truncate(depth);
            if let Some(parent) = above.last().and_then(|id| packages.get_mut(id)) {
                parent.needs.insert(id.clone());
            }
            packages.entry(id.clone()).or_insert_with(|| Package {
                licence: Some(licence.to_owned()).filter(|licence| !licence.is_empty()),
                // Its folder stands behind it.
                is_own: words.next().is_some_and(|word| word.starts_with("(/")),
                needs: BTreeSet::new(),
            });
            above.push(id);
        }
        let root = above.into_iter().next().ok_or_else(|| unexpected(""))?;
        Ok(Self { root, packages })
    }
}

/// Where every package's source lies that any program of the workspace has on these platforms.
///
/// # Errors
/// When cargo fails, or answers in another form.
pub fn sources(targets: &BTreeSet<&str>) -> Result<BTreeMap<Id, PathBuf>, Error> {
    #[derive(Deserialize)]
    struct Metadata {
        packages: Vec<Found>,
    }
    #[derive(Deserialize)]
    struct Found {
        name: String,
        version: String,
        manifest_path: PathBuf,
    }
    let mut arguments = vec!["metadata", "--locked", "--format-version", "1"];
    for target in targets {
        // What others need is not fetched.
        arguments.extend(["--filter-platform", target]);
    }
    let text = cargo(&arguments)?;
    let metadata: Metadata = serde_json::from_str(&text).map_err(|error| Error::Unexpected {
        what: "cargo metadata".to_owned(),
        why: error.to_string(),
    })?;
    let found = metadata.packages.into_iter().map(|found| {
        let folder = found.manifest_path.parent().unwrap_or(Path::new("/"));
        let id = Id {
            name: found.name,
            version: found.version,
        };
        (id, folder.to_owned())
    });
    Ok(found.collect())
}

/// The compiler's own word for itself.
///
/// # Errors
/// When there is none.
pub fn compiler() -> Result<String, Error> {
    run("rustc", &["--version"]).map(|text| text.trim().to_owned())
}

/// Where the terms of Rust's own library lie: the compiler brings them along.
///
/// # Errors
/// When there is no compiler.
pub fn library_terms() -> Result<PathBuf, Error> {
    let root = run("rustc", &["--print", "sysroot"])?;
    Ok(Path::new(root.trim()).join("share/doc/rust/COPYRIGHT-library.html"))
}

fn cargo(arguments: &[&str]) -> Result<String, Error> {
    run("cargo", arguments)
}

fn run(program: &str, arguments: &[&str]) -> Result<String, Error> {
    let failed = |why: String| Error::Tool {
        command: format!("{program} {}", arguments.join(" ")),
        why,
    };
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| failed(error.to_string()))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        let lines: Vec<&str> = said.lines().collect();
        let tail = lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n");
        return Err(failed(format!("{}\n{tail}", output.status)));
    }
    String::from_utf8(output.stdout).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(name: &str, version: &str) -> Id {
        let (name, version) = (name.to_owned(), version.to_owned());
        Id { name, version }
    }

    #[test]
    fn what_was_listed_before_keeps_what_stands_below_it() {
        let tree = Tree::parse(
            "0\tlane v0.1.0 (/source/lane)\tApache-2.0\t\n\
             1\tshared v0.1.0 (/source/shared)\tApache-2.0\t\n\
             2\titoa v1.0.1\tMIT OR Apache-2.0\t\n\
             1\titoa v1.0.1\tMIT OR Apache-2.0\t\n\
             1\tshared v0.1.0 (/source/shared)\tApache-2.0\t (*)\n\
             1\tring v0.17.0\t\t\n",
        );
        let tree = tree.expect("a tree");
        assert_eq!(tree.root, id("lane", "0.1.0"));
        let own = |id: &Id| tree.packages[id].is_own;
        assert!(own(&tree.root) && own(&id("shared", "0.1.0")) && !own(&id("itoa", "1.0.1")));
        let needs = |name: &str, version: &str| {
            let needs = tree.packages[&id(name, version)].needs.iter();
            needs.map(|id| id.name.as_str()).collect::<Vec<_>>()
        };
        assert_eq!(needs("lane", "0.1.0"), ["itoa", "ring", "shared"]);
        assert_eq!(needs("shared", "0.1.0"), ["itoa"]);
        assert_eq!(tree.packages[&id("ring", "0.17.0")].licence, None);
    }

    #[test]
    fn a_lane_is_not_said_to_carry_what_only_tests_turn_on() {
        let target = "x86_64-unknown-linux-gnu";
        let tree = Tree::of("causeway-lane", target).expect("cargo");
        let has = |name: &str| tree.packages.keys().any(|id| id.name == name);
        assert!(has("ring") && has("causeway") && has("aws-sdk-dynamodb"));
        // The validator, a macro, a test's crate.
        for absent in ["jsonschema", "serde_derive", "proptest"] {
            assert!(!has(absent), "{absent}");
        }
        let found = sources(&BTreeSet::from([target])).expect("cargo");
        assert!(tree.packages.keys().all(|id| found.contains_key(id)));
    }
}
