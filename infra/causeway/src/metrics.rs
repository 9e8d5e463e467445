//! Lanes' metrics, as CloudWatch has them, minute by minute.
//!
//! Every series that is asked for costs, $0.01 for 1,000: a read of 9 lanes is 90 metrics; every 30 seconds for an hour that
//! is $0.11, and $0.65 for 54 lanes. What the tables and queues tell for next to nothing is not asked for here.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use aws_sdk_cloudwatch::Client;
use causeway::Timestamp;
use causeway_warning::cloudwatch::{self, Minutes};

use crate::error::Error;
use crate::stack::Stack;

/// One value a minute, oldest first; none where nothing was measured.
pub type Series = Vec<Option<f64>>;

/// What a lane did, minute by minute.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LaneMetrics {
    /// Requests delivered.
    pub delivered: Series,
    /// Requests rejected for good.
    pub rejected: Series,
    /// Requests whose end nobody knows.
    pub unknown: Series,
    /// Attempts that will be made again.
    pub retried: Series,
    /// Requests put off without an attempt.
    pub deferred: Series,
    /// Requests that had been delivered before.
    pub duplicate: Series,
    /// Median of the provider's answers, in milliseconds.
    pub latency_p50: Series,
    /// The slowest hundredth of them takes at least this, in milliseconds.
    pub latency_p99: Series,
    /// The fullest limit, in percent.
    pub limit_used: Series,
    /// Age of the oldest message that the lane received, in seconds: as the lane measures it, since SQS leaves out what was
    /// received three times.
    pub oldest_age: Series,
}

/// A series that is asked for: of which metric, how condensed, and where it goes.
type Wanted = (
    &'static str,
    &'static str,
    fn(&mut LaneMetrics) -> &mut Series,
);

const WANTED: [Wanted; 10] = [
    ("Delivered", "Sum", |lane| &mut lane.delivered),
    ("Rejected", "Sum", |lane| &mut lane.rejected),
    ("Unknown", "Sum", |lane| &mut lane.unknown),
    ("Retried", "Sum", |lane| &mut lane.retried),
    ("Deferred", "Sum", |lane| &mut lane.deferred),
    ("Duplicate", "Sum", |lane| &mut lane.duplicate),
    ("ProviderLatency", "p50", |lane| &mut lane.latency_p50),
    ("ProviderLatency", "p99", |lane| &mut lane.latency_p99),
    ("RateLimitUsed", "Maximum", |lane| &mut lane.limit_used),
    ("MessageAge", "Maximum", |lane| &mut lane.oldest_age),
];

/// Reads the last `minutes` minutes (1 to 60) of every lane, the present one included; by provider.
///
/// # Errors
/// When CloudWatch cannot be asked.
pub async fn read(
    stack: &Stack,
    minutes: usize,
    now: Timestamp,
) -> Result<BTreeMap<String, LaneMetrics>, Error> {
    let window = window(now, minutes);
    let client = Client::new(&stack.config);
    let of = |provider| {
        WANTED.map(|(metric, statistic, _)| cloudwatch::Series {
            provider,
            metric,
            statistic,
        })
    };
    let names = stack.lanes().iter().map(|lane| &*lane.provider);
    let wanted: Vec<_> = names.clone().flat_map(of).collect();
    let namespace = stack.metrics_namespace();
    let read = cloudwatch::read(&client, namespace, &wanted, window.clone()).await;
    let read = read.map_err(Error::aws("read the lanes' metrics"))?;
    let lanes = read.chunks(WANTED.len()).map(|all| lane(all, &window));
    Ok(names.map(str::to_owned).zip(lanes).collect())
}

/// Whole minutes since 1970 up to the present one.
fn window(now: Timestamp, minutes: usize) -> RangeInclusive<u32> {
    let present = u32::try_from(now.as_millis().div_euclid(60_000)).unwrap_or(u32::MAX);
    let back = u32::try_from(minutes.clamp(1, 60) - 1).unwrap_or(0);
    present.saturating_sub(back)..=present
}

fn lane(all: &[Minutes], window: &RangeInclusive<u32>) -> LaneMetrics {
    let mut lane = LaneMetrics::default();
    for ((_, _, place), minutes) in WANTED.iter().zip(all) {
        *place(&mut lane) = window.clone().map(|at| minutes.get(&at).copied()).collect();
    }
    lane
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 12:00:30 of a day, in the minute 29,922,480.
    const NOW: Timestamp = Timestamp::from_millis(1_795_348_830_000);

    #[test]
    fn the_window_ends_with_the_present_minute() {
        assert_eq!(window(NOW, 3), 29_922_478..=29_922_480);
        assert_eq!(window(NOW, 0), 29_922_480..=29_922_480);
        assert_eq!(window(NOW, 600).count(), 60);
    }

    #[test]
    fn every_series_has_its_place_and_a_value_for_each_minute() {
        let read: Vec<_> = (0..WANTED.len())
            .map(|at| Minutes::from([(29_922_479, at as f64)]))
            .collect();
        let lane = lane(&read, &window(NOW, 2));
        assert_eq!(lane.delivered, [Some(0.0), None]);
        assert_eq!(lane.latency_p99, [Some(7.0), None]);
        assert_eq!(lane.oldest_age, [Some(9.0), None]);
    }
}
