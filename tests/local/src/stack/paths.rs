//! Where things lie.

use std::fs;
use std::path::{Path, PathBuf};

use super::Error;

/// The project's folder.
#[must_use]
pub fn root() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder
        .ancestors()
        .nth(2)
        .unwrap_or(crate_folder)
        .to_path_buf()
}

/// The folder of one stack, `target/local/<name>`, and what is in it.
#[derive(Debug, Clone)]
pub struct Paths {
    stack: PathBuf,
}

impl Paths {
    pub(super) fn new(name: &str) -> Self {
        Self {
            stack: root().join("target/local").join(name),
        }
    }

    /// The folder itself. It is also the mark by which the stack's processes are known.
    #[must_use]
    pub fn stack(&self) -> &Path {
        &self.stack
    }

    /// What `sam build` made: the template and a folder per function, with its `bootstrap` and, of a lane, the `pack`.
    #[must_use]
    pub fn build(&self) -> PathBuf {
        self.stack.join("build")
    }

    /// The program that `sam build` made for a lane, given in Pascal case.
    #[must_use]
    pub fn bootstrap(&self, lane: &str) -> PathBuf {
        self.build().join(format!("{lane}Function/bootstrap"))
    }

    /// Output of a step or a program.
    #[must_use]
    pub fn log(&self, what: &str) -> PathBuf {
        self.stack.join(format!("{what}.log"))
    }

    /// The mark of the vendors' fakes where they are a process: they start before the stack.
    pub(super) fn vendors(&self) -> PathBuf {
        self.stack.join("vendors")
    }

    pub(super) fn facts(&self) -> PathBuf {
        self.stack.join("stack.json")
    }

    /// A private place for the emulator, which would else share `/tmp` with others.
    pub(super) fn emulator(&self, what: &str) -> PathBuf {
        self.stack.join("emulator").join(what)
    }

    /// Everything of an earlier stack goes but its last build, which speeds up the next.
    pub(super) fn make_empty(&self) -> Result<(), Error> {
        let _ = fs::remove_file(self.facts());
        let _ = fs::remove_dir_all(self.stack.join("emulator"));
        for what in ["tmp", "state", "s3"] {
            fs::create_dir_all(self.emulator(what))
                .map_err(Error::io("make the stack's folder"))?;
        }
        Ok(())
    }
}
