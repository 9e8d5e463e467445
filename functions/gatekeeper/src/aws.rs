//! Event sources on AWS: Lambda's event source mappings.

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, ScalingConfig};
use aws_sdk_sqs::types::QueueAttributeName::{
    self, ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
    ApproximateNumberOfMessagesNotVisible,
};
use causeway::StoreError;
use causeway::lane_control::{EventSource, LaneControl, Setting};

/// Mappings on one page (the API's limit).
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html>
const PAGE: i32 = 100;

/// Pages that are read at most. A listing holds all mappings of the account and region, other stacks' too.
const PAGES_MAX: usize = 50;

/// What a queue holds, in three numbers: ready, delayed, received and not yet gone.
const HELD: [QueueAttributeName; 3] = [
    ApproximateNumberOfMessages,
    ApproximateNumberOfMessagesDelayed,
    ApproximateNumberOfMessagesNotVisible,
];

/// What a dead-letter queue's name adds to its lane's (`template.yaml`).
const DEAD_LETTERS: &str = "-dlq";

fn no_queue() -> StoreError {
    StoreError::new("GetQueueAttributes", "no such queue")
}

/// Lambda's control plane, and the queues that its mappings read.
///
/// Mappings are listed, not asked for one by one: the control plane takes 15 requests a second from a whole account,
/// and a stack may have 54 lanes.
#[derive(Debug)]
pub struct AwsLaneControl {
    client: Client,
    queues: aws_sdk_sqs::Client,
    /// What was read last, by the queues' names.
    known: Mutex<BTreeMap<String, Known>>,
}

/// What stands for a lane's event source on AWS.
#[derive(Clone, Debug)]
struct Known {
    /// The mapping's id.
    uuid: String,
    /// The queue's address.
    url: String,
}

impl AwsLaneControl {
    /// Control through `client`, and a look at the `queues`.
    pub fn new(client: Client, queues: aws_sdk_sqs::Client) -> Self {
        Self {
            client,
            queues,
            known: Mutex::default(),
        }
    }

    fn note(&self, queue: &str, known: Known) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.insert(queue.to_owned(), known);
    }

    fn known(&self, queue: &str) -> Option<Known> {
        let all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        all.get(queue).cloned()
    }

    /// What the `queue` holds.
    async fn held(&self, queue: String) -> Result<u64, StoreError> {
        let asked = self
            .queues
            .get_queue_attributes()
            .queue_url(queue)
            .set_attribute_names(Some(HELD.to_vec()))
            .send()
            .await
            .map_err(|error| failed("GetQueueAttributes", &error))?;
        let held = HELD.iter().map(|name| {
            let number = asked.attributes()?.get(name)?;
            number.parse::<u64>().ok()
        });
        held.sum::<Option<u64>>()
            .ok_or_else(|| StoreError::new("GetQueueAttributes", "a number is missing"))
    }
}

#[async_trait]
impl LaneControl for AwsLaneControl {
    async fn read(&self, ids: &[String]) -> Result<BTreeMap<String, EventSource>, StoreError> {
        let mut found = BTreeMap::new();
        let mut marker = None;
        for _ in 0..PAGES_MAX {
            let page = self
                .client
                .list_event_source_mappings()
                .max_items(PAGE)
                .set_marker(marker)
                .send()
                .await
                .map_err(|error| failed("ListEventSourceMappings", &error))?;
            for mapping in page.event_source_mappings() {
                if let Some((queue, known)) = lanes_own(mapping)
                    && let Some(id) = ids.iter().find(|id| **id == queue)
                {
                    self.note(id, known);
                    found.insert(id.clone(), event_source(mapping));
                }
            }
            marker = page.next_marker.filter(|marker| !marker.is_empty());
            if marker.is_none() || found.len() == ids.len() {
                return Ok(found);
            }
        }
        tracing::warn!(
            pages = PAGES_MAX,
            "the account has more event source mappings than are read"
        );
        Ok(found)
    }

    async fn waiting(&self, id: &str) -> Result<u64, StoreError> {
        let known = self.known(id).ok_or_else(no_queue)?;
        self.held(known.url).await
    }

    async fn letters(&self, id: &str) -> Result<u64, StoreError> {
        let known = self.known(id).ok_or_else(no_queue)?;
        self.held(format!("{}{DEAD_LETTERS}", known.url)).await
    }

    async fn set(&self, id: &str, setting: Setting) -> Result<(), StoreError> {
        // Whoever changes one has read it before.
        let known = self.known(id);
        let known =
            known.ok_or_else(|| StoreError::new("UpdateEventSourceMapping", "no such mapping"))?;
        let update = self.client.update_event_source_mapping();
        let update = update.uuid(known.uuid);
        let update = match setting {
            Setting::Disabled => update.enabled(false),
            Setting::Enabled {
                maximum_concurrency,
            } => {
                let scaling = ScalingConfig::builder()
                    .maximum_concurrency(maximum_concurrency.into())
                    .build();
                update.enabled(true).scaling_config(scaling)
            }
        };
        let done = update.send().await;
        done.map_err(|error| failed("UpdateEventSourceMapping", &error))?;
        Ok(())
    }
}

/// The queue's name and what is known of the mapping, where it is a lane's: from a queue to the function of the queue's
/// own name, whichever version or alias of it.
fn lanes_own(mapping: &EventSourceMappingConfiguration) -> Option<(String, Known)> {
    let queue = mapping.event_source_arn()?;
    let name = queue.rsplit(':').next()?;
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME, perhaps with an alias behind it.
    let function = mapping.function_arn()?.split(':').nth(6)?;
    let known = Known {
        uuid: mapping.uuid()?.to_owned(),
        url: queue_url(queue)?,
    };
    (name == function).then(|| (name.to_owned(), known))
}

/// The address of the queue that `arn` names.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-queue-message-identifiers.html>
fn queue_url(arn: &str) -> Option<String> {
    let mut parts = arn.split(':').skip(1);
    let (partition, service) = (parts.next()?, parts.next()?);
    let (region, account, name) = (parts.next()?, parts.next()?, parts.next()?);
    let domain = match partition {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    (service == "sqs").then(|| format!("https://sqs.{region}.{domain}/{account}/{name}"))
}

fn event_source(mapping: &EventSourceMappingConfiguration) -> EventSource {
    let state = mapping.state().unwrap_or_default();
    let concurrency = mapping
        .scaling_config()
        .and_then(ScalingConfig::maximum_concurrency);
    EventSource {
        enabled: state == "Enabled",
        maximum_concurrency: concurrency.and_then(|number| u16::try_from(number).ok()),
        // Creating, Enabling, Disabling, Updating and Deleting refuse an update.
        is_changing: !matches!(state, "Enabled" | "Disabled"),
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

    fn in_state(state: &str) -> EventSource {
        let scaling = ScalingConfig::builder().maximum_concurrency(5).build();
        let mapping = EventSourceMappingConfiguration::builder()
            .uuid("id")
            .state(state)
            .scaling_config(scaling)
            .build();
        event_source(&mapping)
    }

    #[test]
    fn a_mapping_takes_a_change_only_where_an_earlier_one_is_done() {
        for (state, enabled) in [("Enabled", true), ("Disabled", false)] {
            let expected = EventSource {
                enabled,
                maximum_concurrency: Some(5),
                is_changing: false,
            };
            assert_eq!(in_state(state), expected);
        }
        for state in [
            "Creating",
            "Enabling",
            "Updating",
            "Disabling",
            "Deleting",
            "Novel",
        ] {
            assert!(in_state(state).is_changing, "{state}");
        }
    }

    #[test]
    fn a_lane_s_mapping_is_known_by_its_queue_whatever_release_it_feeds() {
        let of = |queue: &str, function: &str| {
            let mapping = EventSourceMappingConfiguration::builder()
                .uuid("id")
                .event_source_arn(format!("arn:aws:sqs:eu-west-1:123456789012:{queue}"))
                .function_arn(format!(
                    "arn:aws:lambda:eu-west-1:123456789012:function:{function}"
                ))
                .build();
            lanes_own(&mapping).map(|(name, known)| (name, known.uuid))
        };
        let lane = Some(("causeway-Stripe".to_owned(), "id".to_owned()));
        for function in [
            "causeway-Stripe",
            "causeway-Stripe:live",
            "causeway-Stripe:7",
        ] {
            assert_eq!(of("causeway-Stripe", function), lane);
        }
        // Somebody's own reader of a lane's queue is not the lane's.
        assert_eq!(of("causeway-Stripe", "audit"), None);
    }

    #[test]
    fn a_queue_s_address_follows_from_its_name() {
        let url = queue_url("arn:aws:sqs:eu-west-1:123456789012:causeway-Stripe");
        let expected = "https://sqs.eu-west-1.amazonaws.com/123456789012/causeway-Stripe";
        assert_eq!(url.as_deref(), Some(expected));
        let stream = "arn:aws:dynamodb:eu-west-1:123456789012:table/Lanes/stream/2026";
        assert_eq!(queue_url(stream), None);
    }

    #[test]
    fn a_mapping_without_a_bound_has_none() {
        let mapping = EventSourceMappingConfiguration::builder()
            .state("Enabled")
            .build();
        assert_eq!(event_source(&mapping).maximum_concurrency, None);
    }
}
