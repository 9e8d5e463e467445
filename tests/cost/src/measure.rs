//! A scenario, measured: played by a process of its own, whose standard output is what Lambda would ship to the log.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::bill::{Bill, Terms};
use crate::counts::Counts;
use crate::scenario::Scenario;

/// What went wrong with a measurement.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The process could not be started, or its report not be read.
    #[error("playing {scenario}: {error}")]
    Io {
        /// Which scenario.
        scenario: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// The process says that it failed.
    #[error("playing {scenario} failed: {words}")]
    Failed {
        /// Which scenario.
        scenario: &'static str,
        /// Its last words.
        words: String,
    },
}

/// How often a scenario is played: what waits, waits by lot, and one run says little of what a throttled vendor costs (in
/// eight runs a lane received 3,617 to 4,574 messages for its 1,000 requests).
const RUNS: u8 = 5;

/// Plays `scenario` by `program`, the binary `cost`, some times over: the middle one by its bill.
///
/// # Errors
/// When one fails.
pub fn measure(program: &Path, scenario: Scenario) -> Result<Counts, MeasureError> {
    let mut runs = (0..RUNS)
        .map(|run| once(program, scenario, run))
        .collect::<Result<Vec<Counts>, _>>()?;
    let usd = |counts: &Counts| Bill::of(counts, Terms::default()).budgeted();
    runs.sort_by(|one, other| usd(one).total_cmp(&usd(other)));
    Ok(runs.swap_remove(runs.len() / 2))
}

fn once(program: &Path, scenario: Scenario, run: u8) -> Result<Counts, MeasureError> {
    let name = scenario.name();
    let io = |error| MeasureError::Io {
        scenario: name,
        error,
    };
    let played = Command::new(program)
        .args(["play", name, "--run", &run.to_string()])
        .output()
        .map_err(io)?;
    let words = String::from_utf8_lossy(&played.stderr).into_owned();
    let failed = || MeasureError::Failed {
        scenario: name,
        words: words.clone(),
    };
    if !played.status.success() {
        return Err(failed());
    }
    let last = words.lines().last().unwrap_or_default();
    let mut counts: Counts = serde_json::from_str(last).map_err(|_| failed())?;
    read_log(&String::from_utf8_lossy(&played.stdout), &mut counts);
    Ok(counts)
}

/// Counts a function's log. A line of metrics names each metric that has a value.
fn read_log(log: &str, counts: &mut Counts) {
    let mut series = BTreeSet::new();
    for line in log.lines() {
        counts.log_lines += 1;
        counts.log_bytes += line.len() as u64 + 1;
        let Ok(line) = serde_json::from_str::<Value>(line) else {
            continue;
        };
        let directives = line["_aws"]["CloudWatchMetrics"]
            .as_array()
            .into_iter()
            .flatten();
        let metrics =
            directives.flat_map(|directive| directive["Metrics"].as_array().into_iter().flatten());
        series.extend(metrics.filter_map(|metric| Some(metric["Name"].as_str()?.to_owned())));
    }
    counts.series = series.len() as u64;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_counts_and_a_metric_counts_once() {
        let line = r#"{"_aws":{"CloudWatchMetrics":[{"Metrics":[{"Name":"A"},{"Name":"B"}]}]},"A":1,"B":2}"#;
        let log = format!("{line}\n{line}\nplain\n");
        let mut counts = Counts::default();
        read_log(&log, &mut counts);
        assert_eq!(
            (counts.log_lines, counts.log_bytes, counts.series),
            (3, log.len() as u64, 2)
        );
    }
}
