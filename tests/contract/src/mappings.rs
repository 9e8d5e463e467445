//! Mapping documents: what they make of samples, and what every ready-made one must keep.

use std::fs;
use std::path::{Path, PathBuf};

use causeway::mapping::trial::Bench;
use causeway::mapping::{Mapping, MappingError};
use causeway::provider::{Operation, Spec};
use causeway::request::MAX_REQUEST_BYTES;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestError, TestRng, TestRunner};
use serde_json::Value;

use crate::fixture::Mode;
use crate::generate::values_of;
use crate::guard::guard;
use crate::variants::variants;
use crate::{Breach, Line, NOW};

/// Inputs that each mapping is tried on, made by its source schema.
const INPUTS: u32 = 128;

/// How much of an input is shown that a mapping does not hold for.
const SHOWN: usize = 4_000;

/// The input of an example: its own, or the shared sample that it names.
///
/// # Errors
/// When there is no such sample, or it is no JSON.
pub(crate) fn input_of(input: &Value) -> Result<Value, String> {
    let named = input
        .as_object()
        .filter(|fields| fields.len() == 1)
        .and_then(|fields| fields.get("sample"))
        .and_then(Value::as_str);
    let Some(name) = named else {
        return Ok(input.clone());
    };
    let file = format!("{}/samples/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let text = fs::read_to_string(&file).map_err(|error| format!("sample `{name}`: {error}"))?;
    serde_json::from_str(&text).map_err(|error| format!("sample `{name}`: {error}"))
}

/// The documents in `folder`, sorted.
fn documents(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "json")
    });
    paths.sort();
    paths
}

pub(crate) fn check(spec: &'static Spec, manifest_dir: &str, mode: Mode, found: &mut Vec<Breach>) {
    let paths = documents(&Path::new(manifest_dir).join("mappings"));
    let mut read = Vec::new();
    for path in &paths {
        let stem = path.file_stem().and_then(|stem| stem.to_str());
        let name = stem.unwrap_or_default();
        let mut breach = |what: String| {
            found.push(Breach::new(
                Line::Mappings,
                format!("mappings/{name}.json"),
                what,
            ))
        };
        match fs::read_to_string(path) {
            Err(error) => breach(error.to_string()),
            Ok(text) => {
                if !spec.mappings.contains(&text.as_str()) {
                    breach("it is not in Spec.mappings".to_owned());
                }
                match Mapping::parse(&text) {
                    Err(error) => breach(error.to_string()),
                    Ok(mapping) => one(spec, &mapping, name, path, mode, found),
                }
                read.push(text);
            }
        }
    }
    for listed in spec.mappings {
        if !read.iter().any(|text| text == listed) {
            let start: String = listed.chars().take(60).collect();
            found.push(Breach::new(
                Line::Mappings,
                "Spec.mappings",
                format!("not in mappings/: {start}"),
            ));
        }
    }
}

fn one(
    spec: &'static Spec,
    mapping: &Mapping,
    name: &str,
    path: &Path,
    mode: Mode,
    found: &mut Vec<Breach>,
) {
    let place = format!("mappings/{name}.json");
    let mut breach = |what: String| found.push(Breach::new(Line::Mappings, &place, what));
    if mapping.name() != name {
        breach(format!("its name is `{}`", mapping.name()));
    }
    if mapping.provider() != spec.name {
        breach(format!("its provider is `{}`", mapping.provider()));
    }
    let Some(operation) = spec.operation(mapping.operation()) else {
        return breach(format!("there is no operation `{}`", mapping.operation()));
    };
    let schema = operation.schema().to_value();
    let bench = match Bench::new(mapping, &schema) {
        Ok(bench) => bench,
        Err(error) => return breach(error),
    };
    let mut outputs = Vec::new();
    for example in mapping.examples() {
        let mut breach = |what: String| breach(format!("example `{}`: {what}", example.name));
        let input = match input_of(&example.input) {
            Ok(input) => input,
            Err(error) => {
                breach(error);
                continue;
            }
        };
        let trial = bench.try_out(input, NOW);
        trial
            .input_faults
            .iter()
            .for_each(|fault| breach(format!("the source schema refuses its input: {fault}")));
        trial.output_faults.iter().for_each(|fault| {
            breach(format!(
                "the operation's schema refuses its output: {fault}"
            ))
        });
        match trial.output {
            Err(error) => breach(error.to_string()),
            Ok(output) => {
                if output != example.output && mode == Mode::Compare {
                    breach(format!("it makes {output} (CAUSEWAY_BLESS=1 writes it)"));
                }
                outputs.push(output);
            }
        }
    }
    every_input(operation, mapping, &bench).unwrap_or_else(&mut breach);
    for output in &outputs {
        agree(operation, &schema, &place, output, found);
    }
    if mode == Mode::Bless
        && let Err(error) = store(path, &outputs)
    {
        found.push(Breach::new(Line::Mappings, &place, error));
    }
}

/// Whatever the source schema accepts becomes a payload that the operation's schema and the lane accept.
///
/// What no schema can say, a mapping may refuse by `$error`: parts that contradict each other. Most inputs it takes.
fn every_input(
    operation: &'static Operation,
    mapping: &Mapping,
    bench: &Bench<'_>,
) -> Result<(), String> {
    let inputs =
        values_of(mapping.source()).map_err(|error| format!("its source schema: {error}"))?;
    let config = Config {
        cases: INPUTS,
        failure_persistence: None,
        max_shrink_iters: 300,
        ..Config::default()
    };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let taken = std::cell::Cell::new(0_u32);
    let tried = TestRunner::new_with_rng(config, rng).run(&inputs, |input| {
        if input.to_string().len() > MAX_REQUEST_BYTES {
            return Err(TestCaseError::reject("larger than a request"));
        }
        let trial = bench.try_out(input, NOW);
        let output = match trial.output {
            Ok(output) => output,
            Err(MappingError::Failed { code, .. }) if code == "D3137" => return Ok(()),
            // Of a busy machine, where the lane would try again: steps bound what the mapping itself may do.
            Err(error) if error.is_of_the_clock() => {
                return Err(TestCaseError::reject("the machine was too slow"));
            }
            Err(error) => return Err(TestCaseError::fail(error.to_string())),
        };
        if let Some(fault) = trial.output_faults.first() {
            return Err(TestCaseError::fail(format!(
                "the operation's schema refuses {fault}"
            )));
        }
        let prepared = operation.prepare(&output);
        prepared.map_err(|error| TestCaseError::fail(format!("the lane refuses {error}")))?;
        taken.set(taken.get() + 1);
        Ok(())
    });
    match tried {
        Err(TestError::Fail(reason, input)) => {
            let input: String = input.to_string().chars().take(SHOWN).collect();
            Err(format!(
                "it does not hold for every input: {reason}; such as {input}"
            ))
        }
        Err(TestError::Abort(reason)) => {
            Err(format!("its source schema makes too few inputs: {reason}"))
        }
        Ok(()) if taken.get() < INPUTS / 3 => {
            Err(format!("of {INPUTS} inputs it takes only {}", taken.get()))
        }
        Ok(()) => Ok(()),
    }
}

/// The lane takes what the mapping makes, and of mutations of it the same ones as the schema.
fn agree(
    operation: &'static Operation,
    schema: &Value,
    place: &str,
    output: &Value,
    found: &mut Vec<Breach>,
) {
    if let Some(Err(error)) = guard(place, found, || operation.prepare(output)) {
        let what = format!("the lane refuses its output: {error}");
        found.push(Breach::new(Line::Mappings, place, what));
        return;
    }
    let Ok(validator) = jsonschema::validator_for(schema) else {
        return; // the structural part has said so
    };
    for variant in variants(schema, output) {
        let taken = guard(place, found, || operation.prepare(&variant.payload).is_ok());
        if taken.is_some_and(|taken| taken != validator.is_valid(&variant.payload)) {
            let what = format!(
                "lane and schema disagree on its output with {}",
                variant.what
            );
            found.push(Breach::new(Line::Agreement, place, what));
        }
    }
}

/// Writes what the mapping makes of its examples.
fn store(path: &Path, outputs: &[Value]) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut document: Value = serde_json::from_str(&text).map_err(|error| error.to_string())?;
    let examples = document
        .get_mut("examples")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten();
    let mut changed = false;
    for (example, output) in examples.zip(outputs) {
        changed |= example["output"] != *output;
        example["output"] = output.clone();
    }
    if !changed {
        return Ok(());
    }
    crate::fixture::write_json(path, &document)
}
