//! Shared state in a folder, for commands: what one of them spent, the next one knows.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use causeway::StoreError;
use causeway::lanes::{StateStore, Swap, Versioned};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// Largest file that is read: what is kept in one stays below DynamoDB's 400 KB.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// A folder with a file for each key.
#[derive(Clone, Debug)]
pub struct FileStates {
    folder: PathBuf,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    version: u64,
    mark: String,
    value: Value,
}

impl FileStates {
    /// The state kept in `folder`, which is made when something is written.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    fn path(&self, key: &str) -> PathBuf {
        let safe = |c: char| if c.is_ascii_alphanumeric() { c } else { '-' };
        let name: String = key.chars().map(safe).collect();
        self.folder.join(format!("{}.json", name.trim_matches('-')))
    }
}

/// What stands in the file; none where there is none. One that cannot be read is none too: it is a cache of answers, or a
/// count that begins anew, and a person's disk is no place to be stuck at.
fn stored(path: &Path) -> io::Result<Option<Stored>> {
    match fs::metadata(path) {
        Ok(file) if file.len() <= FILE_BYTES_MAX => {
            Ok(serde_json::from_slice(&fs::read(path)?).ok())
        }
        Ok(_) => Ok(None),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn swapped(path: &Path, expected: Option<u64>, next: &Value, mark: &str) -> io::Result<Swap> {
    let current = stored(path)?;
    if current.as_ref().map(|stored| stored.version) != expected {
        return Ok(match current {
            Some(stored) if stored.mark == mark => Swap::Swapped {
                version: stored.version,
            },
            current => Swap::Lost(
                current.map(|Stored { version, value, .. }| Versioned { version, value }),
            ),
        });
    }
    let version = expected.unwrap_or(0) + 1;
    let stored = Stored {
        version,
        mark: mark.to_owned(),
        value: next.clone(),
    };
    // Whoever dies while writing leaves the file as it was.
    let new = path.with_extension("new");
    fs::write(&new, serde_json::to_vec(&stored)?)?;
    fs::rename(&new, path)?;
    Ok(Swap::Swapped { version })
}

/// Held while a file is read and replaced; the lock goes with its holder, however that ends.
fn lock(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path.with_extension("lock"))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::Error(error)) => Err(error),
        // It is held for microseconds; whoever meets it does without a model this once.
        Err(TryLockError::WouldBlock) => Err(io::Error::new(
            io::ErrorKind::WouldBlock,
            "another command writes it",
        )),
    }
}

#[async_trait]
impl StateStore for FileStates {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        let found = stored(&self.path(key))
            .map_err(|error| StoreError::caused("reading a file", &error))?;
        Ok(found.map(|Stored { version, value, .. }| Versioned { version, value }))
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        let path = self.path(key);
        let swap = || {
            fs::create_dir_all(&self.folder)?;
            let _held = lock(&path)?;
            swapped(&path, expected, next, mark)
        };
        swap().map_err(|error| StoreError::caused("writing a file", &error))
    }
}
