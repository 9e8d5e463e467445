//! Credentials in Secrets Manager, cached for a few minutes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::error::SdkError;

use super::{Secrets, SecretsError};
use crate::Timestamp;
use crate::aws::failed;
use crate::clock::Clock;
use crate::provider::Secret;

/// How long a secret is trusted. A rotated one is picked up within this time, or at once when the vendor refuses the
/// old one; at $0.05 per 10,000 reads a lane of five environments costs a cent a day.
const TTL: Duration = Duration::from_secs(5 * 60);

/// Connections whose secrets one environment keeps; beyond it the cache starts anew.
const MAX_CACHED: usize = 1000;

/// AWS Secrets Manager behind a cache.
pub struct AwsSecrets {
    client: Client,
    clock: Arc<dyn Clock>,
    cache: Mutex<HashMap<String, (Secret, Timestamp)>>,
}

impl AwsSecrets {
    /// Secrets read through `client`, aged by `clock`.
    pub fn new(client: Client, clock: Arc<dyn Clock>) -> Self {
        Self {
            client,
            clock,
            cache: Mutex::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, (Secret, Timestamp)>> {
        self.cache.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cached(&self, name: &str) -> Option<Secret> {
        let now = self.clock.now();
        let cache = self.lock();
        cache
            .get(name)
            .filter(|(_, read)| now.since(*read) < TTL)
            .map(|(secret, _)| secret.clone())
    }
}

#[async_trait]
impl Secrets for AwsSecrets {
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError> {
        let name = name(provider, connection);
        if let Some(secret) = self.cached(&name) {
            return Ok(secret);
        }
        let reply = match self.client.get_secret_value().secret_id(&name).send().await {
            Ok(reply) => reply,
            Err(SdkError::ServiceError(error)) if error.err().is_resource_not_found_exception() => {
                return Err(SecretsError::NotFound(name));
            }
            Err(error) => return Err(failed("GetSecretValue", &error).into()),
        };
        let secret = Secret::parse(reply.secret_string().unwrap_or_default())?;
        let mut cache = self.lock();
        if cache.len() >= MAX_CACHED {
            cache.clear();
        }
        cache.insert(name, (secret.clone(), self.clock.now()));
        Ok(secret)
    }

    async fn forget(&self, provider: &str, connection: &str) {
        self.lock().remove(&name(provider, connection));
    }
}

fn name(provider: &str, connection: &str) -> String {
    format!("causeway/{provider}/{connection}")
}
