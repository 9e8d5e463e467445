//! `packs`: what `make packs` checks. Its numbers go to `target/packs/summary.json`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use causeway_packs::planted::PLANTED;
use causeway_packs::shelf::{self, Shelved};
use causeway_packs::summary::{self, Shelf, Sweep};
use causeway_packs::sweep::{self, Swept};
use clap::Parser;

/// Sweeps the packs, and proves that wrong judgements are found.
#[derive(Debug, Parser)]
struct Args {
    /// Only this provider.
    #[arg(long)]
    only: Option<String>,
    /// Only operations with this text in their names.
    #[arg(long)]
    operation: Option<String>,
    /// Shows the payloads instead.
    #[arg(long)]
    payloads: bool,
    /// Only the planted ones.
    #[arg(long)]
    planted: bool,
    /// Where the summary goes.
    #[arg(long, default_value = "target/packs")]
    out: PathBuf,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let args = Args::parse();
    let done = match args.planted {
        true => planted(),
        false => all(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            let _ = writeln!(io::stderr(), "packs: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Sweeps all that is asked for; a whole sweep also looks for what is planted and writes the summary.
fn all(args: &Args) -> Result<bool, Failure> {
    let mut folders = shelf::folders()?;
    if let Some(only) = &args.only {
        folders.retain(|folder| folder.file_name().is_some_and(|name| name == only.as_str()));
    }
    let packs = folders.iter().map(|folder| shelf::take(folder, None));
    let packs = packs.collect::<Result<Vec<_>, _>>()?;
    let wanted = args.operation.as_deref().unwrap_or_default();
    if args.payloads {
        return show(&packs, wanted);
    }
    let done = sweep::all(&packs, |_, line| line.op.contains(wanted));
    let mut whole = Swept::default();
    let mut out = io::stdout().lock();
    for (name, swept) in done {
        for violation in &swept.violations {
            writeln!(out, "{violation}")?;
        }
        let (operations, cases, violations) =
            (swept.operations, swept.cases, swept.violations.len());
        writeln!(
            out,
            "{name}: {operations} operations, {cases} requests, {violations} violations"
        )?;
        whole.add(swept);
    }
    drop(out);
    if args.only.is_some() || args.operation.is_some() {
        return Ok(whole.violations.is_empty());
    }
    let mut offered = Shelf::default();
    for shelved in &packs {
        offered.add(shelved)?;
    }
    summary::put(&args.out, None, &offered)?;
    let sweep = Sweep {
        operations: whole.operations,
        cases: whole.cases,
        violations: whole.violations.len(),
    };
    summary::put(&args.out, Some("sweep"), &sweep)?;
    let found = planted()?;
    Ok(whole.violations.is_empty() && found)
}

/// Shows what the operations are swept with.
fn show(packs: &[Shelved], wanted: &str) -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    for shelved in packs {
        for line in shelved
            .routes
            .lines()
            .filter(|line| line.op.contains(wanted))
        {
            for payload in sweep::payloads(shelved, &line.op) {
                writeln!(out, "{} {} {payload}", shelved.name, line.op)?;
            }
        }
    }
    Ok(true)
}

/// Whether every judgement that is planted is found.
fn planted() -> Result<bool, Failure> {
    let mut out = io::stdout().lock();
    let mut missed = 0;
    for planted in PLANTED {
        let (name, provider) = (planted.name, planted.provider);
        match planted.sweep()?.first() {
            Some(violation) => writeln!(out, "planted, found: {provider}, {name}: {violation}")?,
            None => {
                missed += 1;
                writeln!(out, "planted, NOT FOUND: {provider}, {name}")?;
            }
        }
    }
    writeln!(
        out,
        "planted: {} of {} found",
        PLANTED.len() - missed,
        PLANTED.len()
    )?;
    Ok(missed == 0)
}
