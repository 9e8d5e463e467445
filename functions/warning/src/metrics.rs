//! The function's metric, in CloudWatch's embedded metric format.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;

use causeway::Timestamp;
use causeway::telemetry::DIMENSION;
use serde_json::{Value, json};

use crate::watch::Run;

/// Writes a run's metrics to standard output, which is the function's log stream. Losing one is no reason to fail.
pub fn emit(namespace: &str, run: &Run, now: Timestamp) {
    let mut out = std::io::stdout().lock();
    for line in lines(namespace, run, now) {
        let _ = writeln!(out, "{line}");
    }
}

/// `Warning`, 1, of each lane that was looked at and has a warning on. A lane that has none makes no series.
fn lines(namespace: &str, run: &Run, now: Timestamp) -> Vec<Value> {
    let warned = run.visits.iter().filter(|visit| visit.said.is_some());
    warned
        .map(|visit| {
            json!({
                "Warning": 1,
                DIMENSION: visit.provider,
                "_aws": {
                    "Timestamp": now.as_millis(),
                    "CloudWatchMetrics": [{
                        "Namespace": namespace,
                        "Dimensions": [[DIMENSION]],
                        "Metrics": [{"Name": "Warning", "Unit": "Count"}],
                    }],
                },
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use causeway_insights::warning::Said;

    use super::*;
    use crate::watch::Visit;

    #[test]
    fn a_lane_with_a_warning_says_one_and_the_others_nothing() {
        let visit = |provider: &str, said| Visit {
            provider: provider.to_owned(),
            said,
            ..Visit::default()
        };
        let visits = vec![visit("stripe", Some(Said::default())), visit("slack", None)];
        let run = Run {
            visits,
            ..Run::default()
        };
        let lines = lines("Causeway", &run, Timestamp::from_millis(1_800_000_000_000));
        assert_eq!(lines.len(), 1);
        assert_eq!(
            (&lines[0]["Warning"], &lines[0]["Provider"]),
            (&json!(1), &json!("stripe"))
        );
        let metrics = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(metrics["Dimensions"], json!([["Provider"]]));
        assert_eq!(metrics["Namespace"], "Causeway");
    }
}
