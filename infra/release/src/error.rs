//! What can go wrong.

use std::io;
use std::path::{Path, PathBuf};

use crate::program::Fault;

/// Why there is no release.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A file or a folder cannot be read or written.
    #[error("{}: {source}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file is no program that Linux starts.
    #[error("{}: no program for Linux: {source}", path.display())]
    NoProgram {
        /// Which.
        path: PathBuf,
        /// Why.
        source: object::read::Error,
    },
    /// Programs or zips that Lambda would not take, or that we do not ship.
    #[error("{}", faults.iter().map(|(what, fault)| format!("{what}: {fault}")).collect::<Vec<_>>().join("\n"))]
    Unfit {
        /// Each with what it is wrong with.
        faults: Vec<(String, Fault)>,
    },
    /// `sam build` has left no function.
    #[error("{}: no function: build first (`make release` does)", path.display())]
    NothingBuilt {
        /// Where they are looked for.
        path: PathBuf,
    },
    /// A page, a list or a tool's answer is not as expected.
    #[error("{what}: {why}")]
    Unexpected {
        /// What was read.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// A tool is missing or failed.
    #[error("`{command}` failed: {why}")]
    Tool {
        /// What was run.
        command: String,
        /// Its status, and the end of what it said.
        why: String,
    },
    /// A zip cannot be written.
    #[error("write a zip: {0}")]
    Zip(#[from] zip::result::ZipError),
}

impl Error {
    /// Says of which file an error is.
    pub fn of(path: &Path) -> impl FnOnce(io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}
