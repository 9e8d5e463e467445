//! The world on AWS: CloudWatch's metrics, SQS's depths, an SNS topic.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use aws_sdk_cloudwatch::primitives::DateTime;
use aws_sdk_cloudwatch::types::{
    Dimension, DimensionFilter, Metric, MetricDataQuery, MetricDataResult, MetricStat,
    RecentlyActive,
};
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_sqs::types::QueueAttributeName::{
    self, ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
    ApproximateNumberOfMessagesNotVisible,
};
use causeway::StoreError;
use causeway::telemetry::DIMENSION;
use causeway_insights::warning::{Alert, Minute};

use crate::seams::{Alerts, Measures};
use crate::series::{SERIES, Values};

/// Queries in one call (the API's limit): some eighty lanes.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_GetMetricData.html>
const QUERIES_MAX: usize = 500;

/// Pages of one answer that are read: a page holds 500 metrics or 100,800 values.
const PAGES_MAX: usize = 10;

/// What a queue holds: ready, delayed, received and not yet gone.
const HELD: [QueueAttributeName; 3] = [
    ApproximateNumberOfMessages,
    ApproximateNumberOfMessagesDelayed,
    ApproximateNumberOfMessagesNotVisible,
];

/// Metrics and queues.
#[derive(Clone, Debug)]
pub struct AwsMeasures {
    metrics: aws_sdk_cloudwatch::Client,
    queues: aws_sdk_sqs::Client,
    queue_url_prefix: String,
    namespace: String,
}

impl AwsMeasures {
    /// What `metrics` in `namespace` and the `queues` at `queue_url_prefix` tell.
    pub fn new(
        metrics: aws_sdk_cloudwatch::Client,
        queues: aws_sdk_sqs::Client,
        queue_url_prefix: impl Into<String>,
        namespace: impl Into<String>,
    ) -> Self {
        Self {
            metrics,
            queues,
            queue_url_prefix: queue_url_prefix.into(),
            namespace: namespace.into(),
        }
    }
}

#[async_trait]
impl Measures for AwsMeasures {
    async fn active(&self) -> Result<BTreeSet<String>, StoreError> {
        let (mut found, mut token) = (BTreeSet::new(), None);
        for _ in 0..PAGES_MAX {
            let page = self
                .metrics
                .list_metrics()
                .namespace(&self.namespace)
                .metric_name(SERIES[0].0)
                .dimensions(DimensionFilter::builder().name(DIMENSION).build())
                .recently_active(RecentlyActive::Pt3H)
                .set_next_token(token)
                .send()
                .await
                .map_err(|error| failed("ListMetrics", &error))?;
            for metric in page.metrics() {
                let of = metric
                    .dimensions()
                    .iter()
                    .find(|one| one.name() == Some(DIMENSION));
                found.extend(of.and_then(Dimension::value).map(str::to_owned));
            }
            token = page.next_token.filter(|token| !token.is_empty());
            if token.is_none() {
                break;
            }
        }
        Ok(found)
    }

    async fn read(
        &self,
        providers: &[String],
        minutes: RangeInclusive<u32>,
    ) -> Result<BTreeMap<String, Vec<Minute>>, StoreError> {
        let mut values: Vec<Values> = providers.iter().map(|_| Values::default()).collect();
        let queries: Vec<_> = (0..providers.len() * SERIES.len())
            .map(|at| query(&self.namespace, &providers[at / SERIES.len()], at))
            .collect();
        for some in queries.chunks(QUERIES_MAX) {
            let mut token = None;
            for _ in 0..PAGES_MAX {
                let page = self
                    .metrics
                    .get_metric_data()
                    .set_metric_data_queries(Some(some.to_vec()))
                    .start_time(instant(*minutes.start()))
                    .end_time(instant(minutes.end().saturating_add(1)))
                    .set_next_token(token)
                    .send()
                    .await
                    .map_err(|error| failed("GetMetricData", &error))?;
                for result in page.metric_data_results() {
                    fill(&mut values, result, &minutes);
                }
                token = page.next_token.filter(|token| !token.is_empty());
                if token.is_none() {
                    break;
                }
            }
        }
        let minutes = values.iter().map(Values::minutes);
        Ok(providers.iter().cloned().zip(minutes).collect())
    }

    async fn waiting(&self, lane: &str) -> Result<u64, StoreError> {
        let asked = self
            .queues
            .get_queue_attributes()
            .queue_url(format!("{}{lane}", self.queue_url_prefix))
            .set_attribute_names(Some(HELD.to_vec()))
            .send()
            .await
            .map_err(|error| failed("GetQueueAttributes", &error))?;
        let held = HELD
            .iter()
            .map(|name| asked.attributes()?.get(name)?.parse::<u64>().ok());
        held.sum::<Option<u64>>()
            .ok_or_else(|| StoreError::new("GetQueueAttributes", "a number is missing"))
    }
}

fn instant(minute: u32) -> DateTime {
    DateTime::from_secs(i64::from(minute) * 60)
}

/// The query number `at`: its id says where its values go.
fn query(namespace: &str, provider: &str, at: usize) -> MetricDataQuery {
    let (name, statistic) = SERIES[at % SERIES.len()];
    let metric = Metric::builder()
        .namespace(namespace)
        .metric_name(name)
        .dimensions(Dimension::builder().name(DIMENSION).value(provider).build());
    let statistic = MetricStat::builder()
        .metric(metric.build())
        .period(60)
        .stat(statistic);
    MetricDataQuery::builder()
        .id(format!("m{at}"))
        .metric_stat(statistic.build())
        .build()
}

/// Puts a query's values where its id says. What nobody asked for is left out.
fn fill(lanes: &mut [Values], result: &MetricDataResult, minutes: &RangeInclusive<u32>) {
    let id = result
        .id()
        .and_then(|id| id.strip_prefix('m')?.parse::<usize>().ok());
    let Some(at) = id.filter(|at| *at < lanes.len() * SERIES.len()) else {
        return;
    };
    for (time, value) in result.timestamps().iter().zip(result.values()) {
        let minute = u32::try_from(time.secs().div_euclid(60)).unwrap_or(0);
        if minutes.contains(&minute) {
            lanes[at / SERIES.len()].note(at % SERIES.len(), minute, *value);
        }
    }
}

/// The topic that alarms notify.
#[derive(Clone, Debug)]
pub struct SnsAlerts {
    client: aws_sdk_sns::Client,
    topic: String,
}

impl SnsAlerts {
    /// Tells `topic`.
    pub fn new(client: aws_sdk_sns::Client, topic: impl Into<String>) -> Self {
        Self {
            client,
            topic: topic.into(),
        }
    }
}

#[async_trait]
impl Alerts for SnsAlerts {
    async fn tell(&self, alert: &Alert) -> Result<(), StoreError> {
        let id = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(&alert.id)
            .build();
        let id = id.map_err(|error| StoreError::caused("Publish", &error))?;
        let published = self
            .client
            .publish()
            .topic_arn(&self.topic)
            .subject(&alert.subject)
            .message(&alert.message)
            .message_attributes("warning", id)
            .send()
            .await;
        published.map_err(|error| failed("Publish", &error))?;
        Ok(())
    }
}

/// Service errors by their code, the rest by their causes.
fn failed<E>(operation: &'static str, error: &SdkError<E>) -> StoreError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    match error.code() {
        Some(code) => StoreError::new(operation, code),
        None => StoreError::caused(operation, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_find_their_lane_series_and_minute_by_the_querys_id() {
        let mut lanes = vec![Values::default(), Values::default()];
        let minutes = 100..=101;
        let result = |id: &str, minute, value| {
            MetricDataResult::builder()
                .id(id)
                .timestamps(instant(minute))
                .values(value)
                .build()
        };
        for (id, minute, value) in [
            ("m0", 100, 2.0),
            ("m6", 101, 5.0),
            ("m7", 101, 250.0),
            ("m6", 102, 9.0),
            ("m12", 100, 9.0),
            ("x1", 100, 9.0),
        ] {
            fill(&mut lanes, &result(id, minute, value), &minutes);
        }
        let first = Minute {
            at: 100,
            calls: 2,
            ..Minute::default()
        };
        let second = Minute {
            at: 101,
            calls: 5,
            latency_ms: Some(250.0),
            ..Minute::default()
        };
        assert_eq!(lanes[0].minutes(), [first]);
        assert_eq!(lanes[1].minutes(), [second]);
    }

    #[test]
    fn a_query_asks_for_one_minute_values_of_the_lane() {
        let asked = query("Causeway", "stripe", 7);
        let statistic = asked.metric_stat().expect("a metric");
        assert_eq!(
            (statistic.period(), statistic.stat()),
            (Some(60), Some("p50"))
        );
        let metric = statistic.metric().expect("a metric");
        assert_eq!(metric.metric_name(), Some("ProviderLatency"));
        assert_eq!(metric.dimensions()[0].value(), Some("stripe"));
    }
}
