//! What the gatekeeper says of lanes beside their breakers: paused connections, and dead letters that grow old. It
//! changes nothing of them; one item a lane remembers what was seen.

use std::collections::BTreeMap;
use std::time::Duration;

use futures_util::future::join_all;

use super::letters::{COUNT_EVERY, Letters, SAID_FROM, letters_key};
use super::pauses::{FIELDS, Pauses, Standing, pauses_key};
use super::{Cause, Gatekeeper, SIDE_BY_SIDE, WatchedLane};
use crate::lanes::{self, Known, MAX_GLANCE};
use crate::{StoreError, Timestamp, credentials};

/// Whose writes of remembered items these are. Runs side by side repeat each other's decisions.
const WRITER: &str = "gatekeeper";

/// What a minute's run says of the lanes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Connections that are paused (true), or were a moment ago.
    pub connections: Vec<Connection>,
    /// How old the oldest letter of a lane can be, for those from a week on.
    pub letters: Vec<(String, Duration)>,
}

/// A connection that is or just was paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Connection {
    /// The lane's provider.
    pub provider: String,
    /// The connection, or [`MORE`](super::MORE).
    pub name: String,
    /// Whether it, or an operation of it, is paused.
    pub is_paused: bool,
}

impl Gatekeeper {
    /// Notes who pauses where items changed; each minute says who is paused, and each quarter of an hour counts letters.
    /// What fails is logged and left to the next time.
    pub(super) async fn look_on(&self, cause: &Cause) -> Seen {
        let mut seen = Seen::default();
        match cause {
            Cause::Changed(keys) => {
                for (provider, connections) in self.connections_in(keys) {
                    let noted = self.note(&provider, &connections, Known::default()).await;
                    told(&provider, "a pause could not be noted", noted);
                }
            }
            Cause::Schedule => {
                let counts = is_time_to_count(self.clock.now());
                for lanes in self.lanes.chunks(SIDE_BY_SIDE) {
                    let looks = lanes.iter().map(|lane| self.look_at(lane, counts));
                    for (connections, letters) in join_all(looks).await {
                        seen.connections.extend(connections);
                        seen.letters.extend(letters);
                    }
                }
            }
        }
        seen
    }

    async fn look_at(
        &self,
        lane: &WatchedLane,
        counts: bool,
    ) -> (Vec<Connection>, Option<(String, Duration)>) {
        let provider = &lane.provider;
        let paused = told(
            provider,
            "paused connections could not be read",
            self.paused(provider).await,
        );
        let letters = if counts {
            self.count(lane).await
        } else {
            Ok(None)
        };
        let age = told(provider, "dead letters could not be counted", letters);
        let age = age.flatten().filter(|age| *age >= SAID_FROM);
        (
            paused.unwrap_or_default(),
            age.map(|age| (provider.clone(), age)),
        )
    }

    /// Those that are known as paused, each looked at anew.
    async fn paused(&self, provider: &str) -> Result<Vec<Connection>, StoreError> {
        let known = lanes::read::<Pauses>(self.states.as_ref(), &pauses_key(provider)).await?;
        if known.value == Pauses::default() {
            return Ok(Vec::new());
        }
        let names: Vec<String> = known.value.known().map(str::to_owned).collect();
        let pauses = self.note(provider, &names, known).await?;
        let connection = |(name, is_paused): (&str, bool)| Connection {
            provider: provider.to_owned(),
            name: name.to_owned(),
            is_paused,
        };
        Ok(pauses.gauge().map(connection).collect())
    }

    /// Looks at `connections` and remembers which of them are paused.
    async fn note(
        &self,
        provider: &str,
        connections: &[String],
        known: Known<Pauses>,
    ) -> Result<Pauses, StoreError> {
        let mut standing = Vec::with_capacity(connections.len());
        for some in connections.chunks(MAX_GLANCE) {
            let keys: Vec<String> = some
                .iter()
                .map(|name| credentials::key(provider, name))
                .collect();
            let items = self.states.glance(&keys, &FIELDS).await?;
            standing.extend(some.iter().zip(items).filter_map(|(name, item)| {
                let item = item.map_or_else(|| Ok(Standing::default()), serde_json::from_value);
                // What cannot be read is no news.
                Some((name.as_str(), item.ok()?.is_paused()))
            }));
        }
        let decide = |pauses: &Pauses, now| (pauses.told(standing.iter().copied(), now), ());
        let key = pauses_key(provider);
        let (states, clock) = (self.states.as_ref(), self.clock.as_ref());
        let value = known.value.clone();
        let done = lanes::update(states, clock, &key, WRITER, known, decide).await?;
        Ok(done.map_or(value, |(known, ())| known.value))
    }

    async fn count(&self, lane: &WatchedLane) -> Result<Option<Duration>, StoreError> {
        let letters = self.control.letters(&lane.source).await?;
        let key = letters_key(&lane.provider);
        let (states, clock) = (self.states.as_ref(), self.clock.as_ref());
        let known = lanes::read::<Letters>(states, &key).await?;
        let now = self.clock.now();
        let age = known.value.age(now);
        let decide = |known: &Letters, now| (known.counted(letters, now), ());
        let done = lanes::update(states, clock, &key, WRITER, known, decide).await?;
        Ok(done.map_or(age, |(known, ())| known.value.age(now)))
    }

    /// The connections of our lanes whose items are among `keys`, by provider.
    fn connections_in(&self, keys: &[String]) -> BTreeMap<String, Vec<String>> {
        let mut found = BTreeMap::<String, Vec<String>>::new();
        for key in keys {
            let mut parts = key.splitn(3, '#');
            let (Some(provider), Some(connection)) = (parts.next(), parts.next()) else {
                continue;
            };
            let is_ours = self.lanes.iter().any(|lane| lane.provider == provider);
            if !is_ours || *key != credentials::key(provider, connection) {
                continue;
            }
            let connections = found.entry(provider.to_owned()).or_default();
            // A glance refuses the same key twice.
            if !connections.iter().any(|known| known == connection) {
                connections.push(connection.to_owned());
            }
        }
        found
    }
}

/// The schedule runs every minute: the first minute of each [`COUNT_EVERY`].
fn is_time_to_count(now: Timestamp) -> bool {
    let every = i64::try_from(COUNT_EVERY.as_millis()).unwrap_or(i64::MAX);
    now.as_millis().rem_euclid(every) < 60_000
}

fn told<T>(provider: &str, what: &'static str, result: Result<T, StoreError>) -> Option<T> {
    result
        .inspect_err(|error| tracing::warn!(provider, %error, "{what}"))
        .ok()
}
