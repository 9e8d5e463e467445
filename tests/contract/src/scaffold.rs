//! A new provider, from nothing to a lane that compiles and keeps the structural part of the contract.

mod catalogue;
mod lane;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// What a provider consists of: path below `functions/<name>/`, and text. `@name@` stands for the name, `@Name@` for
/// it in Pascal case, `@snake@` for it as an identifier.
const FILES: [(&str, &str); 7] = [
    ("Cargo.toml", include_str!("../scaffold/Cargo.toml.in")),
    ("README.md", include_str!("../scaffold/README.md.in")),
    ("src/lib.rs", include_str!("../scaffold/lib.rs.in")),
    ("src/main.rs", include_str!("../scaffold/main.rs.in")),
    (
        "tests/contract.rs",
        include_str!("../scaffold/contract.rs.in"),
    ),
    (
        "fixtures/things.create.json",
        include_str!("../scaffold/fixture.json.in"),
    ),
    (
        "schemas/things.create.json",
        include_str!("../scaffold/schema.json.in"),
    ),
];

/// Names that would collide with a package, a binary or a word of the code.
const TAKEN: [&str; 23] = [
    "answer",
    "auth",
    "build",
    "causeway",
    "contract",
    "deps",
    "examples",
    "fakes",
    "gatekeeper",
    "incremental",
    "ingest",
    "json",
    "local",
    "new-provider",
    "operation",
    "option",
    "payload",
    "provider",
    "result",
    "self",
    "spec",
    "test",
    "wire",
];

/// Longest name: the stack's resources are named after it, and AWS cuts theirs at 64.
const NAME_MAX: usize = 32;

/// What was made.
#[derive(Debug, PartialEq, Eq)]
pub struct Scaffolded {
    /// The new files.
    pub files: Vec<PathBuf>,
    /// What could not be added to `template.yaml` or the catalogue, and is to be added by hand.
    pub by_hand: Vec<String>,
}

/// Why nothing was made.
#[derive(Debug, thiserror::Error)]
pub enum ScaffoldError {
    /// The name cannot be one.
    #[error(
        "`{0}` is no name for a provider: words of a-z and 0-9 joined by -, a letter first, at most 32 characters"
    )]
    BadName(String),
    /// The name would collide with something.
    #[error("`{0}` is taken by the project itself")]
    Taken(String),
    /// There is a provider of that name.
    #[error("{0} exists already")]
    Exists(PathBuf),
    /// A file could not be read or written.
    #[error("{0}: {1}")]
    Io(PathBuf, #[source] io::Error),
}

/// Makes the provider `name` in the workspace at `root`: `functions/<name>/`, its lane in `template.yaml`, its alarms in
/// `infra/lane-alarms.yaml`, its place in ingest's catalogue.
///
/// # Errors
/// When the name is none, or there is something of that name, or the file system says no.
pub fn scaffold(name: &str, root: &Path) -> Result<Scaffolded, ScaffoldError> {
    if !is_name(name) {
        return Err(ScaffoldError::BadName(name.to_owned()));
    }
    if TAKEN.contains(&name) {
        return Err(ScaffoldError::Taken(name.to_owned()));
    }
    let folder = root.join("functions").join(name);
    if folder.exists() {
        return Err(ScaffoldError::Exists(folder));
    }
    let pascal = pascal_case(name);
    let snake = name.replace('-', "_");
    let mut files = Vec::new();
    for (path, text) in FILES {
        let text = text
            .replace("@name@", name)
            .replace("@Name@", &pascal)
            .replace("@snake@", &snake);
        let path = folder.join(path);
        write(&path, &text)?;
        files.push(path);
    }
    let ingest = root.join("functions/ingest");
    let edits = [
        edit(&root.join("template.yaml"), |text| {
            lane::added(text, name, &pascal)
        })? && edit(&root.join("infra/lane-alarms.yaml"), |text| {
            lane::watched(text, name, &pascal)
        })?,
        edit(&ingest.join("Cargo.toml"), |text| {
            catalogue::with_dependency(text, name)
        })? && edit(&ingest.join("src/catalogue.rs"), |text| {
            catalogue::with_entry(text, &snake, &pascal)
        })?,
    ];
    let words = [
        lane::by_hand(name, &pascal),
        catalogue::by_hand(name, &snake, &pascal),
    ];
    let left = words.into_iter().zip(edits).filter(|(_, done)| !done);
    let by_hand = left.map(|(words, _)| words).collect();
    Ok(Scaffolded { files, by_hand })
}

/// Words of lower-case letters and digits, joined by single hyphens, a letter first.
fn is_name(name: &str) -> bool {
    name.len() <= NAME_MAX
        && name.starts_with(|first: char| first.is_ascii_lowercase())
        && name.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

fn pascal_case(name: &str) -> String {
    name.split('-')
        .flat_map(|word| {
            let mut letters = word.chars();
            let first = letters.next().map(|first| first.to_ascii_uppercase());
            first.into_iter().chain(letters)
        })
        .collect()
}

/// Changes the file, or says that it has no place for the change.
fn edit(path: &Path, change: impl FnOnce(&str) -> Option<String>) -> Result<bool, ScaffoldError> {
    let text =
        fs::read_to_string(path).map_err(|error| ScaffoldError::Io(path.to_owned(), error))?;
    match change(&text) {
        Some(text) => write(path, &text).map(|()| true),
        None => Ok(false),
    }
}

fn write(path: &Path, text: &str) -> Result<(), ScaffoldError> {
    let io = |error| ScaffoldError::Io(path.to_owned(), error);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(io)?;
    }
    fs::write(path, text).map_err(io)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_words_of_small_letters() {
        for good in ["acme", "acme-pay", "a1", "x-2"] {
            assert!(is_name(good), "{good}");
        }
        for bad in [
            "",
            "Acme",
            "1acme",
            "-acme",
            "acme-",
            "a--b",
            "a_b",
            "a.b",
            "a/b",
            "../x",
            &"a".repeat(33),
        ] {
            assert!(!is_name(bad), "{bad}");
        }
        assert_eq!(pascal_case("acme-pay2"), "AcmePay2");
    }
}
