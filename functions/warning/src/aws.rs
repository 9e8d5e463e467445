//! The world on AWS: CloudWatch's metrics, SQS's depths, an SNS topic.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::ops::RangeInclusive;

use async_trait::async_trait;
use aws_sdk_cloudwatch::types::{Dimension, DimensionFilter, RecentlyActive};
use aws_sdk_sns::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_sns::types::MessageAttributeValue;
use aws_sdk_sqs::types::QueueAttributeName::{
    self, ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
    ApproximateNumberOfMessagesNotVisible,
};
use causeway::StoreError;
use causeway::telemetry::DIMENSION;
use causeway_insights::warning::{Alert, Minute};

use crate::cloudwatch::{self, Series};
use crate::seams::{Alerts, Measures};
use crate::series::{SERIES, minutes_of};

/// Pages of one list of metrics that are read: a page holds 500.
/// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/API_ListMetrics.html>
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
        let wanted: Vec<_> = providers
            .iter()
            .flat_map(|provider| SERIES.map(|(metric, statistic)| (provider, metric, statistic)))
            .map(|(provider, metric, statistic)| Series {
                provider,
                metric,
                statistic,
            })
            .collect();
        let read = cloudwatch::read(&self.metrics, &self.namespace, &wanted, minutes).await;
        let read = read.map_err(|error| failed("GetMetricData", &error))?;
        let lanes = read.chunks(SERIES.len()).map(minutes_of);
        Ok(providers.iter().cloned().zip(lanes).collect())
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
