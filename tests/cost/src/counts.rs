//! What is counted while the pipeline runs.

use serde::{Deserialize, Serialize};

/// What one run made AWS do.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Counts {
    /// Requests that took effect.
    pub requests: u64,
    /// Calls that the vendor got.
    pub vendor_calls: u64,
    /// Bytes of these calls.
    pub vendor_bytes: u64,
    /// Write units of the ledger.
    pub ledger_writes: u64,
    /// Write units of the ledger's index, which lists what is not delivered.
    pub index_writes: u64,
    /// Write units of shared state: limits and breakers.
    pub state_writes: u64,
    /// Read units of all tables.
    pub reads: u64,
    /// Bytes that stand in the ledger at the end, with what an item takes beside itself.
    pub ledger_bytes: u64,
    /// Calls of SQS by which messages were put on the queue.
    pub sends: u64,
    /// Calls that brought messages.
    pub receives: u64,
    /// Calls that deleted messages, ten at most each.
    pub deletes: u64,
    /// Calls by which the lane let messages wait.
    pub hides: u64,
    /// Other calls: letters, messages sent again, the queue's numbers.
    pub other_calls: u64,
    /// Invocations of the lane's function.
    pub invocations: u64,
    /// How long they took, in ms, computing left out.
    pub waited_ms: u64,
    /// Messages that they were given, each time.
    pub received: u64,
    /// Environments that were started.
    pub environments: u64,
    /// Secrets that were read.
    pub secrets: u64,
    /// Invocations of the gatekeeper by a breaker's changes; those of every minute cost the same on an idle lane.
    pub gatekeeper_runs: u64,
    /// Lines on the function's standard output.
    pub log_lines: u64,
    /// Bytes of these.
    pub log_bytes: u64,
    /// Metrics that had a value.
    pub series: u64,
}

impl Counts {
    /// All calls of SQS that are billed.
    #[must_use]
    pub fn queue_calls(&self) -> u64 {
        self.sends + self.receives + self.deletes + self.hides + self.other_calls
    }
}
