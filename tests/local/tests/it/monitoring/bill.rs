//! What watching 54 lanes costs a month, by kind: us-east-1's list prices, without the free tier.
//! <https://aws.amazon.com/cloudwatch/pricing/>, read on 2026-11-22.

use causeway::telemetry::METRICS;
use serde_json::{Map, Value};

use super::{Transformed, planned};
use crate::template::LANES_PLANNED;

/// A metric that an alarm looks at.
const ALARM_METRIC: f64 = 0.10;
/// A composite alarm.
const COMPOSITE: f64 = 0.50;
/// A band counts as two metrics more, its upper and its lower end.
const BAND_METRICS: usize = 2;
/// A custom metric, up to 10,000 of them.
const CUSTOM_METRIC: f64 = 0.30;
/// A dashboard of more than 50 metrics.
const DASHBOARD: f64 = 3.00;

/// What a lane may cost to watch: less than a thousandth of an on-call engineer's month.
const MOST_A_LANE: f64 = 6.80;

/// Metrics that an alarm is billed for; a query is billed for every series that it finds, here one a lane.
fn metrics_of(alarm: &Map<String, Value>) -> usize {
    let Some(metrics) = alarm.get("Metrics").and_then(Value::as_array) else {
        return 1;
    };
    let counted = metrics
        .iter()
        .map(|metric| match metric["Expression"].as_str() {
            None => 1,
            Some(query) if query.starts_with("SELECT ") => LANES_PLANNED,
            Some(band) if band.starts_with("ANOMALY_DETECTION_BAND") => BAND_METRICS,
            Some(_) => 0,
        });
    counted.sum()
}

#[test]
#[expect(clippy::print_stdout, reason = "the bill, for a person")]
fn watching_fifty_four_lanes_has_a_sane_bill() {
    let ([root, alarms], names) = planned();
    let templates = [
        Transformed::root(&root, &names),
        Transformed::lane_alarms(&alarms, &names),
    ];
    let (mut fleet, mut single, mut bands, mut composite) = (0.0, 0.0, 0.0, 0.0);
    for template in &templates {
        for (_, alarm) in template.alarms() {
            let price = ALARM_METRIC * metrics_of(alarm) as f64;
            let text = Value::Object(alarm.clone()).to_string();
            if alarm.contains_key("AlarmRule") {
                composite += COMPOSITE;
            } else if text.contains("ANOMALY_DETECTION_BAND") {
                bands += price;
            } else if text.contains("SELECT ") {
                fleet += price;
            } else {
                single += price;
            }
        }
    }
    // Two are there only for a while: a paused connection, a letter older than a week.
    let series = LANES_PLANNED * (METRICS.len() - 2) + 1;
    let kinds = [
        ("alarms on one metric", single),
        ("anomaly bands", bands),
        ("composite alarms", composite),
        ("alarms on queries", fleet),
        (
            "custom metrics, all of them in use",
            CUSTOM_METRIC * series as f64,
        ),
        ("dashboard", DASHBOARD),
    ];
    println!("{LANES_PLANNED} lanes, a month, list prices:");
    for (kind, dollars) in kinds {
        println!("{dollars:>9.2} USD  {kind}");
    }
    let sum: f64 = kinds.iter().map(|(_, dollars)| dollars).sum();
    println!(
        "{sum:>9.2} USD  together, {:.2} a lane",
        sum / LANES_PLANNED as f64
    );
    assert!(kinds.iter().all(|(_, dollars)| *dollars > 0.0), "{kinds:?}");
    assert!(sum < MOST_A_LANE * LANES_PLANNED as f64, "{sum} USD");
}
