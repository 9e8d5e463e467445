//! Watching the run until the queues are quiet.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use aws_sdk_sqs::types::QueueAttributeName as Name;

use super::faults::Script;
use super::plan::Plan;
use super::progress::{LaneView, Progress, View};
use super::{DemoError, Field};

/// The emulator's share of two cores is better spent on the load than on being watched.
const POLL: Duration = Duration::from_secs(1);
/// SQS's counts are approximate: an empty queue must be seen so often in a row.
const QUIET_POLLS: usize = 3;

/// A breaker opens for a minute, and for two when its first probe fails: a run in which nothing has ended
/// for longer hangs, and its functions' logs say why.
const STALL_MAX: Duration = Duration::from_secs(240);

/// What a queue holds, in whatever state.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Depth {
    /// Visible.
    pub ready: usize,
    /// In flight or delayed.
    pub hidden: usize,
}

/// Plays the script and shows the progress until everything is sent and all lanes' queues are empty.
/// Answers `false` when that has not happened by `end`: the verification then names what is missing.
pub(crate) async fn until_quiet(
    field: &Field<'_>,
    plan: &Plan,
    sent: &AtomicUsize,
    script: &mut Script,
    progress: &Progress,
    end: Instant,
) -> Result<bool, DemoError> {
    let mut ticks = tokio::time::interval(POLL);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    let mut quiet = 0;
    let (mut ended, mut moved) = (0, Instant::now());
    while quiet < QUIET_POLLS {
        ticks.tick().await;
        if Instant::now() >= end {
            progress.say("out of time: what is still on its way counts as lost");
            return Ok(false);
        }
        if moved.elapsed() >= STALL_MAX {
            progress.say("nothing has ended for four minutes: see the functions' logs");
            return Ok(false);
        }
        let journal = field.fakes.journal();
        for said in script.step(field.fakes, &journal) {
            progress.say(said);
        }
        let sent = sent.load(Ordering::Relaxed);
        let mut lanes = Vec::new();
        for lane in &field.lanes {
            let (queue, letters) =
                tokio::join!(depth(field, &lane.queue_url), depth(field, &lane.dlq_url));
            let (queue, letters) = (queue?, letters?);
            let report = journal.providers.get(&lane.provider);
            lanes.push(LaneView {
                provider: lane.provider.clone(),
                effects: report.map_or(0, |report| report.effects),
                expected: plan.deliverable(&lane.provider) as u64,
                ready: queue.ready,
                hidden: queue.hidden,
                letters: letters.ready + letters.hidden,
            });
        }
        let now_ended: u64 = lanes
            .iter()
            .map(|lane| lane.effects + lane.letters as u64)
            .sum();
        if now_ended != ended {
            (ended, moved) = (now_ended, Instant::now());
        }
        let empty = lanes.iter().all(|lane| lane.ready + lane.hidden == 0);
        quiet = if empty && sent == plan.sent() {
            quiet + 1
        } else {
            0
        };
        progress.show(&View { sent, lanes });
    }
    if !script.is_over() {
        progress.say("the load was over before its faults began");
    }
    Ok(true)
}

pub(crate) async fn depth(field: &Field<'_>, queue_url: &str) -> Result<Depth, DemoError> {
    let names = [
        Name::ApproximateNumberOfMessages,
        Name::ApproximateNumberOfMessagesNotVisible,
        Name::ApproximateNumberOfMessagesDelayed,
    ];
    let call = field
        .sqs
        .get_queue_attributes()
        .queue_url(queue_url)
        .set_attribute_names(Some(names.to_vec()));
    let answer = call
        .send()
        .await
        .map_err(DemoError::stack("reading a queue's depth"))?;
    let count = |name: &Name| {
        let value = answer
            .attributes()
            .and_then(|attributes| attributes.get(name));
        value
            .and_then(|value| value.parse::<usize>().ok())
            .unwrap_or(0)
    };
    Ok(Depth {
        ready: count(&names[0]),
        hidden: count(&names[1]) + count(&names[2]),
    })
}
