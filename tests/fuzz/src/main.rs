//! `fuzz`: searches all targets for inputs that break a property. `make fuzz` calls it.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};
use std::{fs, io};

use causeway_fuzz::random::{Chance, mutated, survives};
use causeway_fuzz::{TARGETS, Target, corpus, coverage, target};
use clap::Parser;

/// Searches for inputs that break a property.
#[derive(Debug, Parser)]
#[command(name = "fuzz")]
struct Arguments {
    /// How long each target is searched.
    #[arg(long, default_value_t = 60)]
    seconds: u64,
    /// Only this target.
    #[arg(long)]
    target: Option<String>,
    /// Run one file through `--target` instead, and show how it fails.
    #[arg(long, requires = "target")]
    replay: Option<PathBuf>,
    /// Mutate without looking at coverage, which needs no C++ compiler and finds far less.
    #[arg(long)]
    blind: bool,
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("fuzz: {error}");
            ExitCode::from(2)
        }
    }
}

fn run(arguments: &Arguments) -> io::Result<bool> {
    let targets = match &arguments.target {
        Some(name) => {
            let unknown = || io::Error::other(format!("there is no target `{name}`"));
            vec![target(name).ok_or_else(unknown)?]
        }
        None => TARGETS.to_vec(),
    };
    if let Some(file) = &arguments.replay {
        let input = fs::read(file)?;
        let holds = targets.into_iter().all(|target| survives(target, &input));
        say(if holds { "it holds" } else { "it fails" })?;
        return Ok(holds);
    }
    let program = match arguments.blind {
        true => None,
        false => Some(coverage::build()?),
    };
    let mut all_hold = true;
    for target in targets {
        all_hold &= search(program.as_deref(), target, arguments.seconds)?;
    }
    Ok(all_hold)
}

fn search(program: Option<&Path>, target: Target, seconds: u64) -> io::Result<bool> {
    let name = target.name;
    let failures = coverage::work_folder().join("failures").join(name);
    fs::create_dir_all(&failures)?;
    let before = corpus::inputs(&failures)?;
    let (holds, summary) = match program {
        Some(program) => coverage::search(program, target, seconds, &failures)?,
        None => search_blindly(target, seconds, &failures)?,
    };
    say(&format!("{name}: {summary}"))?;
    let found = corpus::inputs(&failures)?;
    for (file, _) in found.iter().filter(|input| !before.contains(input)) {
        let file = file.canonicalize()?;
        let replay = format!("--target {name} --replay {}", file.display());
        eprintln!("fuzz: {name} fails on {}; to replay it:", file.display());
        eprintln!("    cargo run -p causeway-fuzz --bin fuzz -- {replay}");
    }
    if !holds && found == before {
        eprintln!(
            "fuzz: {name} fails, perhaps on an input that stands in {} already",
            failures.display()
        );
    }
    Ok(holds)
}

fn search_blindly(target: Target, seconds: u64, failures: &Path) -> io::Result<(bool, String)> {
    let (start, limit) = (Instant::now(), Duration::from_secs(seconds));
    let inputs = corpus::inputs(&corpus::folder(target))?;
    let inputs: Vec<Vec<u8>> = inputs.into_iter().map(|(_, input)| input).collect();
    let mut chance = Chance::new(u64::from(std::process::id()));
    let mut tried = 0_u64;
    while start.elapsed() < limit {
        let input = mutated(&inputs, target.max_len, &mut chance);
        if !survives(target, &input) {
            let file = format!("blind-{}-{tried}", std::process::id());
            fs::write(failures.join(file), &input)?;
            return Ok((false, format!("failed after {tried} inputs")));
        }
        tried += 1;
    }
    Ok((true, format!("{tried} inputs tried")))
}

fn say(what: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{what}")
}
