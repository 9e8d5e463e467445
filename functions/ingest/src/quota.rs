//! How many requests one producer may hand in: an HTTP API of API Gateway throttles routes, not callers, and has no usage
//! plans. Each producer has an item of its own in the table `Lanes`, which all environments keep by the lanes' own limiter:
//! one write a call, and about one for every other call where they come close behind each other.
//! <https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-vs-rest.html>

use std::sync::Arc;
use std::time::Duration;

use causeway::Timestamp;
use causeway::clock::Clock;
use causeway::lanes::StateStore;
use causeway::limiter::{Demand, FULL_RATE, Limit, RateLimiter, ScopeKey};
use causeway::request::Hash;

use crate::problem::Problem;

/// What the limit counts over.
const MINUTE: Duration = Duration::from_secs(60);

/// The least that a limit can be.
pub const LEAST: u32 = 1;

/// Digits of a subject's hash in its item's key: nobody finds two subjects with the same ones.
const DIGITS: usize = 32;

/// A limit on what one producer hands in.
pub(crate) struct Quota {
    limiter: RateLimiter,
    limit: Limit,
}

/// What a producer may hand in of what it wants to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Drawn {
    /// So many requests.
    pub granted: usize,
    /// When to come again with the others.
    pub again: Timestamp,
}

impl Quota {
    /// No minute sees more than `per_minute` requests of a producer; all of them may come at once.
    pub(crate) fn new(states: Arc<dyn StateStore>, environment: String, per_minute: u32) -> Self {
        let count = per_minute.max(LEAST);
        // An item that nobody has drawn on for hours goes: producers come and go.
        let scope = ScopeKey::Field("producer");
        Self {
            limiter: RateLimiter::new(states, environment),
            limit: Limit::window("producer", count, MINUTE).scoped(scope),
        }
    }

    /// Draws for `count` requests of `subject`. A table that does not answer holds nobody up: the quota keeps producers
    /// from each other, and the lanes' queues take what comes.
    pub(crate) async fn draw(&self, subject: &str, count: usize, clock: &dyn Clock) -> Drawn {
        let now = clock.now();
        let demand = Demand {
            costs: &vec![1; count],
            share: FULL_RATE,
            holder: "",
            // Nothing comes between the draw and the use.
            lead: Duration::ZERO,
            deadline: now,
        };
        match self
            .limiter
            .take(&key(subject), &[&self.limit], &demand, clock)
            .await
        {
            Ok(taken) => Drawn {
                granted: taken.granted.min(count),
                // A limit of requests a minute has room again within one, however many have been told to come.
                again: taken.again.min(now + MINUTE),
            },
            Err(error) => {
                tracing::warn!(%error, "a producer's quota cannot be read");
                Drawn {
                    granted: count,
                    again: now,
                }
            }
        }
    }
}

impl Drawn {
    /// Seconds until it makes sense to come again, at least one.
    pub(crate) fn wait_s(self, now: Timestamp) -> u64 {
        let millis = self.again.since(now).as_millis();
        u64::try_from(millis.div_ceil(1000))
            .unwrap_or(u64::MAX)
            .max(1)
    }

    /// Why the others are not taken.
    pub(crate) fn refused(self, now: Timestamp) -> Problem {
        let wait = self.wait_s(now);
        let detail =
            format!("this producer has handed in as many requests as it may: again in {wait} s");
        Problem::too_many("quota_exceeded", detail)
    }
}

/// No provider's name begins like this, so that a permission for quotas is none for lanes. Subjects may hold anything.
fn key(subject: &str) -> String {
    let hash = Hash::of(subject.as_bytes());
    let digits = hash.as_str().get(..DIGITS).unwrap_or_default();
    format!("~#{digits}#quota")
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;
    use causeway::StoreError;
    use causeway::clock::ManualClock;
    use causeway::lanes::{MemoryStates, Swap, Versioned};
    use serde_json::Value;

    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    fn quota(states: &Arc<MemoryStates>, environment: &str) -> Quota {
        Quota::new(states.clone(), environment.to_owned(), 600)
    }

    #[tokio::test]
    async fn no_minute_sees_more_of_a_producer_than_its_quota_from_whatever_environment() {
        let states = Arc::new(MemoryStates::default());
        let environments = ["one", "two", "three"].map(|name| quota(&states, name));
        let mut granted: Vec<(u64, usize)> = Vec::new();
        for second in 0..180 {
            let now = NOON + Duration::from_secs(second);
            for environment in &environments {
                let drawn = environment.draw("shop", 40, &ManualClock::at(now)).await;
                granted.push((second, drawn.granted));
            }
        }
        for start in 0..120 {
            let window = granted
                .iter()
                .filter(|(at, _)| (start..start + 60).contains(at));
            let sum: usize = window.map(|(_, count)| count).sum();
            assert!(sum <= 600, "{sum} from second {start} on");
        }
        let all: usize = granted.iter().map(|(_, count)| count).sum();
        assert!(all > 900, "it is used: {all}");
    }

    #[tokio::test]
    async fn who_is_refused_is_told_when_to_come_again_and_others_are_not_held_up() {
        let states = Arc::new(MemoryStates::default());
        let quota = quota(&states, "one");
        let clock = ManualClock::at(NOON);
        let first = quota.draw("shop", 1_000, &clock).await;
        assert!((500..=600).contains(&first.granted), "{first:?}");
        let again = quota.draw("shop", 10, &clock).await;
        assert_eq!(again.granted, 0);
        assert!((1..=60).contains(&again.wait_s(NOON)), "{again:?}");
        assert!(again.refused(NOON).retryable);
        assert_eq!(quota.draw("another", 10, &clock).await.granted, 10);
        clock.advance(MINUTE + Duration::from_secs(5));
        let later = quota.draw("shop", 10, &clock).await;
        assert_eq!(later.granted, 10);
    }

    struct Silent;

    #[async_trait]
    impl StateStore for Silent {
        async fn load(&self, _: &str) -> Result<Option<Versioned>, StoreError> {
            Err(StoreError::new("GetItem", "silent"))
        }

        async fn swap(
            &self,
            _: &str,
            _: Option<u64>,
            _: &Value,
            _: &str,
        ) -> Result<Swap, StoreError> {
            Err(StoreError::new("PutItem", "silent"))
        }
    }

    #[tokio::test]
    async fn a_table_that_does_not_answer_holds_nobody_up() {
        let quota = Quota::new(Arc::new(Silent), "one".to_owned(), 2);
        assert_eq!(
            quota
                .draw("shop", 100, &ManualClock::at(NOON))
                .await
                .granted,
            100
        );
    }

    #[test]
    fn a_quotas_key_is_no_lanes_whatever_the_subject() {
        for subject in ["", "stripe", "stripe#*#breaker", "ä#\u{0}"] {
            let key = key(subject);
            assert!(key.starts_with("~#") && key.len() == 40, "{key}");
        }
    }
}
