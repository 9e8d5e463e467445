//! How one environment lines up for a limit that is full: when it asks the store again, and when the messages that it
//! puts back do.
//!
//! Nobody writes down who waits. An environment knows what it was granted lately, and so how many times that the limit
//! gives: the crowd that it shares with. It asks at random within a time that grows with the crowd, so that some four of all
//! environments ask for each token, whether five wait or a thousand; and the slots that it gives to messages, in which they
//! come back to whichever environment, stand as far apart as its own tokens do, so that together they come a little faster
//! than the limit gives.

use std::time::Duration;

use super::{FULL_RATE, Limit};
use crate::timestamp::Timestamp;

/// Slots lie at most this far ahead (a deferral is at most 11 h, and wants room for rounding). Beyond it the
/// slots start again at the front and two messages share one: the later is deferred once more.
pub const SLOT_HORIZON: Duration = Duration::from_secs(10 * 60 * 60);

/// The longest that an environment waits once there may be room: a thousand then ask fifty times a second each two, and
/// a lane that was left alone goes on soon.
const ASK_MAX: Duration = Duration::from_secs(20);

/// What the time of asking grows by with the crowd, so that some 400 environments ask a second, however many there are:
/// DynamoDB allows an item 1,000 writes a second
/// (<https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/bp-partition-key-design.html>).
const ASK_STEP: Duration = Duration::from_millis(5);

/// The crowd's power in the time of asking: a little below 1, so that who was lucky does not ask that much more often.
const FAIRNESS: f64 = 0.9;

/// Slots stand this much closer than tokens come: some messages come at a bad moment, and no token should wait for one.
const SLOT_PART: f64 = 0.35;

/// The same where a window holds few: a token that nobody came for is a larger part of it.
const SLOT_LEAST: f64 = 0.2;

/// No slot is further ahead than this many times as long as the crowd has been watched: what it was thought to be may
/// have been wrong.
const FORESIGHT: u32 = 8;

/// Without a refusal for so long the limit was not full.
const QUIET: Duration = Duration::from_secs(60);

/// As many are thought to wait before anything is known of them, where slots are given: a backlog that everybody puts back
/// within a second, each by what it got of the first window, would come back in all too different a time.
const FEW: f64 = 5.0;

/// Own tokens after which half of them are forgotten, with what the others got meanwhile.
const REMEMBERED: i64 = 32;

/// One environment's place in the crowd before one item.
#[derive(Clone, Debug, Default)]
pub(super) struct Pace {
    /// Calls that it was granted lately.
    own: i64,
    /// How many calls had ever been granted to anybody when it began to count; none before.
    since: Option<i64>,
    ask_from: Timestamp,
    /// The ramp's share at which it was refused: a larger one has room before.
    at_share: u16,
    cursor: Cursor,
    /// When the limit began to be full, and when it was last.
    busy_since: Timestamp,
    refused_at: Timestamp,
}

impl Pace {
    /// Not before this is there a point in asking, at `share` of the rate.
    pub fn ask_from(&self, share: u16) -> Timestamp {
        if share > self.at_share {
            return Timestamp::default();
        }
        self.ask_from
    }

    /// Whether it was last refused at less than the full rate.
    pub fn is_in_ramp(&self) -> bool {
        (1..FULL_RATE).contains(&self.at_share)
    }

    /// Notes that `calls` were granted, which made it `all` that ever were.
    pub fn granted(&mut self, calls: usize, all: i64) {
        let calls = i64::try_from(calls).unwrap_or(i64::MAX);
        let since = *self.since.get_or_insert(all - calls);
        self.own += calls;
        if self.own >= REMEMBERED {
            self.own /= 2;
            self.since = Some(since + (all - since) / 2);
        }
    }

    /// Notes a refusal by `full`, of which there may be room from `ready` on, after `all` calls that ever were
    /// granted. `chance` is in `0.0..1.0`.
    pub fn refused(
        &mut self,
        (full, share): (&Limit, u16),
        all: i64,
        (now, ready): (Timestamp, Timestamp),
        chance: f64,
    ) {
        if now.since(self.refused_at) > ready.since(now) + QUIET {
            self.busy_since = now;
        }
        self.refused_at = now;
        let crowd = self.crowd(all, f64::from(full.burst()), 1.0).powf(FAIRNESS);
        self.at_share = share;
        self.ask_from = ready + ASK_STEP.mul_f64(crowd * chance).min(ASK_MAX);
    }

    /// The slot of the next message, of `units`, that is put back for `full`, by what comes back of it when.
    pub fn slot(
        &mut self,
        full: (&Limit, i64),
        all: i64,
        comes_back: &ComesBack,
        now: Timestamp,
    ) -> Timestamp {
        let prior = f64::from(full.0.burst()) / FEW;
        let part = SLOT_PART * prior.clamp(SLOT_LEAST, 1.0);
        let prior = prior.max(1.0);
        let units = full.1.max(1) as f64 * self.crowd(all, FEW * prior, prior) * part;
        self.cursor = comes_back.after(self.cursor, units);
        let front = self.ask_from.max(now + Duration::from_millis(1));
        let known_for = now.since(self.busy_since) + comes_back.period;
        let horizon = (known_for * FORESIGHT).min(SLOT_HORIZON);
        if self.cursor.at > front + horizon {
            self.cursor = comes_back.after(Cursor::default(), units);
        }
        self.cursor.at.clamp(front, front + SLOT_HORIZON)
    }

    /// How many share the limit, if all get as much. It begins as if `shared` calls had been granted, of which this
    /// environment got `prior`.
    fn crowd(&mut self, all: i64, shared: f64, prior: f64) -> f64 {
        // An item made anew counts from the beginning.
        let since = self.since.filter(|since| *since <= all).unwrap_or(all);
        self.since = Some(since);
        let theirs = (all - since) as f64 + shared;
        (theirs / (self.own as f64 + prior)).max(1.0)
    }
}

/// Up to where slots were given: all that comes back before `at`, and `used` of what comes back then.
#[derive(Clone, Copy, Debug, Default)]
struct Cursor {
    at: Timestamp,
    used: f64,
}

/// What a limit gets back, and when: what a window counts, bucket by bucket, and so again in each window after it.
#[derive(Clone, Debug)]
pub(super) struct ComesBack {
    /// In order of time, nothing empty, not all empty.
    pub parts: Vec<(Timestamp, i64)>,
    pub period: Duration,
}

impl ComesBack {
    /// Where the next `units` beyond `cursor` have come back.
    fn after(&self, cursor: Cursor, units: f64) -> Cursor {
        let Some((first, _)) = self.parts.first() else {
            return cursor;
        };
        let period = self.period.max(Duration::from_millis(1));
        // Whole windows at once, the rest part by part.
        let ahead = cursor.at.since(*first).div_duration_f64(period).floor();
        let all = self
            .parts
            .iter()
            .map(|(_, units)| *units as f64)
            .sum::<f64>();
        let windows = (units / all.max(1.0)).floor();
        let mut left = units - windows * all;
        let mut shift = period.mul_f64(ahead);
        for _ in 0..2 {
            for (at, units) in &self.parts {
                let at = *at + shift;
                let used = if at == cursor.at { cursor.used } else { 0.0 };
                let there = *units as f64 - used;
                if at < cursor.at || there <= 0.0 {
                    continue;
                }
                if left <= there {
                    let at = at + period.mul_f64(windows);
                    return Cursor {
                        at,
                        used: used + left,
                    };
                }
                left -= there;
            }
            shift += period;
        }
        Cursor {
            at: *first + shift + period.mul_f64(windows),
            used: left,
        }
    }
}
