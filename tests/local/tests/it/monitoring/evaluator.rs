//! CloudWatch's evaluation of alarms, as far as the templates use it: pure, minute by minute, over what was emitted.
//!
//! An alarm looks at its evaluation range every minute and calls when its state changes, never because it stays on. The
//! range is a little longer than its periods: real data points in it count before missing ones are made up.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/alarms-and-missing-data.html>
//! A query's every series is a contributor with a state of its own.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/Acting_Alarm_Changes.html>

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

/// How the value of some minutes, from one to before another, is had; none where there is none.
type Valued<'f> = Box<dyn Fn(usize, usize) -> Option<f64> + 'f>;

use super::metric_math::{Known, evaluate};

/// Data points beyond the evaluation periods that are asked for: those of the documentation's table.
const BEYOND: usize = 2;

/// A series' namespace, name and dimensions, these in their names' order.
type Key = (String, String, BTreeMap<String, String>);

/// What was emitted, minute by minute.
#[derive(Default)]
pub struct Feed {
    series: BTreeMap<Key, BTreeMap<usize, Vec<f64>>>,
}

impl Feed {
    /// A line of the embedded metric format, printed in that minute.
    pub fn line(&mut self, minute: usize, line: &Value) {
        let directive = &line["_aws"]["CloudWatchMetrics"][0];
        let names = directive["Dimensions"][0].as_array().expect("a set");
        let names: Vec<&str> = names.iter().filter_map(Value::as_str).collect();
        let dimensions: Vec<(&str, &str)> = names
            .iter()
            .map(|name| (*name, line[*name].as_str().expect("a dimension's value")))
            .collect();
        let namespace = directive["Namespace"].as_str().expect("a namespace");
        for metric in directive["Metrics"].as_array().expect("metrics") {
            let name = metric["Name"].as_str().expect("a name");
            let values = match &line[name] {
                Value::Array(values) => values.clone(),
                one => vec![one.clone()],
            };
            for value in values {
                let value = value.as_f64().expect("a number");
                self.put(minute, namespace, name, &dimensions, value);
            }
        }
    }

    /// One value, as a service of AWS emits it.
    pub fn put(
        &mut self,
        minute: usize,
        namespace: &str,
        name: &str,
        dimensions: &[(&str, &str)],
        value: f64,
    ) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let dimensions = dimensions.iter().map(owned).collect();
        let key = (namespace.to_owned(), name.to_owned(), dimensions);
        let minutes = self.series.entry(key).or_default();
        minutes.entry(minute).or_default().push(value);
    }

    /// The statistic of the minutes `from..to`; none where nothing was emitted.
    fn statistic(&self, key: &Key, statistic: &str, from: usize, to: usize) -> Option<f64> {
        let minutes = self.series.get(key)?.range(from..to);
        let values: Vec<f64> = minutes.flat_map(|(_, values)| values.clone()).collect();
        let last = values.len().checked_sub(1)?;
        Some(match statistic {
            "Sum" => values.iter().sum(),
            "Maximum" => values.iter().copied().fold(f64::MIN, f64::max),
            "Minimum" => values.iter().copied().fold(f64::MAX, f64::min),
            "p99" => {
                let mut sorted = values;
                sorted.sort_by(f64::total_cmp);
                sorted[last * 99 / 100]
            }
            other => panic!("a statistic that this evaluator does not know: {other}"),
        })
    }
}

/// A change of state that somebody is told of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// In which minute.
    pub minute: usize,
    /// The contributor's dimensions' values; empty where the alarm is on one series.
    pub about: String,
    /// Whether the alarm went on, or off.
    pub on: bool,
}

/// An alarm by its properties in the transformed template.
pub struct Alarm<'a>(pub &'a Map<String, Value>);

impl Alarm<'_> {
    fn number(&self, name: &str) -> Option<f64> {
        let value = self.0.get(name)?;
        value.as_f64().or_else(|| value.as_str()?.parse().ok())
    }

    fn text(&self, name: &str) -> &str {
        let text = self.0.get(name).and_then(Value::as_str);
        text.unwrap_or_else(|| panic!("no {name} in {:?}", self.0))
    }

    /// Minutes of one period.
    fn period(&self) -> usize {
        let first = |metrics: &Value| {
            let inner = metrics[0]["MetricStat"]["Period"].as_f64();
            inner.or_else(|| metrics[0]["Period"].as_f64())
        };
        let seconds = self.number("Period");
        let seconds = seconds.or_else(|| first(self.0.get("Metrics")?));
        (seconds.expect("a period") / 60.0) as usize
    }

    /// The states of `minutes` minutes: for each contributor, whether it is in ALARM.
    pub fn states(&self, feed: &Feed, minutes: usize) -> BTreeMap<String, Vec<bool>> {
        let mut states = BTreeMap::new();
        for (about, values) in self.values(feed) {
            let on = (0..minutes).map(|minute| self.is_on(&values, minute));
            states.insert(about, on.collect());
        }
        states
    }

    /// Whom it calls in `minutes` minutes. What it was before the first is OK.
    pub fn calls(&self, feed: &Feed, minutes: usize) -> Vec<Call> {
        let mut calls = Vec::new();
        for (about, states) in self.states(feed, minutes) {
            let mut was = false;
            for (minute, on) in states.into_iter().enumerate() {
                let actions = if on { "AlarmActions" } else { "OKActions" };
                if on != was && self.0.contains_key(actions) {
                    let about = about.clone();
                    calls.push(Call { minute, about, on });
                }
                was = on;
            }
        }
        calls.sort_by_key(|call| call.minute);
        calls
    }

    /// The contributors, and how each one's value of the minutes `from..to` is had.
    fn values<'f>(&self, feed: &'f Feed) -> BTreeMap<String, Valued<'f>> {
        let Some(metrics) = self.0.get("Metrics") else {
            let key = key(&Value::Object(self.0.clone()));
            let statistic = self.0.get("Statistic").or(self.0.get("ExtendedStatistic"));
            let statistic = statistic.and_then(Value::as_str).expect("a statistic");
            let statistic = statistic.to_owned();
            let of = move |from, to| feed.statistic(&key, &statistic, from, to);
            return BTreeMap::from([(String::new(), Box::new(of) as Box<_>)]);
        };
        let metrics = metrics.as_array().expect("metrics").clone();
        match metrics[0]["Expression"].as_str() {
            Some(query) => contributors(query, feed),
            None => {
                let of = move |from, to| math(&metrics, feed, from, to);
                BTreeMap::from([(String::new(), Box::new(of) as Box<_>)])
            }
        }
    }

    fn is_on(&self, value: &dyn Fn(usize, usize) -> Option<f64>, minute: usize) -> bool {
        let periods = self.number("EvaluationPeriods").expect("periods") as usize;
        let to_alarm = self
            .number("DatapointsToAlarm")
            .map_or(periods, |some| some as usize);
        let threshold = self.number("Threshold").expect("a threshold");
        let breaches = |value: f64| match self.text("ComparisonOperator") {
            "GreaterThanOrEqualToThreshold" => value >= threshold,
            "GreaterThanThreshold" => value > threshold,
            "LessThanThreshold" => value < threshold,
            other => panic!("an operator that this evaluator does not know: {other}"),
        };
        let period = self.period();
        let real = (0..periods + BEYOND).filter_map(|back| {
            let to = (minute + 1).checked_sub(back * period)?;
            value(to.saturating_sub(period), to)
        });
        // The newest, at most as many as there are periods; what lacks is as the alarm says.
        let real: Vec<f64> = real.take(periods).collect();
        let missing = match self.text("TreatMissingData") {
            "breaching" => periods - real.len(),
            "notBreaching" => 0,
            other => panic!("missing data are {other}"),
        };
        missing + real.into_iter().filter(|value| breaches(*value)).count() >= to_alarm
    }
}

/// `Namespace`, `MetricName` and `Dimensions` of a metric.
fn key(metric: &Value) -> Key {
    let dimensions = metric["Dimensions"].as_array().into_iter().flatten();
    let dimension = |one: &Value| {
        let text = |name: &str| one[name].as_str().expect("text").to_owned();
        (text("Name"), text("Value"))
    };
    let text = |name: &str| metric[name].as_str().expect(name).to_owned();
    (
        text("Namespace"),
        text("MetricName"),
        dimensions.map(dimension).collect(),
    )
}

/// The series that a query finds, by the values of its groups.
fn contributors<'f>(query: &str, feed: &'f Feed) -> BTreeMap<String, Valued<'f>> {
    let between = |from: &str, to: &str| {
        let (_, rest) = query.split_once(from).expect(from);
        rest.split_once(to).expect(to).0.trim().to_owned()
    };
    let statistic = match between("SELECT ", "(").as_str() {
        "MAX" => "Maximum",
        "SUM" => "Sum",
        other => panic!("a function that this evaluator does not know: {other}"),
    };
    let name = between("(", ")");
    let schema = between("SCHEMA(", ")").replace('"', "");
    let mut schema = schema.split(", ").map(str::to_owned);
    let namespace = schema.next().expect("a namespace");
    let dimensions: BTreeSet<String> = schema.collect();
    let groups = between("GROUP BY ", " ORDER BY");
    let groups: BTreeSet<String> = groups.split(", ").map(str::to_owned).collect();
    assert_eq!(groups, dimensions, "each series is a group of its own");
    let found = feed.series.keys().filter(|(in_namespace, of, by)| {
        *in_namespace == namespace && *of == name && by.keys().eq(dimensions.iter())
    });
    let contributor = |key: &Key| {
        // Provider before connection, as people write it.
        let about: Vec<&str> = key.2.values().rev().map(String::as_str).collect();
        let key = key.clone();
        let of = move |from, to| feed.statistic(&key, statistic, from, to);
        (about.join("/"), Box::new(of) as Box<_>)
    };
    found.map(contributor).collect()
}

/// What the expressions come to; the last is the alarm's.
fn math(metrics: &[Value], feed: &Feed, from: usize, to: usize) -> Option<f64> {
    let mut known = Known::new();
    let mut last = None;
    for metric in metrics {
        let id = metric["Id"].as_str().expect("an id").to_owned();
        let series = match metric["Expression"].as_str() {
            Some(expression) => evaluate(expression, &known),
            None => {
                let stat = &metric["MetricStat"];
                let statistic = stat["Stat"].as_str().expect("a statistic");
                vec![feed.statistic(&key(&stat["Metric"]), statistic, from, to)]
            }
        };
        last = series[0];
        known.insert(id, series);
    }
    last
}

/// A row of the documentation's table of three periods: which data points there are, and what becomes of the alarm.
#[test]
fn missing_data_are_made_up_where_real_ones_lack_and_not_else() {
    // Newest last; none is missing, true breaches.
    type Row = ([Option<bool>; 5], bool, bool);
    const ROWS: [Row; 5] = [
        (
            [Some(false), None, Some(true), None, Some(true)],
            false,
            false,
        ),
        ([None, None, None, None, Some(false)], false, false),
        ([None, None, None, None, None], true, false),
        (
            [Some(false), Some(true), None, Some(true), Some(true)],
            true,
            true,
        ),
        ([None, None, Some(true), None, None], true, false),
    ];
    for (points, breaching, not_breaching) in ROWS {
        let mut feed = Feed::default();
        for (minute, point) in points.iter().enumerate() {
            if let Some(point) = point {
                feed.put(minute, "N", "M", &[], f64::from(*point));
            }
        }
        for (missing, expected) in [("breaching", breaching), ("notBreaching", not_breaching)] {
            let alarm = serde_json::json!({
                "Namespace": "N", "MetricName": "M", "Statistic": "Sum", "Period": 60,
                "EvaluationPeriods": 3, "Threshold": 1,
                "ComparisonOperator": "GreaterThanOrEqualToThreshold", "TreatMissingData": missing,
            });
            let states = Alarm(alarm.as_object().expect("an object")).states(&feed, 5);
            assert_eq!(states[""][4], expected, "{points:?} {missing}");
        }
    }
}
