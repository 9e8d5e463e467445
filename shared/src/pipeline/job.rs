//! A record on its way through the pipeline.

use std::collections::BTreeMap;
use std::sync::OnceLock;

use super::Carried;
use super::leave::Term;
use crate::Timestamp;
use crate::ledger::{Record, Status};
use crate::outcome::{Outcome, code};
use crate::provider::{Json, Operation, Safety};
use crate::queue::Message;
use crate::request::{Peek, Request};

/// A message that could be read.
pub(super) struct Job {
    pub message: Message,
    pub request: Request,
    pub operation: &'static Operation,
    /// The request as the ledger knows it.
    pub subject: Subject,
    /// What the ledger was seen to hold, where somebody looked.
    pub known: Option<Box<Record>>,
    /// What the request's mapping made of its payload, once it has.
    pub mapped: OnceLock<Json>,
}

/// A request as the ledger knows it: what a record is written by.
#[derive(Clone, Debug)]
pub(super) struct Subject {
    /// The ledger's primary key.
    pub pk: String,
    /// Hash of what is asked for.
    pub payload_hash: String,
    /// Unique per invocation and record: the fence.
    pub owner: String,
    /// What an ambiguous end means for it.
    pub safety: Safety,
}

impl Job {
    pub fn end(self, outcome: Outcome) -> Ended {
        Ended {
            peek: Peek {
                id: self.request.id.clone(),
                operation: Some(self.operation.name.to_owned()),
                connection: Some(self.request.connection.to_string()),
            },
            subject: Some(self.subject),
            message: self.message,
            outcome,
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
        self.retrying()
            .is_some_and(|record| record.code == Some(code::BATCH_REFUSED))
    }

    /// A number in `0.0..1.0` of this receive's own.
    pub fn jitter(&self) -> f64 {
        crate::retry::jitter(&self.message.id, u64::from(self.message.receive_count))
    }

    /// Whether it is the next attempt of a request whose last one failed. Where the vendor is only asked what became of
    /// that, it is none.
    pub fn is_retry(&self) -> bool {
        self.retrying()
            .is_some_and(|record| record.attempts > 0 && !self.asks(record))
    }

    /// Whether the vendor is asked for the request before it is sent.
    pub fn asks(&self, record: &Record) -> bool {
        record.ambiguous && matches!(self.operation.safety, Safety::Lookup { .. })
    }

    fn may_share_with(&self, other: &Self) -> bool {
        self.operation.name == other.operation.name
            && self.request.connection == other.request.connection
            && self.subject.pk != other.subject.pk
            && !self.goes_alone()
            && !other.goes_alone()
    }

    fn retrying(&self) -> Option<&Record> {
        let known = self.known.as_deref();
        known.filter(|record| record.status == Status::Retrying)
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
    pub term: Option<Term>,
    /// The owner in whose name the tokens were drawn.
    pub drawn_by: String,
}

impl Admitted {
    /// One job whose tokens are still to be drawn.
    pub fn undrawn(job: Job) -> Self {
        Self {
            drawn_by: job.subject.owner.clone(),
            jobs: vec![job],
            term: None,
        }
    }
}

/// A message whose fate is decided.
pub(super) struct Ended {
    pub message: Message,
    pub peek: Peek,
    /// The request, where it could be read.
    pub subject: Option<Subject>,
    pub outcome: Outcome,
    /// Whether it waits as another message: this one is to be acknowledged.
    pub sent_again: bool,
}

/// `jobs` as calls: each by itself, or in company where the operation's calls take several. Records with one key never
/// share a call: they run in turn.
pub(super) fn calls(jobs: Vec<Job>) -> Vec<Vec<Job>> {
    let mut calls: Vec<Vec<Job>> = Vec::with_capacity(jobs.len());
    for job in jobs {
        let most = job.operation.most_in_a_call();
        let takes = |call: &&mut Vec<Job>| {
            call.len() < most && call.iter().all(|other| other.may_share_with(&job))
        };
        match calls.iter_mut().find(takes) {
            Some(call) => call.push(job),
            None => calls.push(vec![job]),
        }
    }
    calls
}

/// Calls that run side by side, round after round: records of one batch with one key run in turn.
pub(super) fn rounds(admitted: Vec<Admitted>) -> Vec<Vec<Admitted>> {
    let mut next_round: BTreeMap<String, usize> = BTreeMap::new();
    let mut rounds: Vec<Vec<Admitted>> = Vec::new();
    for mut call in admitted {
        let earliest = call
            .jobs
            .iter()
            .filter_map(|job| next_round.get(&job.subject.pk));
        let round = earliest.copied().max().unwrap_or(0);
        for job in &mut call.jobs {
            if next_round
                .insert(job.subject.pk.clone(), round + 1)
                .is_some()
            {
                // What was read is about to change.
                job.known = None;
            }
        }
        match rounds.get_mut(round) {
            Some(calls) => calls.push(call),
            None => rounds.push(vec![call]),
        }
    }
    rounds
}

/// A call that waits in the function for its turn.
pub(super) struct Waiting {
    pub call: Admitted,
    /// When it asks again.
    pub at: Timestamp,
    /// The ramp's share of the rate.
    pub share: u16,
}

/// What one step of a job came to.
pub(super) enum Step {
    /// Its message's fate is decided.
    End(Outcome),
    /// Its last holder died: it runs again, alone, when the rest of the batch is settled.
    Suspect,
}
