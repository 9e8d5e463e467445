//! Metrics in CloudWatch's embedded metric format: a log line that CloudWatch turns into metrics by itself.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::Timestamp;
use crate::outcome::{Deferral, Outcome};
use crate::pipeline::Report;

/// Values in one metric's array (the format's limit).
const MAX_VALUES: usize = 100;

/// The batch's metrics as one line; none where there is nothing to say. A counter of zero is not emitted.
pub(super) fn line(provider: &str, report: &Report, now: Timestamp) -> Option<String> {
    let mut counters: BTreeMap<&str, u64> = BTreeMap::new();
    for entry in &report.entries {
        *counters.entry(entry.outcome.name()).or_default() += 1;
        if matches!(
            entry.outcome,
            Outcome::Deferred {
                reason: Deferral::ConnectionPaused,
                ..
            }
        ) {
            *counters.entry("ConnectionUnauthorized").or_default() += 1;
        }
    }
    let ends = report
        .entries
        .iter()
        .filter(|entry| !report.retained.contains(&entry.message_id));
    let times = [
        ("ProviderLatency", millis(report.latencies.iter().copied())),
        (
            "EndToEndLatency",
            millis(ends.map(|entry| entry.end_to_end)),
        ),
    ];

    let mut definitions = Vec::new();
    let mut line = Map::new();
    for (name, count) in counters {
        definitions.push(json!({"Name": name, "Unit": "Count"}));
        line.insert(name.into(), count.into());
    }
    for (name, values) in times {
        if !values.is_empty() {
            definitions.push(json!({"Name": name, "Unit": "Milliseconds"}));
            line.insert(name.into(), values.into());
        }
    }
    // The name is a property beside the metric: a dimension would be one more series for each limit.
    if let Some((name, percent)) = report.fullest_limit {
        definitions.push(json!({"Name": "RateLimitUsed", "Unit": "Percent"}));
        line.insert("RateLimitUsed".into(), percent.into());
        line.insert("Limit".into(), name.into());
    }
    if definitions.is_empty() {
        return None;
    }
    line.insert("Provider".into(), provider.into());
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [{"Namespace": "Causeway", "Dimensions": [["Provider"]], "Metrics": definitions}],
        }),
    );
    Some(Value::Object(line).to_string())
}

fn millis(times: impl Iterator<Item = std::time::Duration>) -> Vec<u64> {
    times
        .take(MAX_VALUES)
        .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::pipeline::Entry;
    use crate::request::Peek;

    #[test]
    fn a_batch_is_one_line_with_one_dimension_and_no_zeros() {
        let entry = |id: &str, outcome| Entry {
            message_id: id.into(),
            peek: Peek::default(),
            outcome,
            end_to_end: Duration::from_millis(1500),
        };
        let now = Timestamp::from_millis(1_800_000_000_000);
        let paused = Outcome::Deferred {
            reason: Deferral::ConnectionPaused,
            until: now,
        };
        let report = Report {
            retained: vec!["c".into()],
            entries: vec![
                entry("a", Outcome::Delivered),
                entry("b", Outcome::Delivered),
                entry("c", paused),
            ],
            latencies: vec![Duration::from_millis(80), Duration::from_millis(90)],
            fullest_limit: Some(("120/min", 40)),
        };
        let line: Value =
            serde_json::from_str(&line("acme", &report, now).expect("metrics")).expect("JSON");
        assert_eq!(
            line,
            json!({
                "Provider": "acme",
                "Delivered": 2, "Deferred": 1, "ConnectionUnauthorized": 1,
                "ProviderLatency": [80, 90], "EndToEndLatency": [1500, 1500],
                "RateLimitUsed": 40, "Limit": "120/min",
                "_aws": {"Timestamp": 1_800_000_000_000_i64, "CloudWatchMetrics": [{
                    "Namespace": "Causeway", "Dimensions": [["Provider"]], "Metrics": [
                        {"Name": "ConnectionUnauthorized", "Unit": "Count"},
                        {"Name": "Deferred", "Unit": "Count"},
                        {"Name": "Delivered", "Unit": "Count"},
                        {"Name": "ProviderLatency", "Unit": "Milliseconds"},
                        {"Name": "EndToEndLatency", "Unit": "Milliseconds"},
                        {"Name": "RateLimitUsed", "Unit": "Percent"},
                    ],
                }]},
            })
        );
    }

    #[test]
    fn a_batch_without_records_says_nothing() {
        assert_eq!(line("acme", &Report::default(), Timestamp::default()), None);
    }
}
