//! The failure rate that the anomaly band is drawn around, as the template computes it, on samples.

use super::metric_math::{Known, Series, evaluate};
use super::{Transformed, lanes, read};

/// The alarm's own expressions, one after another, on these counters of five minutes each.
fn rate(delivered: &Series, retried: &Series, rejected: &Series, unknown: &Series) -> Series {
    let alarms = Transformed::lane_alarms(&read("infra/lane-alarms.yaml"), &lanes());
    let (_, alarm) = alarms
        .of_type("AWS::CloudWatch::Alarm")
        .find(|(id, _)| *id == "StripeFailureRateAlarm")
        .expect("each lane has the alarm");
    let counters = [
        ("Delivered", delivered),
        ("Retried", retried),
        ("Rejected", rejected),
        ("Unknown", unknown),
    ];
    let mut known = Known::new();
    let mut band = None;
    for query in alarm["Metrics"].as_array().expect("queries") {
        let id = query["Id"].as_str().expect("an id").to_owned();
        let Some(expression) = query["Expression"].as_str() else {
            let stat = &query["MetricStat"];
            assert_eq!(stat["Stat"], "Sum", "{id}");
            assert_eq!(stat["Period"], 300, "{id}");
            let name = &stat["Metric"]["MetricName"];
            let counter = counters.iter().find(|(counter, _)| name == counter);
            let (_, series) = counter.unwrap_or_else(|| panic!("{id} is of {name}"));
            known.insert(id, (*series).clone());
            continue;
        };
        match expression.strip_prefix("ANOMALY_DETECTION_BAND(") {
            Some(of) => band = of.split(',').next(),
            None => {
                let series = evaluate(expression, &known);
                known.insert(id, series);
            }
        }
    }
    let of = band.expect("the threshold is a band");
    known.remove(of).expect("around one of the expressions")
}

fn counts(values: &[u32]) -> Series {
    let some = |value: &u32| (*value > 0).then(|| f64::from(*value));
    values.iter().map(some).collect()
}

/// A counter of zero is not emitted. Without FILL a quiet hour has no rate, and the model learns from the bad ones only.
#[test]
fn where_nothing_fails_the_rate_is_zero_and_not_missing() {
    let none = counts(&[0, 0, 0]);
    let delivered = counts(&[120, 0, 1]);

    assert_eq!(rate(&delivered, &none, &none, &none), [Some(0.0); 3]);
}

#[test]
fn each_kind_of_failure_counts_as_an_attempt_that_failed() {
    let none = counts(&[0, 0, 0, 0]);
    let delivered = counts(&[90, 90, 90, 70]);
    let retried = counts(&[10, 0, 0, 10]);
    let rejected = counts(&[0, 10, 0, 10]);
    let unknown = counts(&[0, 0, 10, 10]);

    let percent = [Some(10.0), Some(10.0), Some(10.0), Some(30.0)];
    assert_eq!(rate(&delivered, &retried, &rejected, &unknown), percent);
    let all = counts(&[25, 25, 25, 25]);
    assert_eq!(rate(&none, &all, &none, &none), [Some(100.0); 4]);
}

/// A lane with three calls in five minutes, of which two failed, stood at 67 % and outside of any band.
#[test]
fn a_few_failures_of_a_quiet_lane_are_no_trend() {
    let none = counts(&[0, 0]);
    let retried = counts(&[4, 5]);

    let percent = [Some(0.0), Some(100.0)];
    assert_eq!(rate(&none, &retried, &none, &none), percent);
}
