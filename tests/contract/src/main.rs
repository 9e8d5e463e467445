//! `new-provider NAME`: starts a provider in this workspace.

use std::path::Path;
use std::process::{Command, ExitCode};

use causeway_contract::scaffold;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), None) = (arguments.next(), arguments.next()) else {
        eprintln!("usage: make new-provider NAME=acme");
        return ExitCode::FAILURE;
    };
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // For messages without `..`; where it fails, the next step says what is wrong.
    let root = root.canonicalize().unwrap_or(root);
    let made = match scaffold(&name, &root) {
        Ok(made) => made,
        Err(error) => {
            eprintln!("new-provider: {error}");
            return ExitCode::FAILURE;
        }
    };
    for file in &made.files {
        eprintln!("• {}", file.strip_prefix(&root).unwrap_or(file).display());
    }
    if made.by_hand.is_empty() {
        eprintln!("• template.yaml: a lane; functions/ingest: a line in the catalogue");
    }
    for text in &made.by_hand {
        eprintln!("By hand: {text}");
    }
    if !lock(&root) {
        eprintln!(
            "By hand: `cargo update --workspace --offline` brings the new package into Cargo.lock"
        );
    }
    eprintln!(
        "\nNext: cargo test -p causeway-{name}, then functions/{name}/src/lib.rs; CONTRIBUTING.md leads on."
    );
    ExitCode::SUCCESS
}

/// Brings the new package into `Cargo.lock`, so that `--locked` goes on working. It needs no network: a scaffold's
/// dependencies are those of every provider.
fn lock(root: &Path) -> bool {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    Command::new(cargo)
        .args(["update", "--workspace", "--offline"])
        .current_dir(root)
        .output()
        .is_ok_and(|done| done.status.success())
}
