//! A person's shell in front of the deployed stack, set up with the lines that `make demo-up` prints.

use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use causeway_local::stack::{self, LocalStack, root};
use tokio::process::Command;

/// No documented command takes longer; one that hangs fails its test with its name.
const COMMAND_MAX: Duration = Duration::from_secs(240);

/// Runs command lines as they stand in the documents.
pub struct Shell {
    environment: Vec<(String, String)>,
}

/// What a command line came to.
#[derive(Debug)]
pub struct Said {
    /// The command line.
    pub line: String,
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Shell {
    /// A shell with nothing of the developer's AWS set-up, and `programs` before all others on its path.
    pub fn of(stack: &LocalStack, programs: &[&Path]) -> Self {
        let exports = stack::exports(stack);
        let mut environment: Vec<(String, String)> = exports.into_iter().collect();
        let path = std::env::var("PATH").unwrap_or_default();
        let ours = programs.iter().map(|folder| folder.display().to_string());
        let folders: Vec<String> = ours.chain([path]).collect();
        environment.push(("PATH".to_owned(), folders.join(":")));
        Self { environment }
    }

    /// Runs `line` with `sh -c` in the project's folder.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn run(&self, line: &str) -> Said {
        let mut command = Command::new("sh");
        command.args(["-c", line]).current_dir(root());
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::null())
            .kill_on_drop(true);
        let ended = tokio::time::timeout(COMMAND_MAX, command.output()).await;
        let output = ended
            .unwrap_or_else(|_| panic!("`{line}` does not end"))
            .expect("sh is everywhere");
        Said {
            line: line.to_owned(),
            status: output.status,
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs `line`, which must end with 0; its standard output.
    ///
    /// # Panics
    /// When it ends otherwise: the text shows what it said.
    pub async fn must(&self, line: &str) -> String {
        let said = self.run(line).await;
        assert!(said.status.success(), "{said:#?}");
        said.out
    }
}
