//! The machine's clock.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_trait::async_trait;

use super::Clock;
use crate::Timestamp;

/// The wall clock of the environment; AWS keeps it within a few milliseconds of true time.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

#[async_trait]
impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the clock that everything else is told to use"
    )]
    fn now(&self) -> Timestamp {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or(Duration::ZERO);
        Timestamp::from_millis(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    async fn sleep_until(&self, at: Timestamp) {
        let wait = at.since(self.now());
        // Even a timer for no time at all wakes the driver, and waits for its next millisecond.
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
    }
}
