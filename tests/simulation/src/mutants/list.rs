//! The list, and what it makes of the files that it names.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::Path;

use serde::Deserialize;

/// What stands in a new text for "this one is switched on".
const PLANTED: &str = "PLANTED";

/// A bug that can be switched on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mutant {
    /// What it is called.
    pub name: String,
    /// What the code does then.
    pub says: String,
    /// Where the code is changed for it.
    pub edits: Vec<Edit>,
}

/// A change of one text.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Edit {
    /// The file, from the workspace's root.
    pub file: String,
    /// A text that stands in it exactly once.
    pub find: String,
    /// What takes its place.
    pub with: String,
}

/// An edit that cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// The mutant.
    pub mutant: String,
    /// The file.
    pub file: String,
    /// What is wrong.
    pub rule: String,
}

impl fmt::Display for Fault {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { mutant, file, rule } = self;
        write!(out, "mutants.toml: {mutant}: {file}: {rule}")
    }
}

/// All of them, in the list's order.
///
/// # Panics
/// When the list, which is part of this program, is no list of mutants.
pub fn all() -> Vec<Mutant> {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct List {
        mutant: Vec<Mutant>,
    }
    let list: List =
        toml::from_str(include_str!("../../mutants.toml")).expect("mutants.toml is well formed");
    list.mutant
}

/// The files that `mutants` change, with every change made. Under `root` lies the workspace.
///
/// # Errors
/// When a text does not stand in its file exactly once, or two changes overlap.
pub fn mutated(root: &Path, mutants: &[Mutant]) -> Result<BTreeMap<String, String>, Fault> {
    let mut files: BTreeMap<&str, Vec<(&Mutant, &Edit)>> = BTreeMap::new();
    for mutant in mutants {
        for edit in &mutant.edits {
            files.entry(&edit.file).or_default().push((mutant, edit));
        }
    }
    let changed = files.into_iter().map(|(file, edits)| {
        let text = fs::read_to_string(root.join(file)).map_err(|error| Fault {
            mutant: edits[0].0.name.clone(),
            file: file.to_owned(),
            rule: error.to_string(),
        })?;
        Ok((file.to_owned(), change(&text, &edits)?))
    });
    changed.collect()
}

/// `text` with all `edits`, each placed in the text as it was before.
fn change(text: &str, edits: &[(&Mutant, &Edit)]) -> Result<String, Fault> {
    let fault = |mutant: &Mutant, edit: &Edit, rule: String| Fault {
        mutant: mutant.name.clone(),
        file: edit.file.clone(),
        rule,
    };
    let mut places = Vec::new();
    for (mutant, edit) in edits {
        let mut found = text.match_indices(edit.find.as_str());
        match (found.next(), found.next()) {
            (Some((at, _)), None) => places.push((at, *mutant, *edit)),
            (None, _) => return Err(fault(mutant, edit, format!("nowhere: {:?}", edit.find))),
            _ => return Err(fault(mutant, edit, format!("twice: {:?}", edit.find))),
        }
    }
    places.sort_by_key(|(at, ..)| *at);
    let (mut changed, mut done) = (String::with_capacity(text.len() * 2), 0);
    for (at, mutant, edit) in places {
        if at < done {
            return Err(fault(mutant, edit, "overlaps with another change".into()));
        }
        let asks = format!("crate::mutants::is({:?})", mutant.name);
        changed.push_str(&text[done..at]);
        changed.push_str(&edit.with.replace(PLANTED, &asks));
        done = at + edit.find.len();
    }
    changed.push_str(&text[done..]);
    Ok(changed)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn workspace() -> &'static Path {
        Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
    }

    #[test]
    fn every_change_has_its_place_in_the_code_as_it_is() {
        let mutants = all();
        let files = mutated(workspace(), &mutants).unwrap_or_else(|fault| panic!("{fault}"));
        for mutant in &mutants {
            let asks = format!("crate::mutants::is({:?})", mutant.name);
            let count = files.values().map(|text| text.matches(&asks).count()).sum();
            let least = mutant.edits.len();
            assert!((least..=2 * least).contains(&count), "{}", mutant.name);
        }
        let names: BTreeSet<_> = mutants.iter().map(|mutant| &mutant.name).collect();
        assert_eq!(names.len(), mutants.len());
    }

    #[test]
    fn a_text_that_stands_nowhere_or_twice_or_in_another_change_is_refused() {
        let edit = |find: &str| Edit {
            file: "a.rs".to_owned(),
            find: find.to_owned(),
            with: "PLANTED".to_owned(),
        };
        let mutant = Mutant {
            name: "Any".to_owned(),
            says: String::new(),
            edits: Vec::new(),
        };
        let change = |finds: &[&str]| {
            let edits: Vec<_> = finds.iter().map(|find| edit(find)).collect();
            let edits: Vec<_> = edits.iter().map(|edit| (&mutant, edit)).collect();
            change("let a = b; let c = b;", &edits)
        };
        let rule = |finds: &[&str]| change(finds).expect_err("no change").rule;
        assert_eq!(rule(&["d"]), r#"nowhere: "d""#);
        assert_eq!(rule(&["= b"]), r#"twice: "= b""#);
        assert_eq!(rule(&["a = b", "= b; let"]), "overlaps with another change");
        assert_eq!(
            change(&["c = b", "a = b"]).expect("both"),
            r#"let crate::mutants::is("Any"); let crate::mutants::is("Any");"#
        );
    }
}
