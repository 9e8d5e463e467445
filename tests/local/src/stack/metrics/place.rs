//! How far the functions' logs have been read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::emulator::LogEvent;

/// How far back a read goes behind the latest event that was seen: the emulator stamps an invocation's lines just
/// before it stores them, so that two invocations may come in the wrong order.
const OVERLAP_MS: i64 = 10_000;

/// Where the next read of one log group starts, and what it will find that was read before.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    latest: i64,
    /// Events that were read of each stream of the last seconds, and their time. The emulator has a stream for each
    /// invocation.
    streams: BTreeMap<String, (i64, usize)>,
}

impl Place {
    /// The time of the earliest event that the next read must cover.
    pub fn from(&self) -> i64 {
        (self.latest - OVERLAP_MS).max(0)
    }

    /// Those of `events`, all that there are since `from`, that were not read before.
    pub fn unread(&mut self, events: Vec<LogEvent>) -> Vec<LogEvent> {
        let mut counts: BTreeMap<String, usize> = BTreeMap::new();
        let mut unread = Vec::new();
        for event in events {
            let count = counts.entry(event.stream.clone()).or_default();
            *count += 1;
            let (at, known) = self.streams.entry(event.stream.clone()).or_default();
            if *count > *known {
                (*at, *known) = (event.timestamp, *count);
                self.latest = self.latest.max(event.timestamp);
                unread.push(event);
            }
        }
        let from = self.from();
        self.streams.retain(|_, (at, _)| *at >= from);
        unread
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(stream: &str, timestamp: i64) -> LogEvent {
        LogEvent {
            stream: stream.to_owned(),
            timestamp,
            message: format!("{stream} at {timestamp}"),
        }
    }

    fn read(place: &mut Place, events: &[LogEvent]) -> Vec<String> {
        let from = place.from();
        let there = events.iter().filter(|event| event.timestamp >= from);
        let unread = place.unread(there.cloned().collect());
        unread.into_iter().map(|event| event.message).collect()
    }

    #[test]
    fn every_event_is_read_once_also_one_that_was_stored_late() {
        let mut place = Place::default();
        let mut log = vec![event("a", 100_000), event("a", 100_000)];
        assert_eq!(read(&mut place, &log).len(), 2);
        assert_eq!(read(&mut place, &log).len(), 0);
        log.insert(0, event("late", 99_999));
        log.push(event("b", 100_000));
        assert_eq!(
            read(&mut place, &log),
            ["late at 99999", "b at 100000"].map(str::to_owned)
        );
        assert_eq!(read(&mut place, &log).len(), 0);
    }

    #[test]
    fn streams_of_long_ago_are_forgotten() {
        let mut place = Place::default();
        for at in 0..100 {
            let stream = at.to_string();
            assert_eq!(read(&mut place, &[event(&stream, at * 1000)]).len(), 1);
        }
        assert_eq!(place.streams.len(), 11);
    }
}
