//! What a moment of the modelled world holds.

use std::sync::Arc;

use causeway::ledger::{Expected, Record};

use super::vendor::Vendor;

/// One moment: the record, the queue, the workers, the vendor and the clock.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The clock, in ticks; see [`super::at`].
    pub tick: u8,
    /// The request's record.
    pub stored: Option<Arc<Record>>,
    /// The messages that ask for it.
    pub messages: Vec<Message>,
    /// The function's environments.
    pub workers: Vec<Worker>,
    /// The vendor.
    pub vendor: Vendor,
    /// `COMPLETED` or `UNKNOWN` was left. It never is; a flag, since one moment does not show it.
    pub absorbing_state_left: bool,
}

/// One SQS message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Message {
    /// Where it is.
    pub place: Place,
    /// The tick of its first receive, where it was received and that matters: for keyed operations.
    pub first_received: Option<u8>,
}

/// Where a message is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Place {
    /// In the queue: it can be received at any time, also while a worker has it. One that is not received yet may as
    /// well not be sent yet: a producer's second try or an operator's redrive.
    #[default]
    Queue,
    /// Acknowledged, without a letter.
    Acked,
    /// Acknowledged, after its dead letter was sent.
    Buried,
}

/// What an environment is doing with one message. Between any two steps it may die, and others take theirs.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Worker {
    /// Nothing, or it died.
    Idle,
    /// Decided to write `next`, which makes the request its own, or closes it.
    Claiming {
        /// Who asks.
        asker: Asker,
        /// What is written.
        write: Arc<Writing>,
        /// Whether the write makes the request ours; otherwise it closes it.
        granted: bool,
    },
    /// Holds the claim.
    Holding {
        /// Who asked.
        asker: Asker,
        /// The record as it believes it to be.
        record: Arc<Record>,
        /// What the settlement's write will be conditional on.
        expected: Arc<Expected>,
        /// Whether the vendor was asked, and nothing stands in the way of a call.
        asked: bool,
    },
    /// The call ended; the record is to be written.
    Settling {
        /// Who asked.
        asker: Asker,
        /// What is written.
        write: Arc<Writing>,
        /// Where the call was guarded by the vendor's key alone: the record that it ended in, to be merged into
        /// what somebody else may have written meanwhile.
        guarded: Option<Arc<Record>>,
        /// What follows once it is.
        then: Then,
    },
}

/// A conditional write on its way. It may land late.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Writing {
    /// The record.
    pub next: Record,
    /// Its condition.
    pub expected: Expected,
}

/// Who asks for a request: one invocation, one message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Asker {
    /// The message's place in the world.
    pub message: usize,
    /// Unique among all that ever write: the record's generation when it came, and the how manieth of these it is.
    pub owner: (u64, usize),
    /// When.
    pub tick: u8,
    /// The message's first receive, where this is a later one of a keyed operation.
    pub maybe_sent_since: Option<u8>,
}

/// What follows a settlement.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Then {
    /// The message is acknowledged.
    Ack,
    /// The dead letter is sent and the message acknowledged.
    ///
    /// Letter and acknowledgement are one step here: dying between the two is the same as dying before both, since
    /// the message comes back and its record is closed in either case.
    Bury,
    /// The message comes back.
    Return,
    /// What was written decides.
    Decide,
}
