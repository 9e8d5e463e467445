//! `causeway alarms`: what calls just now, since when, and where the runbook says more.

use std::fmt::Write as _;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::operation::describe_alarms::DescribeAlarmsOutput;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{AlarmType, StateValue};
use causeway::Timestamp;
use clap::Args;
use serde::Serialize;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::{Lane, Stack};
use crate::when::{self, Now};

/// Alarms in one answer (the API's limit).
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_DescribeAlarms.html>
const PAGE: i32 = 100;
/// Pages that are read: 5,000 alarms, eight times what 65 lanes have, since stacks that are called alike are among them.
const PAGES_MAX: usize = 50;

/// What stands before the first command in an alarm's description, and before its heading in the runbook.
const FIRST: &str = "First: ";
const RUNBOOK: &str = "infra/RUNBOOK.md#";

/// Show this stack's alarms that are on: since when, what it means, what to do first.
///
/// Composite alarms and their parts are both shown. What an alarm cannot judge for lack of data is shown as well.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Only of this lane.
    provider: Option<String>,
    /// Those that are silent, too.
    #[arg(long)]
    all: bool,
}

/// How an alarm stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It is on.
    Alarm,
    /// It lacks data.
    InsufficientData,
    /// It is off.
    Ok,
}

/// An alarm in a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// Its name at CloudWatch.
    pub name: String,
    /// The lane that it watches; none where it watches all of them, or none.
    pub lane: Option<String>,
    /// How it stands.
    pub state: State,
    /// Since when.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub since: Option<Timestamp>,
    /// What it means, in plain words.
    pub meaning: String,
    /// What CloudWatch saw.
    pub reason: Option<String>,
    /// The command to type first.
    pub first: Option<String>,
    /// The runbook's heading that is meant for it.
    pub runbook: Option<String>,
}

/// A result.
#[derive(Debug, Serialize)]
struct Found {
    alarms: Vec<View>,
    /// How many this stack has, those included that are not shown.
    watched: usize,
}

/// An alarm of either type.
struct Raw<'a> {
    name: &'a str,
    description: &'a str,
    actions: &'a [String],
    state: Option<&'a StateValue>,
    since: Option<&'a DateTime>,
    reason: Option<&'a str>,
}

/// Runs the command.
///
/// # Errors
/// When AWS refuses, or there is no such lane.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let lane = arguments.provider.as_ref().map(|name| stack.lane(name));
    let lane = lane.transpose()?.map(|lane| lane.provider.as_str());
    let mut alarms = read(&stack).await?;
    let watched = alarms.len();
    alarms.retain(|alarm| arguments.all || alarm.state != State::Ok);
    alarms.retain(|alarm| lane.is_none() || alarm.lane.as_deref() == lane);
    alarms.sort_by(|a, b| (a.state, &a.name).cmp(&(b.state, &b.name)));
    let found = Found { alarms, watched };
    if context.global.json {
        output::json(Kind::Alarms, &found)?;
    } else {
        output::line(&found.text(&context.now()))?;
    }
    Ok(Done::All)
}

/// All alarms of `stack`.
async fn read(stack: &Stack) -> Result<Vec<View>, Error> {
    let client = Client::new(&stack.config);
    let (mut alarms, mut token) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let page = client
            .describe_alarms()
            .alarm_name_prefix(format!("{}-", stack.name))
            .alarm_types(AlarmType::CompositeAlarm)
            .alarm_types(AlarmType::MetricAlarm)
            .max_records(PAGE)
            .set_next_token(token)
            .send()
            .await
            .map_err(Error::aws("read the alarms"))?;
        let topic = stack.output("AlertsTopicArn").ok();
        let ours = raws(&page)
            .filter(|alarm| is_ours(alarm.name, alarm.actions, &stack.name, stack.lanes(), topic));
        alarms.extend(ours.map(|alarm| view(&alarm, &stack.name, stack.lanes())));
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            return Ok(alarms);
        }
    }
    Err(Error::new(format!(
        "more than {} alarms begin with the stack's name",
        alarms.len()
    ))
    .hint("see them at CloudWatch: a list that is cut off would hide some"))
}

fn raws(page: &DescribeAlarmsOutput) -> impl Iterator<Item = Raw<'_>> {
    /// The two types have these in common, and nothing that says so.
    macro_rules! raw {
        ($alarm:ident) => {
            Raw {
                name: $alarm.alarm_name().unwrap_or_default(),
                description: $alarm.alarm_description().unwrap_or_default(),
                actions: $alarm.alarm_actions(),
                state: $alarm.state_value(),
                since: $alarm
                    .state_transitioned_timestamp()
                    .or($alarm.state_updated_timestamp()),
                reason: $alarm.state_reason(),
            }
        };
    }
    let plain = page.metric_alarms().iter().map(|alarm| raw!(alarm));
    let composite = page.composite_alarms().iter().map(|alarm| raw!(alarm));
    composite.chain(plain)
}

/// Whether an alarm is this stack's: the names of `causeway-prod`'s begin with `causeway-` as well. It tells this stack's
/// topic, or has the name of a lane's part (`<stack>-<Lane>-latency`), which tells nobody.
fn is_ours(
    name: &str,
    actions: &[String],
    stack: &str,
    lanes: &[Lane],
    topic: Option<&str>,
) -> bool {
    if let (Some(topic), false) = (topic, actions.is_empty()) {
        return actions.iter().any(|action| action == topic);
    }
    lane_of(name, stack, lanes).is_some()
}

/// The lane that an alarm of this name watches by itself.
fn lane_of<'a>(name: &str, stack: &str, lanes: &'a [Lane]) -> Option<&'a Lane> {
    let rest = name.strip_prefix(stack)?.strip_prefix('-')?;
    let (lane, part) = rest.split_once('-').unwrap_or((rest, ""));
    let is_part = part.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    lanes.iter().find(|one| is_part && one.pascal == lane)
}

fn view(alarm: &Raw<'_>, stack: &str, lanes: &[Lane]) -> View {
    let (text, heading) = match alarm.description.rsplit_once(RUNBOOK) {
        Some((text, heading)) => (text, Some(heading.trim())),
        None => (alarm.description, None),
    };
    let (meaning, first) = match text.rsplit_once(FIRST) {
        Some((meaning, first)) => (meaning, Some(first.trim().trim_end_matches('.'))),
        None => (text, None),
    };
    let lane = lane_of(alarm.name, stack, lanes);
    View {
        name: alarm.name.to_owned(),
        lane: lane.map(|lane| lane.provider.clone()),
        state: match alarm.state {
            Some(StateValue::Alarm) => State::Alarm,
            Some(StateValue::Ok) => State::Ok,
            _ => State::InsufficientData,
        },
        since: alarm.since.and_then(|at| {
            let millis = at.to_millis().ok()?;
            Some(Timestamp::from_millis(millis))
        }),
        meaning: meaning.trim().to_owned(),
        reason: alarm.reason.filter(|it| !it.is_empty()).map(str::to_owned),
        first: first.map(str::to_owned),
        runbook: heading.map(|heading| format!("{RUNBOOK}{heading}")),
    }
}

impl Found {
    fn text(&self, now: &Now) -> String {
        if self.watched == 0 {
            return "This stack has no alarms: none were deployed, or it is not on AWS.".to_owned();
        }
        let mut text = match self.alarms.is_empty() {
            true => format!("No alarm is on; {} watch.", self.watched),
            false => String::new(),
        };
        for alarm in &self.alarms {
            alarm.paragraph(now, &mut text);
        }
        text.trim_end().to_owned()
    }
}

impl View {
    fn paragraph(&self, now: &Now, text: &mut String) {
        let word = match self.state {
            State::Alarm => "ALARM",
            State::InsufficientData => "no data",
            State::Ok => "ok",
        };
        let since = self
            .since
            .map_or_else(String::new, |at| format!(" since {}", now.both(at)));
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}: {word}{since}", self.name);
        let rows = [
            ("means  ", Some(&self.meaning)),
            (
                "because",
                self.reason.as_ref().filter(|_| self.state != State::Ok),
            ),
            ("first  ", self.first.as_ref()),
            ("runbook", self.runbook.as_ref()),
        ];
        for (name, row) in rows {
            if let Some(row) = row.filter(|row| !row.is_empty()) {
                let _ = writeln!(text, "  {name} {row}");
            }
        }
        text.push('\n');
    }
}

#[cfg(test)]
mod tests {
    use time::UtcOffset;

    use super::*;

    fn lane(pascal: &str) -> Lane {
        Lane {
            provider: pascal.to_ascii_lowercase(),
            pascal: pascal.to_owned(),
            queue_url: String::new(),
            dlq_url: String::new(),
            function_name: String::new(),
        }
    }

    fn raw<'a>(name: &'a str, actions: &'a [String]) -> Raw<'a> {
        Raw {
            name,
            description: "Requests wait. First: causeway dlq list Stripe. infra/RUNBOOK.md#deadlettersalarm",
            actions,
            state: Some(&StateValue::Alarm),
            since: None,
            reason: Some("Threshold Crossed: 1 datapoint [3.0]"),
        }
    }

    /// `causeway-prod`'s alarms begin with `causeway-` too.
    #[test]
    fn another_stacks_alarms_are_not_ours() {
        let lanes = [lane("Stripe")];
        let topic = Some("arn:topic");
        let to = |topic: &str| vec![topic.to_owned()];
        for (name, actions, ours) in [
            ("causeway-Stripe", to("arn:topic"), true),
            ("causeway-IngestErrorsAlarm-1ABC", to("arn:topic"), true),
            ("causeway-Stripe-latency", vec![], true),
            ("causeway-prod-Stripe-dead-letters", to("arn:other"), false),
            ("causeway-prod-Stripe-latency", vec![], false),
            ("causeway-Stripe-Stripe-latency", vec![], false),
            ("causeway-Stripe-dead-letters", to("arn:other"), false),
        ] {
            assert_eq!(
                is_ours(name, &actions, "causeway", &lanes, topic),
                ours,
                "{name}"
            );
        }
    }

    #[test]
    fn an_alarm_says_what_it_means_what_to_do_first_and_where_to_read_on() {
        let alarm = view(
            &raw("causeway-Stripe-dead-letters", &[]),
            "causeway",
            &[lane("Stripe")],
        );
        assert_eq!(alarm.lane.as_deref(), Some("stripe"));
        assert_eq!(alarm.meaning, "Requests wait.");
        assert_eq!(alarm.first.as_deref(), Some("causeway dlq list Stripe"));
        assert_eq!(
            alarm.runbook.as_deref(),
            Some("infra/RUNBOOK.md#deadlettersalarm")
        );
        let found = Found {
            alarms: vec![alarm],
            watched: 9,
        };
        let now = Now::at(Timestamp::from_millis(0), UtcOffset::UTC);
        let text = found.text(&now);
        assert!(
            text.starts_with("causeway-Stripe-dead-letters: ALARM\n"),
            "{text}"
        );
        assert!(text.contains("because Threshold Crossed"), "{text}");
        let silent = Found {
            alarms: Vec::new(),
            watched: 9,
        };
        assert_eq!(silent.text(&now), "No alarm is on; 9 watch.");
    }
}
