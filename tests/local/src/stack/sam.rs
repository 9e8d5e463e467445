//! `sam build` and `sam deploy`, as a developer would run them.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use serde::Deserialize;
use tokio::process::Command;

use super::lock::lock;
use super::{Error, Paths, Processes, Tools, aws, root};

/// The stack's name in the emulator, the same as in `samconfig.toml`.
pub(super) const STACK: &str = "causeway";

/// Local binaries link in seconds: no link-time optimisation (a minute of processor time
/// for each binary) and light optimisation. What is measured on them says little about
/// the binaries for AWS, and nothing is.
const QUICK_PROFILE: [(&str, &str); 3] = [
    ("CARGO_PROFILE_RELEASE_LTO", "off"),
    ("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16"),
    ("CARGO_PROFILE_RELEASE_OPT_LEVEL", "1"),
];

/// What is built: the template's lanes and those of the demo. A stack deploys what its own parameter says.
const LANES: &str =
    "Stripe,Slack,Hubspot,Xero,Shopify,Twilio,Pagerduty,Seam,Guesty,Klaviyo,Cloudbeds";

/// What this process has built. The sources stay as they are while it runs, so its further stacks get a copy: cargo would
/// be asked function by function whether anything has changed.
static BUILT: OnceLock<PathBuf> = OnceLock::new();

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Output {
    output_key: String,
    output_value: String,
}

/// Builds all functions into the stack's own folder, so that two stacks can build at once.
pub(super) async fn build(
    processes: &Processes,
    tools: &Tools,
    paths: &Paths,
) -> Result<(), Error> {
    // The programs lie in one place for all; they must not be copied from there while another stack's build writes
    // them.
    let _one_at_a_time = lock(&root().join("target/local/.build-lock")).await?;
    if let Some(built) = BUILT.get() {
        return replace(&paths.build(), built).map_err(Error::io("copy what was built"));
    }
    // One cargo run for all programs: the makefile's, for the first function (`infra/build/functions.mk`).
    let mut build = command(processes, tools, paths, "build", "http://127.0.0.1:1");
    build
        .arg("--template-file")
        .arg(root().join("template.yaml"))
        .arg("--build-dir")
        .arg(paths.build())
        .args(["--parameter-overrides", &parameter_architecture()])
        .arg(format!("Lanes={LANES}"))
        .envs(QUICK_PROFILE);
    processes
        .run("`sam build`", &paths.log("sam-build"), build)
        .await?;
    let _ = BUILT.set(paths.build());
    Ok(())
}

/// Makes `folder` a copy of `original`. A process that runs a program of the old one keeps it.
fn replace(folder: &Path, original: &Path) -> std::io::Result<()> {
    if folder == original {
        return Ok(());
    }
    if folder.exists() {
        fs::remove_dir_all(folder)?;
    }
    fs::create_dir_all(folder)?;
    for entry in fs::read_dir(original)? {
        let entry = entry?;
        let copy = folder.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            replace(&copy, &entry.path())?;
        } else {
            fs::copy(entry.path(), copy)?;
        }
    }
    Ok(())
}

/// The SAM CLI, pointed at one emulator.
#[derive(Debug)]
pub(super) struct Sam<'a> {
    processes: &'a Processes,
    tools: &'a Tools,
    paths: &'a Paths,
    endpoint: &'a str,
}

impl<'a> Sam<'a> {
    pub(super) fn new(
        processes: &'a Processes,
        tools: &'a Tools,
        paths: &'a Paths,
        endpoint: &'a str,
    ) -> Self {
        Self {
            processes,
            tools,
            paths,
            endpoint,
        }
    }

    pub(super) async fn deploy(
        &self,
        provider_base_url: &str,
        parameters: &[(&'static str, String)],
    ) -> Result<(), Error> {
        let mut deploy = command(
            self.processes,
            self.tools,
            self.paths,
            "deploy",
            self.endpoint,
        );
        deploy
            .arg("--template-file")
            .arg(self.paths.build().join("template.yaml"))
            .args(["--stack-name", STACK, "--no-progressbar"])
            .args(["--no-confirm-changeset", "--parameter-overrides"])
            .arg(parameter_architecture())
            .arg(format!("ProviderBaseUrl={provider_base_url}"))
            .arg(format!("AwsEndpointUrl={}", self.endpoint))
            .args(
                parameters
                    .iter()
                    .map(|(name, value)| format!("{name}={value}")),
            )
            // How often it asks whether the change set is done; the default is 5 s.
            .env("SAM_CLI_POLL_DELAY", "1");
        self.processes
            .run("`sam deploy`", &self.paths.log("sam-deploy"), deploy)
            .await
    }

    /// Deploys the template itself, its functions as they lie there, with every parameter of a file.
    pub(super) async fn deploy_unbuilt(&self, stack: &str, parameters: &Path) -> Result<(), Error> {
        let (processes, tools) = (self.processes, self.tools);
        let mut deploy = command(processes, tools, self.paths, "deploy", self.endpoint);
        deploy
            .arg("--template-file")
            .arg(root().join("template.yaml"))
            .args(["--stack-name", stack, "--no-progressbar"])
            .args(["--no-confirm-changeset", "--parameter-overrides"])
            .arg(format!("file://{}", parameters.display()))
            .env("SAM_CLI_POLL_DELAY", "1");
        let log = self.paths.log("sam-deploy");
        processes.run("`sam deploy`", &log, deploy).await
    }

    pub(super) async fn outputs(&self) -> Result<BTreeMap<String, String>, Error> {
        let log = self.paths.log("sam-outputs");
        let mut list = command(
            self.processes,
            self.tools,
            self.paths,
            "list",
            self.endpoint,
        );
        list.args(["stack-outputs", "--stack-name", STACK, "--output", "json"]);
        self.processes
            .run("`sam list stack-outputs`", &log, list)
            .await?;
        let text = fs::read_to_string(&log).map_err(Error::io("read the stack's outputs"))?;
        let array = text.find('[').map_or("", |start| &text[start..]);
        let outputs: Vec<Output> =
            serde_json::from_str(array).map_err(Error::aws("read the stack's outputs"))?;
        Ok(outputs
            .into_iter()
            .map(|output| (output.output_key, output.output_value))
            .collect())
    }
}

/// `sam <verb>` that knows only the emulator: no profile of the developer's, no telemetry.
fn command(
    processes: &Processes,
    tools: &Tools,
    paths: &Paths,
    verb: &str,
    endpoint: &str,
) -> Command {
    let mut command = processes.command(tools.program("sam", "sam"));
    command.arg(verb).current_dir(root());
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("AWS_") {
            command.env_remove(name);
        }
    }
    forget_outer_cargo(&mut command);
    if verb != "list" {
        command
            .arg("--config-file")
            .arg(root().join("samconfig.toml"));
    }
    command
        .env("PATH", tools.path("sam"))
        .envs(aws::environment(endpoint))
        .env("AWS_CONFIG_FILE", paths.stack().join("no-aws-config"))
        .env(
            "AWS_SHARED_CREDENTIALS_FILE",
            paths.stack().join("no-aws-credentials"),
        )
        .env("SAM_CLI_TELEMETRY", "0")
        .env("__SAM_CLI_APP_DIR", paths.emulator("sam"));
    command
}

/// What `cargo run` and `cargo test` tell us about this package must not reach the cargo that
/// builds the functions: ring's build script watches some of it, so that every change between
/// the demo and the tests built ring, and all above it, anew (two minutes).
fn forget_outer_cargo(command: &mut Command) {
    const TOLD: [&str; 6] = [
        "CARGO_BIN_",
        "CARGO_CRATE_NAME",
        "CARGO_MANIFEST_",
        "CARGO_PKG_",
        "CARGO_PRIMARY_PACKAGE",
        "OUT_DIR",
    ];
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text == "CARGO" || TOLD.iter().any(|start| text.starts_with(start)) {
            command.env_remove(name);
        }
    }
}

fn parameter_architecture() -> String {
    format!("Architecture={}", architecture())
}

/// The functions run on this machine, so they are built for it.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_further_stack_gets_what_was_built_and_nothing_of_its_own_earlier_build() {
        let folder = std::env::temp_dir().join(format!("causeway-built-{}", std::process::id()));
        let (first, second) = (folder.join("first"), folder.join("second"));
        let program = "StripeFunction/bootstrap";
        for (stack, lane) in [(&first, "StripeFunction"), (&second, "GoneFunction")] {
            fs::create_dir_all(stack.join(lane)).expect("a folder");
            fs::write(stack.join("template.yaml"), lane).expect("a file");
            fs::write(stack.join(lane).join("bootstrap"), "program").expect("a file");
        }
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(first.join(program), executable).expect("a permission");

        // Onto itself: a stack that comes up again.
        replace(&first, &first).expect("nothing to do");
        replace(&second, &first).expect("a copy");

        let template = fs::read_to_string(second.join("template.yaml"));
        assert_eq!(template.expect("a file"), "StripeFunction");
        let copied = fs::metadata(second.join(program)).expect("a file");
        assert_eq!(copied.permissions().mode() & 0o777, 0o755);
        assert!(!second.join("GoneFunction").exists());
        let _ = fs::remove_dir_all(&folder);
    }
}
