//! A log line in the embedded metric format, taken apart as CloudWatch does.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value};

/// Values that one datum may carry (a limit of PutMetricData; the format itself allows 100).
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>
const VALUES_MAX: usize = 150;

/// What one metric was under one set of dimensions.
#[derive(Clone, Debug, PartialEq)]
pub struct Datum {
    /// The metric's namespace.
    pub namespace: String,
    /// The metric's name.
    pub name: String,
    /// Names and values of its dimensions.
    pub dimensions: BTreeMap<String, String>,
    /// When, in milliseconds since 1970.
    pub timestamp: i64,
    /// In what; CloudWatch's word for it.
    pub unit: String,
    /// What was measured.
    pub values: Vec<f64>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Metadata {
    timestamp: i64,
    cloud_watch_metrics: Vec<Directive>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Directive {
    namespace: String,
    #[serde(default)]
    dimensions: Vec<Vec<String>>,
    #[serde(default)]
    metrics: Vec<Definition>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Definition {
    name: String,
    #[serde(default)]
    unit: Option<String>,
}

/// The metrics of a line: none of a line that is something else. As on AWS, what a line defines and does not hold, or
/// holds in another type, is left out without a word.
#[must_use]
pub fn parse(line: &str) -> Vec<Datum> {
    let Ok(Value::Object(line)) = serde_json::from_str(line) else {
        return Vec::new();
    };
    let metadata = line.get("_aws").cloned().unwrap_or_default();
    let Ok(metadata) = serde_json::from_value::<Metadata>(metadata) else {
        return Vec::new();
    };
    let directives = metadata.cloud_watch_metrics.iter();
    directives
        .flat_map(|directive| directive.data(&line, metadata.timestamp))
        .collect()
}

impl Directive {
    fn data(&self, line: &Map<String, Value>, timestamp: i64) -> Vec<Datum> {
        let sets = self.dimensions.iter();
        let sets: Vec<_> = sets.filter_map(|names| dimensions(line, names)).collect();
        let mut data = Vec::new();
        for metric in &self.metrics {
            let values = values(line.get(&metric.name));
            for (set, some) in sets
                .iter()
                .flat_map(|set| values.chunks(VALUES_MAX).map(move |some| (set, some)))
            {
                data.push(Datum {
                    namespace: self.namespace.clone(),
                    name: metric.name.clone(),
                    dimensions: set.clone(),
                    timestamp,
                    unit: metric.unit.clone().unwrap_or_else(|| "None".to_owned()),
                    values: some.to_vec(),
                });
            }
        }
        data
    }
}

fn dimensions(line: &Map<String, Value>, names: &[String]) -> Option<BTreeMap<String, String>> {
    let value = |name: &String| Some((name.clone(), line.get(name)?.as_str()?.to_owned()));
    names.iter().map(value).collect()
}

fn values(value: Option<&Value>) -> Vec<f64> {
    match value {
        Some(Value::Array(values)) => values.iter().filter_map(Value::as_f64).collect(),
        Some(value) => value.as_f64().into_iter().collect(),
        None => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn line(dimensions: &Value) -> String {
        json!({
            "Provider": "acme", "Delivered": 2, "ProviderLatency": [80, 90.5], "Limit": "120/min",
            "_aws": {"Timestamp": 1_800_000_000_000_i64, "CloudWatchMetrics": [{
                "Namespace": "Causeway", "Dimensions": dimensions, "Metrics": [
                    {"Name": "Delivered", "Unit": "Count"},
                    {"Name": "ProviderLatency", "Unit": "Milliseconds"},
                    {"Name": "Missing", "Unit": "Count"},
                    {"Name": "Limit", "Unit": "Count"},
                ],
            }]},
        })
        .to_string()
    }

    #[test]
    fn numbers_and_arrays_are_metrics_and_what_is_no_number_is_not() {
        let data = parse(&line(&json!([["Provider"]])));
        let seen: Vec<_> = data
            .iter()
            .map(|datum| (&*datum.name, &*datum.unit, datum.values.as_slice()))
            .collect();
        assert_eq!(
            seen,
            [
                ("Delivered", "Count", &[2.0][..]),
                ("ProviderLatency", "Milliseconds", &[80.0, 90.5][..]),
            ]
        );
        assert_eq!(data[0].namespace, "Causeway");
        assert_eq!(data[0].timestamp, 1_800_000_000_000);
        let provider = BTreeMap::from([("Provider".to_owned(), "acme".to_owned())]);
        assert_eq!(data[0].dimensions, provider);
    }

    #[test]
    fn each_set_of_dimensions_is_a_series_and_the_empty_set_is_one() {
        let data = parse(&line(&json!([["Provider"], []])));
        let sizes: Vec<_> = data.iter().map(|datum| datum.dimensions.len()).collect();
        assert_eq!(sizes, [1, 0, 1, 0]);
        assert_eq!(parse(&line(&json!([["Nowhere"]]))), []);
    }

    #[test]
    fn other_lines_are_no_metrics() {
        for line in [
            "START RequestId: 1",
            "{\"outcome\":\"Delivered\",\"message\":\"CloudWatchMetrics\"}",
            "{\"_aws\":{\"CloudWatchMetrics\":[]}}",
            "[]",
        ] {
            assert_eq!(parse(line), [], "{line}");
        }
    }
}
