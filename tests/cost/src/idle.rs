//! What lanes cost that nobody sends anything to, by the template's own numbers.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use causeway::clock::Clock;
use causeway::gatekeeper::{Cause, Gatekeeper, WatchedLane};
use causeway::lane_control::{EventSource, MemoryLaneControl};
use causeway::provider::Secret;
use causeway_scale::time::Time;
use serde::Serialize;
use serde_yaml_ng::Value as Yaml;

use crate::account::Account;
use crate::bill::MONTH_S;
use crate::play::ENVIRONMENTS;
use crate::prices::{
    ALARM_METRIC, COMPOSITE_ALARM, DASHBOARD, GB, GB_SECOND, INVOCATION, LOG_GB, PARAMETER,
    READ_UNIT, SECRET, SERIES, SQS_CALL, TRACE,
};
use crate::units::{LINE_OVERHEAD, platform_lines};

/// How long one poll of an empty queue lasts, in seconds: SQS's longest. Empty queues are seen to be asked three times a
/// minute by each poller (unverified by AWS's own pages).
const POLL_S: f64 = 20.0;

/// Pollers of an event source that has a maximum concurrency: five, however idle.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-scaling.html>
const POLLERS: f64 = 5.0;

/// Pollers of one without: Lambda takes them back to two when there is little to do. Same page.
const POLLERS_UNBOUNDED: f64 = 2.0;

/// A scheduled function's memory in GB: the template's 128 MB.
const MEMORY_GB: f64 = 0.125;

/// What a scheduled run takes, in ms: a listing of event sources, and five lanes at once after it, 20 ms each. An
/// estimate; a tenfold error is a quarter of a dollar.
const RUN_MS: f64 = 50.0;
const ROUND_MS: f64 = 20.0;
const SIDE_BY_SIDE: f64 = 5.0;

/// How often the gatekeeper counts letters: `COUNT_EVERY` of the gatekeeper, which is its own.
const LETTERS_EVERY: Duration = Duration::from_secs(15 * 60);

/// A heartbeat's line, in bytes.
const HEARTBEAT_BYTES: f64 = 250.0;

/// What went wrong with reading the template.
#[derive(Debug, thiserror::Error)]
pub enum IdleError {
    /// It cannot be read.
    #[error("{file}: {error}")]
    Io {
        /// Which file.
        file: &'static str,
        /// Why.
        error: std::io::Error,
    },
    /// It is no template.
    #[error("{file}: {what}")]
    Template {
        /// Which file.
        file: &'static str,
        /// What is wrong.
        what: String,
    },
}

/// What stands in the templates, of what is paid for by the month.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Stack {
    /// Metrics that the alarms of a lane look at. A band of anomaly detection counts for two.
    pub lane_alarm_metrics: usize,
    /// Alarms of a lane over other alarms.
    pub lane_composites: usize,
    /// Metrics that the fleet's alarms look at, queries left out.
    pub fleet_alarm_metrics: usize,
    /// Alarms of the fleet that are queries: a metric for each lane.
    pub fleet_queries: usize,
    /// Dashboards.
    pub dashboards: usize,
    /// Functions that run every minute.
    pub schedules: usize,
    /// Of these, those that are traced.
    pub traced: usize,
    /// Whether the lanes' event sources have a maximum concurrency.
    pub is_bounded: bool,
}

impl Stack {
    /// Reads `template.yaml` and `infra/lane-alarms.yaml` in `root`.
    ///
    /// # Errors
    /// When one cannot be read, or has no resources.
    pub fn read(root: &Path) -> Result<Self, IdleError> {
        let mut stack = Self::default();
        for (id, resource) in resources(root, "template.yaml")? {
            stack.add_fleet(&id, &resource);
        }
        for (_, resource) in resources(root, "infra/lane-alarms.yaml")? {
            match kind(&resource) {
                "AWS::CloudWatch::Alarm" => stack.lane_alarm_metrics += alarm_metrics(&resource).0,
                "AWS::CloudWatch::CompositeAlarm" => stack.lane_composites += 1,
                _ => {}
            }
        }
        Ok(stack)
    }

    fn add_fleet(&mut self, id: &str, resource: &Yaml) {
        let properties = &resource["Properties"];
        match kind(resource) {
            "AWS::CloudWatch::Alarm" => {
                let (metrics, queries) = alarm_metrics(resource);
                self.fleet_alarm_metrics += metrics;
                self.fleet_queries += queries;
            }
            "AWS::CloudWatch::Dashboard" => self.dashboards += 1,
            "AWS::Events::Rule"
                if properties["ScheduleExpression"].as_str() == Some("rate(1 minute)") =>
            {
                self.schedules += 1
            }
            "AWS::Serverless::Function"
                if id == "GatekeeperFunction" || id == "WarningFunction" =>
            {
                self.traced += usize::from(properties["Tracing"].as_str() == Some("Active"));
            }
            "AWS::Lambda::EventSourceMapping" if id.contains("${Lane}") => {
                self.is_bounded = !properties["ScalingConfig"]["MaximumConcurrency"].is_null();
            }
            _ => {}
        }
    }
}

/// The resources of a template, those within loops among them.
fn resources(root: &Path, file: &'static str) -> Result<Vec<(String, Yaml)>, IdleError> {
    let text =
        std::fs::read_to_string(root.join(file)).map_err(|error| IdleError::Io { file, error })?;
    let wrong = |what: String| IdleError::Template { file, what };
    let document: Yaml =
        serde_yaml_ng::from_str(&text).map_err(|error| wrong(error.to_string()))?;
    let mut found = Vec::new();
    gather(&document["Resources"], &mut found);
    match found.is_empty() {
        true => Err(wrong("no resources".to_owned())),
        false => Ok(found),
    }
}

fn gather(section: &Yaml, found: &mut Vec<(String, Yaml)>) {
    for (name, resource) in section.as_mapping().into_iter().flatten() {
        let name = name.as_str().unwrap_or_default();
        match name.starts_with("Fn::ForEach::") {
            // `[the loop's variable, what it runs over, resources]`
            true => gather(&resource[2], found),
            false => found.push((name.to_owned(), resource.clone())),
        }
    }
}

fn kind(resource: &Yaml) -> &str {
    resource["Type"].as_str().unwrap_or_default()
}

/// Metrics that an alarm names, and queries.
fn alarm_metrics(alarm: &Yaml) -> (usize, usize) {
    let properties = &alarm["Properties"];
    let Some(metrics) = properties["Metrics"].as_sequence() else {
        return (1, 0);
    };
    let expression = |metric: &&Yaml, word: &str| {
        metric["Expression"]
            .as_str()
            .is_some_and(|text| text.contains(word))
    };
    let named = metrics
        .iter()
        .filter(|metric| !metric["MetricStat"].is_null())
        .count();
    let bands = metrics
        .iter()
        .filter(|metric| expression(metric, "ANOMALY_DETECTION_BAND"))
        .count();
    let queries = metrics
        .iter()
        .filter(|metric| expression(metric, "SELECT "))
        .count();
    (named + 2 * bands, queries)
}

/// What idle lanes cost in a month, in US dollars.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Idle {
    /// How many lanes.
    pub lanes: usize,
    /// Polls of the lanes' empty queues.
    pub polls: f64,
    /// The same without a maximum concurrency.
    pub polls_unbounded: f64,
    /// The lanes' alarms.
    pub lane_alarms: f64,
    /// The fleet's alarms, queries as one metric a lane.
    pub fleet_alarms: f64,
    /// The dashboard.
    pub dashboard: f64,
    /// What runs every minute: invocations, duration, reads, a count of each lane's letters every quarter of an hour. The
    /// warning's question for active lanes, six an hour, would add four cents without CloudWatch's free million of calls.
    pub schedules: f64,
    /// Their traces.
    pub traces: f64,
    /// Their log and heartbeat.
    pub logs: f64,
    /// A secret for one connection of each lane.
    pub secrets: f64,
}

impl Idle {
    /// What `lanes` of `stack` cost.
    #[must_use]
    pub fn of(stack: &Stack, lanes: usize) -> Self {
        let count = lanes as f64;
        let polls = |pollers: f64| SQS_CALL.of(count * pollers * MONTH_S / POLL_S);
        let quarters = MONTH_S / LETTERS_EVERY.as_secs_f64();
        let runs = MONTH_S / 60.0 * stack.schedules as f64;
        let seconds = runs * (RUN_MS + ROUND_MS * (count / SIDE_BY_SIDE).ceil()) / 1000.0;
        let (lines, bytes) = platform_lines();
        let logged =
            runs * (bytes as f64 + HEARTBEAT_BYTES + ((lines + 1) * LINE_OVERHEAD as u64) as f64);
        Self {
            lanes,
            polls: polls(if stack.is_bounded {
                POLLERS
            } else {
                POLLERS_UNBOUNDED
            }),
            polls_unbounded: polls(POLLERS_UNBOUNDED),
            lane_alarms: count
                * (ALARM_METRIC.of(stack.lane_alarm_metrics as f64)
                    + COMPOSITE_ALARM.of(stack.lane_composites as f64)),
            fleet_alarms: ALARM_METRIC
                .of(stack.fleet_alarm_metrics as f64 + stack.fleet_queries as f64 * count),
            dashboard: DASHBOARD.of(stack.dashboards as f64),
            schedules: INVOCATION.of(runs)
                + GB_SECOND.of(seconds * MEMORY_GB)
                + READ_UNIT.of(quarters * gatekeeper_reads(lanes) as f64)
                + SQS_CALL.of(quarters * count),
            traces: TRACE.of(MONTH_S / 60.0 * stack.traced as f64),
            logs: LOG_GB.of(logged / GB) + SERIES.of(1.0),
            secrets: SECRET.of(count),
        }
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.polls
            + self.lane_alarms
            + self.fleet_alarms
            + self.dashboard
            + self.schedules
            + self.traces
            + self.logs
            + self.secrets
    }
}

/// Read units of a quarter of an hour of the gatekeeper over idle lanes, counted: every minute it looks at each, and once
/// it counts letters.
#[must_use]
pub fn gatekeeper_reads(lanes: usize) -> u64 {
    let time = Time::default();
    let Ok(secret) = Secret::parse("{}") else {
        return 0;
    };
    let account = Account::new(time.clone(), "idle", secret);
    let control = Arc::new(MemoryLaneControl::default());
    let watched: Vec<WatchedLane> = (0..lanes)
        .map(|lane| WatchedLane {
            provider: format!("provider-{lane}"),
            source: format!("source-{lane}"),
            maximum_concurrency: ENVIRONMENTS,
        })
        .collect();
    for lane in &watched {
        let source = EventSource {
            enabled: true,
            maximum_concurrency: Some(ENVIRONMENTS),
            is_changing: false,
        };
        control.put(&lane.source, source);
    }
    let clock: Arc<dyn Clock> = Arc::new(time.clone());
    let time_of_runs = time.clone();
    let gatekeeper = Gatekeeper::new(watched, account.clone(), control, clock);
    time.run(vec![Box::pin(async move {
        for _ in 0..LETTERS_EVERY.as_secs() / 60 {
            gatekeeper.run(&Cause::Schedule).await;
            time_of_runs.sleep(60_000).await;
        }
    })]);
    account.counts().reads
}

/// What the secrets of `connections` cost in a month: here, and as advanced parameters.
#[must_use]
pub fn secrets(connections: f64) -> (f64, f64) {
    (SECRET.of(connections), PARAMETER.of(connections))
}

/// The README's table.
#[must_use]
pub fn table(stack: &Stack) -> String {
    let idle = [3, 9, 45].map(|lanes| Idle::of(stack, lanes));
    let mut text = String::from(
        "| US dollars a month, without traffic | 3 lanes | 9 lanes | 45 lanes |\n|---|---:|---:|---:|\n",
    );
    let mut row = |name: &str, of: &dyn Fn(&Idle) -> f64| {
        let [three, nine, all] = [0, 1, 2].map(|at: usize| of(&idle[at]));
        text += &format!("| {name} | {three:.2} | {nine:.2} | {all:.2} |\n");
    };
    row("polls of the empty queues", &|idle| idle.polls);
    row("the lanes' alarms (`AlarmsPerLane=off`: none)", &|idle| {
        idle.lane_alarms
    });
    row("the fleet's alarms", &|idle| idle.fleet_alarms);
    row("the dashboard", &|idle| idle.dashboard);
    row(
        "gatekeeper and early warning, every minute: runs, traces, logs",
        &|idle| idle.schedules + idle.traces + idle.logs,
    );
    row("secrets, one connection a lane", &|idle| idle.secrets);
    row("**together**", &|idle| idle.total());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_idle_queue_is_asked_five_times_in_twenty_seconds() {
        let stack = Stack {
            is_bounded: true,
            ..Stack::default()
        };
        let idle = Idle::of(&stack, 1);
        assert!((idle.polls - 0.2628).abs() < 1e-4, "{}", idle.polls);
        assert!(idle.polls_unbounded < idle.polls / 2.0);
    }

    #[test]
    fn every_lane_is_read_at_every_run() {
        // Breaker and pauses every minute, letters once.
        assert_eq!([0, 1, 9].map(gatekeeper_reads), [0, 31, 9 * 31]);
    }

    #[test]
    fn an_alarm_counts_what_it_looks_at() {
        let alarm = |text: &str| alarm_metrics(&serde_yaml_ng::from_str(text).expect("YAML"));
        assert_eq!(alarm("Properties: {MetricName: A}"), (1, 0));
        assert_eq!(
            alarm(
                "Properties: {Metrics: [{MetricStat: {a: b}}, {Expression: 'ANOMALY_DETECTION_BAND(a, 3)'}]}"
            ),
            (3, 0)
        );
        assert_eq!(
            alarm("Properties: {Metrics: [{Expression: 'SELECT MAX(A) FROM B'}]}"),
            (0, 1)
        );
    }
}
