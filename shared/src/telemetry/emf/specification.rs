//! The embedded metric format's rules, as published, and CloudWatch's own limits on what it makes of a line. For tests,
//! here and in other crates.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_MetricDatum.html>

use serde_json::{Map, Value};

/// Largest line: what a log event may have.
const MAX_LINE_BYTES: usize = 1_048_576;
/// Metrics in one directive.
const MAX_METRICS: usize = 100;
/// Keys in one set of dimensions.
const MAX_DIMENSIONS: usize = 30;
/// Values in one metric's array.
const MAX_VALUES: usize = 100;
/// Characters of a dimension's value.
const MAX_DIMENSION_VALUE: usize = 1024;
/// Characters of a dimension's name: the format's schema has 250, CloudWatch 255.
const MAX_DIMENSION_NAME: usize = 250;
/// Characters of a metric's name, and of a namespace, that CloudWatch takes.
const MAX_NAME: usize = 255;

const UNITS: [&str; 27] = [
    "Seconds",
    "Microseconds",
    "Milliseconds",
    "Bytes",
    "Kilobytes",
    "Megabytes",
    "Gigabytes",
    "Terabytes",
    "Bits",
    "Kilobits",
    "Megabits",
    "Gigabits",
    "Terabits",
    "Percent",
    "Count",
    "Bytes/Second",
    "Kilobytes/Second",
    "Megabytes/Second",
    "Gigabytes/Second",
    "Terabytes/Second",
    "Bits/Second",
    "Kilobits/Second",
    "Megabits/Second",
    "Gigabits/Second",
    "Terabits/Second",
    "Count/Second",
    "None",
];

/// A metric that CloudWatch would make of a line: its namespace, name, and dimensions with their values.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Series {
    pub namespace: String,
    pub name: String,
    pub dimensions: Vec<(String, String)>,
}

/// What CloudWatch makes of `line`: its series; none of a line that is none of the format's.
///
/// # Errors
/// Which rule the line breaks.
pub fn series(line: &str) -> Result<Vec<Series>, String> {
    let root: Value = match serde_json::from_str(line) {
        Ok(root) => root,
        Err(_) if !line.contains("CloudWatchMetrics") => return Ok(Vec::new()),
        Err(error) => return Err(format!("it is not one JSON value: {error}")),
    };
    let Some(metadata) = root.get("_aws") else {
        return Ok(Vec::new());
    };
    let root = object(&root, "the line")?;
    check(line.len() <= MAX_LINE_BYTES, "a line has at most 1 MB")?;
    let metadata = object(metadata, "_aws")?;
    check(
        metadata.get("Timestamp").is_some_and(Value::is_u64),
        "_aws.Timestamp is a whole number",
    )?;
    let mut found = Vec::new();
    for directive in array(metadata.get("CloudWatchMetrics"), "CloudWatchMetrics")? {
        let directive = object(directive, "a directive")?;
        found.extend(directed(directive, root)?);
    }
    Ok(found)
}

fn directed(
    directive: &Map<String, Value>,
    root: &Map<String, Value>,
) -> Result<Vec<Series>, String> {
    only(directive, &["Namespace", "Dimensions", "Metrics"])?;
    let namespace = text(directive.get("Namespace"), MAX_NAME, "Namespace")?;
    let allowed = |c: char| c.is_ascii_alphanumeric() || ".-_/#: ".contains(c);
    check(
        namespace.chars().all(allowed) && !namespace.starts_with(':'),
        "a namespace has CloudWatch's letters",
    )?;
    let sets = array(directive.get("Dimensions"), "Dimensions")?;
    check(!sets.is_empty(), "Dimensions holds a set at least")?;
    let metrics = array(directive.get("Metrics"), "Metrics")?;
    check(metrics.len() <= MAX_METRICS, "at most 100 metrics")?;
    let mut found = Vec::new();
    for set in sets {
        let dimensions = dimensions(set, root)?;
        for metric in metrics {
            let name = metric_name(metric, root)?;
            found.push(Series {
                namespace: namespace.clone(),
                name,
                dimensions: dimensions.clone(),
            });
        }
    }
    Ok(found)
}

fn dimensions(set: &Value, root: &Map<String, Value>) -> Result<Vec<(String, String)>, String> {
    let keys = array(Some(set), "a set of dimensions")?;
    check(keys.len() <= MAX_DIMENSIONS, "at most 30 dimensions")?;
    let mut dimensions = Vec::new();
    for key in keys {
        let key = text(Some(key), MAX_DIMENSION_NAME, "a dimension")?;
        let value = text(root.get(&key), MAX_DIMENSION_VALUE, "a dimension's value")?;
        check(
            value.is_ascii() && !value.trim().is_empty() && !value.starts_with(':'),
            "a dimension's value is ASCII text",
        )?;
        dimensions.push((key, value));
    }
    Ok(dimensions)
}

fn metric_name(metric: &Value, root: &Map<String, Value>) -> Result<String, String> {
    let metric = object(metric, "a metric")?;
    only(metric, &["Name", "Unit", "StorageResolution"])?;
    let name = text(metric.get("Name"), MAX_NAME, "Name")?;
    if let Some(unit) = metric.get("Unit") {
        let unit = unit.as_str().unwrap_or_default();
        check(UNITS.contains(&unit), "Unit is one of CloudWatch's")?;
    }
    if let Some(resolution) = metric.get("StorageResolution") {
        let known = [1, 60].map(Value::from);
        check(known.contains(resolution), "StorageResolution is 1 or 60")?;
    }
    let is_number = |value: &Value| value.as_f64().is_some_and(f64::is_finite);
    let target = root.get(&name).ok_or(format!("{name} has no target"))?;
    match target {
        Value::Array(values) => check(
            !values.is_empty() && values.len() <= MAX_VALUES && values.iter().all(is_number),
            "a metric's array holds 1 to 100 numbers",
        )?,
        single => check(is_number(single), "a metric's target is a number")?,
    }
    Ok(name)
}

fn object<'v>(value: &'v Value, what: &str) -> Result<&'v Map<String, Value>, String> {
    value.as_object().ok_or(format!("{what} is an object"))
}

fn array<'v>(value: Option<&'v Value>, what: &str) -> Result<&'v Vec<Value>, String> {
    let array = value.and_then(Value::as_array);
    array.ok_or(format!("{what} is an array"))
}

fn text(value: Option<&Value>, most: usize, what: &str) -> Result<String, String> {
    let text = value.and_then(Value::as_str).unwrap_or_default();
    let length = text.chars().count();
    check(
        (1..=most).contains(&length),
        &format!("{what} is text of 1 to {most} characters"),
    )?;
    Ok(text.to_owned())
}

fn only(object: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    let stranger = object.keys().find(|key| !known.contains(&key.as_str()));
    stranger.map_or(Ok(()), |key| {
        Err(format!("{key} is no member of the format"))
    })
}

fn check(holds: bool, rule: &str) -> Result<(), String> {
    if holds { Ok(()) } else { Err(rule.to_owned()) }
}
