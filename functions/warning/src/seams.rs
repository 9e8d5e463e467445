//! What the function needs of the world.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;

use async_trait::async_trait;
use causeway::StoreError;
use causeway_insights::warning::{Alert, Minute};

/// How lanes did, minute by minute.
#[async_trait]
pub trait Measures: Send + Sync {
    /// The providers of which anything was measured in the last three hours or so.
    async fn active(&self) -> Result<BTreeSet<String>, StoreError>;

    /// These providers' `minutes`, in order; a minute without a call is left out. Every series is paid for.
    async fn read(
        &self,
        providers: &[String],
        minutes: RangeInclusive<u32>,
    ) -> Result<BTreeMap<String, Vec<Minute>>, StoreError>;

    /// Messages in the queue of the lane of this name, put off or not, now.
    async fn waiting(&self, lane: &str) -> Result<u64, StoreError>;
}

/// Who tells people.
#[async_trait]
pub trait Alerts: Send + Sync {
    /// Tells of a warning. What failed may have been told.
    async fn tell(&self, alert: &Alert) -> Result<(), StoreError>;
}
