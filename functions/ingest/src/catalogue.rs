//! Every provider of this release: what ingest accepts and the operators' command knows.
//!
//! Which of them a stack has deployed is the stack's business.

use std::sync::OnceLock;

use causeway::pack::{Pack, PackError};
use causeway::provider::Provider;
use causeway_lane::judgement;

/// A pack's files, in the program.
struct Files {
    name: &'static str,
    page: &'static str,
    operations: &'static str,
    mappings: &'static [&'static str],
}

/// In the order of their names.
static FILES: &[Files] = include!(concat!(env!("OUT_DIR"), "/packs.rs"));

/// Every provider, in the order of their names.
#[must_use]
pub fn providers() -> &'static [&'static dyn Provider] {
    static PROVIDERS: OnceLock<Vec<&'static dyn Provider>> = OnceLock::new();
    PROVIDERS.get_or_init(|| packs().iter().map(|pack| pack as &dyn Provider).collect())
}

/// Every pack, in the order of their names. One whose page is none is left out, which a test finds.
#[must_use]
pub fn packs() -> &'static [Pack] {
    static PACKS: OnceLock<Vec<Pack>> = OnceLock::new();
    PACKS.get_or_init(|| FILES.iter().filter_map(|files| read(files).ok()).collect())
}

fn read(files: &Files) -> Result<Pack, PackError> {
    let judgement = judgement(files.name);
    Pack::with(files.page, files.operations, files.mappings, judgement)
}

/// The provider of that name.
#[must_use]
pub fn provider(name: &str) -> Option<&'static dyn Provider> {
    pack(name).map(|pack| pack as &dyn Provider)
}

/// The pack of that name.
#[must_use]
pub fn pack(name: &str) -> Option<&'static Pack> {
    packs().iter().find(|pack| pack.spec().name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A pack that is left out here would have a lane that nobody can POST to.
    #[test]
    fn every_pack_is_read_under_its_folders_name() {
        for files in FILES {
            let pack = read(files).unwrap_or_else(|error| panic!("{}: {error}", files.name));
            assert_eq!(pack.spec().name, files.name);
        }
        assert!(packs().len() >= 12);
        assert!(provider("stripe").is_some() && provider("nobody").is_none());
    }
}
