//! The least that a function needs to do the work: what the bare loop and the naive handler share. No SDK, no
//! `lambda_runtime`: JSON, SHA-256, Signature Version 4 and HTTP.

mod aws;
mod request;

use std::sync::Arc;

use reqwest::Client;
use rustls::{ClientConfig, RootCertStore};
use serde::{Deserialize, Serialize};

pub use self::aws::Aws;
pub use self::request::{Request, Vendor};
use crate::Result;

/// A batch, as far as it is read.
#[derive(Debug, Deserialize)]
pub struct Event {
    /// Its messages.
    #[serde(rename = "Records")]
    pub records: Vec<Record>,
}

/// A message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Record {
    /// SQS's id.
    pub message_id: String,
    /// The request.
    pub body: String,
}

/// The partial batch response.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Answer {
    /// What comes back.
    pub batch_item_failures: Vec<Failure>,
}

/// A message that comes back.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// Its id.
    pub item_identifier: String,
}

/// A client like the lanes': HTTP/1.1, rustls with ring, Mozilla's roots.
///
/// # Errors
/// When TLS cannot be set up.
pub fn client() -> Result<Client> {
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    let client = Client::builder()
        .tls_backend_preconfigured(tls)
        .http1_only()
        .no_proxy()
        .build()?;
    Ok(client)
}

/// An environment variable.
///
/// # Errors
/// When it is not set.
pub fn variable(name: &str) -> Result<String> {
    std::env::var(name).map_err(|_| format!("{name} is not set").into())
}

/// Runs `handle` on one thread, for each batch that Lambda hands out, until the environment ends.
///
/// # Errors
/// When the Runtime API breaks.
pub fn run<F>(handle: impl Fn(Event) -> F) -> Result<()>
where
    F: Future<Output = Answer>,
{
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?
        .block_on(serve(handle))
}

async fn serve<F>(handle: impl Fn(Event) -> F) -> Result<()>
where
    F: Future<Output = Answer>,
{
    let client = client()?;
    let api = variable("AWS_LAMBDA_RUNTIME_API")?;
    let api = format!("http://{api}/2018-06-01/runtime/invocation");
    // As long as Lambda keeps the environment.
    loop {
        let next = client.get(format!("{api}/next")).send().await?;
        let id = next.headers().get("lambda-runtime-aws-request-id");
        let id = id.ok_or("no request id")?.to_str()?.to_owned();
        let event = serde_json::from_slice(&next.bytes().await?)?;
        let answer = serde_json::to_vec(&handle(event).await)?;
        client
            .post(format!("{api}/{id}/response"))
            .body(answer)
            .send()
            .await?
            .error_for_status()?;
    }
}
