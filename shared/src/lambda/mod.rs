//! The edge to AWS Lambda: a provider's whole `main` is `causeway::lambda::run(Provider)`.

mod clients;
mod config;
mod event;

use std::collections::BTreeSet;
use std::sync::Arc;

use aws_config::SdkConfig;
use aws_lambda_events::event::sqs::{SqsBatchResponse, SqsEvent};
pub use lambda_runtime::Error;
use lambda_runtime::{LambdaEvent, service_fn};
use tokio::task::JoinSet;

pub use clients::sdk_config;
pub use config::{ALLOW_INFERRED, Config, ConfigError, least};

use crate::Timestamp;
use crate::clock::{Clock, SystemClock};
use crate::dynamodb::DynamoDb;
use crate::http_client::{HttpClient, ReqwestClient};
use crate::lanes::DynamoStates;
use crate::ledger::DynamoLedger;
use crate::pipeline::{Invocation, Lane, Settings};
use crate::provider::Provider;
use crate::queue::SqsQueue;
use crate::seams::Seams;
use crate::secrets::{AwsSecrets, CachedSecrets};
use crate::telemetry::{self, Batch, Source, Traces};
use crate::trace::RemoteParent;

/// Runs the lane of `provider` as a Lambda function, until the environment ends.
///
/// # Errors
/// When the environment's variables are missing or wrong (the text names the variable and the rule), or the Runtime
/// API breaks.
pub fn run(provider: impl Provider) -> Result<(), Error> {
    // A lane waits; it does not compute. One thread is enough, and starts faster.
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(provider))
}

async fn serve(provider: impl Provider) -> Result<(), Error> {
    let config = Config::from_env(provider.spec())?;
    telemetry::log_to_stdout(&config.log_level);
    telemetry::log_panics();
    let sdk = sdk_config().await?;
    let source = Source::from_env(provider.spec().name, &config.queue_url, &config.environment);
    let traces = Traces::from_env(source, || {
        ReqwestClient::new().map(|client| Arc::new(client) as Arc<dyn HttpClient>)
    });
    let lane = Arc::new(lane(provider, &config, &sdk)?);
    let traces = Arc::new(traces);
    let namespace: Arc<str> = config.metrics_namespace.as_str().into();
    lambda_runtime::run(service_fn(|event| {
        as_a_task(handle(
            lane.clone(),
            traces.clone(),
            namespace.clone(),
            event,
        ))
    }))
    .await
}

/// Runs `invocation` as a task of its own, which ends with it: each time that the future of `block_on` itself is woken,
/// tokio writes to an eventfd, and that was every third system call.
async fn as_a_task<T: Send + 'static>(
    invocation: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    let mut task = JoinSet::new();
    task.spawn(invocation);
    match task.join_next().await {
        Some(Ok(answer)) => answer,
        // What a panic says may quote a payload: Lambda gets to know that there was one, and nothing of its text.
        _ => Err("the lane panicked: see its log".into()),
    }
}

/// The lane of `provider` on real AWS clients.
///
/// # Errors
/// When TLS towards the vendor cannot be set up.
pub fn lane(provider: impl Provider, config: &Config, sdk: &SdkConfig) -> Result<Lane, Error> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let dynamodb = DynamoDb::new(sdk);
    let states = |table: &str| Arc::new(DynamoStates::new(dynamodb.clone(), table));
    let secrets = AwsSecrets::new(
        aws_sdk_secretsmanager::Client::new(sdk),
        &config.secrets_prefix,
    );
    let seams = Seams {
        http: Arc::new(ReqwestClient::new()?),
        ledger: Arc::new(DynamoLedger::new(dynamodb.clone(), &config.requests_table)),
        states: states(&config.lanes_table),
        mappings: states(&config.mappings_table),
        queue: Arc::new(SqsQueue::new(sdk, &config.queue_url, &config.dlq_url)),
        secrets: Arc::new(CachedSecrets::new(secrets, clock.clone(), config.memory)),
        clock,
    };
    let settings = Settings {
        base_url: config.base_url.clone(),
        environment: config.environment.clone(),
        max_in_flight: config.max_in_flight,
        memory: config.memory,
    };
    Ok(Lane::new(provider, seams, settings))
}

/// One invocation: a batch of messages in, those that must come back out.
async fn handle(
    lane: Arc<Lane>,
    traces: Arc<Traces>,
    namespace: Arc<str>,
    event: LambdaEvent<SqsEvent>,
) -> Result<SqsBatchResponse, Error> {
    let LambdaEvent { payload, context } = event;
    let invocation = Invocation {
        id: context.request_id,
        deadline: Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX)),
    };
    let (batch, unreadable) = event::messages(payload);
    let received: Vec<String> = batch.iter().map(|message| message.id.clone()).collect();
    let report = lane.process(batch, &invocation).await;
    let header = context.xray_trace_id.as_deref();
    let batch = Batch {
        invocation_id: &invocation.id,
        function: header.and_then(RemoteParent::from_xray),
        report: &report,
        ended: SystemClock.now(),
    };
    telemetry::emit(&namespace, lane.provider_name(), &batch);
    traces.tell(&batch, invocation.deadline).await;
    let acknowledged: BTreeSet<&str> = report.acknowledged().collect();
    let comes_back = |id: &String| !acknowledged.contains(id.as_str());
    let mut response = SqsBatchResponse::default();
    response.set_failures(received.into_iter().filter(comes_back).chain(unreadable));
    Ok(response)
}
