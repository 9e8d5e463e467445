//! How fast letters go back: inside the lane's own limits, so that the live traffic keeps its share.

use std::time::Duration;

use causeway::limiter::Limit;
use causeway::provider::{Operation, Spec};
use serde::Serialize;

use crate::dlq::queue::MAX_ENTRIES;
use crate::error::Error;

/// The part of a limit that a redrive takes: half, so that live requests keep the other one.
const SHARE: f64 = 0.5;

/// Letters a second where the lane declares no limit that counts: what a person can follow, and stop.
const WITHOUT_LIMIT: f64 = 10.0;

/// The most letters a second, whatever the limits: five batches of ten, each sent and then deleted, which is what one
/// process gets done one after the other at some 50 ms a call.
const MOST: f64 = 50.0;

/// The slowest that can be asked for: one letter in a hundred seconds.
pub const LEAST: f64 = 0.01;

/// A pace.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Pace {
    /// Letters a second.
    pub rate: f64,
    /// The limit that it comes from; none where none is in the way, or where a rate was asked for.
    pub limit: Option<&'static str>,
}

impl Pace {
    /// Letters sent in one go.
    pub fn batch(&self) -> usize {
        // One second's worth, at most what one call takes; the cast cuts, as it should.
        (self.rate as usize).clamp(1, MAX_ENTRIES)
    }

    /// How long to wait after `letters`.
    pub fn wait(&self, letters: usize) -> Duration {
        Duration::from_secs_f64(letters as f64 / self.rate)
    }
}

/// The pace for `letters` of these operations: [`SHARE`] of the slowest limit that they draw on. A limit whose burst
/// takes all of them with [`SHARE`] of it is in nobody's way (a day's quota of thousands does not slow ten letters).
///
/// # Errors
/// When `asked` is more than the lane's limits give, or too little to ever end.
pub fn pace(
    spec: &Spec,
    operations: &[&Operation],
    letters: usize,
    asked: Option<f64>,
) -> Result<Pace, Error> {
    let limits = operations.iter().flat_map(|operation| {
        spec.limits_of(operation)
            .filter(|limit| limit.permits().is_none())
            .map(|limit| (limit, cost(limit, operation)))
    });
    let in_the_way = limits
        .filter(|(limit, cost)| f64::from(limit.burst()) * SHARE < letters as f64 * cost)
        .map(|(limit, cost)| (1.0 / (limit.interval().as_secs_f64() * cost), limit.name()));
    let slowest = in_the_way.min_by(|a, b| a.0.total_cmp(&b.0));
    let most = slowest.map_or(MOST, |(rate, _)| rate.min(MOST));
    match asked {
        Some(rate) if !(LEAST..=most).contains(&rate) => Err(Error::usage(format!(
            "--rate: must be {LEAST} to {most:.2} letters a second"
        ))
        .hint(match slowest {
            Some((_, name)) => format!("the lane's limit `{name}` allows no more"),
            None => "more would be faster than anybody could follow".to_owned(),
        })),
        Some(rate) => Ok(Pace { rate, limit: None }),
        None => Ok(Pace {
            rate: slowest.map_or(WITHOUT_LIMIT, |(rate, _)| (rate * SHARE).min(MOST)),
            limit: slowest.map(|(_, name)| name),
        }),
    }
}

fn cost(limit: &Limit, operation: &Operation) -> f64 {
    if limit.counts_cost() {
        f64::from(operation.cost)
    } else {
        1.0
    }
}

#[cfg(test)]
mod tests {
    use causeway_ingest::catalogue;

    use super::*;

    fn of(
        provider: &str,
        operation: &str,
        letters: usize,
        asked: Option<f64>,
    ) -> Result<Pace, Error> {
        let spec = catalogue::provider(provider).expect("known").spec();
        let operation = spec.operation(operation).expect("known");
        pace(spec, &[operation], letters, asked)
    }

    #[test]
    fn half_of_the_slowest_limit_is_taken() {
        // Stripe: 25 a second an endpoint, of which a backlog gets 22.
        let pace = of("stripe", "customers.create", 1000, None).expect("a pace");
        assert_eq!(pace.limit, Some("endpoint"));
        assert!((11.1..=11.2).contains(&pace.rate), "{pace:?}");
        assert_eq!(pace.batch(), 11);
        assert!(pace.wait(11) >= Duration::from_millis(900));
    }

    #[test]
    fn a_limit_whose_burst_takes_them_all_is_in_nobody_s_way() {
        let pace = of("stripe", "customers.create", 7, None).expect("a pace");
        assert_eq!(
            pace,
            Pace {
                rate: WITHOUT_LIMIT,
                limit: None
            }
        );
    }

    #[test]
    fn a_rate_can_be_lower_but_not_above_what_the_lane_may() {
        let slow = of("stripe", "customers.create", 1000, Some(0.5)).expect("a pace");
        assert_eq!((slow.batch(), slow.wait(1)), (1, Duration::from_secs(2)));
        for rate in [0.0, -1.0, 26.0, f64::NAN, f64::INFINITY] {
            let refused = of("stripe", "customers.create", 1000, Some(rate));
            assert!(refused.is_err_and(|error| error.is_usage()), "{rate}");
        }
    }

    #[test]
    fn every_provider_s_operations_have_a_pace_that_ends() {
        for provider in catalogue::providers() {
            let spec = provider.spec();
            for operation in spec.operations.iter() {
                for letters in [1, 10_000] {
                    let pace = pace(spec, &[operation], letters, None).expect("a pace");
                    assert!(
                        pace.rate > 0.0 && pace.rate <= MOST,
                        "{operation:?} {pace:?}"
                    );
                }
            }
        }
    }
}
