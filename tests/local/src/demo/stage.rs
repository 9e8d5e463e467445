//! Setting the stage: fakes, stack, queues; and clearing it again, whatever happens.

use std::net::{Ipv4Addr, SocketAddr};

use aws_sdk_dynamodb::Client as DynamoDb;
use aws_sdk_sqs::Client as Sqs;
use causeway::lanes::{DynamoStates, StateStore};
use causeway_fakes::Server;
use serde_json::json;

use super::lanes::PARTS;
use super::plan::fan_out;
use super::{DemoError, Field, LaneQueues, Options, Summary, run};
use crate::stack::{LocalStack, Progress, UpOptions};

/// Brings a stack up, runs the demo on it and stops it. Dropping the future stops what was started, too.
///
/// # Errors
/// When the stack does not come up or stops answering, or the summary cannot be written.
pub async fn on_a_stack(
    name: &str,
    options: &Options,
    progress: Progress,
) -> Result<Summary, DemoError> {
    let (fakes, stack) = set_stage(name, Vec::new(), &progress).await?;
    progress("Sending the load");
    let summary = run(&field(&stack, &fakes)?, options).await;
    progress("Stopping the stack");
    let stopped = stack.down();
    fakes.stop().await;
    let summary = summary?;
    match stopped.left {
        0 => Ok(summary),
        left => Err(crate::stack::Error::StillRunning { left }.into()),
    }
}

/// The vendors' fakes, and a stack that calls them, deployed with `parameters`.
pub(crate) async fn set_stage(
    name: &str,
    mut parameters: Vec<(&'static str, String)>,
    progress: &Progress,
) -> Result<(Server, LocalStack), DemoError> {
    let lanes: Vec<String> = PARTS
        .iter()
        .map(|part| pascal_case(part.provider))
        .collect();
    parameters.push(("Lanes", lanes.join(",")));
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let fakes = Server::start(any_port).await?;
    let stack = LocalStack::up(UpOptions {
        name: name.to_owned(),
        provider_base_url: fakes.base_url().to_owned(),
        parameters,
        progress: progress.clone(),
    })
    .await?;
    // No sandbox key: Stripe allows a live account four times as much (docs.stripe.com/rate-limits).
    stack
        .put_secret("stripe", "default", &json!({"api_key": "sk_demo"}))
        .await?;
    store_mappings(&stack).await?;
    Ok((fakes, stack))
}

/// What an operator does once for each connection that has mappings of its own.
async fn store_mappings(stack: &LocalStack) -> Result<(), DemoError> {
    let table = stack.output("MappingsTable")?;
    let mappings = DynamoStates::new(DynamoDb::new(&stack.sdk_config()), table);
    for (key, value) in fan_out::documents() {
        let stored = mappings.swap(&key, None, &value, "demo").await;
        stored.map_err(DemoError::stack("storing a mapping"))?;
    }
    Ok(())
}

/// Where a run takes place, by the stack's outputs.
///
/// # Errors
/// When the template does not give an output that it should.
pub fn field<'a>(stack: &'a LocalStack, fakes: &'a Server) -> Result<Field<'a>, DemoError> {
    let lanes = PARTS.iter().map(|part| {
        let provider = part.provider;
        let lane = pascal_case(provider);
        Ok(LaneQueues {
            provider: provider.to_owned(),
            queue_url: stack.output(&format!("{lane}QueueUrl"))?.to_owned(),
            dlq_url: stack.output(&format!("{lane}DlqUrl"))?.to_owned(),
            function: stack.output(&format!("{lane}FunctionName"))?.to_owned(),
        })
    });
    let config = stack.sdk_config();
    Ok(Field {
        sqs: Sqs::new(&config),
        dynamodb: DynamoDb::new(&config),
        requests_table: stack.output("RequestsTable")?.to_owned(),
        lanes_table: stack.output("LanesTable")?.to_owned(),
        lanes: lanes.collect::<Result<_, DemoError>>()?,
        fakes,
        stack,
    })
}

/// `stripe` to `Stripe`, as the stack's outputs have it.
fn pascal_case(provider: &str) -> String {
    let words = provider.split(['-', '_', '.']).map(|word| {
        let (first, rest) = word.split_at(word.len().min(1));
        first.to_uppercase() + rest
    });
    words.collect()
}
