//! Who imports whom within a crate: read from `use` and from paths in the code, as far as they begin with `crate`,
//! `super` or `self`.

use std::collections::{BTreeMap, BTreeSet};

/// Steps from the crate's root.
type Place = Vec<String>;

/// From a file or folder to one beside it.
type Imports = BTreeSet<(String, String)>;

/// For each folder which of its files and folders import which others of it. What a folder's own `mod.rs` does is the
/// folder's business: it declares the others.
pub fn folders(files: &[(String, String)]) -> BTreeMap<Place, Imports> {
    let modules: BTreeSet<Place> = files.iter().map(|(path, _)| module(path)).collect();
    let is_there = |place: &[String]| modules.iter().any(|known| known.starts_with(place));
    let mut folders: BTreeMap<Place, Imports> = BTreeMap::new();
    for (path, code) in files {
        let from = module(path);
        for to in paths(code)
            .into_iter()
            .filter_map(|path| resolved(&from, path))
        {
            let same = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
            if let (Some(one), Some(other)) = (from.get(same), to.get(same))
                && is_there(&to[..=same])
            {
                let folder = folders.entry(from[..same].to_vec()).or_default();
                folder.insert((one.clone(), other.clone()));
            }
        }
    }
    folders
}

/// What is left of `imports` when whoever imports nobody, or is imported by nobody, has gone: none without a circle.
pub fn circle(mut imports: Imports) -> Imports {
    loop {
        let left: Imports = imports
            .iter()
            .filter(|(one, other)| {
                imports.iter().any(|(importer, _)| importer == other)
                    && imports.iter().any(|(_, imported)| imported == one)
            })
            .cloned()
            .collect();
        if left.len() == imports.len() {
            return left;
        }
        imports = left;
    }
}

/// The module that stands in `path`.
fn module(path: &str) -> Place {
    let mut steps: Place = path
        .trim_end_matches(".rs")
        .split('/')
        .map(str::to_owned)
        .collect();
    if steps
        .last()
        .is_some_and(|last| ["mod", "lib", "main"].contains(&last.as_str()))
    {
        steps.pop();
    }
    steps
}

/// `path`, as it is written in `from`, from the root on.
fn resolved(from: &[String], path: Vec<&str>) -> Option<Place> {
    let mut place = from.to_vec();
    for step in path {
        match step {
            "crate" => place.clear(),
            "super" => drop(place.pop()?),
            "self" => {}
            step => place.push(step.to_owned()),
        }
    }
    Some(place)
}

/// Every path of `code` that begins with `crate`, `super` or `self`, groups in braces taken apart.
fn paths(code: &str) -> Vec<Vec<&str>> {
    let mut found = Vec::new();
    for root in ["crate::", "super::", "self::"] {
        for (at, _) in code.match_indices(root) {
            let line = code[..at].rsplit('\n').next().unwrap_or_default();
            let is_within = line.ends_with(|c| is_of_a_name(c) || c == ':');
            if !is_within && !line.trim_start().starts_with("//") {
                tree(&code[at..], &[], &mut found);
            }
        }
    }
    found
}

fn is_of_a_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Reads a path, or a group of them, that continues `before`; what follows it is handed back.
fn tree<'c>(code: &'c str, before: &[&'c str], found: &mut Vec<Vec<&'c str>>) -> &'c str {
    let code = code.trim_start();
    if let Some(mut group) = code.strip_prefix('{') {
        loop {
            group = tree(group, before, found).trim_start();
            match group.strip_prefix(',') {
                Some(rest) => group = rest,
                // Renamed (`as`), or at its end.
                None => match group.find([',', '}']) {
                    Some(at) if group[at..].starts_with(',') => group = &group[at + 1..],
                    Some(at) => return &group[at + 1..],
                    None => return "",
                },
            }
        }
    }
    let end = code.find(|c| !is_of_a_name(c)).unwrap_or(code.len());
    let (name, rest) = code.split_at(end);
    let path: Vec<&str> = before.iter().copied().chain([name]).collect();
    match rest.strip_prefix("::") {
        Some(rest) => tree(rest, &path, found),
        None => {
            found.push(path);
            rest
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(files: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(path, code): &(&str, &str)| ((*path).to_owned(), (*code).to_owned());
        files.iter().map(owned).collect()
    }

    #[test]
    fn groups_and_paths_in_the_code_are_imports() {
        let code = "/// Not [x](crate::x).\nuse crate::{a::{self, B as C}, d::*};\nfn f() { super::e::g(crate::h::I) }";
        let found = paths(code);
        for path in [
            &["crate", "a", "self"][..],
            &["crate", "a", "B"],
            &["crate", "d", ""],
            &["super", "e", "g"],
            &["crate", "h", "I"],
        ] {
            assert!(
                found.iter().any(|known| known == path),
                "{path:?}: {found:?}"
            );
        }
        assert_eq!(found.len(), 5, "{found:?}");
    }

    #[test]
    fn a_circle_is_found_within_a_folder_and_through_one() {
        let files = files(&[
            ("lib.rs", "mod a; mod b; mod c; mod d;"),
            ("a.rs", "use crate::b::deep::B;"),
            ("b/mod.rs", "use crate::d::D; mod deep; pub use deep::B;"),
            ("b/deep.rs", "use super::Other; fn f() { crate::c::g() }"),
            ("c.rs", "use super::a::A;"),
            ("d.rs", "fn g() {}"),
        ]);
        let folders = folders(&files);
        let edge = |one: &str, other: &str| (one.to_owned(), other.to_owned());
        let expected = [edge("a", "b"), edge("b", "c"), edge("c", "a")];
        assert_eq!(folders.len(), 1, "{folders:?}");
        assert_eq!(
            circle(folders[&Vec::new()].clone()),
            BTreeSet::from(expected)
        );
    }
}
