//! What a moment of the modelled world holds.

use std::collections::BTreeSet;
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
    /// `COMPLETED` was left, or `UNKNOWN` for another series. They never are; a flag, since one moment does not show it.
    pub absorbing_state_left: bool,
    /// The last end whose letter was sent, by its mark.
    pub told: u64,
    /// Ends of which a person sent letters again, by their marks.
    pub redriven: BTreeSet<u64>,
}

/// One SQS message, and what a person makes of its letter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Message {
    /// Where it is.
    pub place: Place,
    /// The tick that it was sent at, known when it is first received: whatever is not received yet may not be sent yet.
    pub sent: Option<u8>,
    /// The end whose letter it was, before a person sent it again.
    pub mark: Option<u64>,
    /// The end whose letter it is now.
    pub letter: Option<u64>,
    /// Whether a person has sent its letter again: it is another message now.
    pub redriven: bool,
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
        /// Whether the vendor was asked, and nothing stands in the way of a call.
        asked: bool,
    },
    /// The call ended; the record is to be written.
    Settling {
        /// Who asked.
        asker: Asker,
        /// What is written.
        write: Arc<Writing>,
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
    /// The message's mark.
    pub mark: Option<u64>,
    /// Whether the message is what a person made of its letter.
    pub redriven: bool,
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
    Bury {
        /// The end that the letter is of, where it is one of the key's own record.
        closing: Option<u64>,
    },
    /// The message comes back.
    Return,
}
