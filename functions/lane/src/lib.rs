//! A lane is a pack and this program: one binary serves every provider, each as a function of its own with its own
//! queue, role and artefact. `functions/PACKS.md` says what a pack is.

use std::fs;
use std::io;
use std::path::Path;

use causeway::pack::{Judgement, Pack, PackError};

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

/// The pack in `folder`: `provider.toml`, `operations.jsonl`, `mappings/*.json`. It stays in memory for good.
///
/// # Errors
/// When a file cannot be read, or the page says something that it cannot: file, line, field and rule.
pub fn read(folder: &Path) -> Result<Pack, ReadError> {
    let page = text(&folder.join("provider.toml"))?;
    let operations = text(&folder.join("operations.jsonl"))?;
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
    let judgement = judgement(name.unwrap_or_default().trim().trim_matches('"'));
    Pack::with(&page, operations.leak(), mappings.leak(), judgement).map_err(|source| {
        let file = folder.join("provider.toml").display().to_string();
        ReadError::Page { file, source }
    })
}

fn text(file: &Path) -> Result<String, ReadError> {
    fs::read_to_string(file).map_err(|source| {
        let file = file.display().to_string();
        ReadError::File { file, source }
    })
}
