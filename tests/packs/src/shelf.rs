//! The packs there are, and the vendors' files beside them.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use causeway::pack::{Pack, Parts};
use causeway_fakes::pack::{Behaviour, BehaviourError, Routes, RoutesError};
use causeway_lane::ReadError;

/// A pack, and its vendor.
#[derive(Clone)]
pub struct Shelved {
    /// The provider's name.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// The pack as a lane reads it.
    pub pack: Pack,
    /// Where its operations are.
    pub routes: Arc<Routes>,
    /// How the vendor behaves.
    pub behaviour: Arc<Behaviour>,
}

/// A shelf that cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum ShelfError {
    /// A file is missing.
    #[error("{file}: {source}")]
    File {
        /// Which.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// A pack cannot be read.
    #[error(transparent)]
    Pack(#[from] ReadError),
    /// A vendor's file cannot be read.
    #[error("tests/fakes/vendors/{0}")]
    Behaviour(#[from] BehaviourError),
    /// A pack's operations cannot be read.
    #[error("{name}: {source}")]
    Routes {
        /// Whose.
        name: String,
        /// Why.
        source: RoutesError,
    },
}

/// The project's folder.
#[must_use]
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The folders of `functions` that are packs, in order.
///
/// # Errors
/// When the folder cannot be read.
pub fn folders() -> Result<Vec<PathBuf>, ShelfError> {
    let functions = root().join("functions");
    let listed = fs::read_dir(&functions).map_err(|source| file(&functions, source))?;
    let folders = listed.filter_map(|entry| Some(entry.ok()?.path()));
    let mut packs: Vec<PathBuf> = folders
        .filter(|folder| folder.join("provider.toml").exists())
        .collect();
    packs.sort();
    Ok(packs)
}

/// What stands in `folder`, with `page` for its page where one is given.
///
/// # Errors
/// When a file is missing or cannot be read.
pub fn take(folder: &Path, page: Option<&str>) -> Result<Shelved, ShelfError> {
    let name = folder
        .file_name()
        .and_then(|name| name.to_str())
        .unwrap_or_default()
        .to_owned();
    let own = text(&folder.join("provider.toml"))?;
    let operations = text(&folder.join("operations.jsonl"))?;
    let vendor = root()
        .join("tests/fakes/vendors")
        .join(format!("{name}.toml"));
    let behaviour = Behaviour::read(&name, &text(&vendor)?)?;
    // The vendor is where it is, whatever another page says of it.
    let routes = Routes::read(&own, &operations).map_err(|source| ShelfError::Routes {
        name: name.clone(),
        source,
    })?;
    let pack = match page {
        None => causeway_lane::read(folder)?,
        Some(page) => {
            let judgement = causeway_lane::judgement(&name);
            let parts = Parts {
                judgement,
                ..Parts::new(page, &*operations.leak())
            };
            Pack::of(parts).map_err(|source| ReadError::Page {
                file: "a planted page".to_owned(),
                source,
            })?
        }
    };
    Ok(Shelved {
        name,
        folder: folder.to_owned(),
        pack,
        routes: Arc::new(routes),
        behaviour: Arc::new(behaviour),
    })
}

/// A file's text.
pub(crate) fn text(path: &Path) -> Result<String, ShelfError> {
    fs::read_to_string(path).map_err(|source| file(path, source))
}

fn file(path: &Path, source: io::Error) -> ShelfError {
    let file = path.display().to_string();
    ShelfError::File { file, source }
}
