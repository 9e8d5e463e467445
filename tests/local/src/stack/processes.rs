//! Whose processes are whose, and how they end.
//!
//! Every process of a stack carries the stack's folder in its environment, which
//! its children inherit: the emulator's functions, `sam`'s compiler. So they are
//! all found, also after a crash that left no list of them, and nobody else's
//! process is ever touched, as might happen by a reused process id in a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, PidfdFlags, Signal, getpid, kill_process, pidfd_open, pidfd_send_signal,
};
use tokio::process::Command;

use super::Error;

/// Environment variable that marks a stack's processes.
const MARK: &str = "CAUSEWAY_LOCAL_STACK";
/// How long a process may take to end when asked to.
const ASKED_MAX: Duration = Duration::from_secs(5);
/// How long the kernel may take to end it when it did not listen.
const FORCED_MAX: Duration = Duration::from_secs(2);
/// Pause between two looks at who is still there.
const LOOK_EVERY: Duration = Duration::from_millis(20);
/// Lines of a failed command's output that its error shows.
const TAIL_LINES: usize = 25;

/// The processes that carry one stack's mark. Dropping it stops them.
#[derive(Debug)]
pub struct Processes {
    owner: PathBuf,
    released: AtomicBool,
}

/// What stopping took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped {
    /// Processes that were running.
    pub found: usize,
    /// Processes that are running still; there should be none.
    pub left: usize,
}

impl Processes {
    /// Processes marked with `owner`, a path that nobody else uses.
    #[must_use]
    pub fn owned_by(owner: &Path) -> Self {
        Self {
            owner: owner.to_path_buf(),
            released: AtomicBool::new(false),
        }
    }

    /// A command whose process will carry the mark. It gets a group of its own, so
    /// that a Ctrl-C reaches us first and we stop it in order.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        let mut command = Command::new(program.as_ref());
        command.env(MARK, &self.owner).process_group(0);
        command.stdin(Stdio::null());
        command
    }

    /// The variable that marks a process, for whoever has emptied its environment.
    pub(super) fn tag(&self) -> (&'static str, &Path) {
        (MARK, &self.owner)
    }

    /// Runs a command to its end, its output in `log`.
    ///
    /// # Errors
    /// When it cannot be started, or ends badly: the error shows the end of its output.
    pub async fn run(
        &self,
        step: &'static str,
        log: &Path,
        mut command: Command,
    ) -> Result<(), Error> {
        if let Some(folder) = log.parent() {
            fs::create_dir_all(folder).map_err(Error::io("make a folder for logs"))?;
        }
        let out = fs::File::create(log).map_err(Error::io("write a log"))?;
        let err = out.try_clone().map_err(Error::io("write a log"))?;
        let status = command
            .stdout(out)
            .stderr(err)
            .status()
            .await
            .map_err(|error| match error.kind() {
                std::io::ErrorKind::NotFound => Error::Missing {
                    program: command
                        .as_std()
                        .get_program()
                        .to_string_lossy()
                        .into_owned(),
                    hint: "install it and try again (Rust, Python 3.11 or later and make are needed)",
                },
                _ => Error::io("start a program")(error),
            })?;
        if status.success() {
            return Ok(());
        }
        Err(Error::Command {
            step,
            status: status.to_string(),
            log: log.to_path_buf(),
            tail: tail(log),
        })
    }

    /// Ids of the marked processes that are running.
    #[must_use]
    pub fn ids(&self) -> Vec<i32> {
        self.running()
            .into_iter()
            .map(|pid| pid.as_raw_nonzero().get())
            .collect()
    }

    /// Ids of the marked processes that run a program of this file name.
    #[must_use]
    pub fn of_program(&self, file_name: &str) -> Vec<i32> {
        let runs = |pid: &i32| {
            let program = fs::read_link(format!("/proc/{pid}/exe"));
            program.is_ok_and(|path| path.file_name().is_some_and(|name| name == file_name))
        };
        self.ids().into_iter().filter(runs).collect()
    }

    /// Kills one of the marked processes, which gets no chance to do anything about it. False when it has ended
    /// before, or is not one of ours: the handle is taken first, so that a reused id cannot be hit.
    #[must_use]
    pub fn kill(&self, id: i32) -> bool {
        let Some(pid) = Pid::from_raw(id) else {
            return false;
        };
        let Ok(handle) = pidfd_open(pid, PidfdFlags::empty()) else {
            return false;
        };
        carries(pid, self.mark().as_bytes()) && pidfd_send_signal(handle, Signal::KILL).is_ok()
    }

    /// Asks all of them to end, then makes them. Takes at most seven seconds.
    pub fn stop(&self) -> Stopped {
        let found = self.running().len();
        let mut left = found;
        for (signal, limit) in [(Signal::TERM, ASKED_MAX), (Signal::KILL, FORCED_MAX)] {
            let end = Instant::now() + limit;
            let mut told: Vec<Pid> = Vec::new();
            while left > 0 && Instant::now() < end {
                let running = self.running();
                // Each is told once, those that were started meanwhile too.
                for pid in &running {
                    if !told.contains(pid) {
                        let _ = kill_process(*pid, signal);
                        told.push(*pid);
                    }
                }
                left = running.len();
                if left > 0 {
                    std::thread::sleep(LOOK_EVERY);
                }
            }
        }
        Stopped { found, left }
    }

    /// Lets them run on after this value is dropped.
    pub fn release(&self) {
        self.released.store(true, Ordering::Relaxed);
    }

    fn mark(&self) -> String {
        format!("{MARK}={}", self.owner.display())
    }

    fn running(&self) -> Vec<Pid> {
        let mark = self.mark();
        let Ok(entries) = fs::read_dir("/proc") else {
            return Vec::new();
        };
        entries
            .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
            .filter_map(Pid::from_raw)
            .filter(|pid| *pid != getpid())
            .filter(|pid| carries(*pid, mark.as_bytes()))
            .collect()
    }
}

impl Drop for Processes {
    fn drop(&mut self) {
        if !self.released.load(Ordering::Relaxed) {
            let _ = self.stop();
        }
    }
}

/// A process that has ended but was not waited for has an empty environment: not running.
fn carries(pid: Pid, mark: &[u8]) -> bool {
    fs::read(format!("/proc/{}/environ", pid.as_raw_nonzero()))
        .is_ok_and(|environment| environment.split(|byte| *byte == 0).any(|one| one == mark))
}

fn tail(log: &Path) -> String {
    let text = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn stopping_ends_a_process_and_the_children_it_left_behind() {
        let owner = std::env::temp_dir().join(format!("causeway-stop-{}", std::process::id()));
        let processes = Processes::owned_by(&owner);
        let mut shell = processes.command("sh");
        // The inner shell ignores the polite signal: it has to be forced.
        shell.args(["-c", "(trap '' TERM; while :; do sleep 1; done) & wait"]);
        let mut child = shell.spawn().expect("sh is everywhere");
        while processes.ids().len() < 2 {
            tokio::task::yield_now().await;
        }

        let stopped = processes.stop();

        assert!(stopped.found >= 2, "{stopped:?}");
        assert_eq!(stopped.left, 0);
        assert!(!child.wait().await.expect("it was ours").success());
    }

    #[tokio::test]
    async fn processes_of_another_stack_are_left_alone() {
        let folder = std::env::temp_dir();
        let ours = Processes::owned_by(&folder.join(format!("causeway-a-{}", std::process::id())));
        let other =
            Processes::owned_by(&folder.join(format!("causeway-ab-{}", std::process::id())));
        let mut theirs = other
            .command("sleep")
            .arg("60")
            .spawn()
            .expect("sleep runs");
        while other.ids().is_empty() {
            tokio::task::yield_now().await;
        }

        let id = other.ids()[0];
        assert!(!ours.kill(id), "it carries another mark");
        assert_eq!(ours.stop(), Stopped { found: 0, left: 0 });

        assert_eq!(other.ids(), [id]);
        assert_eq!(other.stop().left, 0);
        let _ = theirs.wait().await;
    }

    #[tokio::test]
    async fn a_killed_process_is_found_by_its_program_and_ends_by_that_signal() {
        use std::os::unix::process::ExitStatusExt;
        let owner = std::env::temp_dir().join(format!("causeway-kill-{}", std::process::id()));
        let processes = Processes::owned_by(&owner);
        // A copy under a name that no other program has.
        let program = owner.join("sleeper");
        fs::create_dir_all(&owner).expect("a folder");
        fs::copy("/bin/sleep", &program).expect("sleep is everywhere");
        let mut child = processes
            .command(&program)
            .arg("60")
            .spawn()
            .expect("it runs");
        while processes.of_program("sleeper").is_empty() {
            tokio::task::yield_now().await;
        }

        assert!(processes.of_program("sleep").is_empty());
        assert!(processes.kill(processes.of_program("sleeper")[0]));

        let status = child.wait().await.expect("it was ours");
        assert_eq!(status.signal(), Some(Signal::KILL.as_raw()));
        let _ = fs::remove_dir_all(&owner);
    }

    #[tokio::test]
    async fn a_failed_command_shows_the_end_of_its_output() {
        let owner = std::env::temp_dir().join(format!("causeway-fail-{}", std::process::id()));
        let processes = Processes::owned_by(&owner);
        let mut command = processes.command("sh");
        command.args(["-c", "echo why it failed >&2; exit 3"]);

        let error = processes
            .run("the step", &owner.join("step.log"), command)
            .await
            .expect_err("the command ended with 3");

        assert!(
            error
                .to_string()
                .contains("the step failed (exit status: 3)")
        );
        assert!(error.to_string().contains("why it failed"));
        let _ = fs::remove_dir_all(&owner);
    }
}
