//! A contender's process, and what the kernel says of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::process::{Child, Command};

use crate::Result;
use crate::contender::Contender;
use crate::stub::Stub;

/// How often, and how often at most, a process is looked at until it uses no more CPU: after it has asked for its next
/// event it is about to wait for it.
const LOOK_EVERY: Duration = Duration::from_millis(1);
const LOOKS_MAX: usize = 50;

/// Deepest tree of processes that is added up; contenders have no children at all.
const DEPTH_MAX: usize = 4;

/// A running contender. It is killed when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
    /// It, as the kernel sees it.
    pub seen: Seen,
}

/// A process by its number.
#[derive(Clone, Copy, Debug)]
pub struct Seen {
    pid: u32,
}

/// Share of a core, and how it is held to it.
#[derive(Clone, Debug)]
pub struct Quota {
    folder: PathBuf,
}

/// A scheduling period: shorter than the kernel's usual 100 ms, so that a wait is no longer than Lambda's own may be.
/// (Lambda's period is not documented; 20 ms is what observers report. Unverified, and the same for every contender.)
const PERIOD_US: u64 = 20_000;

/// "At 1,769 MB, a function has the equivalent of one vCPU", and in proportion:
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const MB_A_CORE: u64 = 1769;

impl Quota {
    /// What a function of so much memory has; none where this machine has no writable cgroup (version 1) for it.
    pub fn of_memory(mb: u64) -> Option<Self> {
        let folder = PathBuf::from(format!(
            "/sys/fs/cgroup/cpu/causeway-bench-{}",
            std::process::id()
        ));
        fs::create_dir(&folder).ok()?;
        let quota = Self { folder };
        let write = |file: &str, value: u64| fs::write(quota.folder.join(file), value.to_string());
        write("cpu.cfs_period_us", PERIOD_US).ok()?;
        write("cpu.cfs_quota_us", PERIOD_US * mb / MB_A_CORE).ok()?;
        Some(quota)
    }
}

impl Drop for Quota {
    fn drop(&mut self) {
        // Its last process may just be ending; what stays is an empty group.
        let _ = fs::remove_dir(&self.folder);
    }
}

impl Process {
    /// Starts `contender` against `stub`; what it prints goes into a file of `logs`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(
        contender: &Contender,
        stub: &Stub,
        quota: Option<&Quota>,
        logs: &Path,
    ) -> Result<Self> {
        fs::create_dir_all(logs)?;
        let log = fs::File::create(logs.join(format!("{}.log", contender.name)))?;
        let mut command = match quota {
            // The shell enters the group and becomes the contender.
            Some(quota) => {
                let mut shell = Command::new("sh");
                let enter = format!(
                    "echo $$ > {}/cgroup.procs && exec \"$@\"",
                    quota.folder.display()
                );
                shell.args(["-c", &enter, "sh"]).arg(&contender.program);
                shell
            }
            None => Command::new(&contender.program),
        };
        command
            .args(&contender.arguments)
            .env_clear()
            .envs(contender.environment(stub.address()))
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .kill_on_drop(true);
        let child = command.spawn()?;
        let pid = child.id().ok_or("it ended at once")?;
        let seen = Seen { pid };
        Ok(Self { child, seen })
    }

    /// Waits until it ends, which it should not, and says so.
    pub async fn ended(&mut self) -> crate::Error {
        match self.child.wait().await {
            Ok(status) => format!("it ended: {status}").into(),
            Err(error) => error.into(),
        }
    }

    /// Ends it.
    pub async fn stop(mut self) {
        let _ = self.child.kill().await;
    }
}

impl Seen {
    /// CPU time so far, once it uses no more.
    ///
    /// # Errors
    /// When it is gone.
    pub async fn cpu(&self) -> Result<Duration> {
        let mut before = cpu(self.pid, 0)?;
        for _ in 0..LOOKS_MAX {
            tokio::time::sleep(LOOK_EVERY).await;
            let now = cpu(self.pid, 0)?;
            if now == before {
                break;
            }
            before = now;
        }
        Ok(before)
    }

    /// The most memory that it ever held, in MiB.
    ///
    /// # Errors
    /// When it is gone.
    pub fn peak_mib(&self) -> Result<f64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid))?;
        let kib = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kib = kib.and_then(|line| line.trim().strip_suffix(" kB"));
        let kib: f64 = kib.ok_or("no VmHWM")?.trim().parse()?;
        Ok(kib / 1024.0)
    }
}

/// Nanoseconds on a CPU, of all threads that are alive, and of children: `schedstat` counts them; `stat` counts in ticks
/// of 10 ms, which is eleven batches of the fastest. <https://docs.kernel.org/scheduler/sched-stats.html>
fn cpu(pid: u32, depth: usize) -> Result<Duration> {
    let mut sum = Duration::ZERO;
    for thread in fs::read_dir(format!("/proc/{pid}/task"))? {
        let thread = thread?.path();
        // A thread that has just ended.
        let Ok(stat) = fs::read_to_string(thread.join("schedstat")) else {
            continue;
        };
        let ns: u64 = stat.split(' ').next().unwrap_or_default().parse()?;
        sum += Duration::from_nanos(ns);
        let children = fs::read_to_string(thread.join("children")).unwrap_or_default();
        if depth < DEPTH_MAX {
            for child in children.split_whitespace() {
                sum += cpu(child.parse()?, depth + 1).unwrap_or_default();
            }
        }
    }
    Ok(sum)
}
