//! The seam to the vendors: one call, and the one thing that matters when it fails: was anything sent?

#[cfg(feature = "aws")]
mod reqwest;

use std::time::Duration;

use async_trait::async_trait;

#[cfg(feature = "aws")]
pub use self::reqwest::ReqwestClient;
#[cfg(feature = "aws")]
pub(crate) use self::reqwest::is_https_or_loopback;

use crate::provider::{Answer, Wire};

/// A call that brought no complete answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// No connection came about (name, connect, TLS), or it closed before the request began: the vendor has seen
    /// nothing of it.
    #[error("nothing was sent: {0}")]
    NotSent(String),
    /// The request, or a part of it, went to an established connection: it may have taken effect.
    #[error("no complete answer: {0}")]
    Ambiguous(String),
    /// There was an answer, and nobody can tell what it says: it is longer than what is read, or in a coding that was
    /// not asked for. That it came says that the vendor is well; sending the request again would bring the same.
    #[error("an answer that is not read: {reason}")]
    Unreadable {
        /// Its status; none where the head itself was too long.
        status: Option<u16>,
        /// What is wrong with it.
        reason: String,
    },
}

impl CallError {
    /// The bounded word for logs and traces.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::NotSent(_) => "connect_failed",
            Self::Ambiguous(_) => "provider_timeout",
            Self::Unreadable { .. } => "answer_unreadable",
        }
    }

    /// Whether it speaks of the provider's ill health.
    #[must_use]
    pub const fn is_fault(&self) -> bool {
        !matches!(self, Self::Unreadable { .. })
    }
}

/// Calls vendors. Redirects are not followed, bodies are bounded by
/// [`MAX_ANSWER_BYTES`](crate::provider::MAX_ANSWER_BYTES), nothing is repeated once a byte was sent. A success that
/// cannot be read is [`CallError::Unreadable`]; any other status speaks for itself, and comes with an empty body.
#[async_trait]
pub trait HttpClient: Send + Sync {
    /// Sends `wire` to `base_url` and waits at most `timeout` for the complete answer.
    async fn call(
        &self,
        base_url: &str,
        wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError>;
}
