//! Event sources on AWS: Lambda's event source mappings.

use std::collections::BTreeMap;
use std::error::Error;

use async_trait::async_trait;
use aws_sdk_lambda::Client;
use aws_sdk_lambda::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_lambda::types::{EventSourceMappingConfiguration, ScalingConfig};
use causeway::StoreError;
use causeway::lane_control::{EventSource, LaneControl, Setting};

/// Mappings on one page (the API's limit).
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html>
const PAGE: i32 = 100;

/// Pages that are read at most. A listing holds all mappings of the account and region, other stacks' too.
const PAGES_MAX: usize = 50;

/// Lambda's control plane.
///
/// Mappings are listed, not asked for one by one: the control plane takes 15 requests a second from a whole account,
/// and a stack may have 54 lanes.
#[derive(Clone, Debug)]
pub struct AwsLaneControl {
    client: Client,
}

impl AwsLaneControl {
    /// Control through `client`.
    pub const fn new(client: Client) -> Self {
        Self { client }
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
                if let Some(id) = mapping
                    .uuid()
                    .filter(|id| ids.iter().any(|ours| ours == id))
                {
                    found.insert(id.to_owned(), event_source(mapping));
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

    async fn set(&self, id: &str, setting: Setting) -> Result<(), StoreError> {
        let update = self.client.update_event_source_mapping().uuid(id);
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
    fn a_mapping_without_a_bound_has_none() {
        let mapping = EventSourceMappingConfiguration::builder()
            .state("Enabled")
            .build();
        assert_eq!(event_source(&mapping).maximum_concurrency, None);
    }
}
