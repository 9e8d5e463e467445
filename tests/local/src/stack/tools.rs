//! The pinned tools, each set in a Python environment of its own under `.tools/`.
//!
//! Two sets, because the SAM CLI and MiniStack pin different versions of botocore.
//! A set is installed again only when its list changes.

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::lock::lock;
use super::{Error, Processes, root};

/// The local stack's sets by name: `infra/tools/<name>.txt` lists one, `.tools/<name>` holds it.
const SETS: [&str; 2] = ["sam", "ministack"];
/// Written last, so that a half-installed set is never taken for a whole one.
const STAMP: &str = ".installed";

/// Installed tools.
#[derive(Debug, Clone)]
pub struct Tools {
    folder: PathBuf,
}

impl Tools {
    /// Installs what is missing or out of date; without the network where nothing is.
    ///
    /// # Errors
    /// When Python is missing or older than 3.11, or a package cannot be fetched.
    pub async fn install(processes: &Processes, say: impl Fn(&str)) -> Result<Self, Error> {
        Self::install_sets(processes, &SETS, say).await
    }

    /// Installs these sets alone: what the local stack has no use for, others ask for by name.
    ///
    /// # Errors
    /// When Python is missing or older than 3.11, or a package cannot be fetched.
    pub async fn install_sets(
        processes: &Processes,
        sets: &[&'static str],
        say: impl Fn(&str),
    ) -> Result<Self, Error> {
        let folder = root().join(".tools");
        // Two stacks may start at once; the second waits and finds the work done.
        let _one_at_a_time = lock(&folder.join(".lock")).await?;
        // Clones that share the folder by a link would else each take it for moved, and install it anew.
        let folder = fs::canonicalize(folder).map_err(Error::io("find .tools"))?;
        for set in sets {
            install_set(processes, &folder, set, &say).await?;
        }
        Ok(Self { folder })
    }

    /// The tools as an earlier [`install`](Self::install) left them.
    #[must_use]
    pub fn installed() -> Self {
        Self {
            folder: root().join(".tools"),
        }
    }

    /// Where the sets lie.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A program of a set.
    #[must_use]
    pub fn program(&self, set: &str, name: &str) -> PathBuf {
        self.folder.join(set).join("bin").join(name)
    }

    /// `PATH` with a set's programs first: SAM looks for cargo-lambda there, and
    /// cargo-lambda for zig.
    pub(super) fn path(&self, set: &str) -> std::ffi::OsString {
        let mut path = self.folder.join(set).join("bin").into_os_string();
        path.push(":");
        path.push(std::env::var_os("PATH").unwrap_or_default());
        path
    }

    /// The Lambda Runtime Interface Emulator, which the SAM CLI brings along.
    ///
    /// # Errors
    /// When the SAM CLI no longer has it where it was.
    pub fn runtime_interface_emulator(&self) -> Result<PathBuf, Error> {
        let arch = match std::env::consts::ARCH {
            "aarch64" => "arm64",
            other => other,
        };
        let file = format!("site-packages/samcli/local/rapid/aws-lambda-rie-{arch}");
        fs::read_dir(self.folder.join("sam/lib"))
            .map_err(Error::io("read the SAM CLI's folder"))?
            .filter_map(Result::ok)
            .map(|python| python.path().join(&file))
            .find(|path| path.exists())
            .ok_or(Error::Missing {
                program: file,
                hint: "the pinned aws-sam-cli should bring it",
            })
    }
}

async fn install_set(
    processes: &Processes,
    folder: &Path,
    set: &'static str,
    say: &impl Fn(&str),
) -> Result<(), Error> {
    let list = root().join(format!("infra/tools/{set}.txt"));
    let venv = folder.join(set);
    let stamp = stamp(&list, &venv)?;
    if fs::read_to_string(venv.join(STAMP)).is_ok_and(|installed| installed == stamp) {
        return Ok(());
    }
    say(&format!("Installing tools: {set} (once, a minute or two)"));
    let _ = fs::remove_dir_all(&venv);
    let log = folder.join(format!("{set}.log"));

    let mut check = processes.command("python3");
    check.args([
        "-c",
        "import sys; sys.exit(0 if sys.version_info >= (3, 11) else 'Python 3.11 or later is needed')",
    ]);
    processes.run("looking for Python", &log, check).await?;

    let mut create = processes.command("python3");
    create.args(["-m", "venv"]).arg(&venv);
    processes
        .run("making a Python environment", &log, create)
        .await?;

    let mut install = processes.command(venv.join("bin/python"));
    install
        .args(["-m", "pip", "install", "--no-input", "--progress-bar=off"])
        .args(["--disable-pip-version-check", "--requirement"])
        .arg(&list);
    processes.run("installing tools", &log, install).await?;
    fs::write(venv.join(STAMP), stamp).map_err(Error::io("write into .tools"))
}

/// Changes with the list, and with the place: a Python environment cannot be moved.
fn stamp(list: &Path, venv: &Path) -> Result<String, Error> {
    let text = fs::read(list).map_err(Error::io("read the list of tools"))?;
    let digest = Sha256::digest(&text);
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{hex} {}\n", venv.display()))
}
