//! Lanes' event sources: Lambda's event source mappings, by the operator's own permission.

use std::collections::BTreeMap;

use aws_sdk_lambda::types::{EventSourceMappingConfiguration, ScalingConfig};
use causeway::Timestamp;
use causeway::breaker::{Breaker, State};
use causeway::gatekeeper::{STAY_ENABLED, WatchedLane};
use causeway::lanes;
use serde::Serialize;

use crate::breaker;
use crate::error::Error;
use crate::stack::{Lane, Stack};

/// Mappings on one page (the API's limit).
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ListEventSourceMappings.html>
const PAGE: i32 = 100;

/// Pages that are read at most. A listing holds all mappings of the account and region, other stacks' too.
const PAGES_MAX: usize = 50;

/// What the gatekeeper's environment calls its lanes.
const VARIABLE: &str = "LANE_";

/// A lane's event source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Source {
    /// Its id.
    pub id: String,
    /// Lambda's word: `Enabled`, `Disabled`, or one for a change that is under way.
    pub state: String,
    /// Batches at once; none where nothing bounds them.
    pub maximum_concurrency: Option<i32>,
}

impl Source {
    /// Whether a change is under way: until it is over, no other is taken.
    #[must_use]
    pub fn is_changing(&self) -> bool {
        !matches!(self.state.as_str(), "Enabled" | "Disabled")
    }
}

/// A switched event source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Switched {
    /// The lane's provider.
    pub provider: String,
    /// Whether it hands out messages now.
    pub enabled: bool,
    /// Batches at once, where it does.
    pub maximum_concurrency: Option<u16>,
    /// What will come of it.
    pub warning: Option<String>,
}

impl Switched {
    /// One line for a person.
    #[must_use]
    pub fn sentence(&self) -> String {
        let provider = &self.provider;
        match self.maximum_concurrency {
            Some(batches) => {
                format!("{provider}: event source on, up to {batches} batches at once")
            }
            None => format!("{provider}: event source off, messages wait in the queue"),
        }
    }
}

/// The queues' event sources, by the name of the function that they feed.
///
/// # Errors
/// When Lambda cannot be asked.
pub async fn sources(stack: &Stack) -> Result<BTreeMap<String, Source>, Error> {
    let mappings = mappings(stack).await?;
    Ok(mappings.iter().filter_map(source).collect())
}

/// All event source mappings of the account and region.
pub(super) async fn mappings(stack: &Stack) -> Result<Vec<EventSourceMappingConfiguration>, Error> {
    let (mut found, mut marker) = (Vec::new(), None);
    for _ in 0..PAGES_MAX {
        let list = stack.lambda.list_event_source_mappings().max_items(PAGE);
        let page = list.set_marker(marker).send().await;
        let page = page.map_err(Error::aws("list the lanes' event sources"))?;
        found.extend(page.event_source_mappings.unwrap_or_default());
        marker = page.next_marker.filter(|marker| !marker.is_empty());
        if marker.is_none() {
            break;
        }
    }
    Ok(found)
}

fn source(mapping: &EventSourceMappingConfiguration) -> Option<(String, Source)> {
    let of_a_queue = mapping.event_source_arn()?.contains(":sqs:");
    // arn:aws:lambda:REGION:ACCOUNT:function:NAME, perhaps with an alias behind it.
    let function = mapping.function_arn()?.split(':').nth(6)?.to_owned();
    let scaling = mapping.scaling_config();
    let source = Source {
        id: mapping.uuid()?.to_owned(),
        state: mapping.state().unwrap_or_default().to_owned(),
        maximum_concurrency: scaling.and_then(ScalingConfig::maximum_concurrency),
    };
    of_a_queue.then_some((function, source))
}

/// Turns a lane's event source on, at the lane's own concurrency, or off. Twice is as good as once.
///
/// # Errors
/// When the lane's source is not known or is changing already, or Lambda refuses.
pub async fn switch(
    stack: &Stack,
    lane: &Lane,
    on: bool,
    now: Timestamp,
) -> Result<Switched, Error> {
    let (watched, sources) = futures_util::join!(watched(stack, lane), sources(stack));
    let (watched, sources) = (watched?, sources?);
    let source = sources.get(&lane.function_name).ok_or_else(|| {
        Error::new(format!("the lane `{}` has no event source", lane.provider))
            .hint("deploy the stack anew")
    })?;
    let update = stack.lambda.update_event_source_mapping().uuid(&source.id);
    let update = if on {
        let scaling = ScalingConfig::builder()
            .maximum_concurrency(watched.maximum_concurrency.into())
            .build();
        update.enabled(true).scaling_config(scaling)
    } else {
        update.enabled(false)
    };
    update.send().await.map_err(|error| {
        let in_use = error.as_service_error().is_some_and(
            aws_sdk_lambda::operation::update_event_source_mapping::UpdateEventSourceMappingError::is_resource_in_use_exception,
        );
        let error = Error::aws("switch the lane's event source")(error);
        if in_use {
            error.hint("an earlier change is under way: try again in a minute")
        } else {
            error
        }
    })?;
    Ok(Switched {
        provider: lane.provider.clone(),
        enabled: on,
        maximum_concurrency: on.then_some(watched.maximum_concurrency),
        warning: warning(stack, &watched, on, now).await,
    })
}

/// The gatekeeper's own view of the lane: it knows the concurrency in good health.
async fn watched(stack: &Stack, lane: &Lane) -> Result<WatchedLane, Error> {
    let gatekeeper = stack.output("GatekeeperFunctionName")?;
    let asked = stack.lambda.get_function_configuration();
    let reply = asked.function_name(gatekeeper).send().await;
    let reply = reply.map_err(Error::aws("read the gatekeeper's list of lanes"))?;
    let variables = reply
        .environment()
        .and_then(|environment| environment.variables());
    let written = variables.and_then(|all| all.get(&format!("{VARIABLE}{}", lane.pascal)));
    written
        .and_then(|text| WatchedLane::read(lane.function_name.clone(), text).ok())
        .ok_or_else(|| {
            Error::new(format!(
                "the gatekeeper does not watch the lane `{}`",
                lane.provider
            ))
            .hint("deploy the stack anew: the template names every lane to it")
        })
}

/// What the gatekeeper will make of it. A breaker that cannot be read counts as closed, as it does there.
async fn warning(stack: &Stack, watched: &WatchedLane, on: bool, now: Timestamp) -> Option<String> {
    let provider = &watched.provider;
    if !on {
        return Some(format!(
            "The gatekeeper turns it on again within a minute. To stop the lane for longer: causeway breaker open {provider} --for 1h --reason '…'"
        ));
    }
    let states = breaker::states(stack).ok()?;
    let breaker = lanes::read::<Breaker>(&states, &watched.breaker_key()).await;
    will_be_undone(&breaker.ok()?.value, now).then(|| {
        format!(
            "The lane's breaker is open: the gatekeeper turns the source off again within a minute. To let calls through: causeway breaker close {provider}"
        )
    })
}

fn will_be_undone(breaker: &Breaker, now: Timestamp) -> bool {
    let is_open = matches!(breaker.state, State::Open | State::ForcedOpen);
    is_open
        && breaker
            .open_until
            .is_some_and(|until| until.since(now) > STAY_ENABLED)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_queue_s_mapping_is_known_by_its_function_and_a_stream_s_is_left_out() {
        let of = |source: &str| {
            EventSourceMappingConfiguration::builder()
                .uuid("id")
                .event_source_arn(source)
                .function_arn("arn:aws:lambda:us-east-1:123456789012:function:stripe:live")
                .state("Updating")
                .build()
        };
        let (function, found) =
            source(&of("arn:aws:sqs:us-east-1:123456789012:q")).expect("a queue's");
        assert_eq!(function, "stripe");
        assert!(found.is_changing());
        let stream = "arn:aws:dynamodb:us-east-1:123456789012:table/t/stream/s";
        assert_eq!(source(&of(stream)), None);
    }

    #[test]
    fn enabling_is_undone_only_while_the_breaker_is_open_for_more_than_the_gatekeeper_waits() {
        let now = Timestamp::from_millis(1_795_348_800_000);
        let open = |seconds| {
            let until = now + Duration::from_secs(seconds);
            Breaker::default()
                .force_open(now, "test", until)
                .expect("within the rules")
        };
        assert!(will_be_undone(&open(120), now));
        assert!(!will_be_undone(&open(60), now));
        assert!(!will_be_undone(&Breaker::default(), now));
    }
}
