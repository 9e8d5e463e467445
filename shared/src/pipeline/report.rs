//! What a batch came to, for whoever answers Lambda and writes logs and metrics.

use std::time::Duration;

use super::Call;
use crate::outcome::Outcome;
use crate::request::Peek;

/// What a batch came to.
#[derive(Debug, Default)]
pub struct Report {
    /// Messages that come back: all others are to be acknowledged.
    pub retained: Vec<String>,
    /// What became of each message.
    pub entries: Vec<Entry>,
    /// How long each call to the vendor took.
    pub latencies: Vec<Duration>,
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
    /// Since it was put on the queue.
    pub end_to_end: Duration,
}

impl Report {
    pub(super) fn add_calls(&mut self, calls: &[Call]) {
        self.latencies.extend(calls.iter().map(|call| call.latency));
    }
}
