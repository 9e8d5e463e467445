//! A lane is a pack and this program: one binary serves every provider, each as a function of its own with its own
//! queue, role and artefact. `functions/PACKS.md` says what a pack is.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::process;

use causeway::pack::{Class, Judgement, Lines, Pack, PackError, Parts};

/// What data cannot say, in Rust, by provider.
static JUDGEMENTS: &[(&str, &dyn Judgement)] = &[
    ("hubspot", &causeway_hubspot::HubSpot),
    ("seam", &causeway_seam::Seam),
    ("xero", &causeway_xero::Xero),
];

/// The judgement of that provider, where data cannot say everything about it.
#[must_use]
pub fn judgement(provider: &str) -> Option<&'static dyn Judgement> {
    let named = JUDGEMENTS.iter().find(|(name, _)| *name == provider);
    named.map(|(_, judgement)| *judgement)
}

/// A pack that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// A file cannot be read.
    #[error("{file}: {source}")]
    File {
        /// Which file.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// The page says something that it cannot.
    #[error("{file}: {source}")]
    Page {
        /// Which file.
        file: String,
        /// Where, and which rule.
        source: PackError,
    },
}

/// The pack in `folder`: `provider.toml`, `operations.jsonl`, `mappings/*.json`. It stays in memory for good, but for the
/// operations, of which each is read at its first use. What is reviewed may be sent again.
///
/// # Errors
/// When a file cannot be read, or the page says something that it cannot: file, line, field and rule.
pub fn read(folder: &Path) -> Result<Pack, ReadError> {
    read_from(folder, Class::Reviewed)
}

/// The same, where a safety counts that is known as well as `least`.
///
/// # Errors
/// When a file cannot be read, or the page says something that it cannot: file, line, field and rule.
pub fn read_from(folder: &Path, least: Class) -> Result<Pack, ReadError> {
    let page = text(&folder.join("provider.toml"))?;
    let operations = OperationsFile::open(&folder.join("operations.jsonl"))?;
    let mut mappings = Vec::new();
    let listed = fs::read_dir(folder.join("mappings")).into_iter().flatten();
    let mut files: Vec<_> = listed
        .filter_map(|entry| Some(entry.ok()?.path()))
        .collect();
    files.sort();
    for file in files {
        mappings.push(&*text(&file)?.leak());
    }
    let name = page.lines().find_map(|line| line.strip_prefix("name = "));
    let parts = Parts {
        mappings: mappings.leak(),
        judgement: judgement(name.unwrap_or_default().trim().trim_matches('"')),
        least,
        ..Parts::new(&page, operations)
    };
    Pack::of(parts).map_err(|source| {
        let file = folder.join("provider.toml").display().to_string();
        ReadError::Page { file, source }
    })
}

/// `operations.jsonl` where it stands: opening it reads nothing.
struct OperationsFile {
    file: File,
    length: usize,
    name: String,
}

impl OperationsFile {
    fn open(path: &Path) -> Result<Self, ReadError> {
        let name = path.display().to_string();
        let opened = File::open(path).and_then(|file| Ok((file.metadata()?.len(), file)));
        match opened {
            Ok((length, file)) => Ok(Self {
                file,
                // A deployed function has 250 MB at most.
                length: usize::try_from(length).unwrap_or(usize::MAX),
                name,
            }),
            Err(source) => Err(ReadError::File { file: name, source }),
        }
    }
}

impl Lines for OperationsFile {
    fn length(&self) -> usize {
        self.length
    }

    /// A lane whose own pack cannot be read knows no operation: it would refuse what is right. The process ends instead,
    /// and its messages come back.
    fn read(&self, from: usize, into: &mut [u8]) {
        if let Err(error) = self.file.read_exact_at(into, from as u64) {
            let _ = writeln!(io::stderr(), "{}: {error}", self.name);
            process::exit(1);
        }
    }
}

fn text(file: &Path) -> Result<String, ReadError> {
    fs::read_to_string(file).map_err(|source| {
        let file = file.display().to_string();
        ReadError::File { file, source }
    })
}

#[cfg(test)]
mod tests {
    use causeway::provider::Provider;

    use super::*;

    fn functions() -> std::path::PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
    }

    /// Starting took longer with each operation that a pack has. A file that no memory holds tells whether it is read.
    #[test]
    fn a_lane_starts_without_reading_its_operations() {
        let folder = std::env::temp_dir().join(format!("causeway-lane-{}", process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let page = functions().join("klaviyo/provider.toml");
        fs::copy(page, folder.join("provider.toml")).expect("a page");
        let operations = File::create(folder.join("operations.jsonl")).expect("a file");
        // Nothing but a length: it takes no room on the disk.
        operations.set_len(1 << 40).expect("a length");
        let pack = read(&folder);
        fs::remove_dir_all(&folder).expect("gone again");
        assert_eq!(pack.expect("a pack").spec().name, "klaviyo");
    }

    #[test]
    fn an_operation_is_found_where_it_stands() {
        let pack = read(&functions().join("klaviyo")).expect("a pack");
        let operations = pack.spec().operations;
        assert!(operations.named("create_event").is_some());
        assert!(operations.named("create_evenu").is_none());
        assert!(operations.names().len() > 100);
        pack.check().expect("every line is one");
    }
}
