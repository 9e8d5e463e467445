//! The seam for time.

mod manual;
#[cfg(feature = "aws")]
mod system;

use async_trait::async_trait;

pub use manual::ManualClock;
#[cfg(feature = "aws")]
pub use system::SystemClock;

use crate::Timestamp;

/// Tells the time and waits for it.
#[async_trait]
pub trait Clock: Send + Sync {
    /// The time now.
    fn now(&self) -> Timestamp;

    /// Returns when it is `at`, at once when that has passed.
    async fn sleep_until(&self, at: Timestamp);
}
