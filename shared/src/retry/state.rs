//! The pure decision: again, and when, or never.

use std::time::Duration;

use crate::Timestamp;
use crate::outcome::{Code, code};

/// How a provider's failed attempts are repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetrySpec {
    /// The first step of the exponential backoff.
    pub base: Duration,
    /// The longest step.
    pub cap: Duration,
    /// Attempts in one series.
    pub max_attempts: u32,
    /// How long a series may last, counted from its first attempt.
    pub max_age: Duration,
}

impl RetrySpec {
    /// 2 s doubling to 15 min, 8 attempts within 24 h (the design's numbers).
    pub const DEFAULT: Self = Self {
        base: Duration::from_secs(2),
        cap: Duration::from_secs(15 * 60),
        max_attempts: 8,
        max_age: Duration::from_secs(24 * 60 * 60),
    };
}

/// What a series has behind it when one of its attempts has failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attempts {
    /// Attempts made, the failed one included.
    pub made: u32,
    /// When the series' first attempt was made.
    pub since: Timestamp,
    /// The request's own deadline.
    pub deadline: Option<Timestamp>,
}

/// What follows a failed attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Another one at this time.
    At(Timestamp),
    /// None: the code says which bound was reached.
    Spent(Code),
}

/// Decides what follows an attempt that failed at `now`. The vendor's `hint` wins where it is longer than the
/// backoff; `jitter` is in `0.0..1.0`.
pub fn next(
    spec: &RetrySpec,
    series: Attempts,
    hint: Option<Duration>,
    now: Timestamp,
    jitter: f64,
) -> Next {
    if series.made >= spec.max_attempts {
        return Next::Spent(code::ATTEMPTS_SPENT);
    }
    let doublings = series.made.saturating_sub(1).min(31);
    let step = spec.base.saturating_mul(1 << doublings).min(spec.cap);
    let at = now
        + step
            .mul_f64(jitter.clamp(0.0, 1.0))
            .max(hint.unwrap_or_default());
    if series.deadline.is_some_and(|deadline| at >= deadline) {
        return Next::Spent(code::DEADLINE_EXCEEDED);
    }
    if at.since(series.since) > spec.max_age {
        return Next::Spent(code::ATTEMPTS_SPENT);
    }
    Next::At(at)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_millis(1_800_000_000_000);

    fn series(made: u32) -> Attempts {
        Attempts {
            made,
            since: NOW,
            deadline: None,
        }
    }

    #[test]
    fn steps_double_up_to_the_cap_and_end_with_the_eighth_attempt() {
        let spec = RetrySpec {
            max_attempts: 20,
            ..RetrySpec::DEFAULT
        };
        let steps: Vec<u64> = (1..=11)
            .map(|made| match next(&spec, series(made), None, NOW, 1.0) {
                Next::At(at) => at.since(NOW).as_secs(),
                Next::Spent(code) => panic!("{code}"),
            })
            .collect();
        assert_eq!(steps, [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]);
        let spent = next(&RetrySpec::DEFAULT, series(8), None, NOW, 0.5);
        assert_eq!(spent, Next::Spent(code::ATTEMPTS_SPENT));
    }

    #[test]
    fn the_vendors_hint_wins_when_it_is_longer() {
        let hint = Some(Duration::from_secs(60));
        assert_eq!(
            next(&RetrySpec::DEFAULT, series(1), hint, NOW, 0.0),
            Next::At(NOW + Duration::from_secs(60))
        );
        let hint = Some(Duration::from_secs(1));
        assert_eq!(
            next(&RetrySpec::DEFAULT, series(2), hint, NOW, 1.0),
            Next::At(NOW + Duration::from_secs(4))
        );
    }

    #[test]
    fn a_deadline_that_the_next_attempt_would_miss_ends_it_now() {
        let late = Attempts {
            deadline: Some(NOW + Duration::from_secs(1)),
            ..series(1)
        };
        assert_eq!(
            next(&RetrySpec::DEFAULT, late, None, NOW, 1.0),
            Next::Spent(code::DEADLINE_EXCEEDED)
        );
    }

    #[test]
    fn age_is_counted_from_the_first_attempt_of_the_series() {
        let old = Attempts {
            since: NOW - Duration::from_secs(24 * 60 * 60),
            ..series(1)
        };
        assert_eq!(
            next(&RetrySpec::DEFAULT, old, None, NOW, 1.0),
            Next::Spent(code::ATTEMPTS_SPENT)
        );
    }

    proptest! {
        #[test]
        fn every_next_attempt_lies_within_every_bound(
            made in 0_u32..40, age_s in 0_u64..200_000, hint_s in proptest::option::of(0_u64..100_000), jitter in 0.0..1.0,
        ) {
            let spec = RetrySpec::DEFAULT;
            let series = Attempts { made, since: NOW - Duration::from_secs(age_s), deadline: None };
            if let Next::At(at) = next(&spec, series, hint_s.map(Duration::from_secs), NOW, jitter) {
                prop_assert!(made < spec.max_attempts);
                prop_assert!(at >= NOW);
                prop_assert!(at.since(series.since) <= spec.max_age);
            }
        }
    }
}
