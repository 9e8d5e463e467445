//! What a batch came to, for whoever answers Lambda and writes logs, metrics and traces.

use std::time::Duration;

use http::Method;

use super::Call;
use crate::Timestamp;
use crate::outcome::Outcome;
use crate::request::Peek;
use crate::trace::RemoteParent;

/// What a batch came to.
#[derive(Debug, Default)]
pub struct Report {
    /// When work on it began.
    pub started: Timestamp,
    /// What became of each message.
    pub entries: Vec<Entry>,
    /// Each call to the vendor, in the order of their ends. Token calls are not among them.
    pub calls: Vec<VendorCall>,
    /// The limit nearest to its end when the batch drew on it: its name, and how much of it was in use, in percent.
    pub fullest_limit: Option<(&'static str, u8)>,
}

/// What became of one message.
#[derive(Debug)]
pub struct Entry {
    /// SQS's id.
    pub message_id: String,
    /// Who and what it was about.
    pub peek: Peek,
    /// What became of it.
    pub outcome: Outcome,
    /// Whether it is over with: in the ledger, in a letter, or in a message that was sent in its place.
    pub acknowledged: bool,
    /// Since it was put on the queue.
    pub end_to_end: Duration,
    /// How late the lane is with it, where that is the lane's doing.
    pub late: Option<Duration>,
    /// The producer's span, where the message names it.
    pub trace: Option<RemoteParent>,
}

/// A call to the vendor, and how it ended.
#[derive(Clone, Debug)]
pub struct VendorCall {
    /// The operation.
    pub operation: &'static str,
    /// Why it was made.
    pub purpose: Purpose,
    /// HTTP method.
    pub method: Method,
    /// Address without its query, with placeholders for secrets and `REDACTED` for the payload's values.
    pub url: String,
    /// When it was made.
    pub started: Timestamp,
    /// Until its end.
    pub latency: Duration,
    /// The answer's HTTP status; or the code of why there was no answer.
    pub answer: Result<u16, &'static str>,
    /// Whether it counts against the provider's health.
    pub fault: bool,
    /// Whether a limit or a quota of the vendor's refused it, with whatever status.
    pub throttled: bool,
    /// The messages that it carried.
    pub carried: Vec<Carried>,
}

/// Why a call was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To carry out requests.
    CarryOut,
    /// To ask what became of an earlier call.
    LookUp,
}

/// A message that a call carried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Carried {
    /// SQS's id.
    pub message_id: String,
    /// The producer's span, where the message names it.
    pub trace: Option<RemoteParent>,
}

impl Report {
    /// The messages that are to be acknowledged; all others come back, whatever became of them.
    pub fn acknowledged(&self) -> impl Iterator<Item = &str> {
        let entries = self.entries.iter().filter(|entry| entry.acknowledged);
        entries.map(|entry| entry.message_id.as_str())
    }

    /// The messages that come back, of those that it tells of.
    pub fn retained(&self) -> Vec<&str> {
        let entries = self.entries.iter().filter(|entry| !entry.acknowledged);
        entries.map(|entry| entry.message_id.as_str()).collect()
    }

    pub(super) fn add_calls(&mut self, calls: Vec<Call>) {
        self.calls.extend(calls.into_iter().map(|call| call.made));
    }
}
