//! `limits [RUNS]`: the promise over so many drawn fleets (10,000), and each documented window measured; writes
//! `target/bench/limiter.json` and ends with 1 where a window saw too many.

use std::fs;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use causeway_limits::drawn::{Allowance, excess};
use causeway_limits::vendors::{self, Row};
use serde_json::json;

/// Where the numbers go, from the workspace's folder.
const REPORT: &str = "target/bench/limiter.json";

fn main() -> ExitCode {
    let runs = std::env::args().nth(1).and_then(|runs| runs.parse().ok());
    match report(runs.unwrap_or(10_000)) {
        Ok(0) => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            said(&format!("limits: {error}"));
            ExitCode::FAILURE
        }
    }
}

/// Measures and writes; calls too many.
fn report(runs: u64) -> io::Result<usize> {
    let mut over = 0;
    for seed in 0..runs {
        let (too_many, _) = excess(seed, Allowance::Full);
        if too_many > 0 {
            said(&format!("seed {seed}: {too_many} calls too many"));
        }
        over += too_many;
        if (seed + 1) % 1_000 == 0 {
            said(&format!("{} of {runs} drawn fleets", seed + 1));
        }
    }
    let windows = vendors::windows(&vendors::functions()).map_err(io::Error::other)?;
    let mut rows: Vec<Row> = Vec::new();
    for window in &windows {
        let row = vendors::measure(window);
        said(&format!(
            "{:<10} {:<14} {:>6} in {:>8} ms  share {:.3} {:.3} {:.3} of {:.3}  writes/s {:.1} {:.1} {:.1}  receives {:.1} {:.1} {:.1}  drain {:.2} {:.2} {:.2}",
            row.provider,
            row.limit,
            row.n,
            row.window_ms,
            row.share.five,
            row.share.fifty,
            row.share.thousand,
            row.best,
            row.writes_s.five,
            row.writes_s.fifty,
            row.writes_s.thousand,
            row.receives.five,
            row.receives.fifty,
            row.receives.thousand,
            row.drain_ratio.five,
            row.drain_ratio.fifty,
            row.drain_ratio.thousand,
        ));
        over += row.over_n;
        rows.push(row);
    }
    let least = |share: fn(&Row) -> f64| {
        rows.iter()
            .map(|row| share(row) / row.best)
            .fold(1.0, f64::min)
    };
    let report = json!({
        "says": "share_*: the least over the windows of share ÷ (W/(1.02 W + D)); D = 0.1 s, 0.35 s where excess is punished",
        "share_5": least(|row| row.share.five),
        "share_50": least(|row| row.share.fifty),
        "share_1000": least(|row| row.share.thousand),
        "over_n": over,
        "runs": runs,
        "vendors": rows,
    });
    let path = Path::new(REPORT);
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, format!("{report:#}\n"))?;
    said(&format!(
        "{REPORT}: {} {} {}",
        report["share_5"], report["share_50"], report["share_1000"]
    ));
    Ok(over)
}

fn said(text: &str) {
    // Progress that nobody reads is no failure.
    drop(writeln!(io::stderr(), "{text}"));
}
