//! Finds the packs that go into the program: the folders of `functions/` with a `provider.toml`, and those of the
//! folders that `CAUSEWAY_PACKS` names (several with `:` between, as seen from the project's folder), in which a pack of
//! a shipped one's name takes its place. `infra/build/lay-lane` finds a lane's pack by the same rules.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-env-changed=CAUSEWAY_PACKS");
    let root = Path::new(&variable("CARGO_MANIFEST_DIR")?).join("../..");
    let others = env::var_os("CAUSEWAY_PACKS").unwrap_or_default();
    let mut packs: BTreeMap<String, PathBuf> = BTreeMap::new();
    let others = env::split_paths(&others).filter(|folder| !folder.as_os_str().is_empty());
    for folder in [PathBuf::from("functions")].into_iter().chain(others) {
        let folder = root.join(folder);
        println!("cargo:rerun-if-changed={}", folder.display());
        let entries = fs::read_dir(&folder);
        for entry in
            entries.map_err(|error| io::Error::other(format!("{}: {error}", folder.display())))?
        {
            let pack = entry?.path();
            if pack.join("provider.toml").is_file() && pack.join("operations.jsonl").is_file() {
                let name = pack.file_name().unwrap_or_default();
                packs.insert(name.to_string_lossy().into_owned(), fs::canonicalize(pack)?);
            }
        }
    }
    let mut code = String::from("&[\n");
    for (name, folder) in &packs {
        let mut mappings = Vec::new();
        for entry in fs::read_dir(folder.join("mappings")).into_iter().flatten() {
            mappings.push(entry?.path());
        }
        mappings.sort();
        let include = |file: &Path| {
            println!("cargo:rerun-if-changed={}", file.display());
            format!("include_str!({:?})", file.display().to_string())
        };
        let mappings: Vec<String> = mappings.iter().map(|file| include(file)).collect();
        code += &format!(
            "Files {{ name: {name:?}, page: {}, operations: {}, mappings: &[{}] }},\n",
            include(&folder.join("provider.toml")),
            include(&folder.join("operations.jsonl")),
            mappings.join(", "),
        );
        println!("cargo:rerun-if-changed={}", folder.display());
    }
    code.push(']');
    fs::write(Path::new(&variable("OUT_DIR")?).join("packs.rs"), code)
}

fn variable(name: &str) -> io::Result<String> {
    env::var(name).map_err(io::Error::other)
}
