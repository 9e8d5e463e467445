//! From files to files.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::ImportError;
use crate::import::{Imported, import};
use crate::notice::{notice, origins};
use causeway::pack::page::Page;

/// Why files could not be turned into a pack.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The page is no page.
    #[error("{}: {reason}", path.display())]
    Page {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The import.
    #[error(transparent)]
    Import(#[from] ImportError),
}

/// Reads a page.
///
/// # Errors
/// If the file cannot be read, or is no page.
pub fn page(path: &Path) -> Result<Page, RunError> {
    let text = fs::read_to_string(path).map_err(|source| file(path, source))?;
    toml::from_str(&text).map_err(|error| RunError::Page {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

/// Imports the documents that `page` names, from `folder`, and writes `operations.jsonl` and `NOTICE` into `out`. A file
/// may stand there gzipped, under its name with `.gz` behind. Lines that are in `out` already keep their names.
///
/// # Errors
/// If a file cannot be read or written, or the import ends without a pack: nothing is written then.
pub fn run(page: &Page, folder: &Path, out: &Path) -> Result<Imported, RunError> {
    let files = page.document.iter().flat_map(|it| &it.files);
    let mut documents = Vec::new();
    for (alias, name) in files {
        let plain = folder.join(name);
        let packed = folder.join(format!("{name}.gz"));
        let path = if plain.exists() { plain } else { packed };
        let bytes = fs::read(&path).map_err(|source| file(&path, source))?;
        documents.push((alias.clone(), name.clone(), bytes));
    }
    let lines = out.join("operations.jsonl");
    let old = match fs::read_to_string(&lines) {
        Ok(text) => Some(text),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(source) => return Err(file(&lines, source)),
    };
    let imported = import(&documents, page, old.as_deref())?;
    let index = fs::read_to_string(folder.join("INDEX.tsv")).unwrap_or_default();
    let text = notice(page, &imported.facts, &origins(&index));
    let path = out.join("NOTICE");
    fs::write(&path, text).map_err(|source| file(&path, source))?;
    fs::write(&lines, &imported.lines).map_err(|source| file(&lines, source))?;
    Ok(imported)
}

fn file(path: &Path, source: std::io::Error) -> RunError {
    RunError::File {
        path: path.to_owned(),
        source,
    }
}
