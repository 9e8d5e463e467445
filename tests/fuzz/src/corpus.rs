//! The inputs that are kept: replayed by every test run, and where every search starts.

use std::path::{Path, PathBuf};
use std::{fs, io};

use crate::Target;

/// Most inputs read of one folder.
const MAX_INPUTS: usize = 10_000;

/// The checked-in inputs of `target`.
pub fn folder(target: Target) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("corpus")
        .join(target.name)
}

/// The inputs in `folder`, with their files, in the order of their names.
///
/// # Errors
/// When the folder or a file in it cannot be read.
pub fn inputs(folder: &Path) -> io::Result<Vec<(PathBuf, Vec<u8>)>> {
    let mut paths = Vec::new();
    for entry in fs::read_dir(folder)?.take(MAX_INPUTS) {
        let path = entry?.path();
        if path.is_file() {
            paths.push(path);
        }
    }
    paths.sort();
    paths
        .into_iter()
        .map(|path| {
            let bytes = fs::read(&path)?;
            Ok((path, bytes))
        })
        .collect()
}
