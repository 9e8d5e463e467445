#![doc = include_str!("../README.md")]

mod aws;
pub mod cloudwatch;
mod config;
mod metrics;
pub mod seams;
mod series;
#[cfg(test)]
mod tests;
mod watch;

use std::sync::Arc;

use causeway::clock::{Clock, SystemClock};
use causeway::lambda::{Error, sdk_config};
use causeway::lanes::DynamoStates;
use causeway::telemetry;
use lambda_runtime::{LambdaEvent, service_fn};
use serde_json::{Value, json};

pub use aws::{AwsMeasures, SnsAlerts};
pub use config::{Config, ConfigError};
pub use watch::{Run, Visit, Watcher};

/// Runs the function, until the environment ends.
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
    let sdk = sdk_config().await?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let states = DynamoStates::new(aws_sdk_dynamodb::Client::new(&sdk), config.lanes_table);
    let measures = AwsMeasures::new(
        aws_sdk_cloudwatch::Client::new(&sdk),
        aws_sdk_sqs::Client::new(&sdk),
        config.queue_url_prefix,
        &config.metrics_namespace,
    );
    let alerts = SnsAlerts::new(aws_sdk_sns::Client::new(&sdk), config.alerts_topic);
    let watcher = Watcher::new(
        config.lanes,
        config.lowers,
        Arc::new(states),
        Arc::new(measures),
        Arc::new(alerts),
        clock.clone(),
    );
    let namespace = config.metrics_namespace.as_str();
    let handler = |_: LambdaEvent<Value>| handle(&watcher, clock.as_ref(), namespace);
    lambda_runtime::run(service_fn(handler)).await
}

/// One invocation. It fails where anything could not be read or written, so that the alarm on the function's errors
/// tells; Lambda's own repetition does no harm, since a minute that was seen is seen once.
async fn handle(watcher: &Watcher, clock: &dyn Clock, namespace: &str) -> Result<Value, Error> {
    let run = watcher.run().await;
    metrics::emit(namespace, &run, clock.now());
    for error in &run.failures {
        tracing::error!(%error, "a look at the lanes failed in part; the next minute tries again");
    }
    match run.failures.first() {
        Some(error) => Err(error.clone().into()),
        None => Ok(summary(&run)),
    }
}

/// What a person sees who invokes the function by hand.
fn summary(run: &Run) -> Value {
    let providers = |of: fn(&Visit) -> bool| -> Vec<&str> {
        let visits = run.visits.iter().filter(|visit| of(visit));
        visits.map(|visit| visit.provider.as_str()).collect()
    };
    json!({
        "looked_at": providers(|_| true),
        "warned": providers(|visit| visit.said.is_some()),
        "told": providers(|visit| visit.told),
    })
}
