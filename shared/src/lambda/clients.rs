//! The AWS clients: one HTTPS connector for all, with a trust store of Amazon's own roots.
//!
//! Parsing the 140 Mozilla roots is most of a lane's start-up work, and AWS endpoints need five of them. Behind a
//! proxy that re-signs TLS, or in a partition with other roots, name a bundle in `AWS_CA_BUNDLE`.

use std::time::Duration;

use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use lambda_runtime::Error;

/// Amazon Trust Services' roots and the Starfield root that cross-signs them, as published at
/// <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &str = include_str!("../../certs/amazon-trust-services.pem");

/// Longest single try of one AWS call: their usual answer takes milliseconds, and a lane's time is better spent on
/// the SDK's next try.
const TRY_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest call with all its tries: a settlement fits [`SETTLE_RESERVE`](crate::pipeline::SETTLE_RESERVE).
const CALL_TIMEOUT: Duration = Duration::from_millis(3500);

/// The AWS services that a lane talks to.
#[derive(Clone, Debug)]
pub struct Clients {
    /// Ledger and shared state.
    pub dynamodb: aws_sdk_dynamodb::Client,
    /// Queues.
    pub sqs: aws_sdk_sqs::Client,
    /// Credentials of the connections.
    pub secrets: aws_sdk_secretsmanager::Client,
}

impl Clients {
    /// Clients that share `config`.
    pub fn new(config: &SdkConfig) -> Self {
        Self {
            dynamodb: aws_sdk_dynamodb::Client::new(config),
            sqs: aws_sdk_sqs::Client::new(config),
            secrets: aws_sdk_secretsmanager::Client::new(config),
        }
    }
}

/// Clients as the environment says: see [`sdk_config`].
///
/// # Errors
/// When the trust store cannot be read.
pub async fn connect() -> Result<Clients, Error> {
    Ok(Clients::new(&sdk_config().await?))
}

/// What every AWS client of a function is made from, as the environment says (`AWS_REGION`, `AWS_ENDPOINT_URL`,
/// credentials, `AWS_CA_BUNDLE`).
///
/// # Errors
/// When the trust store cannot be read.
pub async fn sdk_config() -> Result<SdkConfig, Error> {
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(TRY_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https(trust_store()?)?)
        .timeout_config(timeouts);
    Ok(config.load().await)
}

fn trust_store() -> Result<TrustStore, Error> {
    let pem = match std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        Some(path) => std::fs::read(path)?,
        None => AMAZON_ROOTS.as_bytes().to_vec(),
    };
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

fn https(roots: TrustStore) -> Result<aws_sdk_dynamodb::config::SharedHttpClient, Error> {
    let tls = TlsContext::builder().with_trust_store(roots).build()?;
    Ok(aws_smithy_http_client::Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(tls)
        .build_https())
}
