//! A person's shell in front of the deployed stack, set up with the lines that `make demo-up` prints.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use causeway_local::stack::{self, LocalStack, root};
use tokio::io::AsyncWriteExt;
use tokio::process::Command;

/// No documented command takes longer; one that hangs fails its test with its name.
const COMMAND_MAX: Duration = Duration::from_secs(240);
/// Pause between two looks at a screen.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Runs command lines as they stand in the documents.
pub struct Shell {
    folder: PathBuf,
    environment: Vec<(String, String)>,
}

/// What a command line came to.
#[derive(Debug)]
pub struct Said {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output.
    pub out: String,
    /// Its standard error.
    pub err: String,
}

impl Shell {
    /// A shell in a new folder `name` that looks like the project's own, with nothing of the developer's AWS set-up.
    ///
    /// # Panics
    /// When the folder cannot be made.
    pub fn of(stack: &LocalStack, name: &str) -> Self {
        let folder = stack.paths().stack().join("shells").join(name);
        let _ = fs::remove_dir_all(&folder);
        let programs = folder.join("bin");
        fs::create_dir_all(&programs).expect("a folder");
        for shared in ["infra", "samconfig.toml"] {
            symlink(root().join(shared), folder.join(shared)).expect("a link");
        }
        // The operators' command under its own name.
        let command = env!("CARGO_BIN_EXE_operators-command");
        symlink(command, programs.join("causeway")).expect("a link");
        let python = root().join(".tools/sam/bin/python");
        let aws = format!("#!{}\n{}", python.display(), include_str!("aws.py"));
        fs::write(programs.join("aws"), aws).expect("a file");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(programs.join("aws"), executable).expect("a permission");

        let mut environment: Vec<(String, String)> = stack::exports(stack);
        let path = std::env::var("PATH").unwrap_or_default();
        let sam = root().join(".tools/sam/bin");
        let path = format!("{}:{path}:{}", programs.display(), sam.display());
        environment.push(("PATH".to_owned(), path));
        for (name, value) in [
            ("SAM_CLI_TELEMETRY", "0"),
            ("NO_COLOR", "1"),
            ("AWS_CONFIG_FILE", "/nonexistent"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent"),
        ] {
            environment.push((name.to_owned(), value.to_owned()));
        }
        Self {
            folder,
            environment,
        }
    }

    /// Puts a file into its folder.
    ///
    /// # Panics
    /// When it cannot be written.
    pub fn write(&self, name: &str, text: &str) {
        fs::write(self.folder.join(name), text).expect("a file");
    }

    /// Runs `line` with `sh -c` in its folder.
    ///
    /// # Panics
    /// When it does not end in time.
    pub async fn run(&self, line: &str) -> Said {
        let mut command = self.command("sh");
        command.args(["-c", line]).stdin(Stdio::null());
        let ended = tokio::time::timeout(COMMAND_MAX, command.output()).await;
        let output = ended
            .unwrap_or_else(|_| panic!("`{line}` does not end"))
            .expect("sh is everywhere");
        Said {
            status: output.status,
            out: String::from_utf8_lossy(&output.stdout).into_owned(),
            err: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Runs `line` on a terminal of its own until what it has drawn holds all of `words`; then types `keys`, which
    /// must end it well.
    ///
    /// # Panics
    /// When a word does not come, or the program does not end.
    pub async fn watch(&self, line: &str, words: &[&str], keys: &str) {
        let screen = self.folder.join("screen");
        let sized = format!("stty rows 40 cols 160; {line}");
        let mut command = self.command("script");
        command
            .args(["--quiet", "--return", "--flush", "--command", &sized])
            .arg(&screen)
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::null());
        let mut child = command.spawn().expect("util-linux is everywhere");
        let mut keyboard = child.stdin.take().expect("a pipe");
        let end = Instant::now() + COMMAND_MAX;
        loop {
            let drawn = fs::read(&screen).unwrap_or_default();
            let drawn = String::from_utf8_lossy(&drawn);
            let lacks = words.iter().find(|word| !drawn.contains(**word));
            let Some(lacks) = lacks else { break };
            let ended = child.try_wait().expect("it is ours");
            let goes_on = ended.is_none() && Instant::now() < end;
            assert!(goes_on, "{line}: no {lacks} on the screen: {drawn}");
            tokio::time::sleep(LOOK_EVERY).await;
        }
        keyboard.write_all(keys.as_bytes()).await.expect("it reads");
        let ended = tokio::time::timeout(COMMAND_MAX, child.wait()).await;
        let status = ended.unwrap_or_else(|_| panic!("`{line}` does not end"));
        assert!(status.expect("it is ours").success(), "{line}");
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("AWS_") {
                command.env_remove(name);
            }
        }
        command
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.folder)
            .kill_on_drop(true);
        command
    }

    /// Runs `line`, which must end with 0; its standard output.
    ///
    /// # Panics
    /// When it ends otherwise: the text shows what it said.
    pub async fn must(&self, line: &str) -> String {
        let said = self.run(line).await;
        assert!(said.status.success(), "{line}: {said:#?}");
        said.out
    }
}

impl Said {
    /// The first of `words` that it did not say, if any.
    pub fn lacks<'w>(&self, words: &[&'w str]) -> Option<&'w str> {
        let said = |word: &&&str| !self.out.contains(**word) && !self.err.contains(**word);
        words.iter().find(said).copied()
    }
}
