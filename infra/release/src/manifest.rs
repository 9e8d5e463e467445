//! What a release consists of, for programs: `manifest.json`.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::program::{Glibc, Processor, Program};

/// The form of the manifest. It grows with every change that a reader could trip over.
pub const FORMAT: u32 = 1;

/// A release.
#[derive(Clone, Debug, Serialize)]
pub struct Manifest {
    /// [`FORMAT`].
    pub format: u32,
    /// What the functions and the command call themselves: a tag or a commit.
    pub release: String,
    /// The workspace's version.
    pub version: String,
    /// For which processor the functions are.
    pub processor: Processor,
    /// The newest glibc that Lambda's runtime is known to have.
    pub runtime_glibc: Glibc,
    /// What compiled it.
    pub compiler: String,
    /// The functions, by their names in the template.
    pub functions: BTreeMap<String, Function>,
    /// The packs that ingest knows and lanes can have, by name.
    pub packs: BTreeMap<String, Pack>,
    /// The operators' command, a file a platform.
    pub commands: Vec<Command>,
    /// Every file but this one and the list of checksums: its size in bytes and its SHA-256.
    pub files: BTreeMap<String, File>,
}

/// A function.
#[derive(Clone, Debug, Serialize)]
pub struct Function {
    /// Its zip.
    pub file: String,
    /// Its program.
    pub program: Program,
    /// The pack beside it, for a lane.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Option<String>,
}

/// A provider as data.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Pack {
    /// The page's revision; 0 where it counts none.
    pub revision: u32,
    /// Of the page and the operations, one after the other.
    pub sha256: String,
}

/// The operators' command for one platform.
#[derive(Clone, Debug, Serialize)]
pub struct Command {
    /// Its zip.
    pub file: String,
    /// The platform, as the compiler calls it.
    pub target: String,
    /// Its size in bytes, unpacked.
    pub bytes: u64,
    /// The newest version of glibc's that it wants a symbol of: an older system does not start it. None where it is for
    /// another system than Linux.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub glibc: Option<Glibc>,
}

/// A file of the release.
#[derive(Clone, Debug, Serialize)]
pub struct File {
    /// Its size.
    pub bytes: u64,
    /// Its checksum, in hexadecimal.
    pub sha256: String,
}
