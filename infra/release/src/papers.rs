//! What comes with each program: the terms of what is linked into it, and its bill of materials.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use crate::bill::{Lock, bill};
use crate::error::Error;
use crate::licences::third_party;
use crate::tree::{Tree, sources};

/// A program that is shipped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Subject {
    /// Its package.
    pub package: String,
    /// The platform, as the compiler calls it.
    pub target: String,
}

impl Subject {
    /// What its bill of materials is called.
    #[must_use]
    pub fn bill(&self) -> String {
        format!("{}-{}.cdx.json", self.package, self.target)
    }
}

/// Papers of one program.
#[derive(Clone, Debug)]
pub struct Papers {
    /// The terms, for people.
    pub third_party: String,
    /// The bill of materials: CycloneDX, as JSON.
    pub bill: Vec<u8>,
}

/// Writes the papers of programs.
///
/// # Errors
/// When cargo fails, or a package's source cannot be read.
pub fn papers(
    root: &Path,
    subjects: &BTreeSet<Subject>,
    release: &str,
    compiler: &str,
) -> Result<BTreeMap<Subject, Papers>, Error> {
    let lock = root.join("Cargo.lock");
    let lock = Lock::parse(&fs::read_to_string(&lock).map_err(Error::of(&lock))?)?;
    let targets = subjects.iter().map(|subject| subject.target.as_str());
    let sources = sources(&targets.collect())?;
    let mut written = BTreeMap::new();
    for subject in subjects {
        let tree = Tree::of(&subject.package, &subject.target)?;
        let bill = bill(&tree, &lock, release, &subject.target, compiler);
        let papers = Papers {
            third_party: third_party(&tree, &sources)?,
            bill: format!("{bill:#}\n").into_bytes(),
        };
        written.insert(subject.clone(), papers);
    }
    Ok(written)
}
