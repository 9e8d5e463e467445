//! Watching breaker and event source while the vendor fails, and until the queue is drained.

use std::time::{Duration, Instant};

use causeway::breaker::{Breaker, Scope, State};
use causeway::clock::{Clock, SystemClock};
use causeway::gatekeeper::WatchedLane;
use causeway::lane_control::{EventSource, LaneControl};
use causeway::lanes::{self, DynamoStates};
use causeway::{StoreError, Timestamp};
use causeway_gatekeeper::AwsLaneControl;

use super::{LANE, Options, PROVIDER};
use crate::demo::{DemoError, Depth, Field, depth};
use crate::stack::Progress;

/// How often breaker, event source and queue are looked at.
const POLL: Duration = Duration::from_secs(1);
/// How often a line is printed.
const TELL_EVERY: Duration = Duration::from_secs(15);
/// A queue's counts are approximate: an empty one must be seen so often in a row.
const QUIET_POLLS: usize = 3;
/// From the end of the outage: the longest open window that began before it, a minute until the schedule comes, the
/// ramp, and 5,000 requests at the lane's 30 a second or what a busy machine makes of them.
const DRAIN_MAX: Duration = Duration::from_secs(15 * 60);

/// What was seen at one moment.
#[derive(Clone, Debug)]
pub(super) struct Sample {
    /// The moment.
    pub at: Timestamp,
    /// The breaker.
    pub breaker: Breaker,
    /// The event source.
    pub source: EventSource,
}

/// The whole run.
#[derive(Clone, Debug, Default)]
pub(super) struct Watched {
    /// What was seen, in order.
    pub samples: Vec<Sample>,
    /// When the vendor began to fail.
    pub began: Timestamp,
    /// When it was well again.
    pub ended: Timestamp,
    /// When the queue was empty; none where it never was.
    pub drained: Option<Timestamp>,
    /// The lane as the gatekeeper is told of it.
    pub full_concurrency: u16,
}

/// Keeps looking, ends the outage in time, and returns when everything is delivered or time is up.
pub(super) async fn until_drained(
    field: &Field<'_>,
    options: &Options,
    progress: &Progress,
) -> Result<Watched, DemoError> {
    let eyes = Eyes::open(field).await?;
    let started = Instant::now();
    let mut watched = Watched {
        began: SystemClock.now(),
        full_concurrency: eyes.lane.maximum_concurrency,
        ..Watched::default()
    };
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let (mut told, mut quiet) = (None::<Instant>, 0);
    while quiet < QUIET_POLLS && started.elapsed() < options.outage + DRAIN_MAX {
        ticks.tick().await;
        if watched.ended == Timestamp::default() && started.elapsed() >= options.outage {
            field.fakes.clear_outages();
            watched.ended = SystemClock.now();
            progress("Stripe is well again");
        }
        let sample = eyes.look().await?;
        let effects = field
            .fakes
            .journal()
            .providers
            .get(PROVIDER)
            .map_or(0, |report| report.effects);
        let waiting = eyes.waiting().await?;
        if told.is_none_or(|told| told.elapsed() >= TELL_EVERY) {
            told = Some(Instant::now());
            progress(&line(started.elapsed(), &sample, effects, waiting));
        }
        watched.samples.push(sample);
        let done = effects >= options.messages as u64 && waiting.ready + waiting.hidden == 0;
        quiet = if done { quiet + 1 } else { 0 };
    }
    watched.drained = (quiet >= QUIET_POLLS).then(|| SystemClock.now());
    Ok(watched)
}

fn line(after: Duration, sample: &Sample, effects: u64, waiting: Depth) -> String {
    let left = sample
        .breaker
        .open_until
        .map_or(0, |until| until.since(sample.at).as_secs());
    let source = match (sample.source.enabled, sample.source.maximum_concurrency) {
        (true, Some(batches)) => format!("{batches} batches at once"),
        (true, None) => "unbounded".to_owned(),
        (false, _) => "disabled".to_owned(),
    };
    let state = match sample.breaker.state {
        State::Open => format!("Open, {left} s to go"),
        other => format!("{other:?}"),
    };
    format!(
        "{:>4} s: breaker {state}; source {source}; {} messages ready, {} hidden; {effects} delivered",
        after.as_secs(),
        waiting.ready,
        waiting.hidden,
    )
}

struct Eyes<'a> {
    field: &'a Field<'a>,
    states: DynamoStates,
    control: AwsLaneControl,
    lane: WatchedLane,
}

impl<'a> Eyes<'a> {
    async fn open(field: &'a Field<'a>) -> Result<Self, DemoError> {
        let function = field.stack.output("GatekeeperFunctionName")?;
        let variables = field.stack.environment(function).await?;
        let variable = |name: &str| variables.get(name).cloned().unwrap_or_default();
        let queue = variable("QUEUE_PREFIX") + LANE;
        let lane = WatchedLane::read(queue, &variable(&format!("LANE_{LANE}")))
            .map_err(DemoError::stack("reading the gatekeeper's environment"))?;
        let config = field.stack.sdk_config();
        Ok(Self {
            field,
            states: DynamoStates::new(field.dynamodb.clone(), field.lanes_table.as_str()),
            control: AwsLaneControl::new(
                aws_sdk_lambda::Client::new(&config),
                aws_sdk_sqs::Client::new(&config),
            ),
            lane,
        })
    }

    async fn look(&self) -> Result<Sample, DemoError> {
        let key = Scope::Provider.key(PROVIDER, "");
        let breaker = lanes::read::<Breaker>(&self.states, &key)
            .await
            .map_err(DemoError::stack("reading the breaker"))?;
        let ids = [self.lane.source.clone()];
        let read = self.control.read(&ids).await;
        let source = read.and_then(|sources| {
            let source = sources.into_values().next();
            source.ok_or_else(|| StoreError::new("reading the event source", "there is none"))
        });
        Ok(Sample {
            at: SystemClock.now(),
            breaker: breaker.value,
            source: source.map_err(DemoError::stack("reading the event source"))?,
        })
    }

    async fn waiting(&self) -> Result<Depth, DemoError> {
        let lane = self
            .field
            .lanes
            .iter()
            .find(|lane| lane.provider == PROVIDER);
        depth(self.field, lane.map_or("", |lane| &lane.queue_url)).await
    }
}
