//! How many retries a lane may make: a share of its first attempts, so that retries do not double a provider's trouble.
//!
//! Each environment keeps its own share: where every one keeps to a fifth of its own first attempts, the fleet keeps
//! to a fifth of all, and no round trip is spent on it. The floor is each environment's own, too.

use std::collections::VecDeque;
use std::time::Duration;

use crate::Timestamp;

/// Retries per hundred first attempts (the design's number).
const PERCENT: u64 = 20;

/// Retries that an environment may make in a window whatever its first attempts: one in ten seconds. A lane at rest
/// gets its retries through, and five environments (a lane's usual `MaximumConcurrency`) make no more than thirty.
const FLOOR: u64 = 6;

/// How far back attempts count (the design's number), kept in slices.
const WINDOW: Duration = Duration::from_secs(60);
const SLICE: Duration = Duration::from_secs(10);

/// Attempts of one slice of the window.
#[derive(Clone, Copy, Debug)]
struct Slice {
    since: Timestamp,
    first_attempts: u64,
    retries: u64,
}

/// One environment's recent attempts.
#[derive(Clone, Debug, Default)]
pub struct RetryBudget {
    slices: VecDeque<Slice>,
}

impl RetryBudget {
    /// Notes a first attempt.
    pub fn first_attempt(&mut self, now: Timestamp) {
        self.slice(now).first_attempts += 1;
    }

    /// Whether a retry may be made now; it is counted if so.
    pub fn try_retry(&mut self, now: Timestamp) -> bool {
        self.slice(now);
        let (first_attempts, retries) = self.slices.iter().fold((0, 0), |(first, again), slice| {
            (first + slice.first_attempts, again + slice.retries)
        });
        let may = retries < FLOOR + first_attempts * PERCENT / 100;
        if may {
            self.slice(now).retries += 1;
        }
        may
    }

    /// A retry that was counted succeeded: it was no burden on an ill provider, and leaves room for the next one.
    pub fn retry_succeeded(&mut self) {
        if let Some(slice) = self.slices.iter_mut().rev().find(|slice| slice.retries > 0) {
            slice.retries -= 1;
        }
    }

    /// How long a retry without budget waits: until the slice after next, spread over three.
    pub fn wait(jitter: f64) -> Duration {
        SLICE.mul_f64(1.0 + 2.0 * jitter.clamp(0.0, 1.0))
    }

    fn slice(&mut self, now: Timestamp) -> &mut Slice {
        self.slices
            .retain(|slice| now.since(slice.since) < WINDOW && slice.since <= now + SLICE);
        let is_current = |slice: &Slice| now.since(slice.since) < SLICE;
        if !self.slices.back().is_some_and(is_current) {
            self.slices.push_back(Slice {
                since: now,
                first_attempts: 0,
                retries: 0,
            });
        }
        let last = self.slices.len() - 1;
        &mut self.slices[last]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    fn retries(budget: &mut RetryBudget, now: Timestamp) -> u64 {
        (0..1000).take_while(|_| budget.try_retry(now)).count() as u64
    }

    #[test]
    fn a_fifth_of_the_first_attempts_and_a_small_floor_may_be_retried_in_a_minute() {
        let mut budget = RetryBudget::default();
        assert_eq!(retries(&mut budget, NOON), FLOOR);
        for _ in 0..100 {
            budget.first_attempt(NOON);
        }
        assert_eq!(retries(&mut budget, NOON), 20);
        assert_eq!(retries(&mut budget, NOON + WINDOW - SLICE), 0);
        assert_eq!(
            retries(&mut budget, NOON + WINDOW),
            FLOOR,
            "a minute later it is forgotten"
        );
    }

    #[test]
    fn a_retry_that_succeeds_leaves_room_for_the_next() {
        let mut budget = RetryBudget::default();
        retries(&mut budget, NOON);
        budget.retry_succeeded();
        assert_eq!(retries(&mut budget, NOON), 1);
    }

    proptest! {
        #[test]
        fn failing_retries_never_exceed_the_budget(steps in proptest::collection::vec((0_u64..5_000, any::<bool>()), 1..400)) {
            let (mut budget, mut now) = (RetryBudget::default(), NOON);
            let (mut first, mut again) = (Vec::new(), Vec::new());
            for (ms, is_first) in steps {
                now = now + Duration::from_millis(ms);
                if is_first {
                    budget.first_attempt(now);
                    first.push(now);
                } else if budget.try_retry(now) {
                    again.push(now);
                    let recent = |all: &[Timestamp], span| all.iter().filter(|at| now.since(**at) < span).count() as u64;
                    // Attempts count by slices, so that a window is up to one slice longer or shorter.
                    let allowed = FLOOR + recent(&first, WINDOW) * PERCENT / 100;
                    prop_assert!(recent(&again, WINDOW - SLICE) <= allowed);
                }
            }
        }
    }
}
