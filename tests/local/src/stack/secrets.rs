//! The vendors' credentials on the local stack: none of them opens anything.

use aws_config::SdkConfig;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::create_secret::CreateSecretError;
use serde_json::{Value, json};

use super::Error;

/// The connection of requests that name none.
const DEFAULT: &str = "default";

/// One secret per provider; the fields stand in the provider's README.
fn defaults() -> Vec<(&'static str, Value)> {
    vec![
        (
            "cloudbeds",
            json!({ "api_key": "cbat_local", "property_id": "1" }),
        ),
        (
            "guesty",
            json!({ "client_id": "local-client-id", "client_secret": "local-client-secret" }),
        ),
        ("hubspot", oauth(json!({}))),
        ("klaviyo", json!({ "api_key": "pk_local" })),
        (
            "pagerduty",
            json!({ "routing_key": "00000000000000000000000000000001" }),
        ),
        ("seam", json!({ "api_key": "seam_local" })),
        (
            "shopify",
            json!({ "shop": "example", "access_token": "shpat_local" }),
        ),
        ("slack", json!({ "bot_token": "xoxb-local" })),
        ("stripe", json!({ "api_key": "sk_test_local" })),
        (
            "twilio",
            json!({
                "account_sid": "AC00000000000000000000000000000001",
                "key_sid": "SK00000000000000000000000000000001",
                "key_secret": "local",
            }),
        ),
        (
            "xero",
            oauth(json!({ "tenant_id": "0a1b2c3d-0000-4000-8000-00000000000a" })),
        ),
    ]
}

/// An app's credentials and an account's first refresh token, beside `fields`.
fn oauth(mut fields: Value) -> Value {
    for name in ["client_id", "client_secret", "refresh_token"] {
        fields[name] = format!("local-{}", name.replace('_', "-")).into();
    }
    fields
}

pub(super) async fn put_defaults(config: &SdkConfig) -> Result<(), Error> {
    for (provider, value) in defaults() {
        put(config, provider, DEFAULT, &value).await?;
    }
    Ok(())
}

pub(super) async fn put(
    config: &SdkConfig,
    provider: &str,
    connection: &str,
    value: &Value,
) -> Result<(), Error> {
    let client = Client::new(config);
    let name = format!("causeway/{provider}/{connection}");
    let created = client
        .create_secret()
        .name(&name)
        .secret_string(value.to_string())
        .send()
        .await;
    let Err(error) = created else { return Ok(()) };
    if !error
        .as_service_error()
        .is_some_and(CreateSecretError::is_resource_exists_exception)
    {
        return Err(Error::aws("create a secret")(error));
    }
    client
        .put_secret_value()
        .secret_id(&name)
        .secret_string(value.to_string())
        .send()
        .await
        .map_err(Error::aws("change a secret"))?;
    Ok(())
}
