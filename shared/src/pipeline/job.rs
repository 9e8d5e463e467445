//! A record on its way through the pipeline.

use crate::Timestamp;
use crate::ledger::Record;
use crate::outcome::Outcome;
use crate::provider::Operation;
use crate::queue::Message;
use crate::request::{Peek, Request};

/// A message that could be read.
pub(super) struct Job {
    pub message: Message,
    pub request: Request,
    pub operation: &'static Operation,
    /// The ledger's primary key.
    pub pk: String,
    /// Unique per invocation and record: the ledger's fence.
    pub owner: String,
    /// The ledger's record, where it was read beforehand.
    pub known: Option<Box<Record>>,
}

impl Job {
    pub fn end(self, outcome: Outcome) -> Ended {
        let peek = Peek {
            id: self.request.id.clone(),
            operation: Some(self.operation.name.to_owned()),
            connection: Some(self.request.connection.to_string()),
        };
        Ended {
            message: self.message,
            peek,
            outcome,
        }
    }

    /// A number in `0.0..1.0` of this receive's own.
    pub fn jitter(&self) -> f64 {
        crate::retry::jitter(&self.message.id, u64::from(self.message.receive_count))
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
}

/// Groups jobs by ledger key, in order: records of one batch with one key run in turn.
pub(super) fn chains(admitted: Vec<Admitted>) -> Vec<Vec<Admitted>> {
    let mut chains: Vec<Vec<Admitted>> = Vec::with_capacity(admitted.len());
    for next in admitted {
        match chains
            .iter_mut()
            .find(|chain| chain.iter().any(|first| first.job.pk == next.job.pk))
        {
            Some(chain) => chain.push(next),
            None => chains.push(vec![next]),
        }
    }
    chains
}
