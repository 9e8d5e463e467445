//! `cost`: what a million requests cost.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use causeway_cost::bill::{Bill, CPU_MS, Terms};
use causeway_cost::document::{Measured, page, report};
use causeway_cost::idle::{Stack, table};
use causeway_cost::measure::measure;
use causeway_cost::play::play;
use causeway_cost::scenario::Scenario;
use clap::{Parser, Subcommand};
use serde_json::Value;

#[derive(Parser)]
#[command(about = "What a million requests cost on AWS, counted on the real pipeline")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Play one scenario: the function's log on standard output, what was counted at the end of standard error.
    Play {
        scenario: Scenario,
        /// Which run: environments draw lots by their names, and each run gives them others.
        #[arg(long, default_value_t = 0)]
        run: u8,
    },
    /// Print the README's table of idle lanes.
    Idle,
    /// Measure all scenarios; write `docs/cost.md` and the report for programs.
    Write {
        /// Where the report goes.
        #[arg(long, default_value = "target/bench/cost.json")]
        out: PathBuf,
        /// Where what computing takes stands.
        #[arg(long, default_value = "target/bench/summary.json")]
        summary: PathBuf,
    },
}

fn main() -> Result<(), Box<dyn Error>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    match Arguments::parse().command {
        Command::Play { scenario, run } => {
            let counts = play(scenario, &root.join("functions"), run)?;
            writeln!(std::io::stderr(), "{}", serde_json::to_string(&counts)?)?;
        }
        Command::Idle => write!(std::io::stdout(), "{}", table(&Stack::read(&root)?))?,
        Command::Write { out, summary } => write_all(&root, &out, &summary)?,
    }
    Ok(())
}

fn write_all(root: &Path, out: &Path, summary: &Path) -> Result<(), Box<dyn Error>> {
    let program = std::env::current_exe()?;
    let terms = Terms {
        cpu_ms: cpu_ms(summary),
        ..Terms::default()
    };
    let mut measured = Measured::new();
    for scenario in Scenario::ALL {
        let counts = measure(&program, scenario)?;
        let usd = Bill::of(&counts, terms).budgeted();
        writeln!(
            std::io::stderr(),
            "{}: ${usd:.3} a million",
            scenario.name()
        )?;
        measured.insert(scenario, counts);
    }
    let stack = Stack::read(root)?;
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    let report = report(&measured, &stack, terms);
    fs::write(out, format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    fs::write(root.join("docs/cost.md"), page(&measured, &stack, terms))?;
    Ok(())
}

/// What computing takes, where the benchmark measured it on this machine.
fn cpu_ms(summary: &Path) -> f64 {
    let text = fs::read_to_string(summary).unwrap_or_default();
    let summary: Value = serde_json::from_str(&text).unwrap_or_default();
    summary["contenders"]["stripe"]["cpu_ms_record"]
        .as_f64()
        .unwrap_or(CPU_MS)
}
