//! Credentials in Secrets Manager.

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::ProvideErrorMetadata;

use super::{Secrets, SecretsError, name};
use crate::aws::failed;
use crate::provider::Secret;

/// AWS Secrets Manager.
pub struct AwsSecrets {
    client: Client,
    prefix: String,
}

impl AwsSecrets {
    /// Secrets read through `client`, whose names begin with `prefix` and a slash.
    pub fn new(client: Client, prefix: impl Into<String>) -> Self {
        Self {
            client,
            prefix: prefix.into(),
        }
    }
}

#[async_trait]
impl Secrets for AwsSecrets {
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError> {
        let name = name(&self.prefix, provider, connection);
        let reply = match self.client.get_secret_value().secret_id(&name).send().await {
            Ok(reply) => reply,
            Err(error) => {
                return Err(match error.code().and_then(refusal) {
                    Some(why) => SecretsError::Refused { name, why },
                    None => failed("GetSecretValue", &error).into(),
                });
            }
        };
        Ok(Secret::parse(reply.secret_string().unwrap_or_default())?)
    }

    async fn forget(&self, _provider: &str, _connection: &str) {}
}

/// What a refusal that repeating does not change says, by its code. The rest (`ThrottlingException`,
/// `InternalServiceError`, `KMSThrottlingException`, an expired session of the function's own) passes by itself.
///
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/API_GetSecretValue.html#API_GetSecretValue_Errors>,
/// <https://docs.aws.amazon.com/secretsmanager/latest/apireference/CommonErrors.html>; what KMS says is told under its
/// own names, <https://docs.aws.amazon.com/kms/latest/APIReference/API_Decrypt.html#API_Decrypt_Errors>, with or without
/// `KMS` before them.
fn refusal(code: &str) -> Option<&'static str> {
    Some(match code {
        "ResourceNotFoundException" => "there is none",
        // Most often: it is scheduled for deletion.
        "InvalidRequestException" => "it is marked as deleted, or has no value",
        "InvalidParameterException" => "its name is none that Secrets Manager knows",
        "AccessDeniedException" | "KMSAccessDeniedException" => {
            "reading it, or using its key, is forbidden"
        }
        "DecryptionFailure" => "its key does not decrypt it",
        "DisabledException" | "KMSDisabledException" => "its key is disabled",
        "KMSInvalidStateException" => "its key is disabled or on its way to deletion",
        "NotFoundException" | "KMSNotFoundException" => "its key is gone",
        _ => return None,
    })
}
