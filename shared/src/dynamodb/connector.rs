//! The SDK's connections for calls that do not go through the SDK.

use aws_config::SdkConfig;
use aws_config::timeout::TimeoutConfig;
use aws_smithy_runtime::client::auth::no_auth::{NO_AUTH_SCHEME_ID, NoAuthScheme};
use aws_smithy_runtime::client::identity::IdentityCache;
use aws_smithy_runtime::client::identity::no_auth::NoAuthIdentityResolver;
use aws_smithy_runtime::client::orchestrator::endpoints::StaticUriEndpointResolver;
use aws_smithy_runtime::client::retries::strategy::NeverRetryStrategy;
use aws_smithy_runtime_api::client::auth::static_resolver::StaticAuthSchemeOptionResolver;
use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnectorSettings, SharedHttpConnector,
};
use aws_smithy_runtime_api::client::runtime_components::RuntimeComponents;

/// The connector of the configuration's own HTTP client, with its timeouts. It is asked for in the SDK's way, which
/// wants a complete client: what a connector has no use for says nothing.
pub(super) fn connector(config: &SdkConfig) -> Option<SharedHttpConnector> {
    let client = config.http_client()?;
    let components = RuntimeComponents::builder("one try")
        .with_http_client(Some(client.clone()))
        .with_sleep_impl(config.sleep_impl())
        .with_time_source(config.time_source())
        .with_auth_scheme(NoAuthScheme::new())
        .with_auth_scheme_option_resolver(Some(StaticAuthSchemeOptionResolver::new(Vec::new())))
        .with_endpoint_resolver(Some(StaticUriEndpointResolver::uri("https://localhost")))
        .with_identity_cache(Some(IdentityCache::no_cache()))
        .with_identity_resolver(NO_AUTH_SCHEME_ID, NoAuthIdentityResolver::new())
        .with_retry_strategy(Some(NeverRetryStrategy::new()))
        .build()
        .ok()?;
    let timeouts = config.timeout_config();
    let settings = HttpConnectorSettings::builder();
    let settings = match timeouts.and_then(TimeoutConfig::connect_timeout) {
        Some(connect) => settings.connect_timeout(connect),
        None => settings,
    };
    Some(client.http_connector(&settings.build(), &components))
}
