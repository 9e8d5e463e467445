//! What AWS and the machine say before a deployment.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use aws_config::SdkConfig;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::StackStatus;
use aws_sdk_sqs::types::QueueAttributeName;

use super::check::names;
use super::settings::Environment;
use super::template::Declared;
use crate::context::Context;
use crate::error::Error;
use crate::stack::sdk_config;

/// What was seen on AWS.
#[derive(Debug)]
pub struct Seen {
    /// The stack's parameters; none where there is no stack.
    pub deployed: Option<BTreeMap<String, String>>,
    /// Lanes to come whose queue exists outside of the stack.
    pub strays: BTreeSet<String>,
    /// Messages and letters of lanes that end.
    pub waiting: BTreeMap<String, u64>,
    /// Functions that the account runs at once; none where it could not be asked.
    pub account: Option<u32>,
}

/// Looks at the environment's stack and its queues.
///
/// # Errors
/// When AWS cannot be reached, or the stack stands where no deployment can begin.
pub async fn look(
    environment: &Environment,
    declared: &Declared,
    context: &Context,
) -> Result<Seen, Error> {
    let config = sdk_config(&context.global).await;
    let deployed = parameters(&config, &environment.stack).await?;
    let wanted = |name: &str| {
        let default = declared.parameters.get(name).and_then(Option::as_ref);
        names(environment.overrides.get(name).or(default))
    };
    let had = |name: &str| names(deployed.as_ref().and_then(|all| all.get(name)));
    let (lanes, kept) = (wanted("Lanes"), wanted("KeptLanes"));
    let (ran, was_kept) = (had("Lanes"), had("KeptLanes"));
    let sqs = aws_sdk_sqs::Client::new(&config);
    let (mut strays, mut waiting) = (BTreeSet::new(), BTreeMap::new());
    for lane in lanes.iter().chain(&kept) {
        let listed = ran.contains(lane) || was_kept.contains(lane);
        if !listed
            && depth(&sqs, &environment.stack, lane).await?.is_some()
            && !is_in(&config, &environment.stack, lane).await
        {
            strays.insert(lane.clone());
        }
    }
    for lane in ran.iter().filter(|lane| kept.contains(lane)) {
        let count = depth(&sqs, &environment.stack, lane).await?;
        waiting.insert(lane.clone(), count.unwrap_or(0));
    }
    Ok(Seen {
        account: account(&config).await,
        deployed,
        strays,
        waiting,
    })
}

/// The stack's parameters; none where it has never been deployed.
async fn parameters(
    config: &SdkConfig,
    stack: &str,
) -> Result<Option<BTreeMap<String, String>>, Error> {
    let client = aws_sdk_cloudformation::Client::new(config);
    let described = client.describe_stacks().stack_name(stack).send().await;
    let described = match described {
        Ok(described) => described,
        // The API has no code of its own for it.
        Err(error)
            if error
                .message()
                .is_some_and(|text| text.contains("does not exist")) =>
        {
            return Ok(None);
        }
        Err(error) => return Err(Error::aws("read the stack's parameters")(error)),
    };
    let Some(found) = described.stacks().first() else {
        return Ok(None);
    };
    match found.stack_status() {
        Some(StackStatus::RollbackComplete | StackStatus::RollbackFailed) => {
            return Err(
                Error::new(format!("the first deployment of {stack} failed")).hint(format!(
                    "aws cloudformation delete-stack --stack-name {stack}, then deploy anew"
                )),
            );
        }
        Some(StackStatus::ReviewInProgress) => return Ok(None),
        _ => {}
    }
    let pair = |one: &aws_sdk_cloudformation::types::Parameter| {
        let value = one.parameter_value().unwrap_or_default();
        Some((one.parameter_key()?.to_owned(), value.to_owned()))
    };
    Ok(Some(found.parameters().iter().filter_map(pair).collect()))
}

/// Whether a lane's queue is a resource of the stack, as it is after an import.
async fn is_in(config: &SdkConfig, stack: &str, lane: &str) -> bool {
    let client = aws_sdk_cloudformation::Client::new(config);
    let asked = client.describe_stack_resource().stack_name(stack);
    let found = asked.logical_resource_id(format!("{lane}Queue")).send();
    found.await.is_ok()
}

/// What both queues of a lane hold; none where neither exists.
async fn depth(sqs: &aws_sdk_sqs::Client, stack: &str, lane: &str) -> Result<Option<u64>, Error> {
    use QueueAttributeName::{
        ApproximateNumberOfMessages, ApproximateNumberOfMessagesDelayed,
        ApproximateNumberOfMessagesNotVisible,
    };
    let counts = [
        ApproximateNumberOfMessages,
        ApproximateNumberOfMessagesDelayed,
        ApproximateNumberOfMessagesNotVisible,
    ];
    let mut sum = None;
    for queue in [format!("{stack}-{lane}"), format!("{stack}-{lane}-dlq")] {
        let asked = sqs.get_queue_url().queue_name(&queue).send().await;
        let url = match asked {
            Ok(found) => found.queue_url.unwrap_or_default(),
            Err(error) if error.as_service_error().is_some_and(aws_sdk_sqs::operation::get_queue_url::GetQueueUrlError::is_queue_does_not_exist) => continue,
            Err(error) => return Err(Error::aws("look for a queue")(error)),
        };
        let asked = sqs.get_queue_attributes().queue_url(url);
        let asked = asked.set_attribute_names(Some(counts.to_vec()));
        let reply = asked.send().await;
        let reply = reply.map_err(Error::aws("read a queue's numbers"))?;
        let held = reply.attributes.unwrap_or_default();
        let held = held.values().filter_map(|text| text.parse::<u64>().ok());
        sum = Some(sum.unwrap_or(0) + held.sum::<u64>());
    }
    Ok(sum)
}

/// Functions that the account runs at once here. A person who may not ask deploys all the same.
async fn account(config: &SdkConfig) -> Option<u32> {
    let client = aws_sdk_lambda::Client::new(config);
    let settings = client.get_account_settings().send().await.ok()?;
    let limit = settings.account_limit()?.concurrent_executions();
    u32::try_from(limit).ok()
}

/// The version of the SAM CLI `program`; none where it cannot be run.
pub async fn sam(program: &Path) -> Option<String> {
    let mut version = tokio::process::Command::new(program);
    version.arg("--version").env("SAM_CLI_TELEMETRY", "0");
    let output = version.output().await.ok()?;
    // SAM CLI, version 1.170.0
    let text = String::from_utf8(output.stdout).ok()?;
    text.split_whitespace().next_back().map(str::to_owned)
}
