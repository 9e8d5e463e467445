//! Lanes' metrics, as CloudWatch has them, minute by minute.
//!
//! Every series that is asked for costs: GetMetricData is $0.01 for 1,000 metrics requested
//! (<https://aws.amazon.com/cloudwatch/pricing/>). A read of 9 lanes is 90 metrics; every 30 seconds for an hour that is
//! $0.11, and $0.65 for 54 lanes. What the tables and queues tell for next to nothing is not asked for here.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat, ScanBy,
};
use causeway::Timestamp;

use crate::error::Error;
use crate::stack::{Lane, Stack};

/// One value a minute: what the metrics are stored at.
const PERIOD: Duration = Duration::from_secs(60);
/// Queries in one call (the API's limit).
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>
const QUERIES_MAX: usize = 500;
/// Pages of one call. A page holds 100,800 values, some three times what 500 queries of an hour have.
const PAGES_MAX: usize = 4;

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
    /// Age of the queue's oldest message, in seconds; only AWS itself measures it.
    pub oldest_age: Series,
}

/// A series that is asked for: of which metric, how condensed, and where it goes.
struct Wanted {
    metric: &'static str,
    statistic: &'static str,
    of_queue: bool,
    place: fn(&mut LaneMetrics) -> &mut Series,
}

const fn lane(
    metric: &'static str,
    statistic: &'static str,
    place: fn(&mut LaneMetrics) -> &mut Series,
) -> Wanted {
    Wanted {
        metric,
        statistic,
        of_queue: false,
        place,
    }
}

const WANTED: [Wanted; 10] = [
    lane("Delivered", "Sum", |lane| &mut lane.delivered),
    lane("Rejected", "Sum", |lane| &mut lane.rejected),
    lane("Unknown", "Sum", |lane| &mut lane.unknown),
    lane("Retried", "Sum", |lane| &mut lane.retried),
    lane("Deferred", "Sum", |lane| &mut lane.deferred),
    lane("Duplicate", "Sum", |lane| &mut lane.duplicate),
    lane("ProviderLatency", "p50", |lane| &mut lane.latency_p50),
    lane("ProviderLatency", "p99", |lane| &mut lane.latency_p99),
    lane("RateLimitUsed", "Maximum", |lane| &mut lane.limit_used),
    Wanted {
        metric: "ApproximateAgeOfOldestMessage",
        statistic: "Maximum",
        of_queue: true,
        place: |lane| &mut lane.oldest_age,
    },
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
    let window = Window::ending(now, minutes.clamp(1, 60));
    let client = Client::new(&stack.config);
    let lanes = stack.lanes();
    let mut read: Vec<LaneMetrics> = lanes.iter().map(|_| window.empty()).collect();
    let queries: Vec<_> = (0..lanes.len() * WANTED.len())
        .map(|at| query(stack.metrics_namespace(), &lanes[at / WANTED.len()], at))
        .collect();
    for some in queries.chunks(QUERIES_MAX) {
        for result in ask(&client, some, &window).await? {
            fill(&mut read, &result, &window);
        }
    }
    let names = lanes.iter().map(|lane| lane.provider.clone());
    Ok(names.zip(read).collect())
}

async fn ask(
    client: &Client,
    queries: &[MetricDataQuery],
    window: &Window,
) -> Result<Vec<MetricDataResult>, Error> {
    let mut results = Vec::new();
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let page = client
            .get_metric_data()
            .set_metric_data_queries(Some(queries.to_vec()))
            .start_time(DateTime::from_millis(window.start.as_millis()))
            .end_time(DateTime::from_millis(window.end().as_millis()))
            .scan_by(ScanBy::TimestampAscending)
            .set_next_token(token)
            .send()
            .await
            .map_err(Error::aws("read the lanes' metrics"))?;
        results.extend(page.metric_data_results.unwrap_or_default());
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            break;
        }
    }
    Ok(results)
}

/// The query number `at`: its id says where its values go.
fn query(namespace: &str, lane: &Lane, at: usize) -> MetricDataQuery {
    let wanted = &WANTED[at % WANTED.len()];
    let queue = lane.queue_url.rsplit('/').next().unwrap_or_default();
    let (namespace, name, value) = if wanted.of_queue {
        ("AWS/SQS", "QueueName", queue)
    } else {
        (namespace, "Provider", &*lane.provider)
    };
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(wanted.metric)
        .dimensions(Dimension::builder().name(name).value(value).build());
    let statistic = MetricStat::builder()
        .metric(metric.build())
        .period(i32::try_from(PERIOD.as_secs()).unwrap_or(60))
        .stat(wanted.statistic);
    MetricDataQuery::builder()
        .id(format!("m{at}"))
        .metric_stat(statistic.build())
        .build()
}

/// Puts a query's values where its id says. What has another shape is left out.
fn fill(lanes: &mut [LaneMetrics], result: &MetricDataResult, window: &Window) {
    let id = result
        .id()
        .and_then(|id| id.strip_prefix('m')?.parse().ok());
    let Some(at) = id.filter(|at: &usize| *at < lanes.len() * WANTED.len()) else {
        return;
    };
    let series = (WANTED[at % WANTED.len()].place)(&mut lanes[at / WANTED.len()]);
    for (time, value) in result.timestamps().iter().zip(result.values()) {
        if let Some(minute) = window.minute(time.secs())
            && let Some(place) = series.get_mut(minute)
        {
            *place = Some(*value);
        }
    }
}

/// Whole minutes up to the end of the present one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    start: Timestamp,
    minutes: usize,
}

impl Window {
    fn ending(now: Timestamp, minutes: usize) -> Self {
        let period = i64::try_from(PERIOD.as_millis()).unwrap_or(60_000);
        let present = now.as_millis().div_euclid(period);
        let back = i64::try_from(minutes).unwrap_or(1) - 1;
        Self {
            start: Timestamp::from_millis((present - back) * period),
            minutes,
        }
    }

    fn end(&self) -> Timestamp {
        self.start + PERIOD * u32::try_from(self.minutes).unwrap_or(1)
    }

    /// Which minute of the window the second `at` of the epoch belongs to.
    fn minute(&self, at: i64) -> Option<usize> {
        let period = i64::try_from(PERIOD.as_secs()).unwrap_or(60);
        let since = at - self.start.as_millis().div_euclid(1000);
        usize::try_from(since.div_euclid(period))
            .ok()
            .filter(|minute| *minute < self.minutes)
    }

    fn empty(&self) -> LaneMetrics {
        let mut metrics = LaneMetrics::default();
        for wanted in &WANTED {
            *(wanted.place)(&mut metrics) = vec![None; self.minutes];
        }
        metrics
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 12:00:30 of a day.
    const NOW: Timestamp = Timestamp::from_millis(1_795_348_830_000);

    fn a_lane(provider: &str) -> Lane {
        Lane {
            provider: provider.to_owned(),
            pascal: provider.to_owned(),
            queue_url: format!("https://sqs.us-east-1.amazonaws.com/1/{provider}-queue"),
            dlq_url: String::new(),
            function_name: String::new(),
        }
    }

    #[test]
    fn the_window_ends_with_the_present_minute() {
        let window = Window::ending(NOW, 3);
        let minute = |seconds: i64| window.minute(NOW.as_millis() / 1000 + seconds);
        assert_eq!(minute(0), Some(2));
        assert_eq!(minute(-30), Some(2));
        assert_eq!(minute(-31), Some(1));
        assert_eq!(minute(-150), Some(0));
        assert_eq!(minute(-151), None);
        assert_eq!(minute(30), None);
        assert_eq!(window.end().since(NOW), Duration::from_secs(30));
    }

    #[test]
    fn answers_find_their_lane_and_metric_by_the_querys_id() {
        let lanes = [a_lane("acme"), a_lane("zeta")];
        let asked: Vec<_> = (0..lanes.len() * WANTED.len())
            .map(|at| query("Causeway", &lanes[at / WANTED.len()], at))
            .collect();
        let window = Window::ending(NOW, 2);
        let mut read = vec![window.empty(), window.empty()];
        for (at, asked) in asked.iter().enumerate() {
            let minute = DateTime::from_secs(NOW.as_millis() / 1000 - 60);
            let result = MetricDataResult::builder()
                .set_id(asked.id().map(str::to_owned))
                .timestamps(minute)
                .values(at as f64)
                .build();
            fill(&mut read, &result, &window);
        }
        assert_eq!(read[0].delivered, [Some(0.0), None]);
        assert_eq!(read[1].delivered, [Some(10.0), None]);
        assert_eq!(read[1].latency_p99, [Some(17.0), None]);
        let age = asked[9].metric_stat().and_then(MetricStat::metric);
        let dimensions = age.map(Metric::dimensions).unwrap_or_default();
        assert_eq!(dimensions[0].value(), Some("acme-queue"));
    }

    #[test]
    fn what_nobody_asked_for_is_left_out() {
        let window = Window::ending(NOW, 2);
        let mut read = vec![window.empty()];
        for id in ["m10", "m", "x1", "m99999999999999999999"] {
            let result = MetricDataResult::builder().id(id).values(1.0);
            let at = DateTime::from_secs(NOW.as_millis() / 1000);
            fill(&mut read, &result.timestamps(at).build(), &window);
        }
        assert_eq!(read, [window.empty()]);
    }
}
