#![doc = include_str!("../README.md")]

pub mod api;
mod caller;
pub mod catalogue;
mod config;
mod explained;
mod explanation;
mod follow;
pub mod http;
mod list;
mod mappings;
pub mod openapi;
mod problem;
mod providers;
mod quota;
pub mod routes;
mod schema;
mod submit;
mod trace;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use causeway::http_client::{HttpClient, ReqwestClient};
use causeway::lambda::{Error, sdk_config};
use causeway::lanes::DynamoStates;
use causeway::ledger::DynamoLedger;
use causeway::ledger::index::DynamoIndex;
use causeway::queue::SqsProducer;
use causeway::telemetry::{self, Source, Traces};
use causeway::trace::RemoteParent;
use futures_util::future::FutureExt;
use lambda_runtime::{LambdaEvent, service_fn};

pub use caller::Caller;
pub use config::Config;
pub use explanation::Explained;
pub use follow::{RequestState, Standing};
pub use list::{Undelivered, UndeliveredRequest};
pub use mappings::Proposed;
pub use problem::{FieldError, Problem};
pub use providers::{
    OperationEntry, ProviderEntry, ProviderList, RELEASE, class, mappings, safety,
};
pub use submit::{Accepted, MAX_ITEMS, Taken, TakenList};

use api::{Api, Seams};
use http::{Request, Response};

/// Runs ingest as a Lambda function, until the environment ends.
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
    let dynamodb = aws_sdk_dynamodb::Client::new(&sdk);
    let seams = Seams {
        ledger: Arc::new(DynamoLedger::new(
            dynamodb.clone(),
            config.requests_table.clone(),
        )),
        index: Arc::new(DynamoIndex::new(dynamodb.clone(), config.requests_table)),
        states: Arc::new(DynamoStates::new(dynamodb.clone(), config.lanes_table)),
        mappings: Arc::new(DynamoStates::new(dynamodb, config.mappings_table)),
        producer: Arc::new(SqsProducer::new(aws_sdk_sqs::Client::new(&sdk))),
        clock: Arc::new(SystemClock),
    };
    let environment = uuid::Uuid::new_v4().simple().to_string();
    let mut api = Api::new(config.lanes, seams, config.least);
    if let Some(claim) = config.connections_claim {
        api = api.bound_by(claim);
    }
    if let Some(per_minute) = config.producer_limit {
        api = api.limited_to(per_minute, environment.clone());
    }
    let traces = Traces::from_env(Source::from_env("ingest", "", &environment), || {
        ReqwestClient::new().map(|client| Arc::new(client) as Arc<dyn HttpClient>)
    });
    lambda_runtime::run(service_fn(|event| handle(&api, &traces, event))).await
}

/// Who handed in what: the lanes' lines go on from there, by the requests' ids.
fn log_taken(request: &Request, response: &Response) {
    let taken = response.sent.iter().filter(|sent| sent.error.is_none());
    let ids: Vec<&str> = taken.map(|sent| sent.request_id.as_str()).collect();
    if !ids.is_empty() {
        tracing::info!(
            producer = request.caller.subject,
            source_ip = request.caller.source_ip,
            request_ids = ids.join(" "),
            "requests were taken"
        );
    }
}

/// One invocation. What a panic says may quote a payload: the producer gets a 500, the log the place.
async fn handle(
    api: &Api,
    traces: &Traces,
    event: LambdaEvent<ApiGatewayV2httpRequest>,
) -> Result<ApiGatewayV2httpResponse, Error> {
    let LambdaEvent { payload, context } = event;
    let header = context.xray_trace_id.as_deref();
    let function = header.and_then(RemoteParent::from_xray);
    let deadline = Timestamp::from_millis(i64::try_from(context.deadline).unwrap_or(i64::MAX));
    let answered = AssertUnwindSafe(async {
        let mut request = match Request::from_event(payload, api.claim()) {
            Ok(request) => request,
            Err(problem) => return problem.into(),
        };
        request.function = function;
        let started = SystemClock.now();
        let response = routes::answer(api, &request).await;
        log_taken(&request, &response);
        let ended = SystemClock.now();
        let spans = trace::spans(&request, &response, started, ended);
        traces.tell_spans(&spans, ended, deadline).await;
        response
    });
    let response: Response = answered
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Problem::internal().into());
    Ok(response.into())
}
