#![doc = include_str!("../README.md")]

pub mod api;
pub mod catalogue;
mod config;
mod follow;
pub mod http;
pub mod openapi;
mod problem;
mod providers;
mod submit;

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use aws_lambda_events::apigw::{ApiGatewayV2httpRequest, ApiGatewayV2httpResponse};
use causeway::clock::SystemClock;
use causeway::lambda::{Error, sdk_config};
use causeway::lanes::DynamoStates;
use causeway::ledger::DynamoLedger;
use causeway::queue::SqsProducer;
use causeway::telemetry;
use futures_util::future::FutureExt;
use lambda_runtime::{LambdaEvent, service_fn};

pub use config::Config;
pub use follow::RequestState;
pub use problem::{FieldError, Problem};
pub use providers::ProviderList;
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
        ledger: Arc::new(DynamoLedger::new(dynamodb.clone(), config.requests_table)),
        mappings: Arc::new(DynamoStates::new(dynamodb, config.mappings_table)),
        producer: Arc::new(SqsProducer::new(aws_sdk_sqs::Client::new(&sdk))),
        clock: Arc::new(SystemClock),
    };
    let api = Api::new(config.lanes, seams);
    let handler = |event: LambdaEvent<ApiGatewayV2httpRequest>| handle(&api, event.payload);
    lambda_runtime::run(service_fn(handler)).await
}

/// One invocation. What a panic says may quote a payload: the producer gets a 500, the log the place.
async fn handle(
    api: &Api,
    event: ApiGatewayV2httpRequest,
) -> Result<ApiGatewayV2httpResponse, Error> {
    let answered = AssertUnwindSafe(async {
        match Request::from_event(event) {
            Ok(request) => api.answer(&request).await,
            Err(problem) => problem.into(),
        }
    });
    let response: Response = answered
        .catch_unwind()
        .await
        .unwrap_or_else(|_| Problem::internal().into());
    Ok(response.into())
}
