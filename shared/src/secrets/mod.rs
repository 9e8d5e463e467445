//! The seam to the connections' credentials.

#[cfg(feature = "aws")]
mod aws;
mod cached;
mod memory;
#[cfg(test)]
pub(crate) mod watched;

use async_trait::async_trait;

#[cfg(feature = "aws")]
pub use aws::AwsSecrets;
pub use cached::CachedSecrets;
pub use memory::MemorySecrets;

use crate::StoreError;
use crate::provider::{Secret, SecretError};

/// Credentials that could not be had.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SecretsError {
    /// There is no secret for this connection, or none that may be read: a person must see to it.
    #[error("the secret `{name}` cannot be read: {why}")]
    Refused {
        /// The secret's name.
        name: String,
        /// What stands in the way.
        why: &'static str,
    },
    /// The secret is not what it must be.
    #[error(transparent)]
    Unusable(#[from] SecretError),
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What secrets' names begin with, unless the stack's parameter `SecretsPrefix` says otherwise.
pub const SECRETS_PREFIX: &str = "causeway";

/// Where credentials are kept: the secret `causeway/<provider>/<connection>`, or under another prefix.
#[async_trait]
pub trait Secrets: Send + Sync {
    /// The credentials of `connection` at `provider`, at most a few minutes old. What failed is not asked for again at
    /// once.
    async fn get(&self, provider: &str, connection: &str) -> Result<Secret, SecretsError>;

    /// Drops what is cached for that connection: the vendor refused it.
    async fn forget(&self, provider: &str, connection: &str);
}

fn name(prefix: &str, provider: &str, connection: &str) -> String {
    format!("{prefix}/{provider}/{connection}")
}
