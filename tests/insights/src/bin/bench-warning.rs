//! Scores early warning and writes `target/insights/warning.json`: on the seeds kept for that, or with `tuning` on those
//! that thresholds may be chosen on.

use std::error::Error;
use std::io::Write;
use std::path::Path;

use causeway_bench_insights::generator::{SCORING, TUNING};
use causeway_bench_insights::nab;
use causeway_bench_insights::warning::{Size, summary};

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let is_tuning = arguments.next().is_some_and(|word| word == "tuning");
    let count = arguments.next().map_or(Ok(400), |count| count.parse())?;
    let seeds = if is_tuning { TUNING } else { SCORING };
    let size = Size {
        healthy: count / 2,
        trouble: count,
    };
    let mut summary = summary(&seeds, size);
    if let Some(reported) = nab::summary(Path::new("../shared/eval/nab"))? {
        summary["nab"] = reported;
    }
    let text = serde_json::to_string_pretty(&summary)?;
    if !is_tuning {
        std::fs::create_dir_all("target/insights")?;
        std::fs::write("target/insights/warning.json", &text)?;
    }
    writeln!(std::io::stdout(), "{text}")?;
    Ok(())
}
