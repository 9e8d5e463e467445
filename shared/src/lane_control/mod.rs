//! The seam to lanes' event sources: what hands a lane's messages to its function, and how many batches at once.
//!
//! On AWS an event source is an event source mapping of Lambda; its adapter stands with the one function that may
//! change them, `functions/gatekeeper`, so that no lane carries Lambda's API client.

mod memory;

use std::collections::BTreeMap;

use async_trait::async_trait;

pub use memory::MemoryLaneControl;

use crate::StoreError;

/// The least that an event source can be set to while it is enabled, in batches at once.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html>
pub const MIN_CONCURRENCY: u16 = 2;

/// The most that an event source can be set to, in batches at once.
/// <https://docs.aws.amazon.com/lambda/latest/api/API_ScalingConfig.html>
pub const MAX_CONCURRENCY: u16 = 1000;

/// How an event source stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventSource {
    /// Whether it hands out messages.
    pub enabled: bool,
    /// Batches at once; none where nothing bounds them.
    pub maximum_concurrency: Option<u16>,
    /// Whether an earlier change has still to take effect; until then it takes no other.
    pub is_changing: bool,
}

/// What an event source can be set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Setting {
    /// Hands out messages.
    Enabled {
        /// Batches at once, [`MIN_CONCURRENCY`]..=[`MAX_CONCURRENCY`].
        maximum_concurrency: u16,
    },
    /// Hands out nothing; messages wait in the queue.
    Disabled,
}

impl EventSource {
    /// Whether it stands as `setting` says. How many batches a disabled source would hand out makes no difference.
    pub fn is(&self, setting: Setting) -> bool {
        match setting {
            Setting::Disabled => !self.enabled,
            Setting::Enabled {
                maximum_concurrency,
            } => self.enabled && self.maximum_concurrency == Some(maximum_concurrency),
        }
    }
}

/// Reads and sets event sources, which are known by id.
#[async_trait]
pub trait LaneControl: Send + Sync {
    /// Those of `ids` that exist. What was set a moment ago may not show yet.
    async fn read(&self, ids: &[String]) -> Result<BTreeMap<String, EventSource>, StoreError>;

    /// About how many messages the queue holds that an event source of the last [`read`](Self::read) reads: visible,
    /// delayed and in flight.
    async fn waiting(&self, id: &str) -> Result<u64, StoreError>;

    /// About how many messages the dead-letter queue beside that queue holds, received or not.
    async fn letters(&self, id: &str) -> Result<u64, StoreError>;

    /// Sets one event source. Twice is as good as once; after an error it may or may not have happened.
    async fn set(&self, id: &str, setting: Setting) -> Result<(), StoreError>;
}
