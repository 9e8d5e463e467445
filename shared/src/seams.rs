//! The seams, together: everything that the pipeline reaches the world through.

use std::sync::Arc;

use crate::clock::Clock;
use crate::http_client::HttpClient;
use crate::lanes::StateStore;
use crate::ledger::LedgerStore;
use crate::queue::Queue;
use crate::secrets::Secrets;

/// One lane's world.
#[derive(Clone)]
pub struct Seams {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// The vendor.
    pub http: Arc<dyn HttpClient>,
    /// The ledger.
    pub ledger: Arc<dyn LedgerStore>,
    /// Breaker and limiter state.
    pub states: Arc<dyn StateStore>,
    /// Connections' own mapping documents, which the lane only reads.
    pub mappings: Arc<dyn StateStore>,
    /// The lane's queues.
    pub queue: Arc<dyn Queue>,
    /// The connections' credentials.
    pub secrets: Arc<dyn Secrets>,
}
