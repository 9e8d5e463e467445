//! Whether what is checked in is what an import makes of the vendors' documents, byte for byte.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use causeway_import::{ImportError, PageError, import, notice, origins};

/// Longest part of a line that is shown, in characters: it begins with the operation's name.
const SHOWN_MAX: usize = 160;

/// Why nothing could be made.
#[derive(Debug, thiserror::Error)]
pub enum RemadeError {
    /// A file.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The page.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The import.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// A file of a pack as it is checked in, and as the import makes it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remade {
    /// Where it stands.
    pub path: PathBuf,
    /// What stands there.
    pub is: String,
    /// What the import makes.
    pub made: String,
}

impl Remade {
    /// The first line that differs, if there is one.
    #[must_use]
    pub fn difference(&self) -> Option<String> {
        if self.is == self.made {
            return None;
        }
        let (mut is, mut made) = (self.is.lines(), self.made.lines());
        let shown = |line: Option<&str>| -> String {
            let line = line.unwrap_or("nothing");
            line.chars().take(SHOWN_MAX).collect()
        };
        for number in 1.. {
            let (is, made) = (is.next(), made.next());
            if is != made || is.is_none() {
                let path = self.path.display();
                let (is, made) = (shown(is), shown(made));
                return Some(format!(
                    "{path}:{number}: it is {is}\n  and the import makes {made}"
                ));
            }
        }
        None
    }
}

/// Makes `operations.jsonl` and `NOTICE` of the pack in `folder` anew from the documents that its page names.
///
/// # Errors
/// When a file cannot be read, or the documents do not go through.
pub fn remade(folder: &Path, documents: &Path) -> Result<Vec<Remade>, RemadeError> {
    let page = causeway_import::page(&folder.join("provider.toml"))?;
    let files: BTreeMap<String, String> = page
        .document
        .as_ref()
        .map(|document| document.files.clone())
        .unwrap_or_default();
    let mut given = Vec::new();
    for (alias, file) in files {
        let path = documents.join(format!("{file}.gz"));
        let bytes = fs::read(&path).map_err(|source| RemadeError::File { path, source })?;
        given.push((alias, file, bytes));
    }
    let lines = folder.join("operations.jsonl");
    let about = folder.join("NOTICE");
    let (old, said) = (text(&lines)?, text(&about)?);
    let made = import(&given, &page, Some(&old))?;
    let index = text(&documents.join("INDEX.tsv"))?;
    let notice = notice(&page, &made.facts, &origins(&index));
    let remade = [(lines, old, made.lines), (about, said, notice)];
    let remade = remade.map(|(path, is, made)| Remade { path, is, made });
    Ok(remade.into())
}

fn text(path: &Path) -> Result<String, RemadeError> {
    fs::read_to_string(path).map_err(|source| RemadeError::File {
        path: path.to_owned(),
        source,
    })
}
