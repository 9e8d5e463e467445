//! Calls over reqwest: HTTP/1.1, rustls with ring, the Mozilla roots.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use rustls::{ClientConfig, RootCertStore};

use super::{CallError, HttpClient};
use crate::provider::{Answer, MAX_ANSWER_BYTES, Wire};

/// Longest wait for name, connect and TLS together. Shorter than any operation's timeout, so that a connection that
/// never comes about is told apart from an answer that never comes.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// Vendors close idle connections after a minute or more; a frozen Lambda environment cannot notice. Dropping ours
/// earlier makes it unlikely that a request meets a dead connection.
const IDLE_TIMEOUT: Duration = Duration::from_secs(20);

/// The client that lanes use.
#[derive(Clone, Debug)]
pub struct ReqwestClient {
    client: reqwest::Client,
}

impl ReqwestClient {
    /// A client with its own connection pool.
    ///
    /// # Errors
    /// When TLS cannot be set up, which no running system has shown.
    pub fn new() -> Result<Self, Box<dyn Error + Send + Sync>> {
        let roots = RootCertStore {
            roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
        };
        let tls =
            ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
                .with_safe_default_protocol_versions()?
                .with_root_certificates(roots)
                .with_no_client_auth();
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_idle_timeout(IDLE_TIMEOUT)
            .http1_only()
            .no_proxy()
            .user_agent(concat!("causeway/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { client })
    }
}

#[async_trait]
impl HttpClient for ReqwestClient {
    async fn call(
        &self,
        base_url: &str,
        wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        let request = self
            .client
            .request(wire.method.clone(), format!("{base_url}{}", wire.path))
            .headers(wire.headers.clone())
            .body(wire.body.clone())
            .timeout(timeout)
            .build()
            .map_err(|error| CallError::NotSent(reason(&error)))?;
        let response = self.client.execute(request).await.map_err(|error| {
            if error.is_connect() {
                CallError::NotSent(reason(&error))
            } else {
                CallError::Ambiguous(reason(&error))
            }
        })?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = bounded(response).await?;
        Ok(Answer {
            status,
            headers,
            body,
        })
    }
}

async fn bounded(mut response: reqwest::Response) -> Result<Bytes, CallError> {
    let mut body = BytesMut::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|error| CallError::Ambiguous(reason(&error)))?
    {
        if body.len() + chunk.len() > MAX_ANSWER_BYTES {
            return Err(CallError::Ambiguous(format!(
                "the answer is longer than {MAX_ANSWER_BYTES} bytes"
            )));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body.freeze())
}

/// The error without its URL (a URL may carry a key) and its causes, outermost first.
fn reason(error: &reqwest::Error) -> String {
    let mut text = match (error.is_timeout(), error.is_connect()) {
        (true, true) => "connect timed out".to_owned(),
        (true, false) => "timed out".to_owned(),
        (false, true) => "connect failed".to_owned(),
        (false, false) => "connection broke".to_owned(),
    };
    let mut cause = error.source();
    // An error has a handful of causes; eight is the bound.
    for _ in 0..8 {
        let Some(inner) = cause else { break };
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}
