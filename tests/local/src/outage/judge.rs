//! The promises, held against what was recorded.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::time::Duration;

use causeway::Timestamp;
use causeway::breaker::State;

use super::Options;
use super::evidence::Evidence;
use super::summary::{Summary, Window};

/// Calls of the function that a minute of an outage may cost from its third minute on.
const CALLS_MAX: usize = 100;
/// The minutes of an outage that are not counted: the breaker trips, and the first window is spent receiving each
/// waiting message once.
const MINUTES_FREE: usize = 2;
/// A window's first seconds are left out of the count of receives: an environment trusts a closed state for a second,
/// and a batch that is under way at the trip ends after it.
const SETTLING: Duration = Duration::from_secs(3);
/// Calls of the vendor that may fail in an outage: what each of five environments has under way when the breaker
/// trips, and one batch more for the second in which a closed state is trusted. Each probe adds one.
const BAD_CALLS_MAX: u64 = 2 * 5 * 10;
/// The lane's steady rate: three operations of 11 a second each (`functions/stripe`).
const RATE: f64 = 33.0;
/// What the three operations' bursts add to any window.
const BURST: f64 = 3.0 * 14.0;
/// The steps of the ramp after a close: share of the rate, for so long each.
const RAMP: [(f64, Duration); 2] = [
    (0.25, Duration::from_secs(30)),
    (0.5, Duration::from_secs(30)),
];

/// Judges a run.
pub(super) fn judge(options: &Options, evidence: &Evidence) -> Summary {
    let watched = &evidence.watched;
    let closed = closed_at(evidence);
    let seconds = |from: Timestamp, to: Timestamp| to.since(from).as_secs_f64();
    let mut summary = Summary {
        messages: options.messages as u64,
        outage_s: seconds(watched.began, watched.ended),
        effects: evidence.vendor.effects,
        in_dlq: evidence.letters,
        attempts_failed: evidence.attempts.saturating_sub(evidence.completed),
        calls_per_minute: calls_per_minute(evidence),
        windows: windows(evidence),
        updates: evidence.updates,
        closed_after_s: closed.map(|at| seconds(watched.ended, at)),
        delivered_per_half_minute: closed.map_or_else(Vec::new, |at| delivered(evidence, at)),
        drained_after_s: closed
            .zip(watched.drained)
            .map(|(closed, drained)| seconds(closed, drained)),
        broken: Vec::new(),
    };
    summary.broken = [
        nothing_lost(&summary, evidence),
        no_attempt_spent(&summary, evidence),
        few_calls(&summary, evidence),
        switched(&summary, evidence),
        drained_at_the_ramp(&summary),
    ]
    .concat();
    summary
}

fn nothing_lost(summary: &Summary, evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let completed = evidence.completed;
    if completed != summary.messages || summary.effects != summary.messages {
        broken.push(format!(
            "{} requests, {completed} completed in the ledger, {} effects",
            summary.messages, summary.effects
        ));
    }
    let twice = evidence
        .vendor
        .effects_by_marker
        .values()
        .filter(|effects| **effects > 1);
    if twice.clone().count() > 0 {
        broken.push(format!("{} requests took effect twice", twice.count()));
    }
    if summary.in_dlq > 0 {
        broken.push(format!(
            "{} messages in the dead-letter queues",
            summary.in_dlq
        ));
    }
    broken
}

/// A deferral costs no attempt, so attempts are calls, and only the trip and the probes failed any.
fn no_attempt_spent(summary: &Summary, evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    if evidence.attempts != evidence.vendor.calls {
        broken.push(format!(
            "{} attempts in the ledger, {} calls at the vendor",
            evidence.attempts, evidence.vendor.calls
        ));
    }
    let failed = evidence.vendor.faults.values().sum::<u64>();
    let allowed = BAD_CALLS_MAX + summary.windows.len() as u64;
    if failed > allowed {
        broken.push(format!(
            "{failed} calls failed, {allowed} are the trip and the probes"
        ));
    }
    broken
}

fn few_calls(summary: &Summary, evidence: &Evidence) -> Vec<String> {
    let minutes = summary
        .calls_per_minute
        .iter()
        .enumerate()
        .skip(MINUTES_FREE);
    // The minute in which the outage ends is no minute of the outage.
    let whole = (summary.outage_s / 60.0) as usize;
    let mut broken: Vec<String> = minutes
        .take_while(|(minute, _)| *minute < whole)
        .filter(|(_, calls)| **calls >= CALLS_MAX)
        .map(|(minute, calls)| format!("{calls} function calls in minute {}", minute + 1))
        .collect();
    let started = evidence.calls_started;
    if started != evidence.batches.len() {
        let told = evidence.batches.len();
        broken.push(format!(
            "{started} function calls, of which {told} left metrics"
        ));
    }
    if whole <= MINUTES_FREE {
        broken.push("the outage was too short to count a minute".to_owned());
    }
    for (number, window) in summary.windows.iter().enumerate() {
        if window.most_receives > 1 {
            let (most, number) = (window.most_receives, number + 1);
            broken.push(format!(
                "a message was received {most} times in open window {number}"
            ));
        }
    }
    broken
}

/// Down at the first opening, off in a longer one, and as before in the end.
fn switched(summary: &Summary, evidence: &Evidence) -> Vec<String> {
    let mut broken = Vec::new();
    let watched = &evidence.watched;
    let turned_down = watched
        .samples
        .iter()
        .any(|sample| sample.source.enabled && sample.source.maximum_concurrency == Some(2));
    if !turned_down {
        broken.push("the event source was never turned down".to_owned());
    }
    if !summary.windows.iter().any(|window| window.disabled) {
        broken.push("the event source was never disabled".to_owned());
    }
    let last = watched.samples.last().map(|sample| sample.source);
    let is_full = last.is_some_and(|source| {
        source.enabled && source.maximum_concurrency == Some(watched.full_concurrency)
    });
    if !is_full {
        broken.push(format!("the event source ended as {last:?}"));
    }
    broken
}

fn drained_at_the_ramp(summary: &Summary) -> Vec<String> {
    let mut broken = Vec::new();
    for ((share, step), delivered) in RAMP.iter().zip(&summary.delivered_per_half_minute) {
        let allowed = share * RATE * step.as_secs_f64() + BURST;
        if *delivered as f64 > allowed {
            broken.push(format!(
                "{delivered} delivered in a step of the ramp that allows {allowed:.0}"
            ));
        }
    }
    if summary.closed_after_s.is_none() {
        broken.push("the breaker never closed".to_owned());
    }
    if summary.drained_after_s.is_none() {
        broken.push("the queue was never empty".to_owned());
    }
    broken
}

/// When the breaker closed for good.
fn closed_at(evidence: &Evidence) -> Option<Timestamp> {
    let last = evidence.watched.samples.last()?;
    let is_closed = last.breaker.state == State::Closed;
    last.breaker.closed_at.filter(|_| is_closed)
}

fn calls_per_minute(evidence: &Evidence) -> Vec<usize> {
    let mut calls = Vec::new();
    for batch in &evidence.batches {
        add(
            &mut calls,
            batch.at.since(evidence.watched.began),
            60,
            1_usize,
        );
    }
    calls
}

fn delivered(evidence: &Evidence, closed: Timestamp) -> Vec<u64> {
    let mut delivered = Vec::new();
    for batch in evidence.batches.iter().filter(|batch| batch.at >= closed) {
        add(&mut delivered, batch.at.since(closed), 30, batch.delivered);
    }
    delivered
}

/// Adds `count` to the bucket, `seconds` long, into which `after` falls.
fn add<T: Clone + Default + std::ops::AddAssign>(
    buckets: &mut Vec<T>,
    after: Duration,
    seconds: u64,
    count: T,
) {
    let at = usize::try_from(after.as_secs() / seconds).unwrap_or(0);
    if buckets.len() <= at {
        buckets.resize(at + 1, T::default());
    }
    buckets[at] += count;
}

fn windows(evidence: &Evidence) -> Vec<Window> {
    let samples = &evidence.watched.samples;
    let mut ends: BTreeMap<Timestamp, Timestamp> = BTreeMap::new();
    for breaker in samples.iter().map(|sample| &sample.breaker) {
        if let (State::Open, Some(from), Some(to)) =
            (breaker.state, breaker.opened_at, breaker.open_until)
        {
            ends.insert(from, to);
        }
    }
    ends.into_iter()
        .map(|(from, to)| {
            let mut receives: BTreeMap<&str, usize> = BTreeMap::new();
            let inside = |at: Timestamp| at >= from + SETTLING && at < to;
            for receive in evidence
                .receives
                .iter()
                .filter(|receive| inside(receive.at))
            {
                *receives.entry(&receive.message_id).or_default() += 1;
            }
            Window {
                seconds: to.since(from).as_secs_f64(),
                received: receives.len(),
                most_receives: receives.values().copied().max().unwrap_or(0),
                disabled: samples
                    .iter()
                    .any(|sample| inside(sample.at) && !sample.source.enabled),
            }
        })
        .collect()
}
