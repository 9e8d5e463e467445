//! `bench-mapping`: what mapping a document costs, in times of what serde_json takes to parse and print it.

use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use causeway::Timestamp;
use causeway::mapping::Mapping;
use serde_json::Value;

const SAMPLE: &str = include_str!("../../samples/pms-reservation.json");
const MAPPING: &str = include_str!("bench_mapping.json");

/// Most that a mapping may take, in times of parsing and printing its document.
const MAX_RATIO: f64 = 6.0;

const ROUNDS: usize = 40;
const RUNS: u32 = 300;

/// The fastest of [`ROUNDS`] rounds, for one run of each of two: they take turns, so that both see the same machine.
fn fastest(mut one: impl FnMut(), mut other: impl FnMut()) -> (f64, f64) {
    let mut best = [Duration::MAX; 2];
    let mut time = |nth: usize, run: &mut dyn FnMut()| {
        let started = Instant::now();
        (0..RUNS).for_each(|_| run());
        best[nth] = best[nth].min(started.elapsed());
    };
    for _ in 0..ROUNDS {
        time(0, &mut one);
        time(1, &mut other);
    }
    let micros = |taken: Duration| taken.as_secs_f64() * 1e6 / f64::from(RUNS);
    (micros(best[0]), micros(best[1]))
}

fn json() {
    if let Ok(value) = serde_json::from_str::<Value>(black_box(SAMPLE)) {
        black_box(serde_json::to_string(&value).ok());
    }
}

#[expect(clippy::print_stdout, reason = "the answer of a command")]
fn main() -> ExitCode {
    let (Ok(mapping), Ok(payload)) = (
        Mapping::parse(MAPPING),
        serde_json::from_str::<Value>(SAMPLE),
    ) else {
        eprintln!("bench-mapping: the mapping or its sample cannot be read");
        return ExitCode::FAILURE;
    };
    let now = Timestamp::from_millis(1_795_348_800_000);
    if let Err(error) = mapping.apply(&payload, now) {
        eprintln!("bench-mapping: {error}");
        return ExitCode::FAILURE;
    }
    let (parse_and_print, apply) = fastest(json, || drop(black_box(mapping.apply(&payload, now))));
    let (_, whole) = fastest(json, || {
        if let Ok(payload) = serde_json::from_str::<Value>(black_box(SAMPLE))
            && let Ok(output) = mapping.apply(&payload, now)
        {
            black_box(serde_json::to_string(&output).ok());
        }
    });
    let (_, compile) = fastest(json, || drop(black_box(Mapping::parse(MAPPING))));
    let ratio = apply / parse_and_print;
    println!("document            {:>8} bytes", SAMPLE.len());
    println!("parse and print     {parse_and_print:>8.1} µs");
    println!("apply the mapping   {apply:>8.1} µs  {ratio:.2} times (at most {MAX_RATIO})");
    println!(
        "parse, apply, print {whole:>8.1} µs  {:.2} times",
        whole / parse_and_print
    );
    println!("compile the mapping {compile:>8.1} µs, once an environment");
    if ratio <= MAX_RATIO {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
