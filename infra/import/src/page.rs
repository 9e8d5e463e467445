//! A page, read from its file.

use std::fs;
use std::path::{Path, PathBuf};

use causeway::pack::page::Page;

/// Why a page could not be read.
#[derive(Debug, thiserror::Error)]
pub enum PageError {
    /// The file cannot be read.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It is no page.
    #[error("{}: {reason}", path.display())]
    Page {
        /// Which.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// Reads a page.
///
/// # Errors
/// If the file cannot be read, or is no page.
pub fn page(path: &Path) -> Result<Page, PageError> {
    let text = fs::read_to_string(path).map_err(|source| file(path, source))?;
    toml::from_str(&text).map_err(|error| PageError::Page {
        path: path.to_owned(),
        reason: error.to_string(),
    })
}

fn file(path: &Path, source: std::io::Error) -> PageError {
    PageError::File {
        path: path.to_owned(),
        source,
    }
}
