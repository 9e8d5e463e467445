//! The gatekeeper's metrics, in CloudWatch's embedded metric format.
//! <https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html>

use std::io::Write;

use causeway::Timestamp;
use causeway::gatekeeper::{Cause, Report, Run};
use serde_json::{Value, json};

/// Writes a run's metrics to standard output, which is the function's log stream. Losing one is no reason to fail.
pub fn emit(cause: &Cause, run: &Run, now: Timestamp) {
    let mut out = std::io::stdout().lock();
    for line in lines(cause, run, now) {
        let _ = writeln!(out, "{line}");
    }
}

/// - `BreakerOpen` (0 or 1) of each lane whose breaker is not closed, or was not a minute ago, in the lane's stead: a
///   lane that is switched off says nothing.
/// - `BreakerIdle` of each lane whose breaker awaits a probe while nothing waits that could be one: it is no outage, and
///   `BreakerOpen` is 0.
/// - `GatekeeperHeartbeat`, without a dimension, of each minute's run that could read the event sources. A gatekeeper
///   that is not allowed to, or does not run, is dead.
fn lines(cause: &Cause, run: &Run, now: Timestamp) -> Vec<Value> {
    let of = |provider: &str, name: &str, value| {
        let mut line = metric(name, &["Provider"], value, now);
        line["Provider"] = provider.into();
        line
    };
    let breakers = run.visits.iter().flat_map(|visit| {
        let open = visit.breaker.map(|said| u8::from(said == Report::Open));
        let open = open.map(|open| of(&visit.provider, "BreakerOpen", open));
        let idle = visit.breaker == Some(Report::Idle);
        let idle = idle.then(|| of(&visit.provider, "BreakerIdle", 1));
        open.into_iter().chain(idle)
    });
    let is_alive = *cause == Cause::Schedule && run.sources_read;
    let heartbeat = is_alive.then(|| metric("GatekeeperHeartbeat", &[], 1, now));
    breakers.chain(heartbeat).collect()
}

fn metric(name: &str, dimensions: &[&str], value: u8, now: Timestamp) -> Value {
    json!({
        name: value,
        "_aws": {
            "Timestamp": now.as_millis(),
            "CloudWatchMetrics": [{
                "Namespace": "Causeway",
                "Dimensions": [dimensions],
                "Metrics": [{"Name": name, "Unit": "Count"}],
            }],
        },
    })
}

#[cfg(test)]
mod tests {
    use causeway::gatekeeper::Visit;

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
        }
    }

    #[test]
    fn a_minutes_run_reports_who_is_not_closed_and_that_it_lives() {
        let lines = lines(&Cause::Schedule, &run(), NOW);
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
        let lines = lines(&Cause::Schedule, &run, NOW);
        assert_eq!(lines[0]["BreakerOpen"], 0);
        assert_eq!(lines[1]["BreakerIdle"], 1);
        assert_eq!(lines[1]["Provider"], "stripe");
    }

    #[test]
    fn a_change_and_a_run_that_could_not_read_are_no_heartbeats() {
        let is_alive = |cause: &Cause, run: &Run| {
            let lines = lines(cause, run, NOW);
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
}
