//! The copy of the workspace that holds every mutant.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::SystemTime;

use super::list::{all, mutated};

/// What the copy's simulation is called: both lie in one folder once they are built.
pub const PROGRAM: &str = "sim-mutants";

/// The variable that says which mutant is switched on.
pub const SWITCH: &str = "CAUSEWAY_MUTANT";

/// What of the workspace is copied: what cargo reads before it builds the simulation.
const COPIED: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "shared",
    "functions",
    "infra",
    "tests",
];

/// Deepest folder that is copied; the deepest that there is has seven above it.
const DEPTH: usize = 16;

/// What the copy's code asks.
const ASKED: &str = r#"//! Which mutant is switched on.

/// Whether it is this one.
pub(crate) fn is(mutant: &str) -> bool {
    static ON: std::sync::OnceLock<String> = std::sync::OnceLock::new();
    ON.get_or_init(|| std::env::var("CAUSEWAY_MUTANT").unwrap_or_default()) == mutant
}
"#;

/// Changes outside of the code: the module, a name for the program, and a version of its own, by which cargo tells the
/// copy's artefacts from the workspace's while both use one build of everything else.
const AROUND: [(&str, &str, &str); 3] = [
    (
        "shared/src/lib.rs",
        "pub mod cache;\n",
        "pub mod cache;\nmod mutants;\n",
    ),
    (
        "tests/simulation/Cargo.toml",
        "name = \"sim\"\n",
        "name = \"sim-mutants\"\n",
    ),
    (
        "Cargo.toml",
        "version = \"0.1.0\"\n",
        "version = \"0.1.0-mutants\"\n",
    ),
];

/// Lays the workspace under `root` out under `copy`, with every mutant. What has not changed keeps its time, so that it
/// is not built again.
///
/// # Errors
/// When a file cannot be read or written, or a change has no place.
pub fn lay(root: &Path, copy: &Path) -> io::Result<()> {
    if copy.exists() {
        fs::remove_dir_all(copy)?;
    }
    fs::create_dir_all(copy)?;
    for name in COPIED {
        copied(&root.join(name), &copy.join(name), DEPTH)?;
    }
    let list = root.join("tests/simulation/mutants.toml");
    let changed = mutated(root, &all()).map_err(|fault| io::Error::other(fault.to_string()))?;
    for (file, text) in changed {
        let time = modified(&root.join(&file))?.max(modified(&list)?);
        put(&copy.join(&file), &text, time)?;
    }
    let time = modified(&list)?;
    put(&copy.join("shared/src/mutants.rs"), ASKED, time)?;
    for (file, find, with) in AROUND {
        let (from, to) = (root.join(file), copy.join(file));
        let text = fs::read_to_string(&to)?;
        if text.matches(find).count() != 1 {
            return Err(io::Error::other(format!("{file}: not once: {find:?}")));
        }
        put(&to, &text.replace(find, with), modified(&from)?)?;
    }
    Ok(())
}

fn copied(from: &Path, to: &Path, depth: usize) -> io::Result<()> {
    if depth == 0 {
        return Err(io::Error::other(format!("too deep: {}", from.display())));
    }
    if !from.is_dir() {
        fs::copy(from, to)?;
        return File::options()
            .write(true)
            .open(to)?
            .set_modified(modified(from)?);
    }
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let name = entry?.file_name();
        copied(&from.join(&name), &to.join(&name), depth - 1)?;
    }
    Ok(())
}

fn modified(path: &Path) -> io::Result<SystemTime> {
    fs::metadata(path)?.modified()
}

fn put(path: &Path, text: &str, time: SystemTime) -> io::Result<()> {
    fs::write(path, text)?;
    File::options().write(true).open(path)?.set_modified(time)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_copy_asks_by_the_variable_that_is_set() {
        assert!(ASKED.contains(&format!("{SWITCH:?}")));
        assert!(AROUND[1].2.contains(&format!("{PROGRAM:?}")));
    }
}
