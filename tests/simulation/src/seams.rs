//! The seams of an environment, all of them its [`Seat`].

mod http;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use causeway::clock::Clock;
use causeway::lane_control::{EventSource, LaneControl, Setting};
use causeway::lanes::{Added, Additions, StateStore, Swap, Versioned};
use causeway::ledger::{Expected, LedgerStore, Record, Write};
use causeway::provider::Secret;
use causeway::queue::{Again, Letter, MAX_WAITING, Queue};
use causeway::seams::Seams;
use causeway::secrets::{Secrets, SecretsError};
use causeway::{StoreError, Timestamp};
use futures_util::FutureExt;
use serde_json::Value;

use crate::profile::MINUTE;
use crate::seat::Seat;
use crate::world::World;

/// How long an environment keeps a secret, as the adapter does.
const SECRET_LIFE: i64 = 5 * MINUTE;

/// Messages beyond which a world counts as crowded no more.
const MAX_MESSAGES: usize = 500;

impl Seat {
    /// The lane's seams, as this environment has them.
    pub fn seams(&self) -> Seams {
        let seat = Arc::new(self.clone());
        Seams {
            clock: seat.clone(),
            http: seat.clone(),
            ledger: seat.clone(),
            states: seat.clone(),
            mappings: seat.clone(),
            queue: seat.clone(),
            secrets: seat,
        }
    }
}

/// The answer of a store in memory, which never waits.
fn at_once<T>(answer: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
    answer
        .now_or_never()
        .unwrap_or_else(|| Err(StoreError::new("a store in memory", "waits")))
}

#[async_trait]
impl Clock for Seat {
    fn now(&self) -> Timestamp {
        let world = self.shared.lock();
        Timestamp::from_millis(world.now + world.environments[self.environment].skew)
    }

    async fn sleep_until(&self, at: Timestamp) {
        self.maybe_die("sleep").await;
        let at = at.as_millis() - self.shared.lock().environments[self.environment].skew;
        self.wait_until(at).await;
    }
}

#[async_trait]
impl LedgerStore for Seat {
    async fn read(&self, keys: &[String]) -> Result<Vec<Option<Record>>, StoreError> {
        self.trip("BatchGetItem", |world| at_once(world.ledger.read(keys)))
            .await?
    }

    async fn write(&self, next: &Record, expected: &Expected) -> Result<Write, StoreError> {
        let environment = self.environment;
        self.trip("PutItem", |world| {
            let key = [next.pk.clone()];
            let before = at_once(world.ledger.read(&key))?.pop().flatten();
            let write = at_once(world.ledger.write(next, expected))?;
            let after = at_once(world.ledger.read(&key))?.pop().flatten();
            world.counts.ledger_writes += 1;
            if matches!(write, Write::Lost(_)) {
                world.counts.conflicts += 1;
            }
            world.note(Some(environment), || {
                let status = before.as_ref().map(|record| record.status);
                let (pk, to, by) = (&next.pk, next.status, &next.owner);
                let won = if matches!(write, Write::Written) {
                    ""
                } else {
                    " LOST"
                };
                format!("ledger {pk}: {status:?} -> {to:?} by {by}{won}")
            });
            if before != after {
                world.see_record(before.as_ref(), next);
            }
            Ok(write)
        })
        .await?
    }
}

#[async_trait]
impl StateStore for Seat {
    async fn load(&self, key: &str) -> Result<Option<Versioned>, StoreError> {
        self.trip("GetItem", |world| at_once(world.states.load(key)))
            .await?
    }

    async fn swap(
        &self,
        key: &str,
        expected: Option<u64>,
        next: &Value,
        mark: &str,
    ) -> Result<Swap, StoreError> {
        let environment = self.environment;
        // The moment in which a token is lost: worth more deaths than others.
        if key.ends_with("#credentials") && self.shared.lock().profile.crash > 0.0 {
            self.die_with(0.05, "writing credentials").await;
        }
        self.trip("PutItem (state)", |world| {
            world.counts.state_writes += 1;
            match at_once(world.states.swap(key, expected, next, mark))? {
                // As the adapter: a condition that fails on our own mark is our own success.
                Swap::Lost(Some(stored)) if world.marks.get(key).is_some_and(|own| own == mark) => {
                    Ok(Swap::Swapped {
                        version: stored.version,
                    })
                }
                Swap::Lost(current) => {
                    world.counts.conflicts += 1;
                    Ok(Swap::Lost(current))
                }
                swapped @ Swap::Swapped { .. } => {
                    world.note(Some(environment), || format!("state {key} = {next}"));
                    world.marks.insert(key.to_owned(), mark.to_owned());
                    world.see_state(environment, key, next);
                    Ok(swapped)
                }
            }
        })
        .await?
    }

    async fn add(
        &self,
        key: &str,
        additions: &Additions<'_>,
        mark: &str,
    ) -> Result<Added, StoreError> {
        let environment = self.environment;
        self.trip("UpdateItem (state)", |world| {
            world.counts.state_writes += 1;
            let added = at_once(world.states.add(key, additions, mark))?;
            match &added {
                Added::Added(stored) => {
                    world.note(Some(environment), || {
                        format!("state {key} = {}", stored.value)
                    });
                }
                Added::Refused(_) => world.counts.conflicts += 1,
            }
            Ok(added)
        })
        .await?
    }
}

#[async_trait]
impl Queue for Seat {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        let environment = self.environment;
        let sent = self.trip("SendMessageBatch", |world| {
            each(world, letters, |world, letter| {
                world.note(Some(environment), || {
                    let (code, attempts) = (&letter.reason.code, letter.reason.attempts);
                    format!(
                        "dead letter {code} after {attempts} attempts: {}",
                        letter.body
                    )
                });
                world.see_letter(letter);
                Ok(())
            })
        });
        sent.await
            .unwrap_or_else(|error| vec![Err(error); letters.len()])
    }

    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>> {
        let environment = self.environment;
        let hidden = self.trip("ChangeMessageVisibilityBatch", |world| {
            each(world, messages, |world, (receipt, wait)| {
                world.note(Some(environment), || {
                    format!("hides {receipt} for {} s", wait.as_secs())
                });
                let now = world.now;
                world.queue.hide(receipt, millis(*wait), now)
            })
        });
        hidden
            .await
            .unwrap_or_else(|error| vec![Err(error); messages.len()])
    }

    async fn send_again(&self, messages: &[Again]) -> Vec<Result<(), StoreError>> {
        let environment = self.environment;
        let sent = self.trip("SendMessageBatch (again)", |world| {
            each(world, messages, |world, again| {
                world.counts.sent_again += 1;
                world.note(Some(environment), || {
                    let (id, delay) = (&again.message.id, again.delay.as_secs());
                    format!("sends {id} again, delayed by {delay} s")
                });
                let now = world.now;
                world
                    .queue
                    .send_again(&again.message, millis(again.delay), now);
                Ok(())
            })
        });
        sent.await
            .unwrap_or_else(|error| vec![Err(error); messages.len()])
    }

    async fn in_flight(&self) -> Result<u64, StoreError> {
        self.trip("GetQueueAttributes", |world| {
            let few = world.queue.messages.len() < MAX_MESSAGES;
            let World { rng, profile, .. } = &mut *world;
            // The lane's other messages, of which this world is a small part.
            // Copies make copies where most replies are lost; a world of thousands tells nothing new.
            let others = if few && rng.chance(profile.crowded) {
                MAX_WAITING
            } else {
                0
            };
            others + world.queue.in_flight() as u64
        })
        .await
    }
}

/// Each entry of a batch by itself: some may fail.
fn each<T>(
    world: &mut World,
    entries: &[T],
    mut apply: impl FnMut(&mut World, &T) -> Result<(), StoreError>,
) -> Vec<Result<(), StoreError>> {
    entries
        .iter()
        .map(|entry| {
            let World { rng, profile, .. } = &mut *world;
            if rng.chance(profile.partial) {
                world.counts.partial_failures += 1;
                return Err(StoreError::new("an entry of a batch", "throttled"));
            }
            apply(world, entry)
        })
        .collect()
}

#[async_trait]
impl Secrets for Seat {
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError> {
        if let Some(text) = self.cached(connection) {
            return Ok(Secret::parse(&text)?);
        }
        let text = self
            .trip("GetSecretValue", |world| {
                world.counts.secrets += 1;
                world.vendor.tokens.secret(connection)
            })
            .await?;
        let text = text.ok_or_else(|| SecretsError::Refused {
            name: format!("causeway/{provider}/{connection}"),
            why: "there is none",
        })?;
        let mut world = self.shared.lock();
        let until = world.now + SECRET_LIFE;
        let own = &mut world.environments[self.environment];
        own.secrets
            .insert(connection.to_owned(), (text.clone(), until));
        Ok(Secret::parse(&text)?)
    }

    async fn forget(&self, _provider: &str, connection: &str) {
        self.maybe_die("forget").await;
        let mut world = self.shared.lock();
        let own = &mut world.environments[self.environment];
        own.secrets.remove(connection);
    }
}

impl Seat {
    fn cached(&self, connection: &str) -> Option<String> {
        let world = self.shared.lock();
        let own = &world.environments[self.environment];
        let (text, until) = own.secrets.get(connection)?;
        (world.now < *until).then(|| text.clone())
    }
}

#[async_trait]
impl LaneControl for Seat {
    async fn read(&self, ids: &[String]) -> Result<BTreeMap<String, EventSource>, StoreError> {
        self.trip("ListEventSourceMappings", |world| {
            ids.iter().map(|id| (id.clone(), world.source)).collect()
        })
        .await
    }

    async fn waiting(&self, _id: &str) -> Result<u64, StoreError> {
        self.trip("GetQueueAttributes", |world| world.queue.held())
            .await
    }

    async fn letters(&self, _id: &str) -> Result<u64, StoreError> {
        self.trip("GetQueueAttributes", |world| {
            world.queue.letters.len() as u64
        })
        .await
    }

    async fn set(&self, _id: &str, setting: Setting) -> Result<(), StoreError> {
        let environment = self.environment;
        self.trip("UpdateEventSourceMapping", |world| {
            world.note(Some(environment), || {
                format!("the event source is set: {setting:?}")
            });
            world.counts.source_updates += 1;
            match setting {
                Setting::Disabled => world.source.enabled = false,
                Setting::Enabled {
                    maximum_concurrency,
                } => {
                    world.source.enabled = true;
                    world.source.maximum_concurrency = Some(maximum_concurrency);
                }
            }
        })
        .await
    }
}

fn millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
