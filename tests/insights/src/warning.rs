//! Early warning, scored on the generator at the cadence at which it is deployed: the detectors see a
//! minute only once the function would have read it, and a warning counts from the minute of that look.

use std::ops::Range;

use causeway_insights::warning::{LaneWatch, Minute, Signal};
use serde_json::{Value, json};

use crate::generator::{self, HISTORY, RATES, Scenario, Trace, trace};

/// Days of a healthy lane; the first seven are history.
const HEALTHY_DAYS: u16 = 21;

/// A warning, as it would have reached a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warned {
    /// The minute of the look: the warning is there when it begins.
    pub at: u64,
    /// Who spoke first.
    pub signal: Signal,
}

/// What a replay of a trace has seen.
#[derive(Clone, Debug, Default)]
pub struct Replay {
    /// Every beginning of an episode.
    pub warnings: Vec<Warned>,
    /// For each look in the last two hours before the event: its minute, and the forecasts of breaker, limit and backlog.
    pub forecasts: Vec<(u64, [Option<u32>; 3])>,
    /// Looks, each of which is paid for.
    pub looks: u64,
    /// Bytes of the largest state that was seen at the end of a day.
    pub state_bytes: usize,
}

/// Shows `trace` to a lane's watch, look by look. `seed` is when, within five minutes, its looks come.
#[must_use]
pub fn replay(trace: &Trace, seed: u64) -> Replay {
    let (mut watch, mut replay) = (LaneWatch::default(), Replay::default());
    let first = trace.minutes.first().map_or(0, |minute| minute.at);
    let last = trace.minutes.last().map_or(0, |minute| minute.at);
    for tick in first + 2 + seed % 5..=last + 1 {
        let Some(due) = watch.due(minute(tick)) else {
            continue;
        };
        replay.looks += 1;
        let to = u64::from(*due.end());
        for at in u64::from(*due.start()).max(first)..=to {
            let seen = &trace.minutes[(at - first) as usize];
            if seen.missing {
                continue;
            }
            let found = watch.observe(&measured(seen, at == to));
            let begins = found.iter().find(|one| one.begins);
            replay.warnings.extend(begins.map(|one| Warned {
                at: tick,
                signal: one.signal,
            }));
        }
        watch.pass(minute(to));
        if trace.event.is_some_and(|event| tick + 120 >= event) {
            let seen = watch.forecasts();
            let all = [seen.breaker_opens, seen.limit_spent, seen.backlog_drained];
            replay.forecasts.push((tick, all));
        }
        if tick % 1440 == 0 {
            let bytes = serde_json::to_vec(&watch).map_or(usize::MAX, |text| text.len());
            replay.state_bytes = replay.state_bytes.max(bytes);
        }
    }
    replay
}

fn minute(at: u64) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What the function reads of a minute. The lane publishes the fullest of its limits; the queue's depth is asked for at
/// the look itself.
fn measured(seen: &generator::Minute, is_latest: bool) -> Minute {
    let limits = [seen.limit_used, seen.day_quota_used];
    Minute {
        at: minute(seen.at),
        calls: seen.calls,
        failures: seen.failures,
        throttled: seen.throttled,
        latency_ms: seen.latency.map(|latency| latency.p50),
        limit_used: limits
            .into_iter()
            .flatten()
            .filter(|_| seen.calls > 0)
            .reduce(f64::max),
        backlog: is_latest.then_some(seen.backlog),
    }
}

/// How warnings before an event did.
#[derive(Clone, Debug, Default)]
pub struct Ahead {
    /// Traces.
    pub traces: usize,
    /// Minutes of lead of those that were warned before the event, in order.
    pub leads: Vec<i64>,
}

impl Ahead {
    /// Share of traces that were warned.
    #[must_use]
    pub fn warned(&self) -> f64 {
        self.leads.len() as f64 / self.traces.max(1) as f64
    }

    /// Median lead of those, in minutes.
    #[must_use]
    pub fn lead(&self) -> f64 {
        median(self.leads.iter().map(|lead| *lead as f64).collect())
    }

    fn add(&mut self, trace: &Trace, replay: &Replay) {
        let (Some(onset), Some(event)) = (trace.onset, trace.event) else {
            return;
        };
        self.traces += 1;
        let during = |warned: &&Warned| (onset..event).contains(&warned.at);
        let first = replay.warnings.iter().find(during);
        // The event may fall on the first instant of its minute.
        self.leads
            .extend(first.and_then(|first| trace.lead(first.at - 1)));
        self.leads.sort_unstable();
    }

    fn and(mut self, other: &Self) -> Self {
        self.traces += other.traces;
        self.leads.extend(&other.leads);
        self.leads.sort_unstable();
        self
    }

    fn json(&self) -> Value {
        json!({"traces": self.traces, "warned": round(self.warned()), "lead_min": self.lead()})
    }
}

/// The middle value; 0 of none.
fn median(values: Vec<f64>) -> f64 {
    quantile(values, 0.5)
}

fn quantile(mut values: Vec<f64>, share: f64) -> f64 {
    values.sort_by(f64::total_cmp);
    let last = values.len().saturating_sub(1) as f64;
    values
        .get((last * share).round() as usize)
        .copied()
        .unwrap_or(0.0)
}

fn round(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// How many traces each number is made of.
#[derive(Clone, Copy, Debug)]
pub struct Size {
    /// Healthy lanes a rate, of two weeks each that count.
    pub healthy: u64,
    /// Traces of each trouble a rate.
    pub trouble: u64,
}

/// The first of `seeds`, so many.
fn some(seeds: &Range<u64>, count: u64) -> Range<u64> {
    seeds.start..(seeds.start + count).min(seeds.end)
}

/// Every trace of `scenario` at `rate`, replayed.
fn ahead(scenario: impl Fn(u64) -> Scenario, rate: u32, seeds: Range<u64>) -> Ahead {
    let mut ahead = Ahead::default();
    for seed in seeds {
        let trace = trace(scenario(seed), rate, seed);
        ahead.add(&trace, &replay(&trace, seed));
    }
    ahead
}

/// What healthy lanes of a rate had.
#[derive(Clone, Debug, Default)]
pub struct Peace {
    /// Days that count.
    pub days: f64,
    /// False alarms, by who spoke first.
    pub alarms: Vec<Signal>,
    /// Looks a day.
    pub looks_a_day: f64,
    /// The largest state, in bytes.
    pub state_bytes: usize,
}

impl Peace {
    /// False alarms a lane and day.
    #[must_use]
    pub fn false_alarms(&self) -> f64 {
        self.alarms.len() as f64 / self.days.max(1.0)
    }
}

/// Healthy lanes of `rate`.
#[must_use]
pub fn peace(rate: u32, seeds: Range<u64>) -> Peace {
    let mut peace = Peace::default();
    let (mut looks, mut minutes) = (0, 0);
    for seed in seeds {
        let trace = trace(Scenario::Healthy { days: HEALTHY_DAYS }, rate, seed);
        let replay = replay(&trace, seed);
        let counts = |warned: &&Warned| warned.at >= trace.scored_from;
        peace.days += (trace.minutes.len() as u64 - HISTORY) as f64 / 1440.0;
        let false_ones = replay.warnings.iter().filter(counts);
        peace.alarms.extend(false_ones.map(|warned| warned.signal));
        peace.state_bytes = peace.state_bytes.max(replay.state_bytes);
        (looks, minutes) = (looks + replay.looks, minutes + trace.minutes.len());
    }
    peace.looks_a_day = looks as f64 / minutes.max(1) as f64 * 1440.0;
    peace
}

/// How far the forecast of a quota's end is off an hour ahead, as a share of that hour; of those that had one.
fn quota(rate: u32, seeds: Range<u64>) -> (usize, Vec<f64>) {
    let mut errors = Vec::new();
    let mut traces = 0;
    for seed in seeds {
        let trace = trace(Scenario::Quota, rate, seed);
        let Some(event) = trace.event else { continue };
        traces += 1;
        let replay = replay(&trace, seed);
        let before = |(at, _): &&(u64, [Option<u32>; 3])| *at + 60 <= event;
        let Some((at, [_, spent, _])) = replay.forecasts.iter().rev().find(before) else {
            continue;
        };
        let left = (event - at) as f64;
        errors.extend(spent.map(|spent| (f64::from(spent) - event as f64).abs() / left));
    }
    (traces, errors)
}

/// Everything, on these seeds: the section `warning` of the summary, `latency_first`, and the quota's error.
#[must_use]
pub fn summary(seeds: &Range<u64>, size: Size) -> Value {
    let healthy = some(seeds, size.healthy);
    let trouble = some(seeds, size.trouble);
    let (mut alarms, mut warned, mut leads) = (json!({}), json!({}), json!({}));
    let (mut more, mut latency) = (json!({}), Ahead::default());
    let (mut quota_traces, mut quota_errors) = (0, Vec::new());
    for rate in RATES {
        let key = rate.to_string();
        let peace = peace(rate, healthy.clone());
        let minutes = |seed| Scenario::minutes_of(seed);
        let ramp = ahead(
            |seed| Scenario::Ramp {
                minutes: minutes(seed),
            },
            rate,
            trouble.clone(),
        );
        let throttles = ahead(
            |seed| Scenario::ThrottleRamp {
                minutes: minutes(seed),
            },
            rate,
            trouble.clone(),
        );
        let slow = ahead(|_| Scenario::LatencyFirst, rate, trouble.clone());
        let sudden = ahead(|_| Scenario::Sudden, rate, trouble.clone());
        let (traces, errors) = quota(rate, trouble.clone());
        quota_traces += traces;
        quota_errors.extend(errors);
        alarms[&key] = round(peace.false_alarms()).into();
        warned[&key] = round(ramp.warned()).into();
        leads[&key] = ramp.lead().into();
        let by = |signal| peace.alarms.iter().filter(|one| **one == signal).count();
        more[&key] = json!({
            "lane_days": peace.days,
            "false_alarms": Signal::ALL.map(|signal| json!([signal, by(signal)])),
            "looks_a_day": round(peace.looks_a_day),
            "state_bytes": peace.state_bytes,
            "throttle_ramp": throttles.json(),
            "latency_first": slow.json(),
            "sudden": sudden.json(),
        });
        latency = latency.and(&slow);
    }
    let within = quota_errors.iter().filter(|error| **error <= 0.1).count();
    json!({
        "warning": {"false_alarms_lane_day": alarms, "ramp_warned": warned, "ramp_lead_min": leads},
        "latency_first": {"warned": round(latency.warned()), "lead_min": latency.lead()},
        "quota_error": round(median(quota_errors.clone())),
        "quota": {
            "traces": quota_traces,
            "forecast": quota_errors.len(),
            "within_10_percent": round(within as f64 / quota_traces.max(1) as f64),
            "p90": round(quantile(quota_errors, 0.9)),
        },
        "by_rate": more,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::generator::TUNING;

    #[test]
    fn ramps_are_warned_ahead_and_what_is_sudden_is_not() {
        for rate in RATES {
            let few = some(&TUNING, 6);
            let ramps = ahead(|_| Scenario::Ramp { minutes: 45 }, rate, few.clone());
            assert!(ramps.leads.len() >= 5, "{rate}: {ramps:?}");
            assert!(ramps.lead() >= 8.0, "{rate}: {ramps:?}");
            let sudden = ahead(|_| Scenario::Sudden, rate, few);
            assert!(sudden.leads.len() <= 1, "{rate}: {sudden:?}");
        }
    }

    #[test]
    fn a_lanes_state_stays_below_a_kilobyte_for_weeks() {
        for rate in RATES {
            let peace = peace(rate, some(&TUNING, 2));
            assert!(
                (1..=1024).contains(&peace.state_bytes),
                "{}",
                peace.state_bytes
            );
            assert!(
                (288.0..500.0).contains(&peace.looks_a_day),
                "{}",
                peace.looks_a_day
            );
        }
    }
}
