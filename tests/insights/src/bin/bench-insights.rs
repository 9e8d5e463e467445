//! Scores the helpers of `shared/insights` and writes `target/insights/summary.json`. `--pair NAME` shows one pair,
//! `--fit` prints the matcher's weights and `--validate` what differs in each pair by weights that never saw its vendor,
//! `--tuning` scores early warning on the seeds that thresholds may be chosen on, and writes nothing.

use std::error::Error;
use std::fs;
use std::io::{self, Write};
use std::path::Path;

use causeway_bench_insights::generator::{SCORING, TUNING};
use causeway_bench_insights::warning::{self, Size};
use causeway_bench_insights::{fit, gdc, nab, pair, pairs};
use causeway_insights::propose::Weights;
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
        ["--fit"] => fitted(),
        ["--validate"] => shown(),
        ["--tuning"] => tell(&format!("{:#}", warnings(&TUNING))),
        _ => Err("nothing, --pair NAME, --fit, --validate, or --tuning".into()),
    }
}

/// Fixed by what reads `target/insights/summary.json`: the path, and the names in it.
fn all() -> Result<(), Box<dyn Error>> {
    let mut summary = warnings(&SCORING);
    let pairs = pair::read(&pair::folder(false))?;
    let (open, heldout) = (
        pairs::score(&pairs),
        pairs::score(&pair::read(&pair::folder(true))?),
    );
    let validated = fit::cross_validated(&pairs);
    summary["pairs"] = json!({
        "count": open.pairs + heldout.pairs,
        "top1": open.top1,
        "exact": open.exact,
        "unmapped_precision": open.unmapped_precision,
        "filled_precision": open.precision,
        "heldout_top1": (heldout.pairs > 0).then_some(heldout.top1),
        "ms": open.ms_median,
        "cross_validated": {
            "top1": validated.summary.top1,
            "exact": validated.summary.exact,
            "unmapped_precision": validated.summary.unmapped_precision,
            "deciles": validated.deciles,
            "all": told(&validated.summary),
        },
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

/// The weights of the matcher, as they stand in it, and what such weights are worth.
fn fitted() -> Result<(), Box<dyn Error>> {
    let pairs = pair::read(&pair::folder(false))?;
    let weights = fit::fit(&pairs);
    for (name, weight) in Weights::names().iter().zip(weights.0) {
        tell(&format!("    (\"{name}\", {weight:.3}),"))?;
    }
    shown()
}

/// What differs in each pair, by weights that never saw its vendor.
fn shown() -> Result<(), Box<dyn Error>> {
    let found = fit::cross_validated(&pair::read(&pair::folder(false))?);
    let summary = &found.summary;
    for outcome in &summary.outcomes {
        let (filled, right) = outcome.proposed;
        tell(&format!(
            "{} {} of {}, {right} of {filled} filled rightly, exact: {}",
            outcome.name, outcome.top1, outcome.mapped, outcome.exact
        ))?;
        for line in &outcome.differences {
            tell(&format!("    {line}"))?;
        }
    }
    tell(&format!(
        "{:#}",
        json!({"top1": summary.top1, "exact": summary.exact, "all": told(summary), "deciles": found.deciles})
    ))
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
    if summary.pairs == 0 {
        return json!({"pairs": 0});
    }
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
