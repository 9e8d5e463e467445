//! Provider crates side by side: how long they are, and what two of them share.
//!
//! What a crate repeats of its neighbour is a missing piece of `shared`. Six lines in a row are a repetition, once
//! what the language and the trait ask of everybody is left out: blank lines, comments, imports, attributes, lines of
//! punctuation alone, the heads of functions, `impl` blocks and types, and the `&SPEC` that `spec` returns. Tests do not
//! count, and the provider's own name is the same as any other's.

use std::fs;
use std::io;
use std::path::Path;

/// Lines in a row that two crates may not share.
pub const REPEATED: usize = 6;

/// A provider's source.
#[derive(Clone, Debug)]
pub struct Source {
    /// The provider.
    pub name: String,
    /// Files of `src/` but `main.rs`, by name, with their text.
    pub files: Vec<(String, String)>,
}

/// Lines that stand in two crates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repetition {
    /// Where they begin in the one, as `stripe/src/lib.rs:12`.
    pub here: String,
    /// And in the other.
    pub there: String,
    /// The lines, as they were compared.
    pub lines: Vec<String>,
}

/// A file's lines, tests left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lines {
    /// All of them.
    pub all: usize,
    /// Those that are neither blank nor comments: where a number comes from takes the room that it needs.
    pub code: usize,
}

/// The providers of the workspace at `root`, by name: the folders under `functions/` that run the contract.
///
/// # Errors
/// When a folder or a file cannot be read.
pub fn sources(root: &Path) -> io::Result<Vec<Source>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(root.join("functions"))? {
        let folder = entry?.path();
        if folder.join("tests/contract.rs").is_file() {
            let name = folder.file_name().unwrap_or_default();
            found.push(Source {
                name: name.to_string_lossy().into_owned(),
                files: files(&folder.join("src"))?,
            });
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

fn files(folder: &Path) -> io::Result<Vec<(String, String)>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_file() && name.ends_with(".rs") && name != "main.rs" {
            found.push((name.into_owned(), fs::read_to_string(&path)?));
        }
    }
    found.sort();
    Ok(found)
}

/// How long `text` is.
pub fn lines(text: &str) -> Lines {
    let is_code = |line: &&str| !line.trim().is_empty() && !line.trim().starts_with("//");
    Lines {
        all: untested(text).count(),
        code: untested(text).filter(is_code).count(),
    }
}

fn untested(text: &str) -> impl Iterator<Item = &str> {
    text.lines()
        .take_while(|line| !line.contains("#[cfg(test)]"))
}

/// Everything that two of `sources` share: the longest stretches of at least [`REPEATED`] lines.
pub fn repetitions(sources: &[Source]) -> Vec<Repetition> {
    let mut found = Vec::new();
    for (at, one) in sources.iter().enumerate() {
        for other in &sources[at + 1..] {
            for here in &one.files {
                for there in &other.files {
                    shared((&one.name, here), (&other.name, there), &mut found);
                }
            }
        }
    }
    found
}

type File<'a> = (&'a str, &'a (String, String));

fn shared(one: File<'_>, other: File<'_>, found: &mut Vec<Repetition>) {
    let here = telling(one.0, &one.1.1);
    let there = telling(other.0, &other.1.1);
    let place = |(name, (file, _)): File<'_>, line: usize| format!("{name}/src/{file}:{line}");
    for i in 0..here.len() {
        for j in 0..there.len() {
            let goes_on = i > 0 && j > 0 && here[i - 1].1 == there[j - 1].1;
            let pairs = here[i..].iter().zip(&there[j..]);
            let same = pairs.take_while(|(a, b)| a.1 == b.1).count();
            if !goes_on && same >= REPEATED {
                let lines = here[i..i + same].iter();
                found.push(Repetition {
                    here: place(one, here[i].0),
                    there: place(other, there[j].0),
                    lines: lines.map(|(_, text)| text.clone()).collect(),
                });
            }
        }
    }
}

/// What of a file's text tells something, with the numbers of the lines.
fn telling(provider: &str, text: &str) -> Vec<(usize, String)> {
    let mut kept = Vec::new();
    // Where an import, an attribute or a head goes on over several lines: what ends it.
    let mut until: Option<&[&str]> = None;
    for (line, text) in (1..).zip(untested(text)) {
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        let ends = until.or_else(|| opening(&text));
        if let Some(ends) = ends {
            let is_over = ends.iter().any(|end| text.ends_with(end));
            until = (!is_over).then_some(ends);
        } else if text.contains(char::is_alphanumeric) && !text.starts_with("//") && text != "&SPEC"
        {
            kept.push((line, unnamed(&text, provider)));
        }
    }
    kept
}

/// What ends the thing that `line` begins, where that is nothing to compare.
fn opening(line: &str) -> Option<&'static [&'static str]> {
    let line = line.strip_prefix("pub(crate) ").unwrap_or(line);
    let line = line.strip_prefix("pub ").unwrap_or(line);
    let line = line.strip_prefix("const fn ").map_or(line, |_| "fn ");
    let is_head = ["fn ", "impl ", "impl<", "struct ", "enum ", "trait "];
    if line.starts_with("use ") || line.starts_with("mod ") {
        Some(&[";"])
    } else if line.starts_with("#[") || line.starts_with("#![") {
        Some(&["]"])
    } else if is_head.iter().any(|head| line.starts_with(head)) {
        Some(&["{", ";", "}"])
    } else {
        None
    }
}

/// `line` without the provider's name, in the spellings that identifiers have.
fn unnamed(line: &str, provider: &str) -> String {
    let words = provider.split('-');
    let pascal: String = words
        .map(|word| {
            let (first, rest) = word.split_at(word.len().min(1));
            first.to_uppercase() + rest
        })
        .collect();
    let snake = provider.replace('-', "_");
    line.replace(&pascal, "@")
        .replace(&snake, "@")
        .replace(provider, "@")
}
