//! Whose the words and the data are: our licence, where packs' operations come from, Rust's own library.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use serde::Deserialize;

use crate::archive::{Entries, Entry};
use crate::error::Error;
use crate::manifest;
use crate::pack::sha256;

/// Licence and notices of our own, of the packs and of Rust.
pub(crate) struct Notices {
    licence: Vec<u8>,
    library: Vec<u8>,
    /// What there is to be had, by name.
    pub(crate) packs: BTreeMap<String, manifest::Pack>,
    /// By pack, for those whose operations come from a vendor's document.
    notices: BTreeMap<String, Vec<u8>>,
}

impl Notices {
    pub(crate) fn read(root: &Path, library: &Path) -> Result<Self, Error> {
        let licence = root.join("LICENSE");
        let mut read = Self {
            licence: fs::read(&licence).map_err(Error::of(&licence))?,
            library: fs::read(library).map_err(Error::of(library))?,
            packs: BTreeMap::new(),
            notices: BTreeMap::new(),
        };
        let functions = root.join("functions");
        for entry in fs::read_dir(&functions).map_err(Error::of(&functions))? {
            let folder = entry.map_err(Error::of(&functions))?.path();
            let (page, operations) = (
                folder.join("provider.toml"),
                folder.join("operations.jsonl"),
            );
            // What makes a folder a pack (functions/ingest/build.rs).
            if !page.is_file() || !operations.is_file() {
                continue;
            }
            let text = fs::read(&page).map_err(Error::of(&page))?;
            let operations = fs::read(&operations).map_err(Error::of(&operations))?;
            let Page { name, revision } = Page::parse(&text, &page)?;
            let sha256 = sha256(&[&text, &operations]);
            let pack = manifest::Pack { revision, sha256 };
            let notice = folder.join("NOTICE");
            if notice.is_file() {
                let notice = fs::read(&notice).map_err(Error::of(&notice))?;
                read.notices.insert(name.clone(), notice);
            }
            read.packs.insert(name, pack);
        }
        Ok(read)
    }

    /// A lane carries its own pack; every other program may carry all of them.
    pub(crate) fn add(&self, entries: &mut Entries, pack: Option<&str>, third_party: &str) {
        let of = |name: &str| pack.is_none_or(|pack| pack == name);
        let notices = self.notices.iter().filter(|(name, _)| of(name));
        for (name, notice) in notices {
            let place = format!("licences/pack-{name}.txt");
            entries.insert(place, Entry::text(notice.clone()));
        }
        let place = "licences/causeway.txt".to_owned();
        entries.insert(place, Entry::text(self.licence.clone()));
        let place = "licences/rust-library.html".to_owned();
        entries.insert(place, Entry::text(self.library.clone()));
        let place = "licences/third-party.txt".to_owned();
        entries.insert(place, Entry::text(third_party));
    }
}

/// What is read of a pack's page.
#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) name: String,
    #[serde(default)]
    revision: u32,
}

impl Page {
    pub(crate) fn parse(text: &[u8], path: &Path) -> Result<Self, Error> {
        let page = String::from_utf8_lossy(text);
        toml::from_str(&page).map_err(|error| Error::Unexpected {
            what: path.display().to_string(),
            why: error.message().to_owned(),
        })
    }
}
