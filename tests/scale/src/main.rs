//! `scale`: how far a lane goes.

use std::error::Error;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command as Process;

use causeway_scale::breaker::{Trip, trip};
use causeway_scale::point::{Point, Setup, run};
use clap::{Args, Parser, Subcommand};
use serde_json::json;

/// What this machine measures with: a lane a core.
const LANES: u64 = 2;

/// The series of points: environments and requests, and whether the limit's item is drawn on. Each is a process of its
/// own, so that its memory is its own. The last one is the promise.
const POINTS: [(u64, u64, bool); 12] = [
    (1, 10_000, false),
    (10, 100_000, false),
    (100, 1_000, false),
    (100, 10_000, false),
    (100, 100_000, false),
    (100, 1_000_000, false),
    (1_000, 1_000_000, false),
    (1, 10_000, true),
    (10, 100_000, true),
    (100, 100_000, true),
    (1_000, 100_000, true),
    (1_000, 10_000_000, false),
];

/// Fleets under which the vendor goes away.
const FLEETS: [u64; 4] = [1, 10, 100, 1_000];

#[derive(Parser)]
#[command(
    about = "How far a lane goes: throughput, cost and memory a request, and the breaker of a fleet"
)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run one point and print it as JSON.
    Point(PointArguments),
    /// Let the vendor go away under a fleet and print what became of it.
    Trip {
        /// Environments.
        #[arg(long)]
        environments: u64,
    },
    /// Run all points and write the report.
    All {
        /// The largest backlog that is run.
        #[arg(long, default_value_t = 10_000_000)]
        most: u64,
        /// Where the report goes.
        #[arg(long, default_value = "target/bench/scale.json")]
        out: PathBuf,
    },
}

#[derive(Args)]
struct PointArguments {
    /// Environments.
    #[arg(long)]
    environments: u64,
    /// Requests.
    #[arg(long)]
    requests: u64,
    /// Lanes, a thread each.
    #[arg(long, default_value_t = LANES)]
    lanes: u64,
    /// With the item of a limit that never binds.
    #[arg(long)]
    limited: bool,
}

fn main() -> Result<(), Box<dyn Error>> {
    match Arguments::parse().command {
        Command::Point(PointArguments {
            environments,
            requests,
            lanes,
            limited,
        }) => print(&run(Setup {
            environments,
            requests,
            lanes,
            limited,
        })?),
        Command::Trip { environments } => print(&trip(environments)?),
        Command::All { most, out } => all(most, &out),
    }
}

fn print(value: &impl serde::Serialize) -> Result<(), Box<dyn Error>> {
    writeln!(std::io::stdout(), "{}", serde_json::to_string(value)?)?;
    Ok(())
}

/// Runs this program again, and reads what it prints.
fn again<T: serde::de::DeserializeOwned>(arguments: &[String]) -> Result<T, Box<dyn Error>> {
    let ran = Process::new(std::env::current_exe()?)
        .args(arguments)
        .output()?;
    let out = String::from_utf8_lossy(&ran.stdout);
    if !ran.status.success() {
        return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&ran.stderr)).into());
    }
    let mut stderr = std::io::stderr();
    writeln!(stderr, "{}", out.trim())?;
    Ok(serde_json::from_str(out.trim())?)
}

fn all(most: u64, out: &Path) -> Result<(), Box<dyn Error>> {
    let mut points: Vec<Point> = Vec::with_capacity(POINTS.len());
    for (environments, requests, limited) in POINTS {
        let mut arguments = vec![
            "point".to_owned(),
            format!("--environments={environments}"),
            format!("--requests={}", requests.min(most)),
        ];
        arguments.extend(limited.then(|| "--limited".to_owned()));
        points.push(again(&arguments)?);
    }
    let mut trips: Vec<Trip> = Vec::with_capacity(FLEETS.len());
    for environments in FLEETS {
        trips.push(again(&[
            "trip".to_owned(),
            format!("--environments={environments}"),
        ])?);
    }
    let Some(largest) = points.last() else {
        return Err("no point was run".into());
    };
    let report = json!({
        "requests": largest.requests,
        "seconds": largest.seconds,
        "lost": largest.lost,
        "doubled": largest.doubled,
        "peak_mib": largest.peak_mib,
        "points": points,
        "breaker": trips,
    });
    if let Some(folder) = out.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(out, format!("{}\n", serde_json::to_string_pretty(&report)?))?;
    Ok(())
}
