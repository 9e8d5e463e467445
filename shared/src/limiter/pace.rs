//! How one environment lines up for a limit that is full: when it asks the store again, and when the messages that it
//! puts back do.
//!
//! Nobody writes down who waits. An environment knows what it was granted lately, and so how many times that the limit
//! gives: the crowd that it shares with. It asks at random within a time that grows with the crowd, so that some four of all
//! environments ask for each token, whether five wait or a thousand; and the slots that it gives to messages, in which they
//! come back to whichever environment, stand as far apart as its own tokens do, so that together they come a little faster
//! than the limit gives.

use std::time::Duration;

use super::Limit;
use super::state::{micros, span};
use crate::timestamp::Timestamp;

/// Slots lie at most this far ahead (a deferral is at most 11 h, and wants room for rounding). Beyond it the
/// slots start again at the front and two messages share one: the later is deferred once more.
pub const SLOT_HORIZON: Duration = Duration::from_secs(10 * 60 * 60);

/// The longest that an environment waits once there may be room: a thousand then ask fifty times a second each two, and
/// a lane that was left alone goes on soon.
const ASK_MAX: Duration = Duration::from_secs(20);

/// No token is waited for as if it came faster: DynamoDB allows an item 1,000 writes a second
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>).
const ASK_GRAIN: Duration = Duration::from_millis(20);

/// The crowd's power in the time of asking: a little below 1, so that who was lucky does not ask that much more often.
const FAIRNESS: f64 = 0.9;

/// The part of an interval in which the environments of a crowd ask, on the mean, is a quarter: half of twice that.
const ASK_PART: f64 = 0.5;

/// Slots stand this much closer than tokens come: some messages come at a bad moment, and no token should wait for one.
const SLOT_PART: f64 = 0.7;

/// Tokens after which half of them are forgotten, once they took [`REMEMBERED`] windows.
const TOKENS: u64 = 16;

/// See [`TOKENS`].
const REMEMBERED: i64 = 4;

/// After so long without a word what was known of the crowd is forgotten, and two windows.
const FORGOTTEN: Duration = Duration::from_secs(10);

/// One environment's place in the crowd before one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    since: Timestamp,
    granted: u64,
    last: Timestamp,
    ask_from: Timestamp,
    cursor: Timestamp,
}

impl Pace {
    /// Not before this is there a point in asking.
    pub fn ask_from(&self) -> Timestamp {
        self.ask_from
    }

    /// Notes that `calls` were granted, of limits whose longest padded window is `window` microseconds.
    pub fn granted(&mut self, calls: usize, window: i64, now: Timestamp) {
        let quiet = micros(now) - micros(self.last);
        if quiet > 2 * window + span(FORGOTTEN) {
            (self.since, self.granted) = (now, 0);
        }
        self.last = now;
        self.granted += calls as u64;
        let age = now.since(self.since);
        if self.granted >= TOKENS && span(age) > REMEMBERED * window {
            self.since = self.since + age / 2;
            self.granted /= 2;
        }
    }

    /// Notes a refusal by `full` limits, of which there may be room from `ready` on. `chance` is in `0.0..1.0`.
    pub fn refused(
        &mut self,
        full: &Limit,
        units: i64,
        ready: Timestamp,
        now: Timestamp,
        chance: f64,
    ) {
        self.granted(0, full.padded_us(), now);
        let interval = interval(full, units);
        let crowd = self.gap(full, units, now) / interval;
        let wait = interval.max(ASK_GRAIN.as_secs_f64()) * crowd.powf(FAIRNESS) * ASK_PART * chance;
        self.ask_from = ready + Duration::from_secs_f64(wait).min(ASK_MAX);
    }

    /// The slot of the next message that is put back for `full`.
    pub fn slot(&mut self, full: &Limit, units: i64, now: Timestamp) -> Timestamp {
        let step = Duration::from_secs_f64(self.gap(full, units, now) * SLOT_PART);
        let slot = (self.cursor + step)
            .max(self.ask_from)
            .max(now + Duration::from_millis(1));
        let slot = if slot > (now + SLOT_HORIZON).max(self.ask_from) {
            self.ask_from.max(now) + step.min(SLOT_HORIZON)
        } else {
            slot
        };
        self.cursor = slot;
        slot
    }

    /// Seconds that pass between two of its own tokens: none yet is one in a window.
    fn gap(&self, full: &Limit, units: i64, now: Timestamp) -> f64 {
        let passed = now.since(self.since).as_secs_f64() + full.padded_us() as f64 / 1e6;
        (passed / (self.granted + 1) as f64).max(interval(full, units))
    }
}

/// Seconds in which `units` come back.
fn interval(limit: &Limit, units: i64) -> f64 {
    (limit.interval_us().saturating_mul(units.max(1)) as f64 / 1e6).max(1e-6)
}
