//! `mutants`: switches each bug of `mutants.toml` on in turn and demands that the simulation finds it. `make sim-bugs`
//! calls it.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use causeway_simulation::invariants::Invariant;
use causeway_simulation::mutants::{self, Mutant, PROGRAM, SWITCH, WITHIN};
use clap::Parser;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// Switches bugs on and lets the simulation look for them.
#[derive(Debug, Parser)]
struct Args {
    /// Only this one.
    #[arg(long)]
    mutant: Option<String>,
    /// One world with it, with its trace.
    #[arg(long, requires = "mutant")]
    seed: Option<u64>,
}

/// What the simulation says of the first world that broke a promise.
#[derive(Debug, Deserialize)]
struct Shown {
    seed: u64,
    invariant: String,
    text: String,
    broken: Vec<String>,
}

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Where standard error is gone nobody reads this.
            let _ = writeln!(io::stderr(), "mutants: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> io::Result<bool> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let root = root.canonicalize()?;
    let mut chosen = mutants::all();
    if let Some(name) = &args.mutant {
        chosen.retain(|mutant| mutant.name == *name);
        if chosen.is_empty() {
            return Err(io::Error::other(format!("mutants.toml has no `{name}`")));
        }
    }
    let program = build(&root)?;
    if let (Some(seed), [mutant]) = (args.seed, chosen.as_slice()) {
        let mut one = Command::new(&program);
        one.env(SWITCH, &mutant.name)
            .arg("--seed")
            .arg(seed.to_string());
        return Ok(one.status()?.success());
    }
    let folder = root.join("target/sim");
    let (mut found, mut all) = (Map::new(), true);
    let mut unbroken: Vec<_> = Invariant::ALL.iter().map(|broken| broken.name()).collect();
    for mutant in &chosen {
        let shown = hunt(&program, mutant, &folder.join("mutant"))?;
        let mut out = io::stdout().lock();
        if let Some(first) = shown {
            let Shown {
                seed,
                invariant,
                text,
                broken,
            } = &first;
            unbroken.retain(|name| !broken.iter().any(|broken| broken == name));
            writeln!(
                out,
                "{:<24} seed {seed:<4} {invariant}: {text}",
                mutant.name
            )?;
            found.insert(
                mutant.name.clone(),
                json!({"seed": seed, "invariant": invariant}),
            );
        } else {
            all = false;
            writeln!(
                out,
                "{:<24} NOT FOUND within {WITHIN} seeds: {}",
                mutant.name, mutant.says
            )?;
            found.insert(mutant.name.clone(), Value::Null);
        }
    }
    // A promise that no bug breaks would be no promise that is looked after.
    if args.mutant.is_none() {
        for invariant in &unbroken {
            writeln!(io::stdout(), "no bug breaks {invariant}")?;
        }
        all &= unbroken.is_empty();
    }
    fs::write(
        folder.join("bugs.json"),
        format!("{:#}\n", Value::Object(found)),
    )?;
    Ok(all)
}

/// Builds the simulation of the workspace's copy.
fn build(root: &Path) -> io::Result<PathBuf> {
    let target = root.join("target");
    let copy = target.join("mutants");
    mutants::lay(root, &copy)?;
    // Not `--locked`: the copy has a version of its own, and nothing else that its lock file does not know.
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or("cargo".into()));
    cargo
        .args([
            "build",
            "--offline",
            "--profile",
            "sim",
            "--package",
            "causeway-simulation",
        ])
        .args(["--bin", PROGRAM])
        .env("CARGO_TARGET_DIR", &target)
        .current_dir(&copy);
    if !cargo.status()?.success() {
        return Err(io::Error::other(
            "the copy with the mutants cannot be built",
        ));
    }
    Ok(target.join("sim").join(PROGRAM))
}

/// The first seed that shows `mutant`, within [`WITHIN`].
fn hunt(program: &Path, mutant: &Mutant, out: &Path) -> io::Result<Option<Shown>> {
    if out.exists() {
        fs::remove_dir_all(out)?;
    }
    let mut sim = Command::new(program);
    sim.env(SWITCH, &mutant.name)
        .args(["--until-broken", "--seeds", &WITHIN.to_string(), "--out"])
        .arg(out)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    sim.status()?;
    let summary: Value = serde_json::from_str(&fs::read_to_string(out.join("summary.json"))?)?;
    Ok(serde_json::from_value(summary["first_failure"].clone())?)
}
