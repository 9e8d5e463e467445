//! `map-test MAPPING [SAMPLE]`: what a mapping makes of its examples, or of a file.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use causeway::Timestamp;
use causeway::mapping::Mapping;
use causeway_contract::mappings::{Trial, input_of, try_out};
use serde_json::Value;

/// When the samples' requests were made: 2026-11-22T12:00:00Z, as in the contract suite.
const CREATED_AT: Timestamp = Timestamp::from_millis(1_795_348_800_000);

/// Widest left column; longer lines are cut.
const COLUMN: usize = 78;

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn main() -> ExitCode {
    let arguments: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    let (mapping, sample) = match arguments.as_slice() {
        [mapping] => (mapping, None),
        [mapping, sample] => (mapping, Some(sample.as_path())),
        _ => {
            eprintln!(
                "usage: make map-test MAPPING=functions/stripe/mappings/pms-customer.json [SAMPLE=file.json]"
            );
            return ExitCode::FAILURE;
        }
    };
    match run(mapping, sample) {
        Err(error) => {
            eprintln!("map-test: {error}");
            ExitCode::FAILURE
        }
        Ok(trials) => {
            for (name, trial) in &trials {
                println!("{}", show(name, trial));
            }
            let all_good = trials.iter().all(|(_, trial)| trial.is_good());
            if all_good {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn json(path: &Path) -> Result<Value, String> {
    serde_json::from_str(&read(path)?).map_err(|error| format!("{}: {error}", path.display()))
}

fn run(path: &Path, sample: Option<&Path>) -> Result<Vec<(String, Trial)>, String> {
    let mapping = Mapping::parse(&read(path)?).map_err(|error| error.to_string())?;
    let provider = path
        .parent()
        .and_then(Path::parent)
        .unwrap_or(Path::new("."));
    let schema = json(&provider.join(format!("schemas/{}.json", mapping.operation())))?;
    let inputs = match sample {
        Some(sample) => vec![(sample.display().to_string(), json(sample)?)],
        None => {
            let of = |example: &causeway::mapping::Example| {
                Ok((example.name.clone(), input_of(&example.input)?))
            };
            mapping
                .examples()
                .iter()
                .map(of)
                .collect::<Result<_, String>>()?
        }
    };
    let tried = |(name, input)| {
        (
            format!("{mapping}: {name}"),
            try_out(&mapping, &schema, input, CREATED_AT),
        )
    };
    Ok(inputs.into_iter().map(tried).collect())
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
    let longest = left
        .iter()
        .map(|line| line.chars().count())
        .max()
        .unwrap_or(0);
    let width = longest.min(COLUMN);
    let row = |at: usize| {
        let cut: String = left.get(at).unwrap_or(&"").chars().take(width).collect();
        format!("{cut:width$} │ {}", right.get(at).unwrap_or(&""))
            .trim_end()
            .to_owned()
    };
    let rows: Vec<String> = (0..left.len().max(right.len())).map(row).collect();
    rows.join("\n")
}
