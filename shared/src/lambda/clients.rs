//! What AWS clients are made from: one HTTPS connector for all, with a trust store of Amazon's own roots.
//!
//! Parsing the 140 Mozilla roots is most of a lane's start-up work, and AWS endpoints need five of them. Behind a
//! proxy that re-signs TLS, or in a partition with other roots, name a bundle in `AWS_CA_BUNDLE`.

use std::time::Duration;

use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::Connector;
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;
use lambda_runtime::Error;

/// Amazon Trust Services' roots and the Starfield root that cross-signs them, as published at
/// <https://www.amazontrust.com/repository/>.
const AMAZON_ROOTS: &str = include_str!("../../certs/amazon-trust-services.pem");

/// Longest wait for a connection: the SDK's own.
const CONNECT_TIMEOUT: Duration = Duration::from_millis(3100);

/// Longest single try of one AWS call: their usual answer takes milliseconds, and a lane's time is better spent on
/// the SDK's next try.
const TRY_TIMEOUT: Duration = Duration::from_secs(3);

/// Longest call with all its tries: a settlement fits [`SETTLE_RESERVE`](crate::pipeline::SETTLE_RESERVE).
const CALL_TIMEOUT: Duration = Duration::from_millis(3500);

/// What every AWS client of a function is made from, as the environment says (`AWS_REGION`, `AWS_ENDPOINT_URL`,
/// credentials, `AWS_CA_BUNDLE`).
///
/// # Errors
/// When the trust store cannot be read.
pub async fn sdk_config() -> Result<SdkConfig, Error> {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(CONNECT_TIMEOUT)
        .operation_attempt_timeout(TRY_TIMEOUT)
        .operation_timeout(CALL_TIMEOUT)
        .build();
    let mut config = aws_config::defaults(BehaviorVersion::latest())
        .http_client(https(trust_store()?)?)
        .timeout_config(timeouts);
    // The first link of the default chain, which is all of it where Lambda names credentials: the others are made from
    // clients of their own, at a quarter of the start-up's work.
    let environment = EnvironmentVariableCredentialsProvider::new();
    if environment.provide_credentials().await.is_ok() {
        config = config.credentials_provider(environment);
    }
    Ok(config.load().await)
}

fn trust_store() -> Result<TrustStore, Error> {
    let pem = match std::env::var_os("AWS_CA_BUNDLE").filter(|path| !path.is_empty()) {
        Some(path) => std::fs::read(path)?,
        None => AMAZON_ROOTS.as_bytes().to_vec(),
    };
    Ok(TrustStore::empty().with_pem_certificate(pem))
}

fn https(roots: TrustStore) -> Result<OneConnector, Error> {
    let settings = HttpConnectorSettings::builder().connect_timeout(CONNECT_TIMEOUT);
    let connector = Connector::builder()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .tls_context(TlsContext::builder().with_trust_store(roots).build()?)
        .connector_settings(settings.build())
        .build();
    Ok(OneConnector(SharedHttpConnector::new(connector)))
}

/// The same connections for every client. The SDK's own client makes a connector for each of them, and another one to
/// see that it can: each parses the roots.
#[derive(Clone, Debug)]
struct OneConnector(SharedHttpConnector);

impl HttpClient for OneConnector {
    fn http_connector(
        &self,
        _: &HttpConnectorSettings,
        _: &RuntimeComponents,
    ) -> SharedHttpConnector {
        self.0.clone()
    }
}
