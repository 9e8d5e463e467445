//! Which connections of a lane are paused, as far as the gatekeeper was told: a gauge.
//!
//! A lane says something of a paused connection only when one of its messages comes back, every quarter of an hour or
//! later. An alarm on that comes and goes all day, and hides whoever pauses meanwhile. So the gatekeeper notes a pause
//! when the connection's item changes, and says it every minute until a look shows that it is over.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::credentials::{Pause, Rights};

/// Connections of a lane that are known by name. Each is a metric of its own while it is paused, $0.30 for a whole month
/// (<https://aws.amazon.com/cloudwatch/pricing/>), and who reads twenty names looks at the list.
pub const NAMED_MAX: usize = 20;

/// What stands for those beyond: no connection can be called so.
pub const MORE: &str = "(more)";

/// How long it is said that a pause is over, so that an alarm that looks back for five minutes hears of it.
const SAID_AFTER: Duration = Duration::from_secs(10 * 60);

/// How long one connection beyond the named counts: a paused connection's item changes at each trial, which is due
/// every 15 min, and made within 90 min of the last where anything waits.
const MORE_FOR: Duration = Duration::from_secs(2 * 60 * 60);

/// The attributes of a connection's item that tell whether it is paused. No token is among them.
pub const FIELDS: [&str; 2] = ["pause", "rights"];

/// Key of the item that remembers a provider's paused connections.
pub fn pauses_key(provider: &str) -> String {
    format!("{provider}#*#pauses")
}

/// Connections that are paused, or were a moment ago.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pauses {
    /// When each was found to go on again; none while it is paused.
    connections: BTreeMap<String, Option<Timestamp>>,
    /// Until when one more counts than is known by name.
    more_until: Option<Timestamp>,
}

/// Whether a connection, or an operation of it, is paused, by the [`FIELDS`] of its item.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Standing {
    pause: Option<Pause>,
    rights: Rights,
}

impl Standing {
    /// Whether some of its messages wait for a person.
    pub fn is_paused(&self) -> bool {
        self.pause.is_some() || self.rights.paused().next().is_some()
    }
}

impl Pauses {
    /// The connections that are known by name.
    pub fn known(&self) -> impl Iterator<Item = &str> {
        self.connections.keys().map(String::as_str)
    }

    /// This state once it is told which connections are paused and which are not; none where that is no news.
    #[must_use]
    pub fn told<'a>(
        &self,
        standing: impl IntoIterator<Item = (&'a str, bool)>,
        now: Timestamp,
    ) -> Option<Self> {
        let mut next = self.clone();
        for (connection, is_paused) in standing {
            let has_room = next.connections.len() < NAMED_MAX;
            match (next.connections.get_mut(connection), is_paused) {
                (Some(ended), true) => *ended = None,
                (Some(ended), false) => {
                    ended.get_or_insert(now);
                }
                (None, true) if has_room => {
                    next.connections.insert(connection.to_owned(), None);
                }
                (None, true) => next.more_until = Some(now + MORE_FOR),
                (None, false) => {}
            }
        }
        let is_said = |ended: &Option<Timestamp>| ended.is_none_or(|at| now.since(at) < SAID_AFTER);
        next.connections.retain(|_, ended| is_said(ended));
        next.more_until = next.more_until.filter(|until| now < *until);
        (next != *self).then_some(next)
    }

    /// What is said of each: whether it is paused. [`MORE`] stands for those that are not known by name.
    pub fn gauge(&self) -> impl Iterator<Item = (&str, bool)> {
        let known = self.connections.iter();
        let known = known.map(|(connection, ended)| (connection.as_str(), ended.is_none()));
        known.chain(self.more_until.map(|_| (MORE, true)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    fn gauge(pauses: &Pauses) -> Vec<(&str, bool)> {
        pauses.gauge().collect()
    }

    #[test]
    fn a_pause_is_said_until_it_is_over_and_its_end_for_a_while() {
        let paused = Pauses::default().told([("berlin", true)], NOON);
        let paused = paused.expect("news");
        assert_eq!(gauge(&paused), [("berlin", true)]);
        assert_eq!(paused.told([("berlin", true)], NOON), None, "no news");

        let ended = paused.told([("berlin", false)], NOON).expect("news");
        assert_eq!(gauge(&ended), [("berlin", false)]);
        let later = NOON + SAID_AFTER;
        let forgotten = ended.told([("berlin", false)], later).expect("news");
        assert_eq!(forgotten, Pauses::default());
    }

    #[test]
    fn whoever_goes_on_is_no_news() {
        assert_eq!(Pauses::default().told([("berlin", false)], NOON), None);
    }

    #[test]
    fn beyond_the_named_all_are_one_that_ends_by_itself() {
        let names: Vec<String> = (0..30).map(|n| format!("shop-{n:02}")).collect();
        let told = names.iter().map(|name| (name.as_str(), true));
        let pauses = Pauses::default().told(told, NOON).expect("news");
        assert_eq!(pauses.known().count(), NAMED_MAX);
        assert_eq!(gauge(&pauses).last(), Some(&(MORE, true)));
        let later = pauses.told([], NOON + MORE_FOR).expect("news");
        assert_eq!(gauge(&later).len(), NAMED_MAX);
    }
}
