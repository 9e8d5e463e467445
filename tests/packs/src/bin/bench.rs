//! `bench-packs`: what an operation costs at its first use, and what checking a payload costs, in times of parsing it.
//! `make bench-packs` calls it, and its numbers go to `target/packs/bench.json`.

use std::fs;
use std::hint::black_box;
use std::io::{self, Write};
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::ExitCode;

use causeway::pack::example::Extent;
use causeway::provider::Provider;
use causeway_packs::shelf;
use rustix::time::{ClockId, clock_gettime};
use serde::Serialize;
use serde_json::Value;

/// Payloads that stand for one of 2 KB, in bytes.
const ABOUT_2_KB: RangeInclusive<usize> = 1_536..=2_560;

/// How often a payload is parsed and checked: the shortest takes some µs, the clock tells ns.
const ROUNDS: u32 = 200;

type Failure = Box<dyn std::error::Error>;

/// What was measured.
#[derive(Debug, Serialize)]
struct Measured {
    operations: usize,
    first_use_cpu_ms: Spread,
    payloads: usize,
    check_in_parses: Spread,
}

/// The middle and the far end of many values.
#[derive(Debug, Serialize)]
struct Spread {
    p50: f64,
    p99: f64,
    max: f64,
}

impl Spread {
    fn of(mut values: Vec<f64>) -> Self {
        values.sort_by(f64::total_cmp);
        let at = |share: usize| values.get((values.len() * share / 100).min(values.len() - 1));
        Self {
            p50: at(50).copied().unwrap_or(f64::NAN),
            p99: at(99).copied().unwrap_or(f64::NAN),
            max: values.last().copied().unwrap_or(f64::NAN),
        }
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "bench-packs: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let (mut first_uses, mut checks) = (Vec::new(), Vec::new());
    for folder in shelf::folders()? {
        let known = causeway_lane::read(&folder)?;
        for name in known.spec().operations.names() {
            let Some(payload) = known.example(&name, Extent::Full) else {
                continue;
            };
            first_uses.push(first_use(&folder, &name, &payload)?);
            checks.extend(check(&known, &name, &payload)?);
        }
    }
    if first_uses.is_empty() || checks.is_empty() {
        return Err("nothing to measure".into());
    }
    let measured = Measured {
        operations: first_uses.len(),
        first_use_cpu_ms: Spread::of(first_uses),
        payloads: checks.len(),
        check_in_parses: Spread::of(checks),
    };
    let text = serde_json::to_string_pretty(&measured)?;
    let out = shelf::root().join("target/packs");
    fs::create_dir_all(&out)?;
    fs::write(out.join("bench.json"), format!("{text}\n"))?;
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}

/// Processor time in ms until a lane that has just started has found the operation and checked a payload by it.
fn first_use(folder: &Path, name: &str, payload: &Value) -> Result<f64, Failure> {
    let fresh = causeway_lane::read(folder)?;
    let begun = cpu_ns();
    let operation = fresh.spec().operation(name).ok_or("it was there")?;
    black_box(operation.check(payload, 1));
    Ok((cpu_ns() - begun) / 1e6)
}

/// How many times as long as parsing a payload of 2 KB its check takes.
fn check(known: &dyn Provider, name: &str, payload: &Value) -> Result<Option<f64>, Failure> {
    let text = serde_json::to_string(payload)?;
    if !ABOUT_2_KB.contains(&text.len()) {
        return Ok(None);
    }
    let operation = known.spec().operation(name).ok_or("it was there")?;
    if !operation.check(payload, 1).is_empty() {
        return Ok(None);
    }
    let parse = each(|| drop(black_box(serde_json::from_str::<Value>(black_box(&text)))));
    let check = each(|| drop(black_box(operation.check(black_box(payload), 1))));
    Ok(Some(check / parse))
}

/// Processor time of one round, in ns.
fn each(round: impl Fn()) -> f64 {
    round();
    let begun = cpu_ns();
    for _ in 0..ROUNDS {
        round();
    }
    (cpu_ns() - begun) / f64::from(ROUNDS)
}

/// This thread's own processor time: what else the machine does is no part of it.
fn cpu_ns() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 * 1e9 + time.tv_nsec as f64
}
