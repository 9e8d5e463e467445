//! The seam for state that a whole fleet shares: small values under compare-and-swap, kept in the `Lanes` table.
//!
//! The circuit breaker and the limiter live here. Their decisions are pure; [`update`] runs one against the stored
//! value until it was taken, or a bound was reached.

#[cfg(feature = "aws")]
mod dynamodb;
mod memory;
mod store;
#[cfg(test)]
pub(crate) mod watched;

use std::sync::atomic::{AtomicU64, Ordering};

use serde::Serialize;
use serde::de::DeserializeOwned;

#[cfg(feature = "aws")]
pub use dynamodb::DynamoStates;
pub use memory::MemoryStates;
pub use store::{
    Added, Addition, Additions, MAX_ADDITIONS, MAX_GLANCE, StateStore, Swap, Versioned,
};

use crate::clock::Clock;
use crate::{StoreError, Timestamp};

/// How often a decision is made anew when another environment's write came between. A lane has at most a few
/// environments at once (`MaximumConcurrency`), and every loss means that one of them got on.
pub const SWAP_TRIES: usize = 8;

/// What is known of a stored value: its version, none where nothing is stored.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known<T> {
    /// The value; its default where nothing is stored.
    pub value: T,
    /// The stored version; none where nothing is stored.
    pub version: Option<u64>,
}

/// Reads the value under `key`.
///
/// # Errors
/// When the store does not answer, or holds something that is no `T`.
pub async fn read<T: DeserializeOwned + Default>(
    store: &dyn StateStore,
    key: &str,
) -> Result<Known<T>, StoreError> {
    parse(store.load(key).await?)
}

/// Decides on the value under `key` and stores what the decision wants stored.
///
/// `known` is what this environment saw last: where it is still true, the whole update is one round trip. `decide`
/// may be called several times, each time with the value as it stands and the time as it is (a write that took its time
/// and lost is followed by a decision of then, not of the past), and its last answer counts. None in the end
/// when others wrote faster than [`SWAP_TRIES`] tries.
///
/// # Errors
/// When the store does not answer; the write may or may not have happened.
pub async fn update<T, R>(
    store: &dyn StateStore,
    clock: &dyn Clock,
    key: &str,
    writer: &str,
    mut known: Known<T>,
    mut decide: impl FnMut(&T, Timestamp) -> (Option<T>, R),
) -> Result<Option<(Known<T>, R)>, StoreError>
where
    T: Serialize + DeserializeOwned + Default,
{
    for _ in 0..SWAP_TRIES {
        let (next, answer) = decide(&known.value, clock.now());
        let Some(next) = next else {
            return Ok(Some((known, answer)));
        };
        let value = serde_json::to_value(&next)
            .map_err(|_| StoreError::new("storing a state", "it is no JSON"))?;
        let mark = mark(writer);
        match store.swap(key, known.version, &value, &mark).await? {
            Swap::Swapped { version } => {
                return Ok(Some((
                    Known {
                        value: next,
                        version: Some(version),
                    },
                    answer,
                )));
            }
            Swap::Lost(current) => known = parse(current)?,
        }
    }
    Ok(None)
}

/// A mark that no other write has, so that a write whose reply was lost is known for our own, and for no other of our
/// own: two decisions on the same stale belief are two writes.
fn mark(writer: &str) -> String {
    static WRITES: AtomicU64 = AtomicU64::new(0);
    format!("{writer}/{}", WRITES.fetch_add(1, Ordering::Relaxed))
}

/// What was stored, as a `T`.
///
/// # Errors
/// When it is no `T`.
pub(crate) fn parse<T: DeserializeOwned + Default>(
    stored: Option<Versioned>,
) -> Result<Known<T>, StoreError> {
    let Some(stored) = stored else {
        return Ok(Known::default());
    };
    let value = serde_json::from_value(stored.value)
        .map_err(|_| StoreError::unreadable("reading a state"))?;
    Ok(Known {
        value,
        version: Some(stored.version),
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::clock::ManualClock;

    const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
    static CLOCK: ManualClock = ManualClock::at(NOON);

    #[tokio::test]
    async fn a_loser_decides_again_on_what_the_winner_wrote() {
        let store = MemoryStates::default();
        let add = |n: &u32, _| (Some(n + 1), n + 1);
        for expected in 1..=3 {
            // Each update starts from the stale belief that nothing is stored.
            let done = update(&store, &CLOCK, "lane", "me", Known::<u32>::default(), add)
                .await
                .expect("a store in memory");
            assert_eq!(done.map(|(_, answer)| answer), Some(expected));
        }
        assert_eq!(
            read::<u32>(&store, "lane").await.expect("stored").version,
            Some(3)
        );
    }

    /// Marks once named writer, version and try. An environment whose write had happened without its knowing (the
    /// reply was lost) then decided anew on what it knew, under the same mark: the store took the second write for the
    /// first, and what it said was never stored. Two draws of tokens were paid once.
    #[tokio::test]
    async fn a_write_whose_reply_was_lost_is_not_taken_for_the_one_after_it() {
        let store = MemoryStates::default();
        for tokens in [3, 4] {
            // Each time nothing is known of the write before.
            let draw = |drawn: &u32, _| (Some(drawn + tokens), ());
            let drawn = update(&store, &CLOCK, "lane", "me", Known::<u32>::default(), draw).await;
            drawn.expect("a store in memory").expect("few tries");
        }
        assert_eq!(read::<u32>(&store, "lane").await.expect("stored").value, 7);
    }

    /// A write that took twenty seconds and lost was followed by a decision of twenty seconds ago: it took the winner's
    /// window for one of a clock gone wrong, counted it anew, and a vendor saw a call too many (seed 7924).
    #[tokio::test]
    async fn a_loser_decides_again_by_the_time_of_then() {
        let (store, clock) = (MemoryStates::default(), ManualClock::at(NOON));
        let first = store.swap("lane", None, &7.into(), "winner").await;
        first.expect("a store in memory");
        let mut seen = Vec::new();
        let slow = |n: &u32, now: Timestamp| {
            seen.push(now);
            clock.advance(Duration::from_secs(20));
            (Some(n + 1), ())
        };
        let done = update(&store, &clock, "lane", "me", Known::<u32>::default(), slow).await;
        done.expect("a store in memory").expect("few tries");
        assert_eq!(seen, [NOON, NOON + Duration::from_secs(20)]);
    }

    #[tokio::test]
    async fn a_decision_that_wants_nothing_stored_writes_nothing() {
        let store = MemoryStates::default();
        let answer = update(
            &store,
            &CLOCK,
            "lane",
            "me",
            Known::<u32>::default(),
            |n, _| (None, *n),
        )
        .await
        .expect("a store");
        assert_eq!(
            answer,
            Some((
                Known {
                    value: 0,
                    version: None
                },
                0
            ))
        );
        assert_eq!(store.writes(), 0);
    }
}
