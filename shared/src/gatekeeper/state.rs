//! What a lane's event source should be set to, by its breaker.

use std::time::Duration;

use crate::Timestamp;
use crate::breaker::{Breaker, State};
use crate::lane_control::{EventSource, MIN_CONCURRENCY, Setting};

/// The longest rest of an open window for which an enabled source stays enabled: the design's minute, and a second
/// for clocks that differ, so that a first opening, which lasts exactly a minute, never disables.
pub const STAY_ENABLED: Duration = Duration::from_secs(61);

/// How long after a close it is reported that the breaker is closed again: at least one run of the schedule, which
/// comes once a minute, falls into it.
const JUST_CLOSED: Duration = Duration::from_secs(90);

/// The setting that an event source needs now; none where it stands so, or where an earlier change is still under
/// way (the next run will look again).
///
/// `breaker` is none where its item is missing or unreadable: a lane is never held back by what nobody knows.
/// `full` is the lane's own maximum concurrency, in batches at once.
///
/// | breaker | event source |
/// |---|---|
/// | `Closed`, missing, unreadable | enabled, at full concurrency (admission ramps by itself) |
/// | open, more than [`STAY_ENABLED`] to go | disabled |
/// | open, less to go | as it is, but enabled only at minimum concurrency |
/// | open window over, `HalfOpen` | enabled at minimum concurrency: the probe is a message |
pub fn decide(
    breaker: Option<&Breaker>,
    source: &EventSource,
    full: u16,
    now: Timestamp,
) -> Option<Setting> {
    let wanted = wanted(breaker, source, full, now);
    (!source.is_changing && !source.is(wanted)).then_some(wanted)
}

fn wanted(breaker: Option<&Breaker>, source: &EventSource, full: u16, now: Timestamp) -> Setting {
    let at = |maximum_concurrency| Setting::Enabled {
        maximum_concurrency,
    };
    let Some(breaker) = breaker else {
        return at(full);
    };
    match breaker.state {
        State::Closed => at(full),
        State::HalfOpen => at(MIN_CONCURRENCY),
        State::Open | State::ForcedOpen => {
            let left = breaker
                .open_until
                .map_or(Duration::ZERO, |end| end.since(now));
            let rests = !source.enabled && left > Duration::ZERO;
            if left > STAY_ENABLED || rests {
                Setting::Disabled
            } else {
                at(MIN_CONCURRENCY)
            }
        }
    }
}

/// What a breaker is said to be in its lane's stead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Report {
    /// Not closed, and requests wait or may come through: an outage.
    Open,
    /// Not closed for want of a probe alone: the window is over, and nothing waits that could be one.
    Idle,
    /// Closed, and was not a minute ago.
    Closed,
}

/// Whether only a probe is missing: no window and no probe's lease stand in the way of the next message.
pub fn awaits_probe(breaker: &Breaker, now: Timestamp) -> bool {
    match breaker.state {
        State::Closed => false,
        State::Open | State::ForcedOpen => breaker.open_until.is_none_or(|end| end <= now),
        State::HalfOpen => breaker.probe_until.is_none_or(|end| end <= now),
    }
}

/// What to say of the breaker in the lane's stead; nothing once it has been closed for a while. `waiting` is how many
/// messages its queue holds, where that is known.
pub fn report(breaker: &Breaker, waiting: Option<u64>, now: Timestamp) -> Option<Report> {
    if breaker.state == State::Closed {
        let closed_at = breaker.closed_at?;
        return (now.since(closed_at) < JUST_CLOSED).then_some(Report::Closed);
    }
    let is_idle = waiting == Some(0) && awaits_probe(breaker, now);
    Some(if is_idle { Report::Idle } else { Report::Open })
}
