//! `causeway map test`: what a mapping makes of its examples, or of a file. The other verbs have files of their own.

mod model;
mod own;
mod propose;
mod review;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use causeway::Timestamp;
use causeway::mapping::trial::{Bench, Trial};
use causeway::mapping::{Example, Mapping};
use clap::{Args, Subcommand};
use serde_json::{Value, json};

use crate::context::{Context, Done};
use crate::error::Error;
use crate::{output, target};

/// Widest left column, in characters; longer lines are cut.
const COLUMN: usize = 78;

/// Where the project keeps samples that several mappings share.
const SAMPLES: &str = "tests/contract/samples";

/// Propose mapping documents, try them out, and give them to connections.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show what a mapping makes of its examples, or of a sample, side by side.
    ///
    /// Both ends are checked: the sample against the mapping's source schema, what it makes against the operation's.
    /// Exit status 3: the lane would refuse one of them. It needs no stack.
    Test(Test),
    Propose(Box<propose::Propose>),
    Put(own::Put),
    Diff(own::Diff),
    Rollback(own::Rollback),
}

#[derive(Args, Debug)]
struct Test {
    /// The mapping document.
    document: PathBuf,
    /// A payload in the source's shape; otherwise the document's own examples.
    sample: Option<PathBuf>,
    /// When the request was made, RFC 3339: what the expression takes for the current time.
    #[arg(long, value_parser = created_at, default_value = NOON, value_name = "TIME")]
    created_at: Timestamp,
    /// Folder of the samples that examples name; otherwise that of the project around the document.
    #[arg(long, value_name = "FOLDER")]
    samples: Option<PathBuf>,
}

/// What an expression takes for the current time, where nobody says another.
const NOON: &str = "2026-11-22T12:00:00Z";

fn created_at(text: &str) -> Result<Timestamp, &'static str> {
    Timestamp::parse_rfc3339(text).map_err(|_| "must be an RFC 3339 date-time")
}

/// Runs the command.
///
/// # Errors
/// When a file cannot be read or is not what it should be.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    match &arguments.action {
        Action::Test(test) => run_test(test, context),
        Action::Propose(arguments) => propose::run(arguments, context).await,
        Action::Put(arguments) => own::put(arguments, context).await,
        Action::Diff(arguments) => own::diff(arguments, context).await,
        Action::Rollback(arguments) => own::rollback(arguments, context).await,
    }
}

fn run_test(test: &Test, context: &Context) -> Result<Done, Error> {
    let (mapping, trials) = trials(test)?;
    if context.global.json {
        let all = trials
            .iter()
            .map(|(name, trial)| as_json(&mapping, name, trial));
        output::json(output::Kind::MappingTrials, &all.collect::<Vec<_>>())?;
    } else {
        for (name, trial) in &trials {
            output::line(&show(&format!("{mapping}: {name}"), trial))?;
        }
    }
    let all_good = trials.iter().all(|(_, trial)| trial.is_good());
    Ok(if all_good { Done::All } else { Done::InPart })
}

impl Test {
    /// A document on its own examples.
    fn of(document: PathBuf) -> Self {
        Self {
            document,
            sample: None,
            created_at: Timestamp::parse_rfc3339(NOON).unwrap_or(Timestamp::from_millis(0)),
            samples: None,
        }
    }
}

fn trials(test: &Test) -> Result<(Mapping, Vec<(String, Trial)>), Error> {
    trials_of(test, &read(&test.document)?)
}

/// The trials of `text`, the document of `test`.
fn trials_of(test: &Test, text: &str) -> Result<(Mapping, Vec<(String, Trial)>), Error> {
    let mapping = Mapping::parse(text)
        .map_err(|error| Error::usage(format!("{}: {error}", test.document.display())))?;
    let schema = schema_of(mapping.provider(), mapping.operation())?;
    let inputs = match &test.sample {
        Some(sample) => vec![(sample.display().to_string(), read_json(sample)?)],
        None => {
            let examples = mapping.examples().iter();
            let inputs =
                examples.map(|example| Ok((example.name.clone(), input_of(example, test)?)));
            inputs.collect::<Result<_, Error>>()?
        }
    };
    let bench = Bench::new(&mapping, &schema)
        .map_err(|error| Error::usage(format!("{}: {error}", test.document.display())))?;
    let trials = inputs.into_iter().map(|(name, input)| {
        let trial = bench.try_out(input, test.created_at);
        (name, trial)
    });
    let trials = trials.collect();
    Ok((mapping, trials))
}

/// The JSON Schema of an operation's payload.
fn schema_of(provider: &str, operation: &str) -> Result<Value, Error> {
    let spec = target::spec(provider).ok_or_else(|| {
        Error::usage(format!("provider: this release knows no `{provider}`"))
            .hint("`causeway providers` lists those that it knows")
    })?;
    let found = spec.operation(operation).ok_or_else(|| {
        Error::usage(format!("operation: {provider} has no `{operation}`")).hint(format!(
            "`causeway providers {provider}` lists those that it has"
        ))
    })?;
    Ok(found.schema().to_value())
}

/// An example's input: its own, or the shared sample that it names (`{"sample": "…"}`).
fn input_of(example: &Example, test: &Test) -> Result<Value, Error> {
    let fields = example.input.as_object().filter(|fields| fields.len() == 1);
    let Some(name) = fields.and_then(|fields| fields.get("sample")?.as_str()) else {
        return Ok(example.input.clone());
    };
    // It stands in a path.
    if !causeway::request::Name::is_valid(name) {
        return Err(Error::usage(format!(
            "example `{}`: `{name}` is no name of a sample",
            example.name
        )));
    }
    let folder = test.samples.clone().or_else(|| around(&test.document));
    let folder = folder.ok_or_else(|| {
        Error::usage(format!(
            "example `{}` names the sample `{name}`",
            example.name
        ))
        .hint("--samples says in which folder it is")
    })?;
    read_json(&folder.join(format!("{name}.json")))
}

/// The samples of the project that `document` is in.
fn around(document: &Path) -> Option<PathBuf> {
    let document = document.canonicalize().ok()?;
    let mut folders = document.ancestors().map(|folder| folder.join(SAMPLES));
    folders.find(|folder| folder.is_dir())
}

fn read(path: &Path) -> Result<String, Error> {
    fs::read_to_string(path)
        .map_err(|error| Error::usage(format!("cannot read {}: {error}", path.display())))
}

fn read_json(path: &Path) -> Result<Value, Error> {
    serde_json::from_str(&read(path)?)
        .map_err(|error| Error::usage(format!("{}: no JSON: {error}", path.display())))
}

fn as_json(mapping: &Mapping, name: &str, trial: &Trial) -> Value {
    json!({
        "mapping": mapping.to_string(),
        "example": name,
        "good": trial.is_good(),
        "input_faults": trial.input_faults,
        "output": trial.output.as_ref().ok(),
        "error": trial.output.as_ref().err().map(ToString::to_string),
        "output_faults": trial.output_faults,
    })
}

/// Input and output side by side, and under each what its schema says.
fn show(name: &str, trial: &Trial) -> String {
    let pretty = |value: &Value| serde_json::to_string_pretty(value).unwrap_or_default();
    let left = pretty(&trial.input);
    let right = match &trial.output {
        Ok(output) => pretty(output),
        Err(error) => error.to_string(),
    };
    let verdict = |faults: &[String], schema: &str| match faults {
        [] => format!("keeps {schema}"),
        faults => format!("breaks {schema}:\n  {}", faults.join("\n  ")),
    };
    let left_verdict = verdict(&trial.input_faults, "the source schema");
    let right_verdict = match &trial.output {
        Ok(_) => verdict(&trial.output_faults, "the operation's schema"),
        Err(_) => "no output".to_owned(),
    };
    format!(
        "{name}\n\n{}\n\n{}\n",
        beside(&left, &right),
        beside(&left_verdict, &right_verdict)
    )
}

fn beside(left: &str, right: &str) -> String {
    let (left, right): (Vec<&str>, Vec<&str>) = (left.lines().collect(), right.lines().collect());
    let longest = left.iter().map(|line| line.chars().count()).max();
    let width = longest.unwrap_or(0).min(COLUMN);
    let row = |at: usize| {
        let cut: String = left.get(at).unwrap_or(&"").chars().take(width).collect();
        format!("{cut:width$} │ {}", right.get(at).unwrap_or(&""))
            .trim_end()
            .to_owned()
    };
    let rows: Vec<String> = (0..left.len().max(right.len())).map(row).collect();
    rows.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn test_of(document: &str) -> Test {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        Test::of(root.join(document))
    }

    #[test]
    fn a_mapping_of_the_project_is_shown_on_its_examples_and_shared_samples() {
        let (mapping, trials) = trials(&test_of("functions/guesty/mappings/pms-guest.json"))
            .unwrap_or_else(|error| panic!("{error}"));
        assert!(!trials.is_empty());
        for (name, trial) in &trials {
            assert!(trial.is_good(), "{name}: {trial:?}");
            let text = show(name, trial);
            assert!(text.contains("keeps the source schema"), "{text}");
            assert!(text.contains("│ keeps the operation's schema"), "{text}");
            assert_eq!(as_json(&mapping, name, trial)["good"], true);
        }
    }

    #[test]
    fn a_sample_of_another_shape_names_the_field_that_is_missing() {
        let mut test = test_of("functions/guesty/mappings/pms-guest.json");
        let folder = tempdir();
        let sample = folder.join("sample.json");
        fs::write(&sample, "{\"status\": \"confirmed\"}").expect("a folder for tests");
        test.sample = Some(sample);
        let (_, trials) = trials(&test).unwrap_or_else(|error| panic!("{error}"));
        assert!(!trials[0].1.is_good());
        let text = show("sample", &trials[0].1);
        assert!(
            text.contains("breaks the source schema") && text.contains("reservation_id"),
            "{text}"
        );
    }

    #[test]
    fn what_is_no_mapping_says_so_and_where() {
        let error = trials(&test_of("Cargo.toml")).expect_err("it is no mapping");
        assert!(
            error.is_usage() && error.to_string().contains("Cargo.toml"),
            "{error}"
        );
        let error = trials(&test_of("nowhere.json")).expect_err("it is not there");
        assert!(error.to_string().contains("cannot read"), "{error}");
    }

    /// Of this test's own, in the build's folder.
    fn tempdir() -> PathBuf {
        let folder = std::env::temp_dir().join(format!("causeway-map-test-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for tests");
        folder
    }
}
