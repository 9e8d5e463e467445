//! The operators' command, run on a stack as a person would run it.
//!
//! The program is `causeway` itself under another name: `src/bin/operators_command.rs` is its `main`. So cargo builds
//! it along with this package's tests, with the features that it has compiled already; a build of its own from within
//! a test would compile the SDK a second time.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::process::Command;

use super::{BareEmulator, Error, LocalStack, Processes, environment, shapes};

/// File name of the program.
const PROGRAM: &str = "operators-command";

/// The longest that a test waits for one command. The slowest, a watch until a request has ended, takes seconds.
const RUN_MAX: Duration = Duration::from_secs(240);

/// Somebody at a shell whose environment points to a local stack.
#[derive(Debug)]
pub struct Operator<'a> {
    processes: &'a Processes,
    endpoint: &'a str,
}

/// How a command ended, and what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status; -1 where a signal ended it.
    pub code: i32,
    /// Its result.
    pub stdout: String,
    /// Progress and errors.
    pub stderr: String,
}

impl LocalStack {
    /// An operator of this stack.
    #[must_use]
    pub fn operator(&self) -> Operator<'_> {
        Operator {
            processes: &self.processes,
            endpoint: self.endpoint(),
        }
    }
}

impl BareEmulator {
    /// An operator of what stands in this emulator.
    #[must_use]
    pub fn operator(&self) -> Operator<'_> {
        Operator {
            processes: &self.processes,
            endpoint: self.emulator.endpoint(),
        }
    }
}

impl Operator<'_> {
    /// `causeway` with these arguments, ready to be run by [`run_command`](Self::run_command) or spawned. Its process
    /// belongs to the stack and ends with it; nothing of the developer's shell (a profile, a region) reaches it.
    ///
    /// # Errors
    /// When the program was not built: only this package's tests have it built.
    pub fn command<I, S>(&self, arguments: I) -> Result<Command, Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        let mut command = self.processes.command(program()?);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("AWS_") || text.starts_with("CAUSEWAY_") {
                command.env_remove(name);
            }
        }
        command
            .args(arguments)
            .envs(environment(self.endpoint))
            // Else the credentials' chain looks at the developer's home.
            .env("AWS_CONFIG_FILE", "/nonexistent")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
            .env("NO_COLOR", "1")
            .env("TZ", "UTC");
        // A test that itself runs under a stack's mark must not have taken it away above.
        let (variable, owner) = self.processes.tag();
        command.env(variable, owner);
        Ok(command)
    }

    /// Runs `causeway` with these arguments to its end.
    ///
    /// # Errors
    /// When it cannot be started, or does not end in minutes.
    pub async fn run<I, S>(&self, arguments: I) -> Result<Ended, Error>
    where
        I: IntoIterator<Item = S>,
        S: AsRef<std::ffi::OsStr>,
    {
        self.run_command(self.command(arguments)?).await
    }

    /// Runs a [`command`](Self::command) that was told more than its arguments, such as what it reads.
    ///
    /// # Errors
    /// When it cannot be started, or does not end in minutes.
    pub async fn run_command(&self, mut command: Command) -> Result<Ended, Error> {
        const DOING: &str = "run the operators' command";
        let child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .map_err(Error::io(DOING))?;
        let output = tokio::time::timeout(RUN_MAX, child.wait_with_output())
            .await
            .map_err(|late| Error::io(DOING)(late.into()))?
            .map_err(Error::io(DOING))?;
        Ok(Ended {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }
}

impl Ended {
    /// The result of a command that was asked for `--json` and prints one document, which is as its page says.
    ///
    /// # Errors
    /// When it is something else.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, Error> {
        result(&self.stdout)
    }

    /// The results of a command that prints one on each line.
    ///
    /// # Errors
    /// When a line is something else.
    pub fn json_lines(&self) -> Result<Vec<Value>, Error> {
        self.stdout.lines().map(result).collect()
    }
}

fn result<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    const DOING: &str = "read the command's result as JSON";
    let document: Value = serde_json::from_str(text).map_err(Error::aws(DOING))?;
    serde_json::from_value(shapes::result_of(&document)?).map_err(Error::aws(DOING))
}

/// Cargo puts the programs of a package beside the folder of its tests' programs.
fn program() -> Result<PathBuf, Error> {
    let ours = std::env::current_exe().map_err(Error::io("find this program"))?;
    let mut folders = ours.ancestors().skip(1).take(2);
    let found = folders.find_map(|folder| {
        let program = folder.join(PROGRAM);
        program.exists().then_some(program)
    });
    found.ok_or_else(|| Error::Missing {
        program: PROGRAM.to_owned(),
        hint: "`cargo test --package causeway-local` builds it",
    })
}
