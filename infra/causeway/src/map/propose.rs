//! `causeway map propose`: a mapping document for a source and an operation, to be reviewed.

use std::fs;
use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use causeway::mapping::trial::Trial;
use causeway_insights::model::rerank;
use causeway_insights::propose::{self, MAX_SAMPLES, Proposal, Source, Target};
use clap::Args;
use serde_json::{Value, json};

use super::model::{KEY, ModelArguments, state_folder};
use super::words::{filled_by, reasons, sure};
use super::{read_json, review, schema_of, show};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};

/// What the project takes a mapping for that nobody named yet.
const NAME: &str = "proposed";

/// Propose a mapping of a source's records to an operation's payload, and have it reviewed.
///
/// It needs no stack and sends nothing anywhere, but for --model. In a terminal each line is accepted, changed or
/// dropped by a key; elsewhere the proposal is printed, and `--yes` makes the document of it. Exit status 3: a required
/// field is not filled, or what the mapping makes of a sample is not what the operation takes.
#[derive(Args, Debug)]
pub struct Propose {
    /// The provider.
    provider: String,
    /// Its operation.
    operation: String,
    /// JSON Schema of the source's records.
    #[arg(long, value_name = "FILE", required_unless_present = "sample")]
    source: Option<PathBuf>,
    /// A record of the source, or a list of records; may be given again.
    #[arg(long, value_name = "FILE")]
    sample: Vec<PathBuf>,
    /// JSON Schema of the payload, instead of the operation's own: of an operation that this release does not know.
    #[arg(long, value_name = "FILE")]
    schema: Option<PathBuf>,
    /// The mapping's name in requests.
    #[arg(long, default_value = NAME)]
    name: String,
    /// Where the document goes; otherwise to standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Ask nobody: lines that are at least this sure are taken, the others stay unmapped.
    #[arg(long, value_name = "CONFIDENCE", value_parser = share, num_args = 0..=1, require_equals = true, default_missing_value = "0.5")]
    yes: Option<f64>,
    #[command(flatten)]
    model: ModelArguments,
}

fn share(text: &str) -> Result<f64, &'static str> {
    let share = text
        .parse()
        .ok()
        .filter(|share| (0.0..=1.0).contains(share));
    share.ok_or("must be a number from 0 to 1")
}

/// A proposal, and what came of it.
struct Outcome {
    proposal: Proposal,
    document: Value,
    trials: Vec<Trial>,
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or written, or nothing can be proposed.
pub async fn run(arguments: &Propose, context: &Context) -> Result<Done, Error> {
    let mut proposal = proposed(arguments)?;
    if arguments.model.model {
        let key = std::env::var(KEY).ok();
        heard(arguments, &mut proposal, key.as_deref(), state_folder()?).await?;
    }
    if let Some(least) = arguments.yes {
        take(&mut proposal, least);
    }
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    let is_reviewed = arguments.yes.is_none() && !context.global.json && is_terminal;
    if is_reviewed {
        let Some(reviewed) = review::run(proposal).await? else {
            return Ok(Done::Interrupted);
        };
        proposal = reviewed;
    }
    let outcome = outcome(proposal, arguments, context)?;
    let is_wanted = is_reviewed || arguments.yes.is_some();
    match (&arguments.out, context.global.json) {
        (Some(out), _) => write(out, &outcome.document)?,
        (None, false) if is_wanted => output::document(&outcome.document)?,
        (None, _) => {}
    }
    if context.global.json {
        output::json(Kind::Proposal, &outcome.as_json())?;
    } else if arguments.out.is_some() || !is_wanted {
        // Beside a document on standard output there is nothing else.
        outcome.print()?;
    }
    Ok(if outcome.is_good() {
        Done::All
    } else {
        Done::InPart
    })
}

/// What the matcher proposes.
fn proposed(arguments: &Propose) -> Result<Proposal, Error> {
    let schema = match &arguments.schema {
        Some(path) => read_json(path)?,
        None => schema_of(&arguments.provider, &arguments.operation)?,
    };
    let source = arguments.source.as_deref().map(read_json).transpose()?;
    let mut samples = Vec::new();
    for path in &arguments.sample {
        match read_json(path)? {
            Value::Array(records) => samples.extend(records),
            record => samples.push(record),
        }
    }
    let cannot = |error: propose::ProposeError| {
        let hint = format!("at most {MAX_SAMPLES} samples, each an object");
        Error::usage(error.to_string()).hint(hint)
    };
    let source = Source::new(source, samples).map_err(cannot)?;
    let target = Target::new(&arguments.provider, &arguments.operation, schema).map_err(cannot)?;
    propose::propose(&source, &target).map_err(cannot)
}

/// Lets a model speak of what is not sure. Where it does not, the proposal is the matcher's own, and the person is told.
async fn heard(
    arguments: &Propose,
    proposal: &mut Proposal,
    key: Option<&str>,
    folder: PathBuf,
) -> Result<(), Error> {
    if let Some(keeper) = arguments.model.keeper(key, folder)? {
        match rerank(&keeper, proposal).await {
            Ok(done) => eprintln!(
                "causeway: the model was asked about {} fields and fills {} otherwise",
                done.asked, done.changed
            ),
            Err(error) => eprintln!(
                "causeway: without the model, as it was: {}",
                Error::new(error.to_string())
            ),
        }
    }
    Ok(())
}

/// Leaves out what is less sure than `least`.
fn take(proposal: &mut Proposal, least: f64) {
    let unsure = proposal.fields.iter();
    let unsure = unsure.filter(|field| field.choice.is_some() && field.confidence < least);
    let targets: Vec<String> = unsure.map(|field| field.target.to_string()).collect();
    for target in targets {
        // It is a field of this very proposal.
        let _ = proposal.unmap(&target);
    }
}

fn outcome(proposal: Proposal, arguments: &Propose, context: &Context) -> Result<Outcome, Error> {
    let now = context.now().at;
    let wrong = |error: &dyn std::fmt::Display| Error::usage(format!("no mapping: {error}"));
    let document = proposal.document(&arguments.name, now);
    let trials = proposal.try_out(&arguments.name, now);
    Ok(Outcome {
        document: document.map_err(|error| wrong(&error))?,
        trials: trials.map_err(|error| wrong(&error))?,
        proposal,
    })
}

fn write(path: &Path, document: &Value) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(document).unwrap_or_default() + "\n";
    fs::write(path, text).map_err(Error::io(format!("write {}", path.display())))
}

impl Outcome {
    fn is_good(&self) -> bool {
        let is_filled = self.proposal.missing().next().is_none();
        is_filled && self.trials.iter().all(Trial::is_good)
    }

    fn as_json(&self) -> Value {
        let missing = self.proposal.missing().map(|field| &field.target);
        let trials = self.trials.iter().enumerate().map(|(at, trial)| {
            json!({
                "sample": at + 1,
                "good": trial.is_good(),
                "input_faults": trial.input_faults,
                "output": trial.output.as_ref().ok(),
                "error": trial.output.as_ref().err().map(ToString::to_string),
                "output_faults": trial.output_faults,
            })
        });
        json!({
            "proposal": self.proposal,
            "missing": missing.collect::<Vec<_>>(),
            "trials": trials.collect::<Vec<_>>(),
            "document": self.document,
        })
    }

    fn print(&self) -> Result<(), Error> {
        let mut table = output::table(&["FIELD (* REQUIRED)", "FROM", "SURE", "WHY"]);
        let missing: Vec<_> = self.proposal.missing().map(|field| &field.target).collect();
        for field in &self.proposal.fields {
            if field.choice.is_some() || missing.contains(&&field.target) {
                let need = if field.required { " *" } else { "" };
                table.add_row([
                    format!("{}{need}", field.target),
                    filled_by(field),
                    sure(field),
                    field.chosen().map(reasons).unwrap_or_default(),
                ]);
            }
        }
        output::line(&table.to_string())?;
        let list = |what: &str, paths: Vec<String>| match paths.as_slice() {
            [] => Ok(()),
            paths => output::line(&format!("\n{what}: {}", paths.join(", "))),
        };
        let missing = missing.into_iter().map(ToString::to_string);
        list("required and not filled", missing.collect())?;
        let unused = self.proposal.unused.iter();
        list("not used", unused.map(ToString::to_string).collect())?;
        if self.proposal.cut {
            output::line("\nsome fields were not looked at: there are too many")?;
        }
        for (at, trial) in self.trials.iter().enumerate() {
            output::line(&format!("\n{}", show(&format!("sample {}", at + 1), trial)))?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
