//! A record on its way through the pipeline.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::Duration;

use super::Carried;
use crate::Timestamp;
use crate::ledger::state::LEASE_MARGIN;
use crate::ledger::{Record, Status};
use crate::outcome::{Outcome, code};
use crate::provider::{Json, Operation, Safety};
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
    /// What the request's mapping made of its payload, once it has.
    pub mapped: OnceLock<Json>,
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

    /// The message, as a call that carries it tells of it.
    pub fn carried(&self) -> Carried {
        Carried {
            message_id: self.message.id.clone(),
            trace: self.message.trace(),
        }
    }

    /// The payload in the operation's canonical shape; none where the mapping is still to make it.
    pub fn canonical(&self) -> Option<&Json> {
        match self.request.mapping {
            None => Some(&self.request.payload),
            Some(_) => self.mapped.get(),
        }
    }

    /// Whether the vendor refused it in company, perhaps because of another element.
    pub fn goes_alone(&self) -> bool {
        let stored = self.known.stored();
        stored.is_some_and(|record| {
            record.status == Status::Retrying && record.code == Some(code::BATCH_REFUSED)
        })
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

/// Jobs that go in one call: one, or several of one operation and connection where calls take several.
pub(super) struct Admitted {
    pub jobs: Vec<Job>,
    /// When the call may be made; none where its tokens are still to be drawn.
    pub start: Option<Timestamp>,
    /// The owner in whose name the tokens were drawn.
    pub drawn_by: String,
}

impl Admitted {
    /// One job whose tokens are still to be drawn.
    pub fn undrawn(job: Job) -> Self {
        Self {
            drawn_by: job.owner.clone(),
            jobs: vec![job],
            start: None,
        }
    }
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

/// Which of `jobs` go in one call, by their places in it: each by itself, or in company where the operation's calls take
/// several. Records with one key never share a call: they run in turn.
pub(super) fn calls(jobs: &[Job]) -> Vec<Vec<usize>> {
    let mut calls: Vec<Vec<usize>> = Vec::with_capacity(jobs.len());
    let mut open: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for (at, job) in jobs.iter().enumerate() {
        let most = job.operation.most_in_a_call();
        let to = (job.operation.name, job.request.connection.as_str());
        let room = open.get(&to).filter(|call| calls[**call].len() < most);
        match room.map(|call| &mut calls[*call]) {
            Some(call) if call.iter().all(|other| jobs[*other].pk != job.pk) => call.push(at),
            Some(_) => calls.push(vec![at]),
            None => {
                open.insert(to, calls.len());
                calls.push(vec![at]);
            }
        }
    }
    calls
}

/// Calls that run side by side, round after round: records of one batch with one key run in turn.
pub(super) fn rounds(admitted: Vec<Admitted>) -> Vec<Vec<Admitted>> {
    let mut next_round: BTreeMap<String, usize> = BTreeMap::new();
    let mut rounds: Vec<Vec<Admitted>> = Vec::new();
    for mut call in admitted {
        let earliest = call.jobs.iter().filter_map(|job| next_round.get(&job.pk));
        let round = earliest.copied().max().unwrap_or(0);
        for job in &mut call.jobs {
            if next_round.insert(job.pk.clone(), round + 1).is_some() {
                // What was read is about to change.
                job.known = Known::Unread;
            }
        }
        match rounds.get_mut(round) {
            Some(calls) => calls.push(call),
            None => rounds.push(vec![call]),
        }
    }
    rounds
}
