//! The embedded stack: the real template, built and deployed by the real tools
//! into MiniStack, an emulator of AWS that runs the functions as local processes.
//!
//! [`LocalStack::up`] does what a person would do by hand, in this order: install
//! the pinned tools, start the emulator, `sam build`, `sam deploy`, create the
//! secrets. What it started, it stops: on drop, hence also on failure and, where
//! the caller drops its future on a signal, on Ctrl-C.
//!
//! Linux only: the functions are Linux programs, and `/proc` says whose they are.

mod aws;
mod bare;
mod command;
mod emulator;
mod error;
mod exports;
mod lock;
mod metrics;
mod paths;
mod processes;
mod sam;
mod secrets;
mod shapes;
mod tools;
mod vendors;

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use aws_config::SdkConfig;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::process::Command;

pub use aws::environment;
pub use bare::BareEmulator;
pub use command::{Ended, Operator};
pub use emulator::{Emulator, free_port};
pub use error::{Error, report};
pub use exports::exports;
pub use lock::lock;
pub use metrics::Datum;
pub use paths::{Paths, root};
pub use processes::{Processes, Stopped};
pub use tools::Tools;
pub use vendors::Vendors;

/// Told in one line what happens next; the steps take seconds to minutes.
pub type Progress = Arc<dyn Fn(&str) + Send + Sync>;

/// What to start.
#[derive(Clone)]
pub struct UpOptions {
    /// Names the folder `target/local/<name>`; stacks of different names run side by side.
    pub name: String,
    /// The stack's parameter `ProviderBaseUrl`: where the vendors' fakes listen.
    pub provider_base_url: String,
    /// More of the stack's parameters; the others keep the template's defaults.
    pub parameters: Vec<(&'static str, String)>,
    /// Told what happens next.
    pub progress: Progress,
}

impl fmt::Debug for UpOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpOptions")
            .field("name", &self.name)
            .field("provider_base_url", &self.provider_base_url)
            .field("parameters", &self.parameters)
            .finish_non_exhaustive()
    }
}

/// A deployed stack. Dropping it stops every process it started.
#[derive(Debug)]
pub struct LocalStack {
    facts: Facts,
    paths: Paths,
    processes: Processes,
}

/// What a later process must know to use a stack that was left running.
#[derive(Debug, Serialize, Deserialize)]
struct Facts {
    endpoint: String,
    provider_base_url: String,
    outputs: BTreeMap<String, String>,
}

impl LocalStack {
    /// Builds and deploys the stack; anything left of an earlier one of the name goes first.
    ///
    /// # Errors
    /// When a tool is missing or fails; the error shows the end of its log.
    pub async fn up(options: UpOptions) -> Result<Self, Error> {
        let say = |step: &str| (options.progress)(step);
        let paths = Paths::new(&options.name);
        // From here on every exit drops `processes`, which stops what was started.
        let processes = Processes::owned_by(paths.stack());
        processes.stop();
        paths.make_empty()?;

        let tools = Tools::install(&processes, say).await?;
        say("Building the functions (sam build)");
        sam::build(&processes, &tools, &paths).await?;
        say("Starting the emulator (MiniStack)");
        let emulator = Emulator::start(&processes, &tools, &paths).await?;
        say("Deploying the stack (sam deploy)");
        let sam = sam::Sam::new(&processes, &tools, &paths, emulator.endpoint());
        sam.deploy(&options.provider_base_url, &options.parameters)
            .await?;
        let outputs = sam.outputs().await?;

        let facts = Facts {
            endpoint: emulator.endpoint().to_owned(),
            provider_base_url: options.provider_base_url.clone(),
            outputs,
        };
        let stack = Self {
            facts,
            paths,
            processes,
        };
        stack.complete().await?;
        stack.save()?;
        Ok(stack)
    }

    /// Takes over a stack that [`leave_running`](Self::leave_running) left.
    ///
    /// # Errors
    /// When there is none of that name, or its emulator does not answer.
    pub async fn attach(name: &str) -> Result<Self, Error> {
        let paths = Paths::new(name);
        let text = fs::read_to_string(paths.facts()).map_err(|_| Error::NotRunning {
            name: name.to_owned(),
        })?;
        let facts: Facts = serde_json::from_str(&text).map_err(|_| Error::NotRunning {
            name: name.to_owned(),
        })?;
        Emulator::at(&facts.endpoint).answers().await?;
        let processes = Processes::owned_by(paths.stack());
        Ok(Self {
            facts,
            paths,
            processes,
        })
    }

    /// As [`attach`](Self::attach), for a process of the stack's own: dropping this stops nothing.
    ///
    /// # Errors
    /// When there is none of that name, or its emulator does not answer.
    pub async fn attach_beside(name: &str) -> Result<Self, Error> {
        let stack = Self::attach(name).await?;
        stack.processes.release();
        Ok(stack)
    }

    /// Address of the emulator, for every AWS service: `http://127.0.0.1:<port>`.
    #[must_use]
    pub fn endpoint(&self) -> &str {
        &self.facts.endpoint
    }

    /// Where the functions call their vendors.
    #[must_use]
    pub fn provider_base_url(&self) -> &str {
        &self.facts.provider_base_url
    }

    /// The stack's outputs by name.
    #[must_use]
    pub fn outputs(&self) -> &BTreeMap<String, String> {
        &self.facts.outputs
    }

    /// One output.
    ///
    /// # Errors
    /// When the template has no such output.
    pub fn output(&self, name: &str) -> Result<&str, Error> {
        self.facts
            .outputs
            .get(name)
            .map(String::as_str)
            .ok_or_else(|| Error::NoOutput {
                name: name.to_owned(),
            })
    }

    /// Folder of the stack's logs, builds and state.
    #[must_use]
    pub fn paths(&self) -> &Paths {
        &self.paths
    }

    /// Configuration of AWS clients that talk to this stack.
    #[must_use]
    pub fn sdk_config(&self) -> SdkConfig {
        aws::sdk_config(self.endpoint())
    }

    /// Creates the secret `causeway/<provider>/<connection>`, or replaces its value.
    ///
    /// # Errors
    /// When the emulator refuses.
    pub async fn put_secret(
        &self,
        provider: &str,
        connection: &str,
        value: &Value,
    ) -> Result<(), Error> {
        secrets::put(&self.sdk_config(), provider, connection, value).await
    }

    /// Everything that a function printed so far, oldest first within an invocation.
    ///
    /// # Errors
    /// When the emulator does not know the function.
    pub async fn logs(&self, function: &str) -> Result<Vec<String>, Error> {
        Emulator::at(self.endpoint()).logs(function).await
    }

    /// The environment that the template gives a function.
    ///
    /// # Errors
    /// When the emulator does not know the function.
    pub async fn environment(&self, function: &str) -> Result<BTreeMap<String, String>, Error> {
        Emulator::at(self.endpoint()).environment(function).await
    }

    /// Writes what `sam local invoke --env-vars` wants to know, and says where.
    ///
    /// # Errors
    /// When the emulator does not know a function, or the file cannot be written.
    pub async fn write_environment_file(&self) -> Result<PathBuf, Error> {
        let mut functions = BTreeMap::new();
        for (output, function) in self.outputs() {
            if let Some(lane) = output.strip_suffix("FunctionName") {
                let mut environment = self.environment(function).await?;
                environment.insert("AWS_ENDPOINT_URL".to_owned(), self.endpoint().to_owned());
                functions.insert(format!("{lane}Function"), environment);
            }
        }
        let file = self.paths.stack().join("env.json");
        let text = serde_json::to_string_pretty(&functions).unwrap_or_default();
        fs::write(&file, text).map_err(Error::io("write the functions' environment"))?;
        Ok(file)
    }

    /// A command whose process belongs to this stack and ends with it.
    #[must_use]
    pub fn command(&self, program: impl AsRef<Path>) -> Command {
        self.processes.command(program)
    }

    /// Ids of the processes that belong to this stack: the emulator and the functions.
    #[must_use]
    pub fn process_ids(&self) -> Vec<i32> {
        self.processes.ids()
    }

    /// Ids of the processes that run the functions: one for each execution environment.
    #[must_use]
    pub fn environments(&self) -> Vec<i32> {
        self.processes.of_program("bootstrap")
    }

    /// Kills a process of this stack, as if its machine had gone. False when there is none of this id (any more).
    #[must_use]
    pub fn kill(&self, id: i32) -> bool {
        self.processes.kill(id)
    }

    /// Lets the stack outlive this process; [`down`] stops it.
    pub fn leave_running(self) {
        self.processes.release();
    }

    /// Stops everything and says what it took; the same happens on drop, in silence.
    #[must_use]
    pub fn down(self) -> Stopped {
        let stopped = self.processes.stop();
        let _ = fs::remove_file(self.paths.facts());
        stopped
    }

    async fn complete(&self) -> Result<(), Error> {
        secrets::put_defaults(&self.sdk_config()).await?;
        aws::enable_expiry(&self.sdk_config(), self.output("RequestsTable")?).await
    }

    fn save(&self) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(&self.facts).unwrap_or_default();
        fs::write(self.paths.facts(), text).map_err(Error::io("write the stack's facts"))
    }
}

/// Stops a stack by name, whoever started it and however that ended.
#[must_use]
pub fn down(name: &str) -> Stopped {
    let paths = Paths::new(name);
    let stack = Processes::owned_by(paths.stack()).stop();
    let vendors = Processes::owned_by(&paths.vendors()).stop();
    let _ = fs::remove_file(paths.facts());
    Stopped {
        found: stack.found + vendors.found,
        left: stack.left + vendors.left,
    }
}
