//! Where a run was made.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use serde::Serialize;
use serde_json::Value;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The machine, and what ran on it.
#[derive(Debug, Serialize)]
pub struct Machine {
    /// The processor's model.
    pub processor: String,
    /// How many of its threads there are.
    pub cores: usize,
    /// Memory, in GiB.
    pub memory_gib: u64,
    /// The kernel's release.
    pub kernel: String,
    /// The moment, in RFC 3339.
    pub at: String,
    /// The source's commit.
    pub commit: String,
    /// Compiler, Python, Node.
    pub versions: Vec<String>,
}

impl Machine {
    /// This one, as far as it tells.
    pub fn here(root: &Path) -> Self {
        let told = |file: &str, field: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(field));
            line.unwrap_or_default()
                .trim_start_matches([' ', '\t', ':'])
                .trim()
                .to_owned()
        };
        let memory = told("/proc/meminfo", "MemTotal");
        let kib: u64 = memory.trim_end_matches(" kB").parse().unwrap_or(0);
        let now = OffsetDateTime::now_utc().replace_nanosecond(0).ok();
        let said = |program: &Path, arguments: &[&str]| said(root, program, arguments);
        Self {
            processor: told("/proc/cpuinfo", "model name"),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: kib >> 20,
            kernel: told("/proc/sys/kernel/osrelease", ""),
            at: now
                .and_then(|now| now.format(&Rfc3339).ok())
                .unwrap_or_default(),
            commit: said(Path::new("git"), &["describe", "--always", "--dirty"]),
            versions: versions(root),
        }
    }
}

/// Compiler and Python as they say themselves; what is pinned, as the lists say.
fn versions(root: &Path) -> Vec<String> {
    let mut versions = vec![
        said(root, Path::new("rustc"), &["--version"]),
        said(
            root,
            &root.join(".tools/bench-python/bin/python"),
            &["--version"],
        ),
    ];
    for list in ["node", "bench-python"] {
        let text = fs::read_to_string(root.join(format!("infra/tools/{list}.txt")));
        let text = text.unwrap_or_default();
        let named = text.lines().filter(|line| {
            ["nodejs", "aws", "boto3"]
                .iter()
                .any(|name| line.starts_with(name))
        });
        versions.extend(named.map(|line| line.replace("==", " ")));
    }
    let packages = fs::read(root.join("tests/bench/contenders/typescript/package.json"));
    let packages: Value = serde_json::from_slice(&packages.unwrap_or_default()).unwrap_or_default();
    let pinned = packages["dependencies"].as_object().into_iter().flatten();
    versions.extend(
        pinned.map(|(name, version)| format!("{name} {}", version.as_str().unwrap_or_default())),
    );
    versions
}

fn said(root: &Path, program: &Path, arguments: &[&str]) -> String {
    let output = Command::new(program)
        .args(arguments)
        .current_dir(root)
        .stdin(Stdio::null())
        .output();
    let output = output.map(|output| output.stdout).unwrap_or_default();
    String::from_utf8_lossy(&output).trim().to_owned()
}
