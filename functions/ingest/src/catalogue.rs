//! Every provider of this release: what ingest accepts and the operators' command knows.
//!
//! Which of them a stack has deployed is the stack's business.

use std::sync::OnceLock;

use causeway::pack::{Class, Pack, PackError, Parts};
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

/// Every pack, in the order of their names, as lanes have them that send again what is reviewed. One whose page is none
/// is left out, which a test finds.
#[must_use]
pub fn packs() -> &'static [Pack] {
    packs_from(Class::Reviewed)
}

/// The same, as lanes have them where a safety counts that is known as well as `least`.
#[must_use]
pub fn packs_from(least: Class) -> &'static [Pack] {
    static REVIEWED: OnceLock<Vec<Pack>> = OnceLock::new();
    static INFERRED: OnceLock<Vec<Pack>> = OnceLock::new();
    let packs = match least {
        Class::Reviewed => &REVIEWED,
        Class::Inferred => &INFERRED,
    };
    let read = |files: &Files| read(files, least).ok();
    packs.get_or_init(|| FILES.iter().filter_map(read).collect())
}

fn read(files: &Files, least: Class) -> Result<Pack, PackError> {
    Pack::of(Parts {
        mappings: files.mappings,
        judgement: judgement(files.name),
        least,
        ..Parts::new(files.page, files.operations)
    })
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
    use causeway::provider::{Operation, Safety};

    use super::*;

    /// HubSpot's default association is inferred today; a stack that allows that has its lanes send it again.
    #[test]
    fn what_is_inferred_is_unsafe_unless_the_stack_allows_it() {
        let inferred = |packs: &'static [Pack]| -> Vec<(String, Safety)> {
            let all = packs.iter().flat_map(|pack| {
                let operations = pack.spec().operations.iter();
                operations.map(move |operation| (pack, operation))
            });
            let inferred = all.filter(|(pack, operation)| {
                let known = pack.provenance(operation.name);
                known.and_then(|known| known.class) == Some(Class::Inferred)
            });
            let told = |(pack, operation): (&Pack, &Operation)| {
                let name = format!("{}: {}", pack.spec().name, operation.name);
                (name, operation.safety)
            };
            inferred.map(told).collect()
        };
        let (reviewed, allowed) = (inferred(packs()), inferred(packs_from(Class::Inferred)));
        let association = "hubspot: associations.create_default";
        assert!(reviewed.iter().any(|(name, _)| name == association));
        assert!(
            reviewed.iter().all(|(_, safety)| *safety == Safety::Unsafe),
            "{reviewed:?}"
        );
        assert!(
            allowed.contains(&(association.to_owned(), Safety::Natural)),
            "{allowed:?}"
        );
        assert_eq!(reviewed.len(), allowed.len());
    }

    /// A pack that is left out here would have a lane that nobody can POST to.
    #[test]
    fn every_pack_is_read_under_its_folders_name() {
        for files in FILES {
            let pack = read(files, Class::Reviewed)
                .unwrap_or_else(|error| panic!("{}: {error}", files.name));
            assert_eq!(pack.spec().name, files.name);
        }
        assert!(packs().len() >= 12);
        assert!(provider("stripe").is_some() && provider("nobody").is_none());
    }
}
