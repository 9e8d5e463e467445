//! A batch's line, by example and by the format's published rules.

use std::collections::BTreeSet;

use http::Method;
use proptest::prelude::*;

use super::specification::{Series, series};
use super::*;
use crate::outcome::{Reason, code};
use crate::pipeline::{Entry, Purpose, VendorCall};
use crate::request::Peek;

const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

fn entry(id: &str, outcome: Outcome) -> Entry {
    Entry {
        message_id: id.into(),
        peek: Peek::default(),
        acknowledged: !matches!(outcome, Outcome::Deferred { .. } | Outcome::Retry { .. }),
        outcome,
        end_to_end: Duration::from_millis(1500),
        late: None,
        trace: None,
    }
}

fn call(latency_ms: u64, throttled: bool) -> VendorCall {
    VendorCall {
        operation: "orders.create",
        purpose: Purpose::CarryOut,
        method: Method::POST,
        url: "https://api.acme.example/orders".into(),
        started: NOW,
        latency: Duration::from_millis(latency_ms),
        answer: Ok(if throttled { 429 } else { 200 }),
        fault: false,
        throttled,
        carried: Vec::new(),
    }
}

#[test]
fn a_batch_is_one_line_with_one_dimension_and_no_zeros() {
    let paused = Outcome::Deferred {
        reason: Deferral::ConnectionPaused,
        until: NOW,
    };
    let report = Report {
        entries: vec![
            entry("a", Outcome::Delivered),
            entry("b", Outcome::Delivered),
            entry("c", paused),
        ],
        calls: vec![call(80, false), call(90, true)],
        fullest_limit: Some(("120/min", 40)),
        ..Report::default()
    };
    let lines = lines(NAMESPACE, "acme", &report, NOW);
    assert_eq!(lines.len(), 1);
    let line: Value = serde_json::from_str(&lines[0]).expect("JSON");
    assert_eq!(
        line,
        json!({
            "Provider": "acme",
            "Delivered": 2, "Deferred": 1, "ConnectionUnauthorized": 1, "Throttled": 1,
            "ProviderLatency": [80, 90], "EndToEndLatency": [1500, 1500],
            "RateLimitUsed": 40, "Limit": "120/min",
            "_aws": {"Timestamp": 1_800_000_000_000_i64, "CloudWatchMetrics": [{
                "Namespace": "Causeway", "Dimensions": [["Provider"]], "Metrics": [
                    {"Name": "ConnectionUnauthorized", "Unit": "Count"},
                    {"Name": "Deferred", "Unit": "Count"},
                    {"Name": "Delivered", "Unit": "Count"},
                    {"Name": "Throttled", "Unit": "Count"},
                    {"Name": "RateLimitUsed", "Unit": "Percent"},
                    {"Name": "ProviderLatency", "Unit": "Milliseconds"},
                    {"Name": "EndToEndLatency", "Unit": "Milliseconds"},
                ],
            }]},
        })
    );
}

#[test]
fn a_batch_without_records_says_nothing() {
    assert_eq!(
        lines(NAMESPACE, "acme", &Report::default(), NOW),
        Vec::<String>::new()
    );
}

/// A batching window brings more messages than a metric's array may hold: the rest stood in no metric.
#[test]
fn more_values_than_a_line_may_carry_stand_in_further_lines() {
    let report = Report {
        entries: (0..250)
            .map(|n| entry(&n.to_string(), Outcome::Delivered))
            .collect(),
        calls: (0..101).map(|n| call(n, false)).collect(),
        ..Report::default()
    };
    let lines: Vec<Value> = lines(NAMESPACE, "acme", &report, NOW)
        .iter()
        .map(|line| {
            series(line).expect("the format's rules");
            serde_json::from_str(line).expect("JSON")
        })
        .collect();
    let count = |metric: &str| -> Vec<usize> {
        let arrays = lines.iter().filter_map(|line| line[metric].as_array());
        arrays.map(Vec::len).collect()
    };
    assert_eq!(count("EndToEndLatency"), [100, 100, 50]);
    assert_eq!(count("ProviderLatency"), [100, 1]);
    assert_eq!(lines[0]["Delivered"], 250);
    assert!(lines[1..].iter().all(|line| line["Delivered"].is_null()));
}

#[test]
fn what_breaks_the_formats_rules_is_found() {
    let good = json!({
        "P": "acme", "N": 1,
        "_aws": {"Timestamp": 1, "CloudWatchMetrics": [{
            "Namespace": "Causeway", "Dimensions": [["P"]], "Metrics": [{"Name": "N", "Unit": "Count"}],
        }]},
    });
    assert_eq!(series(&good.to_string()).map(|found| found.len()), Ok(1));
    let directive = "/_aws/CloudWatchMetrics/0";
    for (path, value) in [
        ("/P".to_owned(), json!(7)),
        ("/P".to_owned(), json!("é")),
        ("/N".to_owned(), json!("1")),
        ("/N".to_owned(), json!([])),
        ("/N".to_owned(), json!(vec![1; 101])),
        ("/_aws/Timestamp".to_owned(), json!("now")),
        (format!("{directive}/Namespace"), json!("")),
        (format!("{directive}/Dimensions"), json!([])),
        (format!("{directive}/Dimensions/0"), json!(["Q"])),
        (format!("{directive}/Dimensions/0"), json!(vec!["P"; 31])),
        (format!("{directive}/Metrics/0/Unit"), json!("Litres")),
        (format!("{directive}/Metrics/0/Name"), json!("M")),
        (
            format!("{directive}/Metrics/0"),
            json!({"Name": "N", "Size": 1}),
        ),
        (
            format!("{directive}/Metrics"),
            json!(vec![json!({"Name": "N"}); 101]),
        ),
    ] {
        let mut bad = good.clone();
        *bad.pointer_mut(&path).expect("it is there") = value;
        assert!(series(&bad.to_string()).is_err(), "{bad}");
    }
    let twice = format!("{good}{good}");
    assert!(series(&twice).is_err());
}

/// The list is what dashboards, alarms and people go by.
#[test]
fn every_metric_is_explained_in_the_architecture() {
    let text = include_str!("../../../../ARCHITECTURE.md");
    for (name, unit, meaning) in METRICS {
        let row = format!("| `{name}` | {unit} | {meaning} |");
        assert!(text.contains(&row), "ARCHITECTURE.md has no line {row}");
    }
}

fn outcomes() -> impl Strategy<Value = Outcome> {
    let reasons = || ".{0,20}".prop_map(|detail| Reason::new(code::PROVIDER_REJECTED, detail));
    let put_off = |reason| Outcome::Deferred { reason, until: NOW };
    prop_oneof![
        Just(Outcome::Delivered),
        Just(Outcome::Duplicate),
        Just(put_off(Deferral::RateLimited)),
        Just(put_off(Deferral::ConnectionPaused)),
        Just(Outcome::Retry {
            code: code::RATE_LIMITED,
            until: NOW
        }),
        reasons().prop_map(Outcome::Rejected),
        reasons().prop_map(Outcome::Unknown),
    ]
}

fn entries() -> impl Strategy<Value = Entry> {
    let names = || prop::option::of(".{0,30}");
    (".{1,20}", outcomes(), names(), names(), any::<u32>()).prop_map(
        |(id, outcome, operation, connection, ms)| Entry {
            peek: Peek {
                id: None,
                operation,
                connection,
            },
            end_to_end: Duration::from_millis(ms.into()),
            ..entry(&id, outcome)
        },
    )
}

proptest! {
    /// Whatever a batch holds, CloudWatch makes no series of it beyond the known metrics of the one provider.
    #[test]
    fn no_batch_makes_a_series_of_its_own(
        entries in prop::collection::vec(entries(), 0..30),
        calls in prop::collection::vec((any::<u32>(), any::<bool>()), 0..30),
        limit in prop::option::of(0..=100_u8),
    ) {
        let report = Report {
            entries,
            calls: calls.into_iter().map(|(ms, throttled)| call(ms.into(), throttled)).collect(),
            fullest_limit: limit.map(|percent| ("120/min", percent)),
            ..Report::default()
        };
        let known: BTreeSet<Series> = METRICS
            .iter()
            .map(|(name, ..)| Series {
                namespace: NAMESPACE.into(),
                name: (*name).into(),
                dimensions: vec![(DIMENSION.into(), "acme".into())],
            })
            .collect();
        for line in lines(NAMESPACE, "acme", &report, NOW) {
            for series in series(&line).expect("the format's rules") {
                prop_assert!(known.contains(&series), "{:?}", series);
            }
        }
    }
}
