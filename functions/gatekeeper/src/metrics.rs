//! The gatekeeper's metrics, in CloudWatch's embedded metric format.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;

use causeway::Timestamp;
use causeway::gatekeeper::{Cause, Report, Run};
use causeway::telemetry::{CONNECTION, DIMENSION};
use serde_json::{Value, json};

/// Writes a run's metrics to standard output, which is the function's log stream. Losing one is no reason to fail.
pub fn emit(namespace: &str, cause: &Cause, run: &Run, now: Timestamp) {
    let mut out = std::io::stdout().lock();
    for line in lines(namespace, cause, run, now) {
        let _ = writeln!(out, "{line}");
    }
}

/// - `BreakerOpen` (0 or 1) of each lane whose breaker is not closed, or was not a minute ago, in the lane's stead: a
///   lane that is switched off says nothing.
/// - `BreakerIdle` of each lane whose breaker awaits a probe while nothing waits that could be one: it is no outage, and
///   `BreakerOpen` is 0.
/// - `ConnectionPaused` (0 or 1) of each connection that is paused, or was a moment ago: a gauge, with the connection as
///   a second dimension, so that its alarm calls for each and names it.
/// - `OldestLetterAge` of each lane with a dead letter that may be a week old.
/// - `GatekeeperHeartbeat`, without a dimension, of each minute's run that could read the event sources. A gatekeeper
///   that is not allowed to, or does not run, is dead.
#[must_use]
pub fn lines(namespace: &str, cause: &Cause, run: &Run, now: Timestamp) -> Vec<Value> {
    let mut lines = Vec::new();
    let mut say = |name: &str, unit: &str, value: u64, dimensions: &[(&str, &str)]| {
        lines.push(metric(namespace, (name, unit, value), dimensions, now));
    };
    for visit in &run.visits {
        let provider = [(DIMENSION, visit.provider.as_str())];
        if let Some(said) = visit.breaker {
            say(
                "BreakerOpen",
                "Count",
                u64::from(said == Report::Open),
                &provider,
            );
        }
        if visit.breaker == Some(Report::Idle) {
            say("BreakerIdle", "Count", 1, &provider);
        }
    }
    for one in &run.seen.connections {
        let connection = [
            (DIMENSION, one.provider.as_str()),
            (CONNECTION, one.name.as_str()),
        ];
        say(
            "ConnectionPaused",
            "Count",
            u64::from(one.is_paused),
            &connection,
        );
    }
    for (provider, age) in &run.seen.letters {
        say(
            "OldestLetterAge",
            "Seconds",
            age.as_secs(),
            &[(DIMENSION, provider.as_str())],
        );
    }
    if *cause == Cause::Schedule && run.sources_read {
        say("GatekeeperHeartbeat", "Count", 1, &[]);
    }
    lines
}

fn metric(
    namespace: &str,
    (name, unit, value): (&str, &str, u64),
    dimensions: &[(&str, &str)],
    now: Timestamp,
) -> Value {
    let names: Vec<&str> = dimensions.iter().map(|(name, _)| *name).collect();
    let mut line = json!({
        name: value,
        "_aws": {
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [{
                "Namespace": namespace,
                "Dimensions": [names],
                "Metrics": [{"Name": name, "Unit": unit}],
            }],
        },
    });
    for (name, value) in dimensions {
        line[*name] = (*value).into();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use causeway::gatekeeper::{Connection, Seen, Visit};

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn run() -> Run {
        let visit = |provider: &str, breaker| Visit {
            provider: provider.to_owned(),
            breaker,
            set: None,
            failed: false,
        };
        Run {
            visits: vec![
                visit("stripe", Some(Report::Open)),
                visit("slack", None),
                visit("twilio", Some(Report::Closed)),
            ],
            sources_read: true,
            seen: Seen::default(),
        }
    }

    #[test]
    fn a_minutes_run_reports_who_is_not_closed_and_that_it_lives() {
        let lines = lines("Causeway", &Cause::Schedule, &run(), NOW);
        assert_eq!(
            lines[0],
            json!({
                "Provider": "stripe",
                "BreakerOpen": 1,
                "_aws": {"Timestamp": 1_800_000_000_000_i64, "CloudWatchMetrics": [{
                    "Namespace": "Causeway", "Dimensions": [["Provider"]],
                    "Metrics": [{"Name": "BreakerOpen", "Unit": "Count"}],
                }]},
            })
        );
        assert_eq!(
            (&lines[1]["Provider"], &lines[1]["BreakerOpen"]),
            (&json!("twilio"), &json!(0))
        );
        let metrics = &lines[2]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(
            (&lines[2]["GatekeeperHeartbeat"], &metrics["Dimensions"]),
            (&json!(1), &json!([[]]))
        );
        assert_eq!(lines.len(), 3);
    }

    #[test]
    fn a_breaker_that_only_lacks_a_probe_is_idle_and_not_open() {
        let mut run = run();
        run.visits[0].breaker = Some(Report::Idle);
        let lines = lines("Causeway", &Cause::Schedule, &run, NOW);
        assert_eq!(lines[0]["BreakerOpen"], 0);
        assert_eq!(lines[1]["BreakerIdle"], 1);
        assert_eq!(lines[1]["Provider"], "stripe");
    }

    #[test]
    fn a_change_and_a_run_that_could_not_read_are_no_heartbeats() {
        let is_alive = |cause: &Cause, run: &Run| {
            let lines = lines("Causeway", cause, run, NOW);
            lines
                .iter()
                .any(|line| line.get("GatekeeperHeartbeat").is_some())
        };
        assert!(is_alive(&Cause::Schedule, &run()));
        assert!(!is_alive(&Cause::Changed(Vec::new()), &run()));
        let blind = Run {
            sources_read: false,
            ..run()
        };
        assert!(!is_alive(&Cause::Schedule, &blind));
    }

    #[test]
    fn a_paused_connection_is_named_and_an_old_letter_has_an_age() {
        let mut run = run();
        run.visits.clear();
        run.seen = Seen {
            connections: vec![Connection {
                provider: "stripe".to_owned(),
                name: "berlin".to_owned(),
                is_paused: true,
            }],
            letters: vec![("slack".to_owned(), Duration::from_secs(950_400))],
        };
        let lines = lines("Other", &Cause::Schedule, &run, NOW);
        let metrics = &lines[0]["_aws"]["CloudWatchMetrics"][0];
        assert_eq!(
            (&metrics["Namespace"], &metrics["Dimensions"]),
            (&json!("Other"), &json!([["Provider", "Connection"]]))
        );
        let said = ["ConnectionPaused", "Provider", "Connection"].map(|name| &lines[0][name]);
        assert_eq!(said, [&json!(1), &json!("stripe"), &json!("berlin")]);
        assert_eq!(lines[1]["OldestLetterAge"], 950_400);
    }
}
