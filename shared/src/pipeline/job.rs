//! A record on its way through the pipeline.

use std::time::Duration;

use crate::Timestamp;
use crate::ledger::state::LEASE_MARGIN;
use crate::ledger::{Record, Status};
use crate::outcome::Outcome;
use crate::provider::{Operation, Safety};
use crate::queue::Message;
use crate::request::{Peek, Request};

/// How soon after the queue handed it out for the first time a message counts as received at once: an idle function
/// starts within a second or two, and clocks differ a little.
const AT_ONCE: Duration = Duration::from_secs(5);

/// The shortest memory of a vendor that is trusted with a call without a claim: ten times the longest visibility
/// timeout in use, after which a message whose function died is worked on again.
const WELL_REMEMBERED: Duration = Duration::from_secs(60 * 60);

/// A message that could be read.
pub(super) struct Job {
    pub message: Message,
    pub request: Request,
    pub operation: &'static Operation,
    /// The ledger's primary key.
    pub pk: String,
    /// When its invocation started, and how long that may take.
    pub started: Timestamp,
    pub function_timeout: Duration,
    /// Unique per invocation and record: the ledger's fence.
    pub owner: String,
    /// What the ledger was seen to hold.
    pub known: Known,
}

/// What is known of a request's record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Known {
    /// Nobody looked.
    Unread,
    /// There was none.
    Absent,
    /// It stood like this, expired perhaps.
    Stored(Box<Record>),
}

impl Known {
    pub fn stored(&self) -> Option<&Record> {
        match self {
            Self::Stored(record) => Some(record),
            Self::Unread | Self::Absent => None,
        }
    }
}

impl Job {
    pub fn end(self, outcome: Outcome) -> Ended {
        let record = self.known.stored();
        let peek = Peek {
            id: self.request.id.clone(),
            operation: Some(self.operation.name.to_owned()),
            connection: Some(self.request.connection.to_string()),
        };
        Ended {
            message: self.message,
            peek,
            outcome,
            attempts: record.map_or(0, |record| record.attempts),
            last_attempt: record.and_then(|record| record.last_attempt),
            sent_again: false,
        }
    }

    /// A number in `0.0..1.0` of this receive's own.
    pub fn jitter(&self) -> f64 {
        crate::retry::jitter(&self.message.id, u64::from(self.message.receive_count))
    }

    /// Whether the vendor remembers a key for long enough to guard calls that leave no record when they die: a copy of
    /// the request that is carried out in the meantime must find the key still known.
    pub fn is_well_remembered(&self) -> bool {
        matches!(self.operation.safety, Safety::Keyed { retention, .. } if retention >= WELL_REMEMBERED)
    }

    /// Whether a first call may be made under the vendor's key alone, without a claim: where the function got the
    /// message at once, so that others know by when such a call is over.
    pub fn may_be_guarded(&self) -> bool {
        self.is_well_remembered()
            && self.message.receive_count == 1
            && self.started <= self.message.first_received + AT_ONCE
    }

    /// Since when a call may have been sent that no record tells of.
    pub fn maybe_sent_since(&self) -> Option<Timestamp> {
        let received_before = self.message.receive_count > 1;
        (self.is_well_remembered() && received_before).then_some(self.message.first_received)
    }

    /// Until when such a call may still be under way: its function had the message at once, and is ended in time.
    pub fn maybe_under_way_until(&self) -> Option<Timestamp> {
        let since = self.maybe_sent_since()?;
        Some(since + AT_ONCE + self.function_timeout + LEASE_MARGIN)
    }

    /// Whether it is the next attempt of a request whose last one failed.
    pub fn is_retry(&self) -> bool {
        let stored = self.known.stored();
        stored.is_some_and(|record| record.status == Status::Retrying && record.attempts > 0)
    }

    pub fn deadline_passed(&self, now: Timestamp) -> bool {
        self.request
            .deadline
            .is_some_and(|deadline| deadline <= now)
    }
}

/// A job that may make its call from `start` on.
pub(super) struct Admitted {
    pub job: Job,
    pub start: Timestamp,
}

/// A message whose fate is decided.
pub(super) struct Ended {
    pub message: Message,
    pub peek: Peek,
    pub outcome: Outcome,
    /// Attempts made so far, and the last one, as far as a record was read.
    pub attempts: u32,
    pub last_attempt: Option<Timestamp>,
    /// Whether it waits as another message: this one is to be acknowledged.
    pub sent_again: bool,
}

/// Groups jobs by ledger key, in order: records of one batch with one key run in turn.
pub(super) fn chains(admitted: Vec<Admitted>) -> Vec<Vec<Admitted>> {
    let mut chains: Vec<Vec<Admitted>> = Vec::with_capacity(admitted.len());
    for mut next in admitted {
        match chains
            .iter_mut()
            .find(|chain| chain.iter().any(|first| first.job.pk == next.job.pk))
        {
            Some(chain) => {
                // What was read is about to change.
                next.job.known = Known::Unread;
                chain.push(next);
            }
            None => chains.push(vec![next]),
        }
    }
    chains
}
