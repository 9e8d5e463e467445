//! What goes wrong, from which minute on, and how it grows.

use super::lane::Lane;
use super::rng::{Aspect, Rng};
use super::{DAY, HISTORY, HOUR, Scenario};

/// Share of failures (or refusals) that a ramp begins and ends with.
const RAMP: (f64, f64) = (0.01, 0.60);
/// Minutes from the first slow answer to the first error, where latency comes first.
const ERRORS_AFTER: u64 = 10;
/// Minutes' worth of delivery that a backlog may hold: at 900 s the lane's alarm for its oldest message goes off.
pub(super) const BACKLOG_MINUTES: f64 = 15.0;
/// A sudden failure opens the breaker with the first few calls; the end is for a lane that has none.
const SUDDEN_MINUTES: u64 = 30;
/// The longest that a backlog may take: from four times what is meant on.
const BACKLOG_MINUTES_MAX: u64 = 6 * HOUR;
/// The least traffic with which trouble begins, as a share of the busiest hour's: the calls a minute that a trace is
/// asked for are those at that minute, and the rest of the week follows from them.
const LEAST_TRAFFIC: f64 = 0.25;
/// Draws of a minute with that much traffic. One of three days is a weekday, half of whose hours have it.
const DRAWS_MAX: u32 = 64;

/// How the trouble grows.
#[derive(Clone, Copy, Debug)]
enum Kind {
    Nothing,
    Sudden,
    Ramp { minutes: f64 },
    LatencyFirst { climbs: f64, to: f64, errors: f64 },
    Throttled { minutes: f64, busier: f64 },
    Quota { extra: f64, turns: f64 },
    Backlog { busier: f64, delivers: f64 },
}

/// What goes wrong in a trace.
#[derive(Clone, Copy, Debug)]
pub(super) struct Trouble {
    kind: Kind,
    /// The first minute of it.
    pub(super) onset: u64,
    /// The minute at which it has come to its end whatever the breaker did.
    pub(super) end: u64,
    /// Calls a minute in the lane's busiest hour.
    pub(super) scale: f64,
    /// Calls a minute that the lane can deliver in good health.
    pub(super) delivers: f64,
}

/// What of it one minute has.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Effect {
    /// Share of failures, in the stead of the healthy one.
    pub(super) failing: Option<f64>,
    /// Share of calls that the vendor refuses for a limit.
    pub(super) throttled: f64,
    /// Every answer takes this many times as long.
    pub(super) slower: f64,
    /// Calls a minute that are expected.
    pub(super) arrive: f64,
    /// Calls a minute that can be delivered.
    pub(super) delivers: f64,
}

impl Trouble {
    /// The trouble of `scenario` for a `lane` of `rate` calls a minute whose trace starts at `start`.
    pub(super) fn of(scenario: Scenario, lane: &Lane, rate: f64, start: u64, seed: u64) -> Self {
        let mut rng = Rng::new(seed, Aspect::Trouble);
        let healthy_from = start + HISTORY;
        match scenario {
            Scenario::Healthy { days } => {
                let end = start + u64::from(days) * DAY;
                Self::new(Kind::Nothing, (end, end), weekly(lane, rate, start), lane)
            }
            Scenario::Quota => quota(lane, weekly(lane, rate, start), healthy_from, &mut rng),
            _ => {
                let onset = busy_minute(lane, healthy_from, &mut rng);
                let scale = rate / lane.traffic(onset);
                let (kind, lasts) = kind(scenario, lane, rate, scale, &mut rng);
                Self::new(kind, (onset, onset + lasts), scale, lane)
            }
        }
    }

    fn new(kind: Kind, (onset, end): (u64, u64), scale: f64, lane: &Lane) -> Self {
        Self {
            kind,
            onset,
            end,
            scale,
            delivers: scale * lane.headroom,
        }
    }

    /// What the minute `at` has of it.
    pub(super) fn at(&self, lane: &Lane, at: u64) -> Effect {
        let mut effect = Effect {
            failing: None,
            throttled: 0.0,
            slower: 1.0,
            arrive: self.scale * lane.traffic(at),
            delivers: self.delivers,
        };
        if at < self.onset {
            return effect;
        }
        // The middle of the minute.
        let into = (at - self.onset) as f64 + 0.5;
        match self.kind {
            Kind::Nothing => {}
            Kind::Sudden => effect.failing = Some(1.0),
            Kind::Ramp { minutes } => effect.failing = Some(ramp(into / minutes)),
            Kind::LatencyFirst { climbs, to, errors } => {
                effect.slower = libm::exp((into / climbs).min(1.0) * libm::log(to));
                let into = into - ERRORS_AFTER as f64;
                effect.failing = (into > 0.0).then(|| ramp(into / errors));
            }
            Kind::Throttled { minutes, busier } => {
                effect.throttled = ramp(into / minutes);
                effect.arrive *= 1.0 + (busier - 1.0) * (into / minutes).min(1.0);
            }
            Kind::Quota { extra, turns } => {
                effect.arrive += extra * (1.0 + turns * into / HOUR as f64);
            }
            Kind::Backlog { busier, delivers } => {
                // The hour stands still: else the afternoon alone would end the trouble.
                effect.arrive = self.scale * lane.traffic(self.onset) * busier;
                effect.delivers = delivers;
            }
        }
        effect
    }

    /// Whether refused calls count as bad ones: the breaker itself never counts them.
    pub(super) const fn is_of_refusals(&self) -> bool {
        matches!(self.kind, Kind::Throttled { .. })
    }

    /// Whether the trouble is that more comes than goes.
    pub(super) const fn is_backlog(&self) -> bool {
        matches!(self.kind, Kind::Backlog { .. })
    }

    /// Whether the end of it is an event, though the breaker has not opened.
    pub(super) const fn ends_in_an_event(&self) -> bool {
        matches!(
            self.kind,
            Kind::Sudden | Kind::Ramp { .. } | Kind::LatencyFirst { .. } | Kind::Throttled { .. }
        )
    }
}

/// A line from the ramp's first share to its last, and level from there on.
fn ramp(done: f64) -> f64 {
    RAMP.0 + (RAMP.1 - RAMP.0) * done.min(1.0)
}

/// Calls a minute in the busiest hour of a lane that has `rate` on the average of a week.
fn weekly(lane: &Lane, rate: f64, start: u64) -> f64 {
    let week = 7 * DAY;
    rate * week as f64 / lane.expected(start, start + week)
}

/// A minute of the three days from `from` on, at any time of day that has traffic.
fn busy_minute(lane: &Lane, from: u64, rng: &mut Rng) -> u64 {
    let mut at = from;
    for _ in 0..DRAWS_MAX {
        at = from + rng.whole(0, 3 * DAY - 1);
        if lane.traffic(at) >= LEAST_TRAFFIC {
            break;
        }
    }
    at
}

/// How it grows, and how many minutes it takes.
fn kind(scenario: Scenario, lane: &Lane, rate: f64, scale: f64, rng: &mut Rng) -> (Kind, u64) {
    match scenario {
        Scenario::Ramp { minutes } => {
            let lasts = u64::from(minutes);
            (
                Kind::Ramp {
                    minutes: minutes.into(),
                },
                lasts,
            )
        }
        Scenario::LatencyFirst => {
            let errors = rng.whole(20, 30);
            let kind = Kind::LatencyFirst {
                climbs: rng.between(20.0, 25.0),
                to: rng.between(4.0, 10.0),
                errors: errors as f64,
            };
            (kind, ERRORS_AFTER + errors)
        }
        Scenario::ThrottleRamp { minutes } => {
            // Either somebody else uses the account up, or it is the lane's own growing traffic.
            let growing = rng.between(1.5, 2.5);
            let busier = if rng.chance(0.5) { growing } else { 1.0 };
            let kind = Kind::Throttled {
                minutes: minutes.into(),
                busier,
            };
            (kind, minutes.into())
        }
        Scenario::Backlog => {
            let surplus = 1.0 + BACKLOG_MINUTES / rng.between(20.0, 60.0);
            let delivers = scale * lane.headroom;
            // Either the lane gets slower than what comes, or more comes than it can deliver.
            let kind = if rng.chance(0.5) {
                Kind::Backlog {
                    busier: 1.0,
                    delivers: rate / surplus,
                }
            } else {
                Kind::Backlog {
                    busier: delivers * surplus / rate,
                    delivers,
                }
            };
            (kind, BACKLOG_MINUTES_MAX)
        }
        Scenario::Sudden | Scenario::Healthy { .. } | Scenario::Quota => {
            (Kind::Sudden, SUDDEN_MINUTES)
        }
    }
}

/// A steady backfill beside the ordinary traffic, such that the day's quota is meant to be spent 8 to 22 hours after it
/// began, and 3 to 8 hours after the backfill did. Its pace changes by up to a tenth an hour.
fn quota(lane: &Lane, scale: f64, healthy_from: u64, rng: &mut Rng) -> Trouble {
    let since = (healthy_from - lane.quota_resets) % DAY;
    let begins = healthy_from + (DAY - since) % DAY;
    let spent = begins + rng.whole(8 * HOUR, 22 * HOUR);
    let lasts = rng.whole(3 * HOUR, 8 * HOUR);
    let turns = rng.between(-0.1, 0.1);
    let ordinary = scale * lane.expected(begins, spent);
    let missing = quota_of(lane, scale).unwrap_or(0.0) - ordinary;
    let middle = 1.0 + turns * lasts as f64 / HOUR as f64 / 2.0;
    let extra = missing / (lasts as f64 * middle);
    let mut trouble = Trouble::new(
        Kind::Quota { extra, turns },
        (spent - lasts, begins + DAY),
        scale,
        lane,
    );
    // A lane that is meant for backfills.
    trouble.delivers = (scale + 2.0 * extra) * lane.headroom;
    trouble
}

/// Calls that a day's quota allows, if there is one.
pub(super) fn quota_of(lane: &Lane, scale: f64) -> Option<f64> {
    let usual = scale * lane.expected_of_weekday();
    lane.quota_use.map(|share| usual / share)
}
