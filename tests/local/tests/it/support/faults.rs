//! An HTTP client for the SDK whose calls go wrong on command, around the real one.
//!
//! It stands where the network is: what the adapters, and the SDK's own retries, make of a failure is production code.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_config::SdkConfig;
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_sdk_dynamodb::config::http::{HttpRequest, HttpResponse};
use aws_sdk_dynamodb::config::{HttpClient, RuntimeComponents, SharedHttpClient};
use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::result::ConnectorError;
use serde_json::Value;

/// Tries of one call, the SDK's default, which production keeps.
pub const TRIES: usize = 3;

/// Longest wait for one try. Production has three seconds; what never answers should not hold a test for so long.
const TRY_TIMEOUT: Duration = Duration::from_secs(1);

/// Stands in garbage and in messages of errors, and must stand in nothing that an adapter says.
pub const BODY_TEXT: &str = "words-of-a-body";

/// How a try goes wrong.
#[derive(Clone, Copy, Debug)]
pub enum Fault {
    /// The service refuses for now; nothing happens.
    Throttled,
    /// The service refuses for good; nothing happens.
    Denied,
    /// The service breaks; nothing happens.
    ServerError,
    /// Nothing arrives, and no answer comes.
    Hang,
    /// The request is served, and no answer comes.
    HangAfter,
    /// The connection breaks before the request arrives.
    Reset,
    /// The request is served, and the connection breaks before the answer.
    ResetAfter,
    /// The request is served, and something answers 200 with what is no answer of the service.
    Garbage,
    /// The request is served, and something answers 200 with an object that says nothing.
    Empty,
    /// The request is served, and its answer passed on after a change.
    Changed(fn(&mut Value)),
}

#[derive(Debug, Default)]
struct Script {
    faults: VecDeque<Fault>,
    /// The bodies of all tries, in their order.
    tries: Vec<Value>,
}

/// The client, and the script of what goes wrong.
#[derive(Clone, Debug)]
pub struct Faults {
    inner: SharedHttpClient,
    script: Arc<Mutex<Script>>,
}

impl Faults {
    /// Stands between the clients of the answered configuration and the network. Retries wait a millisecond.
    pub fn around(config: &SdkConfig) -> (Self, SdkConfig) {
        let faults = Self {
            inner: config.http_client().expect("the stack's clients have one"),
            script: Arc::default(),
        };
        let config = config
            .to_builder()
            .http_client(SharedHttpClient::new(faults.clone()))
            .retry_config(RetryConfig::standard().with_initial_backoff(Duration::from_millis(1)))
            .timeout_config(
                TimeoutConfig::builder()
                    .operation_attempt_timeout(TRY_TIMEOUT)
                    .build(),
            )
            .build();
        (faults, config)
    }

    /// The same script before another network.
    pub fn before(&self, network: impl HttpClient + 'static) -> Self {
        Self {
            inner: SharedHttpClient::new(network),
            script: self.script.clone(),
        }
    }

    /// The next tries go wrong so, one after the other; those after them go well. What was left is forgotten.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        let mut script = self.lock();
        script.faults = faults.into_iter().collect();
        script.tries.clear();
    }

    /// The bodies of the tries since then.
    pub fn tries(&self) -> Vec<Value> {
        self.lock().tries.clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Script> {
        self.script.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl HttpClient for Faults {
    fn http_connector(
        &self,
        settings: &HttpConnectorSettings,
        components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(Connector {
            inner: self.inner.http_connector(settings, components),
            faults: self.clone(),
        })
    }
}

#[derive(Debug)]
struct Connector {
    inner: SharedHttpConnector,
    faults: Faults,
}

impl HttpConnector for Connector {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let body = request.body().bytes().unwrap_or_default();
        let body = serde_json::from_slice(body).unwrap_or_default();
        let mut script = self.faults.lock();
        script.tries.push(body);
        let Some(fault) = script.faults.pop_front() else {
            return self.inner.call(request);
        };
        let inner = self.inner.clone();
        HttpConnectorFuture::new(async move { go_wrong(fault, inner, request).await })
    }
}

/// A network on which every request gets this answer: for a service whose side of the call needs no state.
#[derive(Clone, Copy, Debug)]
pub struct Canned(pub &'static str);

impl HttpClient for Canned {
    fn http_connector(
        &self,
        _settings: &HttpConnectorSettings,
        _components: &RuntimeComponents,
    ) -> SharedHttpConnector {
        SharedHttpConnector::new(*self)
    }
}

impl HttpConnector for Canned {
    fn call(&self, _request: HttpRequest) -> HttpConnectorFuture {
        HttpConnectorFuture::ready(Ok(answer(200, self.0)))
    }
}

async fn go_wrong(
    fault: Fault,
    inner: SharedHttpConnector,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let error = |status, code: &str| {
        // All speak JSON; SQS takes a code of its older protocol from a header, Lambda any code.
        let body = format!(r#"{{"__type":"com.amazonaws#{code}","message":"{BODY_TEXT}"}}"#);
        let mut response = answer(status, &body);
        response
            .headers_mut()
            .insert("x-amzn-query-error", format!("{code};Sender"));
        response
            .headers_mut()
            .insert("x-amzn-errortype", code.to_owned());
        Ok(response)
    };
    match fault {
        Fault::Throttled => error(400, "ThrottlingException"),
        Fault::Denied => error(400, "AccessDeniedException"),
        Fault::ServerError => error(500, "InternalServerError"),
        Fault::Hang => std::future::pending().await,
        Fault::Reset => Err(reset()),
        Fault::HangAfter => {
            inner.call(request).await?;
            std::future::pending().await
        }
        Fault::ResetAfter => {
            inner.call(request).await?;
            Err(reset())
        }
        Fault::Garbage => {
            inner.call(request).await?;
            Ok(answer(200, &format!("<html>{BODY_TEXT}</html>")))
        }
        Fault::Empty => {
            inner.call(request).await?;
            Ok(answer(200, "{}"))
        }
        Fault::Changed(change) => {
            let response = inner.call(request).await?;
            let mut body = body_of(response).await?;
            change(&mut body);
            Ok(answer(200, &body.to_string()))
        }
    }
}

async fn body_of(response: HttpResponse) -> Result<Value, ConnectorError> {
    use http_body_util::BodyExt;
    let body = response.into_body().collect().await;
    let bytes = body.map_err(ConnectorError::io)?.to_bytes();
    serde_json::from_slice(&bytes).map_err(|error| ConnectorError::other(error.into(), None))
}

fn answer(status: u16, body: &str) -> HttpResponse {
    let status = status.try_into().expect("an HTTP status");
    let mut response = HttpResponse::new(status, body.to_owned().into());
    response
        .headers_mut()
        .insert("content-type", "application/x-amz-json-1.0");
    response
}

fn reset() -> ConnectorError {
    let kind = std::io::ErrorKind::ConnectionReset;
    ConnectorError::io(std::io::Error::from(kind).into())
}
