//! Metrics in CloudWatch's embedded metric format: a log line that CloudWatch turns into metrics by itself.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

#[cfg(test)]
pub(crate) mod specification;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::Timestamp;
use crate::outcome::{Deferral, Outcome};
use crate::pipeline::Report;

/// Namespace of all metrics, unless the stack's parameter `MetricsNamespace` names another.
pub const NAMESPACE: &str = "Causeway";

/// The one dimension of nearly all: every further series costs $0.30 a month (<https://aws.amazon.com/cloudwatch/pricing/>).
pub const DIMENSION: &str = "Provider";

/// The second dimension of `ConnectionPaused`, whose series there are for as long as connections are paused: prices are
/// for hours. By it the alarm calls for each connection, and names it.
pub const CONNECTION: &str = "Connection";

/// Values in one metric's array (the format's limit).
const MAX_VALUES: usize = 100;

/// A metric: its name, CloudWatch's unit of it, what it counts.
pub type Metric = (&'static str, &'static str, &'static str);

/// Every metric with the dimension [`DIMENSION`]. A counter of zero is not emitted.
pub const METRICS: [Metric; 17] = [
    ("Delivered", "Count", "messages whose request took effect"),
    (
        "Duplicate",
        "Count",
        "messages whose request had taken effect before: no call",
    ),
    (
        "Deferred",
        "Count",
        "receives that were put off without an attempt",
    ),
    ("Retried", "Count", "attempts that failed and come again"),
    ("Rejected", "Count", "messages that ended as dead letters"),
    (
        "Unknown",
        "Count",
        "messages that ended as dead letters because nobody can tell whether they took effect",
    ),
    (
        "ConnectionUnauthorized",
        "Count",
        "of the deferred: those whose connection is paused",
    ),
    (
        "ConnectionPaused",
        "Count",
        "0 or 1, a minute, from the gatekeeper for every connection that is or just was paused; it alone has the dimension `Connection`, too",
    ),
    (
        "Throttled",
        "Count",
        "calls that a limit or a quota of the vendor's refused",
    ),
    (
        "ProviderLatency",
        "Milliseconds",
        "each call to the vendor, lookups included, token calls not",
    ),
    (
        "EndToEndLatency",
        "Milliseconds",
        "each message that ended, since it was put on the queue",
    ),
    (
        "MessageAge",
        "Seconds",
        "the oldest message of a batch that waits for the lane: when it was received first, or will be when it comes back; not those that wait for reasons of their own",
    ),
    (
        "OldestLetterAge",
        "Seconds",
        "the most that a lane's oldest dead letter can be old, each quarter of an hour from a week on, from the gatekeeper",
    ),
    (
        "RateLimitUsed",
        "Percent",
        "the fullest limit that a batch drew on, over the last minute or its own longer window; its name: property `Limit`",
    ),
    (
        "BreakerOpen",
        "Count",
        "0 or 1, a minute, from the gatekeeper for every lane that is or just was not closed",
    ),
    (
        "BreakerIdle",
        "Count",
        "1, a minute, from the gatekeeper for every lane whose breaker lacks nothing but a probe, and whose queue is empty",
    ),
    (
        "Warning",
        "Count",
        "1, at each look, from early warning for every lane with a warning on",
    ),
];

/// The batch's metrics as one line; none where there is nothing to say. More lines only where there are more values
/// than one line may carry.
#[must_use]
pub fn lines(namespace: &str, provider: &str, report: &Report, now: Timestamp) -> Vec<String> {
    let latencies = report.calls.iter().map(|call| call.latency);
    let ends = report.entries.iter().filter(|entry| entry.acknowledged);
    let mut times = [
        ("ProviderLatency", millis(latencies)),
        (
            "EndToEndLatency",
            millis(ends.map(|entry| entry.end_to_end)),
        ),
    ];
    let mut lines = Vec::new();
    let mut values = counters(report);
    let late = report.entries.iter().filter_map(|entry| entry.late).max();
    values.extend(late.map(|age| ("MessageAge", age.as_secs().into())));
    let mut limit = None;
    if let Some((name, percent)) = report.fullest_limit {
        values.push(("RateLimitUsed", percent.into()));
        limit = Some(name);
    }
    loop {
        for (name, times) in &mut times {
            let rest = times.split_off(times.len().min(MAX_VALUES));
            let first = std::mem::replace(times, rest);
            if !first.is_empty() {
                values.push((*name, first.into()));
            }
        }
        if values.is_empty() {
            return lines;
        }
        lines.push(line(
            namespace,
            provider,
            std::mem::take(&mut values),
            limit.take(),
            now,
        ));
    }
}

fn counters(report: &Report) -> Vec<(&'static str, Value)> {
    let mut counters: BTreeMap<&str, u64> = BTreeMap::new();
    let mut count = |name| *counters.entry(name).or_default() += 1;
    for entry in &report.entries {
        count(entry.outcome.name());
        let reason = match entry.outcome {
            Outcome::Deferred { reason, .. } => Some(reason),
            _ => None,
        };
        if reason == Some(Deferral::ConnectionPaused) {
            count("ConnectionUnauthorized");
        }
    }
    for call in &report.calls {
        if call.throttled {
            count("Throttled");
        }
    }
    counters
        .into_iter()
        .map(|(name, count)| (name, count.into()))
        .collect()
}

fn line(
    namespace: &str,
    provider: &str,
    values: Vec<(&'static str, Value)>,
    limit: Option<&'static str>,
    now: Timestamp,
) -> String {
    let mut definitions = Vec::new();
    let mut line = Map::new();
    for (name, value) in values {
        let unit = METRICS.iter().find(|(known, ..)| *known == name);
        let unit = unit.map_or("None", |(_, unit, _)| unit);
        definitions.push(json!({"Name": name, "Unit": unit}));
        line.insert(name.into(), value);
    }
    // The name is a property beside the metric: a dimension would be one more series for each limit.
    line.extend(limit.map(|name| ("Limit".to_owned(), name.into())));
    line.insert(DIMENSION.into(), provider.into());
    line.insert(
        "_aws".into(),
        json!({
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [{"Namespace": namespace, "Dimensions": [[DIMENSION]], "Metrics": definitions}],
        }),
    );
    Value::Object(line).to_string()
}

fn millis(times: impl Iterator<Item = Duration>) -> Vec<u64> {
    times
        .map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
        .collect()
}
