//! Scores the helpers of `shared/insights` and writes `target/insights/summary.json`. `--pair NAME` shows one pair,
//! `--tuning` scores early warning on the seeds that thresholds may be chosen on, and writes nothing.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use causeway_bench_insights::generator::{SCORING, TUNING};
use causeway_bench_insights::warning::{self, Size};
use causeway_bench_insights::{gdc, nab, pair, pairs};
use serde_json::{Value, json};

/// Traces of each trouble at each rate, and half as many healthy lanes of two weeks each: false alarms to a hundredth a
/// day, shares to half a percent.
const TRACES: u64 = 200;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => all(),
        ["--pair", name] => {
            let shown = pairs::show(&pair::read(&pair::folder(false))?, name);
            tell(&shown.ok_or_else(|| format!("there is no pair {name}"))?)
        }
        ["--tuning"] => tell(&format!("{:#}", warnings(&TUNING))),
        _ => Err("nothing, --pair NAME, or --tuning".into()),
    }
}

/// Fixed by what reads `target/insights/summary.json`: the path, and the names in it.
fn all() -> Result<(), Box<dyn Error>> {
    let mut summary = warnings(&SCORING);
    let (open, heldout) = (
        pairs::score(&pair::read(&pair::folder(false))?),
        pairs::score(&pair::read(&pair::folder(true))?),
    );
    summary["pairs"] = json!({
        "count": open.pairs + heldout.pairs,
        "top1": open.top1,
        "exact": open.exact,
        "unmapped_precision": open.unmapped_precision,
        "heldout_top1": heldout.top1,
        "ms": open.ms_median,
        "open": told(&open),
        "heldout": told(&heldout),
    });
    if let Some(folder) = gdc::folder() {
        let found = gdc::score(&folder)?;
        summary["gdc"] = json!({
            "mrr": found.mrr, "recall_gt": found.recall_at_gt, "mrr_of_pairs": found.mrr_of_pairs,
        });
    }
    if let Some(reported) = nab::summary(Path::new("../shared/eval/nab"))? {
        summary["nab"] = reported;
    }
    let text = format!("{summary:#}");
    fs::create_dir_all("target/insights")?;
    fs::write("target/insights/summary.json", format!("{text}\n"))?;
    tell(&text)
}

fn warnings(seeds: &std::ops::Range<u64>) -> Value {
    let size = Size {
        healthy: TRACES / 2,
        trouble: TRACES,
    };
    warning::summary(seeds, size)
}

/// What the fixed names leave out. Of the held-out pairs nothing is told but the sums.
fn told(summary: &pairs::Summary) -> Value {
    json!({
        "pairs": summary.pairs,
        "exact": summary.exact,
        "strict": summary.strict,
        "precision": summary.precision,
        "unmapped_target_precision": summary.unmapped_target_precision,
        "unmapped_source_precision": summary.unmapped_source_precision,
        "ms_max": summary.ms_max,
    })
}

fn tell(text: &str) -> Result<(), Box<dyn Error>> {
    writeln!(io::stdout(), "{text}")?;
    Ok(())
}
