//! The whole collection of documents through the import.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use causeway::pack::Page;
use causeway_import::{ImportError, import};

/// What a document's calls say that are neither JSON nor a form: no lane writes those, and no share counts them.
const OTHER_MEDIA: &str = "which lanes do not write";

/// A page that says nothing.
const PAGE: &str = "name = \"x\"\ntitle = \"X\"\nauth = []\n[address]\nbase = \"https://x.test\"";

/// What came of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Collection {
    /// Documents.
    pub documents: usize,
    /// Packs that came of them, one by one.
    pub packs: usize,
    /// Documents that gave none, with a reason.
    pub refused: usize,
    /// Writing calls in JSON or as a form that came through, vendor by vendor.
    pub through: usize,
    /// All of those calls.
    pub writes: usize,
    /// Reasons of refusals other than that a document has reading calls only.
    pub reasons: Vec<String>,
}

impl Collection {
    /// The share of calls that came through.
    #[must_use]
    pub fn writes_share(&self) -> f64 {
        self.through as f64 / self.writes.max(1) as f64
    }
}

/// Imports every document in `folder`: each alone, for a pack or a reason, and each vendor's together, for the share.
///
/// # Errors
/// When a file cannot be read.
pub fn collection(folder: &Path) -> io::Result<Collection> {
    let page: Page = toml::from_str(PAGE).map_err(io::Error::other)?;
    let mut whole = Collection::default();
    let mut vendors: BTreeMap<String, Vec<(String, String, Vec<u8>)>> = BTreeMap::new();
    for (vendor, path) in files(folder)? {
        let file = path
            .strip_prefix(folder)
            .unwrap_or(&path)
            .display()
            .to_string();
        let alias = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        let alias = alias
            .trim_end_matches(".gz")
            .trim_end_matches(".json")
            .trim_end_matches(".yaml")
            .to_owned();
        vendors
            .entry(vendor)
            .or_default()
            .push((alias, file, fs::read(&path)?));
    }
    for documents in vendors.into_values() {
        let mut kept = Vec::new();
        let mut reports = Vec::new();
        for given in documents {
            whole.documents += 1;
            match import(std::slice::from_ref(&given), &page, None) {
                Ok(imported) => {
                    whole.packs += 1;
                    reports.push(imported.report);
                    kept.push(given);
                }
                Err(error) => {
                    whole.refused += 1;
                    let text = error.to_string();
                    if !text.contains("reading calls only") {
                        whole
                            .reasons
                            .push(text.lines().next().unwrap_or_default().to_owned());
                    }
                    if matches!(error, ImportError::Nothing(_)) {
                        kept.push(given);
                    }
                }
            }
        }
        let report = match (kept.len(), reports.pop()) {
            (0, _) => continue,
            (1, Some(report)) => report,
            _ => match import(&kept, &page, None) {
                Ok(imported) => imported.report,
                Err(_) => continue,
            },
        };
        let other = report
            .left_out
            .iter()
            .filter(|it| it.reason.contains(OTHER_MEDIA))
            .count();
        whole.writes += report.writes.saturating_sub(other);
        whole.through += report.routes;
    }
    Ok(whole)
}

/// Vendors' documents, in order.
fn files(folder: &Path) -> io::Result<Vec<(String, PathBuf)>> {
    let mut all = Vec::new();
    for vendor in fs::read_dir(folder)? {
        let vendor = vendor?.path();
        if !vendor.is_dir() {
            continue;
        }
        let name = vendor
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        for file in fs::read_dir(&vendor)? {
            all.push((name.clone(), file?.path()));
        }
    }
    all.sort();
    Ok(all)
}
