//! Clients and environment for an AWS that is a process on this machine.

use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_sdk_dynamodb::config::{Credentials, SharedCredentialsProvider};
use aws_sdk_dynamodb::types::TimeToLiveSpecification;
use aws_smithy_http_client::Builder;

use super::Error;

const REGION: &str = "us-east-1";
/// MiniStack checks no signature, but the tools insist on something to sign with.
const KEY: &str = "test";

pub(super) fn sdk_config(endpoint: &str) -> SdkConfig {
    let credentials = Credentials::new(KEY, KEY, None, None, "local stack");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(REGION))
        .endpoint_url(endpoint)
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(Builder::new().build_http())
        .build()
}

/// What a program's environment must say for it to take the emulator at `endpoint` for AWS.
#[must_use]
pub fn environment(endpoint: &str) -> [(&'static str, String); 5] {
    [
        ("AWS_ENDPOINT_URL", endpoint.to_owned()),
        ("AWS_REGION", REGION.to_owned()),
        ("AWS_DEFAULT_REGION", REGION.to_owned()),
        ("AWS_ACCESS_KEY_ID", KEY.to_owned()),
        ("AWS_SECRET_ACCESS_KEY", KEY.to_owned()),
    ]
}

/// The emulator drops the template's `TimeToLiveSpecification`; AWS does not.
pub(super) async fn enable_expiry(config: &SdkConfig, table: &str) -> Result<(), Error> {
    let expiry = TimeToLiveSpecification::builder()
        .attribute_name("expires_at")
        .enabled(true)
        .build()
        .map_err(Error::aws("describe the table's expiry"))?;
    aws_sdk_dynamodb::Client::new(config)
        .update_time_to_live()
        .table_name(table)
        .time_to_live_specification(expiry)
        .send()
        .await
        .map_err(Error::aws("enable the table's expiry"))?;
    Ok(())
}
