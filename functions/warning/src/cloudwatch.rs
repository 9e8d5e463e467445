//! Metrics as CloudWatch has them, minute by minute: for this function, and for the operators' command.
//!
//! Every series that is asked for costs: GetMetricData is $0.01 for 1,000 metrics requested
//! (<https://aws.amazon.com/cloudwatch/pricing/>).

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use aws_sdk_cloudwatch::Client;
use aws_sdk_cloudwatch::error::SdkError;
use aws_sdk_cloudwatch::operation::get_metric_data::GetMetricDataError;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{Dimension, Metric, MetricDataQuery, MetricDataResult, MetricStat};
use causeway::telemetry::DIMENSION;

/// One value a minute, in seconds: what the metrics are stored at.
const PERIOD_S: i32 = 60;

/// Queries in one call (the API's limit): some eighty lanes.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>
const QUERIES_MAX: usize = 500;

/// Pages of one answer that are read: a page holds 500 metrics or 100,800 values, some three times what 500 queries of an
/// hour have.
const PAGES_MAX: usize = 10;

/// The values of one series by minute since 1970; a minute in which nothing was measured is left out.
pub type Minutes = BTreeMap<u32, f64>;

/// A series of one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Series<'a> {
    /// The lane's provider.
    pub provider: &'a str,
    /// The metric.
    pub metric: &'static str,
    /// CloudWatch's statistic of it.
    pub statistic: &'static str,
}

/// The `minutes` of each of `wanted` in `namespace`, in their order.
///
/// # Errors
/// When CloudWatch cannot be asked.
pub async fn read(
    client: &Client,
    namespace: &str,
    wanted: &[Series<'_>],
    minutes: RangeInclusive<u32>,
) -> Result<Vec<Minutes>, SdkError<GetMetricDataError>> {
    let mut read = vec![Minutes::new(); wanted.len()];
    let queries = wanted.iter().enumerate();
    let queries: Vec<_> = queries.map(|(at, one)| query(namespace, one, at)).collect();
    for some in queries.chunks(QUERIES_MAX) {
        let mut token = None;
        for _ in 0..PAGES_MAX {
            let page = client
                .get_metric_data()
                .set_metric_data_queries(Some(some.to_vec()))
                .start_time(instant(*minutes.start()))
                .end_time(instant(minutes.end().saturating_add(1)))
                .set_next_token(token)
                .send()
                .await?;
            for result in page.metric_data_results() {
                fill(&mut read, result, &minutes);
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
    }
    Ok(read)
}

fn instant(minute: u32) -> DateTime {
    DateTime::from_secs(i64::from(minute) * i64::from(PERIOD_S))
}

/// The query number `at`: its id says where its values go.
fn query(namespace: &str, series: &Series<'_>, at: usize) -> MetricDataQuery {
    let dimension = Dimension::builder().name(DIMENSION).value(series.provider);
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(series.metric)
        .dimensions(dimension.build());
    let statistic = MetricStat::builder()
        .metric(metric.build())
        .period(PERIOD_S)
        .stat(series.statistic);
    MetricDataQuery::builder()
        .id(format!("m{at}"))
        .metric_stat(statistic.build())
        .build()
}

/// Puts a query's values where its id says. What nobody asked for is left out.
fn fill(read: &mut [Minutes], result: &MetricDataResult, minutes: &RangeInclusive<u32>) {
    let id = result
        .id()
        .and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
    let Some(series) = id.and_then(|at| read.get_mut(at)) else {
        return;
    };
    for (time, value) in result.timestamps().iter().zip(result.values()) {
        let minute = time.secs().div_euclid(i64::from(PERIOD_S));
        if let Some(minute) = u32::try_from(minute).ok().filter(|it| minutes.contains(it)) {
            series.insert(minute, *value);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_find_their_series_and_minute_by_the_querys_id() {
        let mut read = vec![Minutes::new(); 2];
        let result = |id: &str, minute, value| {
            MetricDataResult::builder()
                .id(id)
                .timestamps(instant(minute))
                .values(value)
                .build()
        };
        for (id, minute, value) in [
            ("m0", 100, 2.0),
            ("m1", 101, 5.0),
            // Of another minute, of another query, of nobody.
            ("m1", 102, 9.0),
            ("m2", 100, 9.0),
            ("m99999999999999999999", 100, 9.0),
            ("m", 100, 9.0),
            ("x1", 100, 9.0),
        ] {
            fill(&mut read, &result(id, minute, value), &(100..=101));
        }
        assert_eq!(
            read,
            [Minutes::from([(100, 2.0)]), Minutes::from([(101, 5.0)])]
        );
    }

    #[test]
    fn a_query_asks_for_one_minute_values_of_the_lane() {
        let series = Series {
            provider: "stripe",
            metric: "ProviderLatency",
            statistic: "p50",
        };
        let asked = query("Causeway", &series, 7);
        assert_eq!(asked.id(), Some("m7"));
        let statistic = asked.metric_stat().expect("a metric");
        assert_eq!(
            (statistic.period(), statistic.stat()),
            (Some(60), Some("p50"))
        );
        let metric = statistic.metric().expect("a metric");
        assert_eq!(metric.namespace(), Some("Causeway"));
        assert_eq!(metric.metric_name(), Some("ProviderLatency"));
        assert_eq!(metric.dimensions()[0].value(), Some("stripe"));
    }
}
