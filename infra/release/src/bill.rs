//! Bills of materials in CycloneDX 1.5: <https://cyclonedx.org/docs/1.5/json/>.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::error::Error;
use crate::tree::{Id, Package, Tree};

/// The workspace's lock file: the sources' checksums.
#[derive(Debug, Deserialize)]
pub struct Lock {
    package: Vec<Locked>,
}

#[derive(Debug, Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Lock {
    /// Reads `Cargo.lock`.
    ///
    /// # Errors
    /// When it is none.
    pub fn parse(text: &str) -> Result<Self, Error> {
        toml::from_str(text).map_err(|error| Error::Unexpected {
            what: "Cargo.lock".to_owned(),
            why: error.message().to_owned(),
        })
    }

    fn checksums(&self) -> BTreeMap<(&str, &str), &str> {
        let with = self.package.iter().filter_map(|package| {
            let checksum = package.checksum.as_deref()?;
            Some(((package.name.as_str(), package.version.as_str()), checksum))
        });
        with.collect()
    }
}

/// What is linked into a program, for programs. No time and no random number is in it: the same commit, the same bytes.
#[must_use]
pub fn bill(tree: &Tree, lock: &Lock, release: &str, target: &str, compiler: &str) -> Value {
    let checksums = lock.checksums();
    let components = tree.packages.iter().filter(|(id, _)| **id != tree.root);
    let components = components.map(|(id, package)| {
        let checksum = checksums.get(&(id.name.as_str(), id.version.as_str()));
        component(id, package, checksum.copied())
    });
    let components: Vec<Value> = components.chain([library(compiler)]).collect();
    let needs = tree.packages.iter().map(|(id, package)| {
        let needs: Vec<String> = package.needs.iter().map(reference).collect();
        json!({"ref": reference(id), "dependsOn": needs})
    });
    let mut root = component(&tree.root, &tree.packages[&tree.root], None);
    root["type"] = "application".into();
    root["version"] = release.into();
    json!({
        "$schema": "http://cyclonedx.org/schema/bom-1.5.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "component": root,
            "properties": [
                {"name": "causeway:target", "value": target},
                {"name": "causeway:compiler", "value": compiler},
            ],
        },
        "components": components,
        "dependencies": needs.collect::<Vec<_>>(),
    })
}

fn component(id: &Id, package: &Package, checksum: Option<&str>) -> Value {
    let mut component = json!({
        "type": "library", "bom-ref": reference(id), "name": id.name, "version": id.version,
    });
    if !package.is_own {
        component["purl"] = reference(id).into();
    }
    if let Some(licence) = &package.licence {
        // How manifests said "or" before SPDX's expressions.
        let expression = licence.replace('/', " OR ");
        component["licenses"] = json!([{"expression": expression}]);
    }
    if let Some(checksum) = checksum {
        component["hashes"] = json!([{"alg": "SHA-256", "content": checksum}]);
    }
    component
}

/// Rust's own library, which is in every program, in the compiler's version (`rustc 1.95.0 (…)`).
fn library(compiler: &str) -> Value {
    let version = compiler.split(' ').nth(1).unwrap_or_default();
    json!({
        "type": "library", "bom-ref": "rust-std", "name": "rust-std", "version": version,
        "licenses": [{"expression": "MIT OR Apache-2.0"}],
    })
}

/// A package's address: <https://github.com/package-url/purl-spec>. A version's `+` is escaped.
fn reference(id: &Id) -> String {
    let version = id.version.replace('+', "%2B");
    format!("pkg:cargo/{}@{version}", id.name)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn a_bill_names_every_package_with_its_licence_its_checksum_and_what_it_needs() {
        let id = |name: &str, version: &str| Id {
            name: name.to_owned(),
            version: version.to_owned(),
        };
        let package = |licence: &str, is_own, needs: &[&Id]| Package {
            licence: Some(licence.to_owned()),
            is_own,
            needs: needs.iter().copied().cloned().collect::<BTreeSet<_>>(),
        };
        let (lane, ring) = (id("lane", "0.1.0"), id("ring", "0.17.14+1"));
        let tree = Tree {
            root: lane.clone(),
            packages: BTreeMap::from([
                (lane.clone(), package("Apache-2.0", true, &[&ring])),
                (ring.clone(), package("MIT/ISC", false, &[])),
            ]),
        };
        let lock = "[[package]]\nname = \"ring\"\nversion = \"0.17.14+1\"\nchecksum = \"ab12\"\n";
        let lock = Lock::parse(lock).expect("a lock file");
        let bill = bill(
            &tree,
            &lock,
            "v1",
            "x86_64-unknown-linux-gnu",
            "rustc 1.95.0 (5 2026)",
        );
        assert_eq!(bill["components"][1]["version"], "1.95.0");
        assert_eq!(
            bill["components"][0],
            json!({
                "type": "library", "name": "ring", "version": "0.17.14+1",
                "bom-ref": "pkg:cargo/ring@0.17.14%2B1", "purl": "pkg:cargo/ring@0.17.14%2B1",
                "licenses": [{"expression": "MIT OR ISC"}],
                "hashes": [{"alg": "SHA-256", "content": "ab12"}],
            })
        );
        let of =
            json!({"ref": "pkg:cargo/lane@0.1.0", "dependsOn": ["pkg:cargo/ring@0.17.14%2B1"]});
        assert_eq!(bill["dependencies"][0], of);
        assert_eq!(bill["metadata"]["component"]["version"], "v1");
    }
}
