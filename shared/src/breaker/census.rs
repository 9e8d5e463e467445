//! When connections with breakers of their own fail together: then it is the provider, and its breaker opens for all.
//!
//! The count begins with the first opening and lasts for the breaker's window; nobody writes it before, nor while no
//! breaker opens. Who called is told by every environment that sees the count, once for each of its connections.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::window::APART;
use super::{Breaker, BreakerSpec, State};
use crate::timestamp::Timestamp;

/// Openings that are no coincidence any more: the design's number, section 5.
const OPENINGS: usize = 3;

/// Connections that are kept: those of the smallest names by hash, which is a fair sample of however many there are, and
/// all of them up to this number. The item stays one write unit.
const SAMPLE: usize = 32;

/// Which connections called since the first opening, and which of their breakers opened.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Census {
    /// When the first breaker opened.
    pub since: Timestamp,
    /// The connections' names by hash; true where the breaker opened.
    pub connections: BTreeMap<String, bool>,
}

/// What a connection is called in a [`Census`].
pub(super) fn print(connection: &str) -> String {
    let hash = Sha256::digest(connection.as_bytes());
    hash.iter()
        .take(4)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

impl Breaker {
    /// Whether connections' breakers are counted now.
    pub(super) fn is_counting(&self, spec: &BreakerSpec, now: Timestamp) -> bool {
        self.state == State::Closed && self.census(spec, now).is_some()
    }

    fn census(&self, spec: &BreakerSpec, now: Timestamp) -> Option<&Census> {
        let census = self.census.as_ref()?;
        (census.since <= now && now < census.since + spec.window).then_some(census)
    }

    /// Decides what to write of the provider's breaker when `opened`, a connection's, has opened, or when an environment
    /// that made calls for `callers` looks at it; `None` means nothing. It opens once the others had the time in which
    /// they see the count to speak against it.
    pub fn surveyed<'a>(
        &self,
        spec: &BreakerSpec,
        now: Timestamp,
        opened: Option<&str>,
        callers: impl IntoIterator<Item = &'a str>,
    ) -> Option<Self> {
        if self.state != State::Closed {
            return None;
        }
        let begun = || {
            opened.map(|_| Census {
                since: now,
                ..Census::default()
            })
        };
        let mut census = self.census(spec, now).cloned().or_else(begun)?;
        for caller in callers {
            census.connections.entry(print(caller)).or_insert(false);
        }
        if let Some(opened) = opened {
            census.connections.insert(print(opened), true);
        }
        while census.connections.len() > SAMPLE {
            census.connections.pop_last();
        }
        let (all, ill) = census.totals();
        if ill >= OPENINGS && 2 * ill >= all && now >= census.since + APART {
            let reason = format!("{ill} of {all} connections' breakers open");
            return Some(self.open(spec, now, reason));
        }
        let next = Self {
            census: Some(census),
            ..self.clone()
        };
        (next != *self).then_some(next)
    }
}

impl Census {
    fn totals(&self) -> (usize, usize) {
        let ill = self.connections.values().filter(|opened| **opened);
        (self.connections.len(), ill.count())
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{SPEC, at};
    use super::*;

    fn opening(breaker: &Breaker, seconds: f64, shop: &str) -> Breaker {
        let next = breaker.surveyed(&SPEC, at(seconds), Some(shop), [shop]);
        next.unwrap_or_else(|| breaker.clone())
    }

    #[test]
    fn three_connections_that_open_within_a_minute_open_the_provider_s() {
        let mut breaker = Breaker::default();
        for (second, shop) in [(0.0, "a"), (20.0, "b"), (40.0, "c")] {
            assert_eq!(breaker.state, State::Closed);
            breaker = opening(&breaker, second, shop);
        }
        assert_eq!(breaker.state, State::Open);
        let reason = Some("3 of 3 connections' breakers open");
        assert_eq!(breaker.reason.as_deref(), reason);
        assert_eq!(breaker.census, None);
    }

    #[test]
    fn three_of_seven_that_call_are_not_the_provider() {
        let mut breaker = opening(&Breaker::default(), 0.0, "a");
        let healthy = ["d", "e", "f", "g"];
        breaker = breaker
            .surveyed(&SPEC, at(1.0), None, healthy)
            .expect("callers");
        for (second, shop) in [(10.0, "b"), (20.0, "c")] {
            breaker = opening(&breaker, second, shop);
        }
        assert_eq!(breaker.state, State::Closed);
        assert_eq!(opening(&breaker, 30.0, "d").state, State::Open, "4 of 7");
    }

    #[test]
    fn one_renamed_shop_never_stops_the_others() {
        let mut breaker = Breaker::default();
        for minute in 0..10 {
            breaker = opening(&breaker, f64::from(minute) * 60.0, "a");
            assert_eq!(breaker.state, State::Closed);
        }
    }

    #[test]
    fn openings_that_lie_apart_are_not_counted_together() {
        let mut breaker = Breaker::default();
        for (second, shop) in [(0.0, "a"), (59.0, "b"), (61.0, "c"), (62.0, "d")] {
            breaker = opening(&breaker, second, shop);
        }
        assert_eq!(breaker.state, State::Closed);
    }

    #[test]
    fn the_others_are_heard_first() {
        let mut breaker = Breaker::default();
        for shop in ["a", "b", "c"] {
            breaker = opening(&breaker, 0.5, shop);
        }
        assert_eq!(breaker.state, State::Closed);
        let looked = breaker.surveyed(&SPEC, at(2.5), None, ["a"]);
        assert_eq!(looked.map(|next| next.state), Some(State::Open));
    }

    #[test]
    fn nothing_is_written_where_nothing_opened_or_nothing_is_new() {
        let healthy = Breaker::default();
        assert_eq!(healthy.surveyed(&SPEC, at(0.0), None, ["a", "b"]), None);
        let counting = opening(&healthy, 0.0, "a");
        assert_eq!(counting.surveyed(&SPEC, at(1.0), None, ["a"]), None);
        assert_eq!(counting.surveyed(&SPEC, at(61.0), None, ["b"]), None);
    }

    #[test]
    fn thousands_of_connections_are_sampled_in_one_write_unit() {
        let name = |n: u32| format!("shop-{n}");
        let mut breaker = opening(&Breaker::default(), 0.0, &name(0));
        let names: Vec<String> = (0..5_000).map(name).collect();
        let callers = names.iter().map(String::as_str);
        breaker = breaker
            .surveyed(&SPEC, at(1.0), None, callers)
            .expect("callers");
        for shop in names.iter().take(1_000) {
            breaker = opening(&breaker, 10.0, shop);
        }
        assert_eq!(breaker.state, State::Closed, "a fifth");
        let size = serde_json::to_string(&breaker).expect("plain data").len();
        assert!(size < 1_024, "{size} bytes");
        for shop in names.iter().take(4_000) {
            breaker = opening(&breaker, 20.0, shop);
        }
        assert_eq!(breaker.state, State::Open, "four fifths");
    }
}
