//! `causeway deploy`: what a deployment would do, before it does it.

pub mod artefacts;
pub mod check;
pub mod settings;
pub mod template;

mod look;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use self::check::{Facts, Finding, Verdict, judge};
use self::settings::Environment;
use self::template::Declared;
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};

/// Look at a deployment before it happens: `make deploy` does.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Check(Check),
}

/// Compare what samconfig.toml says with the stack that is deployed and with what is built.
///
/// Refuses (exit status 1) where a lane would be dropped with its messages, a lane is not built, the functions are built
/// for another processor, a limit of CloudFormation or of the account is passed, or the SAM CLI is too old; shows every
/// parameter that changes, and what was set by hand.
#[derive(Args, Debug)]
struct Check {
    /// The environment of samconfig.toml; its stack, not that of --stack.
    #[arg(long, default_value = "default")]
    env: String,
    /// The SAM CLI's configuration.
    #[arg(long, default_value = "samconfig.toml", value_name = "FILE")]
    config: PathBuf,
    /// The template.
    #[arg(long, default_value = "template.yaml", value_name = "FILE")]
    template: PathBuf,
    /// What `sam build` left.
    #[arg(long, default_value = ".aws-sam/build", value_name = "FOLDER")]
    build: PathBuf,
    /// The SAM CLI.
    #[arg(long, default_value = "sam", value_name = "PROGRAM")]
    sam: PathBuf,
    /// A lane that may end with what waits, or whose queues may leave the stack; may be repeated.
    #[arg(long, value_name = "LANE")]
    leave: Vec<String>,
    /// Write every parameter there, for `sam deploy --parameter-overrides file://…`; ends in .yaml. A stack that is not
    /// there yet gets DeletionProtection=off, so that its first deployment can be rolled back.
    #[arg(long, value_name = "FILE")]
    parameters: Option<PathBuf>,
}

/// Everything that was found.
#[derive(Debug, Serialize)]
struct Report<'a> {
    environment: &'a str,
    stack: &'a str,
    /// Whether there is such a stack.
    deployed: bool,
    #[serde(flatten)]
    verdict: &'a Verdict,
}

/// Runs the command.
///
/// # Errors
/// When a file or AWS cannot be read, or the deployment must not go on.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    match &arguments.action {
        Action::Check(arguments) => check(arguments, context).await,
    }
}

/// A file's text.
pub(crate) fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path).map_err(|error| {
        Error::io(format!("read {}", path.display()))(error).hint("run it in the project's folder")
    })
}

async fn check(arguments: &Check, context: &Context) -> Result<Done, Error> {
    let environment = Environment::read(&read(&arguments.config)?, &arguments.env)?;
    let declared = Declared::read(&read(&arguments.template)?)?;
    let built = artefacts::built(&arguments.build)?;
    let seen = look::look(&environment, &declared, context).await?;
    let facts = Facts {
        environment: &environment,
        declared: &declared,
        built,
        forgotten: arguments.leave.iter().cloned().collect::<BTreeSet<_>>(),
        sam: look::sam(&arguments.sam).await,
        deployed: seen.deployed,
        strays: seen.strays,
        waiting: seen.waiting,
        account: seen.account,
    };
    let mut verdict = judge(&facts);
    let first = facts.deployed.is_none();
    if first {
        let protection = verdict.parameters.get_mut("DeletionProtection");
        protection
            .into_iter()
            .for_each(|value| *value = "off".to_owned());
    }
    let report = Report {
        environment: &environment.name,
        stack: &environment.stack,
        deployed: !first,
        verdict: &verdict,
    };
    if context.global.json {
        output::json(Kind::DeployCheck, &report)?;
    } else {
        output::line(&report.text())?;
    }
    let stops = verdict.findings.iter().filter(|finding| finding.stops);
    match stops.count() {
        0 => {}
        1 => return Err(Error::new("one thing stops the deployment")),
        many => return Err(Error::new(format!("{many} things stop the deployment"))),
    }
    if let Some(file) = &arguments.parameters {
        write(file, &verdict)?;
    }
    Ok(Done::All)
}

/// JSON, which is YAML as well: the SAM CLI reads no file that is called .json.
fn write(file: &Path, verdict: &Verdict) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(&verdict.parameters)
        .map_err(|error| Error::new(format!("cannot write the parameters: {error}")))?;
    let what = format!("write {}", file.display());
    if let Some(folder) = file.parent() {
        fs::create_dir_all(folder).map_err(Error::io(&what))?;
    }
    fs::write(file, text + "\n").map_err(Error::io(&what))
}

impl Report<'_> {
    fn text(&self) -> String {
        let state = if self.deployed {
            "deployed"
        } else {
            "not there yet"
        };
        let mut text = format!(
            "environment {}, stack {}, {state}",
            self.environment, self.stack
        );
        if !self.deployed {
            text += "\n  DeletionProtection=off for the first deployment, so that it can be rolled back; deploy once more after it";
        }
        for Finding { stops, what, hint } in &self.verdict.findings {
            text += &match stops {
                true => format!("\nSTOP  {what}\n      {hint}"),
                false => format!("\n  {what}"),
            };
        }
        text
    }
}
