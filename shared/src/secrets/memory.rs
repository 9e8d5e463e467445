//! Credentials in memory, for simulation, benches and tests.

use std::collections::BTreeMap;

use async_trait::async_trait;

use super::{SECRETS_PREFIX, Secrets, SecretsError, name};
use crate::provider::Secret;

/// Secrets by name.
#[derive(Clone, Debug, Default)]
pub struct MemorySecrets(BTreeMap<String, Secret>);

impl MemorySecrets {
    /// With one more secret.
    #[must_use]
    pub fn with(mut self, provider: &str, connection: &str, secret: Secret) -> Self {
        self.0
            .insert(name(SECRETS_PREFIX, provider, connection), secret);
        self
    }
}

#[async_trait]
impl Secrets for MemorySecrets {
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError> {
        let name = name(SECRETS_PREFIX, provider, connection);
        let secret = self.0.get(&name).cloned();
        let why = "there is none";
        secret.ok_or(SecretsError::Refused { name, why })
    }

    async fn forget(&self, _provider: &str, _connection: &str) {}
}
