//! `sim`: many seeds, or one with its trace. `make sim` calls it.

use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use causeway_simulation::await_points;
use causeway_simulation::sim;
use causeway_simulation::summary::{self, Summary};
use clap::Parser;

/// Runs lanes in a simulated world, many times over.
#[derive(Debug, Parser)]
struct Args {
    /// How many worlds.
    #[arg(long, default_value_t = 1_000)]
    seeds: u64,
    /// The first of them.
    #[arg(long, default_value_t = 1)]
    first: u64,
    /// One world, with its trace.
    #[arg(long)]
    seed: Option<u64>,
    /// So many messages of one connection that cannot be called, beside others.
    #[arg(long)]
    parked: Option<usize>,
    /// No further world once one has broken a promise.
    #[arg(long)]
    until_broken: bool,
    /// Worlds at the same time; by default one a core.
    #[arg(long)]
    threads: Option<usize>,
    /// Where the summary goes.
    #[arg(long, default_value = "target/sim")]
    out: PathBuf,
}

fn main() -> ExitCode {
    let args = Args::parse();
    quiet_panics();
    let done = match args.seed {
        Some(seed) => one(seed),
        None if args.parked.is_some() => park(args.parked.unwrap_or_default()),
        None => many(&args),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            // Where standard error is gone nobody reads this.
            let _ = writeln!(io::stderr(), "sim: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Requests that make the code panic are part of every world, and the pipeline's own business.
fn quiet_panics() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if !causeway_simulation::is_expected(panic) {
            loud(panic);
        }
    }));
}

fn one(seed: u64) -> io::Result<bool> {
    let outcome = sim::run(seed, true);
    let mut out = io::stdout().lock();
    out.write_all(outcome.trace.unwrap_or_default().as_bytes())?;
    for violation in &outcome.violations {
        writeln!(out, "{}: {}", violation.invariant.name(), violation.text)?;
    }
    let count = outcome.violations.len();
    writeln!(out, "seed {seed}: {count} broken promises")?;
    Ok(outcome.violations.is_empty())
}

fn park(messages: usize) -> io::Result<bool> {
    let parked = causeway_simulation::parked::run(messages);
    writeln!(io::stdout(), "{parked:#?}")?;
    Ok(parked.is_clean())
}

fn threads(args: &Args) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    args.threads.unwrap_or_else(cores)
}

fn many(args: &Args) -> io::Result<bool> {
    let threads = threads(args);
    let finished = AtomicU64::new(0);
    let said = Mutex::new(0);
    let before = cpu_time();
    let summary = summary::run(args.first, args.seeds, threads, |seed, outcome| {
        let finished = finished.fetch_add(1, Ordering::Relaxed) + 1;
        let percent = finished * 100 / args.seeds.max(1);
        let mut said = said.lock().unwrap_or_else(PoisonError::into_inner);
        if percent > *said {
            *said = percent;
            // Progress is for whoever watches.
            let _ = write!(io::stderr(), "\r{finished} of {} seeds", args.seeds);
        }
        if let Some(violation) = outcome.violations.first() {
            let (name, text) = (violation.invariant.name(), &violation.text);
            let _ = writeln!(
                io::stderr(),
                "\rseed {seed}: {name}: {text}\n  replay: make sim SEED={seed}"
            );
        }
        outcome.violations.is_empty() || !args.until_broken
    });
    let cpu = before.zip(cpu_time()).map(|(before, after)| after - before);
    let _ = writeln!(io::stderr());
    report(&summary, cpu, &args.out)
}

fn report(summary: &Summary, cpu: Option<Duration>, folder: &Path) -> io::Result<bool> {
    let cpu_us = cpu.map(|cpu| u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX));
    let json = serde_json::to_string_pretty(&summary.to_json(cpu_us))?;
    std::fs::create_dir_all(folder)?;
    let path = folder.join("summary.json");
    std::fs::write(&path, format!("{json}\n"))?;
    let mut out = io::stdout().lock();
    writeln!(out, "{json}")?;
    let missing = await_points::missing(&summary.hits);
    for name in &missing {
        writeln!(out, "no environment died at: {name}")?;
    }
    writeln!(out, "summary: {}", path.display())?;
    Ok(summary.is_clean())
}

/// The processor time that this process took so far, from Linux's own account: fields 14 and 15 of its `stat`, in
/// hundredths of a second.
fn cpu_time() -> Option<Duration> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(Duration::from_millis((ticks + system) * 10))
}
