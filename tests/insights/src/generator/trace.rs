//! A trace, minute by minute: what arrives, what is delivered, how the calls end, and what is measured of them.

use super::lane::{Lane, STEPS};
use super::noise::{self, Noise};
use super::rng::{Aspect, Drift, Rng};
use super::rule::{Rule, SLOW_MS};
use super::trouble::{BACKLOG_MINUTES, Effect, Trouble, quota_of};
use super::{DAY, HISTORY, Latency, Minute, Scenario, Trace};

/// 2026-01-01, in days of the epoch.
const FIRST_DAY: u64 = 20_454;
/// Minutes before the onset that are free of blips, deploys and bulk sends.
const QUIET: u64 = 30;
/// Minutes that a trace goes on after its event.
const AFTER: u64 = 5;
/// A refusal is answered this much faster than a call that is carried out.
const REFUSED_TAKES: f64 = 0.3;
/// Messages on the queue that are about to be taken, as a share of a minute's.
const ABOUT_TO_GO: f64 = 0.02;

/// The trace of a lane of `rate` calls a minute.
pub(super) fn trace(scenario: Scenario, rate: u32, seed: u64) -> Trace {
    let lane = Lane::of(seed, scenario);
    let start = (FIRST_DAY + seed % 364) * DAY;
    let trouble = Trouble::of(scenario, &lane, f64::from(rate.max(1)), start, seed);
    let length = (trouble.end + AFTER - start) as usize;
    let quiet = match scenario {
        Scenario::Healthy { .. } => 0..0,
        _ => trouble.onset - QUIET..u64::MAX,
    };
    let noise = noise::noise(&lane, seed, start, length, &quiet);
    let mut world = World::new(&lane, &trouble, seed, start);
    let mut minutes = Vec::with_capacity(length);
    let mut event = None;
    for (at, noise) in (start..).zip(&noise) {
        let has_ended = at >= trouble.end;
        if has_ended && trouble.ends_in_an_event() {
            event = event.or(Some(at));
        }
        if event.is_some_and(|event| at >= event + AFTER) || (has_ended && event.is_none()) {
            break;
        }
        let (minute, happened) = world.minute(at, noise);
        minutes.push(minute);
        if happened {
            event = event.or(Some(at));
        }
    }
    let is_healthy = matches!(scenario, Scenario::Healthy { .. });
    Trace {
        minutes,
        scored_from: start + HISTORY,
        onset: (!is_healthy).then_some(trouble.onset),
        event,
    }
}

/// What changes from minute to minute.
struct World<'t> {
    lane: &'t Lane,
    trouble: &'t Trouble,
    arrivals: Rng,
    calls: Rng,
    instants: Rng,
    latency: Drift,
    traffic: Drift,
    rule: Rule,
    /// Messages on the queue.
    waiting: u64,
    /// What can be delivered and has not been: whole calls, and the fraction that is carried over.
    credit: f64,
    /// Calls that the quota allows, and those made of it.
    quota: Option<(f64, f64)>,
    /// A minute's latencies, ms.
    times: Vec<u32>,
}

/// How a minute's calls ended.
#[derive(Default)]
struct Ends {
    failures: u32,
    throttled: u32,
    opens: bool,
}

impl<'t> World<'t> {
    fn new(lane: &'t Lane, trouble: &'t Trouble, seed: u64, start: u64) -> Self {
        let drift =
            |aspect, deviation, minutes| Drift::new(Rng::new(seed, aspect), deviation, minutes);
        let since = (start - lane.quota_resets) % DAY;
        let spent = trouble.scale * lane.expected(start - since, start);
        Self {
            lane,
            trouble,
            arrivals: Rng::new(seed, Aspect::Arrivals),
            calls: Rng::new(seed, Aspect::Calls),
            instants: Rng::new(seed, Aspect::Instants),
            latency: drift(Aspect::Latency, lane.latency_wanders, 30.0),
            traffic: drift(Aspect::Traffic, lane.traffic_wanders, 60.0),
            rule: Rule::default(),
            waiting: 0,
            credit: 0.0,
            quota: quota_of(lane, trouble.scale).map(|quota| (quota, spent)),
            times: Vec::new(),
        }
    }

    /// The next minute, and whether the event falls into it.
    fn minute(&mut self, at: u64, noise: &Noise) -> (Minute, bool) {
        let effect = self.trouble.at(self.lane, at);
        let calls = self.deliver(at, &effect, noise);
        let ends = self.call(at, calls, &effect, noise);
        let visible =
            self.waiting + u64::from(self.arrivals.poisson(ABOUT_TO_GO * f64::from(calls)));
        let is_full = self.waiting as f64 >= BACKLOG_MINUTES * effect.delivers;
        let is_spent = self.quota.is_some_and(|(quota, used)| used >= quota);
        let is_trouble = at >= self.trouble.onset;
        let happened = ends.opens || is_spent || (is_full && self.trouble.is_backlog());
        if noise.missing {
            return (Minute::missing(at), happened && is_trouble);
        }
        let limit_used = percent(f64::from(calls), effect.delivers);
        let minute = Minute {
            at,
            calls,
            failures: ends.failures,
            throttled: ends.throttled,
            latency: latency(&mut self.times),
            limit_used: (self.lane.is_limited && calls > 0).then_some(limit_used),
            day_quota_used: self.quota.map(|(quota, used)| percent(used, quota)),
            backlog: visible,
            missing: false,
        };
        (minute, happened && is_trouble)
    }

    /// Lets messages come and go, and returns how many went.
    fn deliver(&mut self, at: u64, effect: &Effect, noise: &Noise) -> u32 {
        let expected = effect.arrive * self.traffic.factor();
        let burst = (noise.burst * self.trouble.scale * self.lane.headroom) as u64;
        self.waiting += u64::from(self.arrivals.poisson(expected)) + burst;
        if let Some((_, used)) = &mut self.quota
            && (at - self.lane.quota_resets).is_multiple_of(DAY)
        {
            *used = 0.0;
        }
        self.credit += effect.delivers * noise.delivers;
        let left = self.quota.map_or(f64::MAX, |(quota, used)| quota - used);
        let room = self.credit.min(left.max(0.0).ceil());
        let calls = (room as u64).min(self.waiting);
        // What an idle minute could have delivered is not made up for later; a fraction of a call is carried over.
        self.credit = (self.credit - calls as f64).min(1.0);
        self.waiting -= calls;
        if let Some((_, used)) = &mut self.quota {
            *used += calls as f64;
        }
        u32::try_from(calls).unwrap_or(u32::MAX)
    }

    /// Makes the calls. The breaker's rule judges them from the onset on; before, a blip may open it and means nothing.
    fn call(&mut self, at: u64, calls: u32, effect: &Effect, noise: &Noise) -> Ends {
        let failing = effect
            .failing
            .unwrap_or(self.lane.failing)
            .max(noise.failing);
        let refused = failing + effect.throttled;
        let pace =
            self.lane.median * self.lane.slowness(at) * self.latency.factor() * effect.slower;
        let instants = self.instants(at, calls);
        let mut ends = Ends::default();
        self.times.clear();
        for call in 0..calls as usize {
            let bits = self.calls.bits();
            let mut ms = pace * self.lane.quantiles[bits as usize % STEPS];
            let luck = (bits >> 12) as f64 / (1_u64 << 52) as f64;
            let (failed, throttled) = (luck < failing, luck >= failing && luck < refused);
            if failed {
                ms *= self.lane.failed_takes;
            } else if throttled {
                ms *= REFUSED_TAKES;
            }
            if noise.slow.0 > 0.0 && self.calls.chance(noise.slow.0) {
                ms *= noise.slow.1;
            }
            let ms = (ms + 0.5).max(1.0) as u32;
            self.times.push(ms);
            ends.failures += u32::from(failed);
            ends.throttled += u32::from(throttled);
            if let Some(instant) = instants.get(call) {
                let refused = throttled && self.trouble.is_of_refusals();
                let is_bad = failed || ms > SLOW_MS || refused;
                ends.opens |= self.rule.opens(*instant, is_bad);
            }
        }
        ends
    }

    /// When the calls of a minute of trouble end, ms of the epoch.
    fn instants(&mut self, at: u64, calls: u32) -> Vec<u64> {
        if at < self.trouble.onset {
            return Vec::new();
        }
        let mut instants: Vec<u64> = (0..calls)
            .map(|_| at * 60_000 + self.instants.whole(0, 59_999))
            .collect();
        instants.sort_unstable();
        instants
    }
}

/// Whole percent, cut off, at most 100: as `RateLimitUsed` is published.
fn percent(used: f64, whole: f64) -> f64 {
    f64::from((used / whole * 100.0).min(100.0) as u8)
}

/// What CloudWatch computes of a minute's values; the percentiles by nearest rank.
fn latency(times: &mut [u32]) -> Option<Latency> {
    if times.is_empty() {
        return None;
    }
    times.sort_unstable();
    let rank = |percent: usize| f64::from(times[(times.len() * percent).div_ceil(100) - 1]);
    let sum: u64 = times.iter().map(|ms| u64::from(*ms)).sum();
    Some(Latency {
        mean: sum as f64 / times.len() as f64,
        p50: rank(50),
        p90: rank(90),
        p99: rank(99),
    })
}
