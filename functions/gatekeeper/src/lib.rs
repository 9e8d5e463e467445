#![doc = include_str!("../README.md")]

mod aws;
mod config;
mod event;
pub mod metrics;

use std::sync::Arc;

use causeway::clock::{Clock, SystemClock};
use causeway::gatekeeper::{Gatekeeper, Report, Run};
use causeway::lambda::{Error, sdk_config};
use causeway::lanes::DynamoStates;
use causeway::telemetry;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

pub use aws::AwsLaneControl;
pub use config::{Config, ConfigError};
pub use event::{Event, cause};

/// Runs the gatekeeper as a Lambda function, until the environment ends.
///
/// # Errors
/// When the environment's variables are missing or wrong, or the Runtime API breaks.
pub fn run() -> Result<(), Error> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve())
}

async fn serve() -> Result<(), Error> {
    let config = Config::read(std::env::vars())?;
    telemetry::log_to_stdout(&config.log_level);
    telemetry::log_panics();
    for (name, error) in &config.unreadable {
        tracing::error!(name, %error, "a lane is not watched");
    }
    let sdk = sdk_config().await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let gatekeeper = Gatekeeper::new(
        config.lanes,
        Arc::new(DynamoStates::new(
            aws_sdk_dynamodb::Client::new(&sdk),
            config.lanes_table,
        )),
        Arc::new(AwsLaneControl::new(
            aws_sdk_lambda::Client::new(&sdk),
            aws_sdk_sqs::Client::new(&sdk),
        )),
        clock.clone(),
    )
    .heeding_warnings(config.heeds_warnings);
    let namespace = config.metrics_namespace.as_str();
    let handler =
        |event: LambdaEvent<Event>| handle(&gatekeeper, clock.as_ref(), namespace, event.payload);
    lambda_runtime::run(service_fn(handler)).await
}

/// One invocation. It never fails: a stream would hand out the same records again and again, and what went wrong is
/// logged and left to the next minute.
async fn handle(
    gatekeeper: &Gatekeeper,
    clock: &dyn Clock,
    namespace: &str,
    event: Event,
) -> Result<Value, Error> {
    let cause = cause(&event);
    let run = gatekeeper.run(&cause).await;
    metrics::emit(namespace, &cause, &run, clock.now());
    Ok(summary(&run))
}

/// The connections that are paused, by their names.
fn paused(run: &Run) -> Vec<String> {
    let paused = run.seen.connections.iter().filter(|one| one.is_paused);
    paused
        .map(|one| format!("{}/{}", one.provider, one.name))
        .collect()
}

/// What a person sees who invokes the function by hand.
fn summary(run: &Run) -> Value {
    let providers = |of: fn(&causeway::gatekeeper::Visit) -> bool| -> Vec<&str> {
        let visits = run.visits.iter().filter(|visit| of(visit));
        visits.map(|visit| visit.provider.as_str()).collect()
    };
    json!({
        "looked_at": providers(|_| true),
        "open": providers(|visit| visit.breaker == Some(Report::Open)),
        "idle": providers(|visit| visit.breaker == Some(Report::Idle)),
        "set": providers(|visit| visit.set.is_some()),
        "failed": providers(|visit| visit.failed),
        "paused": paused(run),
    })
}
