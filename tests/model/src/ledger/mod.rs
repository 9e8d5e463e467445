//! The ledger's protocol: some messages for one key, some workers, a vendor, and everything that can go wrong.
//!
//! What a worker decides is decided by `causeway`'s own functions: `claim`, `settle`, `Expected::holds`,
//! `Write::refused` and `Safety::settling`. The model adds the world around them.
//!
//! - A message in the queue can be received at any time by any idle worker: duplicates, early returns and a producer's
//!   copies (other message ids) are all in it. A person sends letters again: other ids, with the letters' marks.
//! - A worker can die between any two steps. Giving up after a failed write is the same as dying.
//! - A write happens, or happens and its reply is lost, in which case it is tried again; others may come between.
//!   It may land long after its lease, when its worker is gone: on the tick that ends an invocation everything but
//!   a write on its way is.
//! - An operator rules on a request in doubt, truthfully, while nobody works on it.
//! - A call is never sent, answered definitely, or lost with or without an effect.
//!
//! The clock has a few ticks. A lease ends one tick after it began, a released request is due one tick later; the
//! vendor's times are in [`vendor`].

mod call;
pub mod property;
mod ruling;
pub mod state;
pub mod vendor;
mod worker;
mod write;

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use causeway::Timestamp;
use causeway::provider::{KeyPlace, Safety};
use stateright::{Model, Property};

use self::state::{Message, Place, Worker, World};
use self::vendor::{RETENTION_TICKS, SETTLE_TICKS};

/// One tick: longer than clocks differ. Otherwise its length is of no matter.
const TICK: Duration = Duration::from_secs(20);

/// Fresh starts that are followed. Two messages whose letters are never acknowledged could restart each other for
/// ever.
const MAX_SERIES: u32 = 2;

/// Claims that are followed, for the same reason: where an attempt was ambiguous a fresh start keeps its series.
const MAX_CLAIMS: u64 = 5;

/// The moment of a tick: 2026-11-22T10:00:00Z and so many ticks.
pub fn at(tick: u8) -> Timestamp {
    Timestamp::from_millis(1_795_341_600_000) + TICK * u32::from(tick)
}

/// A vendor that honours a key.
pub const KEYED: Safety = Safety::Keyed {
    place: KeyPlace::Header("idempotency-key"),
    retention: Duration::from_secs(TICK.as_secs() * RETENTION_TICKS as u64),
    looks_up_first: true,
};

/// A vendor that can be asked.
pub const LOOKUP: Safety = Safety::Lookup {
    place: Some(KeyPlace::Field("reference")),
    settle: Duration::from_secs(TICK.as_secs() * SETTLE_TICKS as u64),
};

/// A world to search.
#[derive(Clone, Debug)]
pub struct Ledger {
    /// What the operation declares.
    pub safety: Safety,
    /// The payload of each message; there are as many messages. Equal ones have the same text.
    pub payloads: Vec<&'static str>,
    /// Environments.
    pub workers: usize,
    /// The last tick.
    pub horizon: u8,
    /// What the worker does wrong, to see that the model notices.
    pub bug: Option<Bug>,
}

/// Mistakes that a worker could make. Each is in the model's own code: production has no such switch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bug {
    /// Claims without a condition.
    ClaimUnconditionally,
    /// Settles without a condition.
    SettleUnconditionally,
    /// Has the same owner in every invocation.
    ShareOwner,
    /// Starts a call after its lease has ended.
    CallAfterLease,
    /// Forgets that an earlier attempt may have taken effect.
    ForgetDoubt,
    /// Believes a "not found" at once.
    BelieveEarlyMiss,
    /// Takes any later answer for a proof that the earlier sends had no effect.
    BelieveAnyRefusal,
    /// Takes the vendor's memory for endless.
    ForgetRetention,
    /// Takes a producer's copy for a person's redrive.
    TakeCopyForRedrive,
    /// Counts a lost answer as a success.
    TakeLossForSuccess,
    /// Acknowledges before the letter is sent.
    AckBeforeLetter,
    /// Counts a lost answer as a definite failure.
    TakeLossForFailure,
    /// Rules that nothing took effect without having looked.
    RuleBlindly,
}

/// One thing that happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Step {
    /// Time goes on.
    Tick,
    /// A worker receives a message and reads the record.
    Receive {
        /// The worker.
        worker: usize,
        /// The message.
        message: usize,
    },
    /// The worker's write is carried out, if its condition holds.
    Write {
        /// The worker.
        worker: usize,
        /// Whether the worker never hears of it, and will try again.
        reply_lost: bool,
    },
    /// The worker asks the vendor for what it may have made.
    LookUp {
        /// The worker.
        worker: usize,
        /// Whether the vendor shows it.
        found: bool,
        /// Whether a bound is spent, so that a miss ends the request.
        spent: bool,
    },
    /// The worker calls the vendor.
    Call {
        /// The worker.
        worker: usize,
        /// How it ends.
        end: CallEnd,
        /// Whether the retry policy allows no further attempt.
        spent: bool,
    },
    /// No call can be made now: the claim is given back.
    Release(usize),
    /// The worker dies, or gives up.
    Crash(usize),
    /// An operator rules on a request in doubt. Nobody works on it just then, and the operator has looked well.
    Rule,
    /// A person sends the letter of a message again.
    Redrive(usize),
}

/// How a call ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CallEnd {
    /// No byte was sent.
    NotSent,
    /// It took effect, now or when the vendor first saw the key.
    Delivered,
    /// Refused for good, without effect.
    Refused,
    /// Refused for now, without effect.
    Throttled,
    /// No definite answer.
    Lost {
        /// Whether it took effect.
        effect: bool,
    },
    /// The vendor knows the key with other parameters.
    KeyMismatch,
}

impl CallEnd {
    /// Whether the retry policy has a say.
    const fn may_be_repeated(self) -> bool {
        matches!(self, Self::NotSent | Self::Throttled | Self::Lost { .. })
    }

    const ALL: [Self; 7] = [
        Self::NotSent,
        Self::Delivered,
        Self::Refused,
        Self::Throttled,
        Self::Lost { effect: true },
        Self::Lost { effect: false },
        Self::KeyMismatch,
    ];
}

impl Ledger {
    /// Messages of one payload, without mistakes.
    pub fn new(safety: Safety, messages: usize, workers: usize, horizon: u8) -> Self {
        Self {
            safety,
            payloads: vec!["a"; messages],
            workers,
            horizon,
            bug: None,
        }
    }

    /// With a mistake.
    pub fn with(self, bug: Bug) -> Self {
        Self {
            bug: Some(bug),
            ..self
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }
}

fn fingerprint(worker: &Worker) -> u64 {
    let mut hasher = DefaultHasher::new();
    worker.hash(&mut hasher);
    hasher.finish()
}

impl Model for Ledger {
    type State = World;
    type Action = Step;

    fn init_states(&self) -> Vec<World> {
        vec![World {
            tick: 0,
            stored: None,
            messages: vec![Message::default(); self.payloads.len()],
            workers: vec![Worker::Idle; self.workers],
            vendor: vendor::Vendor::default(),
            absorbing_state_left: false,
            told: 0,
            redriven: BTreeSet::new(),
        }]
    }

    fn actions(&self, world: &World, steps: &mut Vec<Step>) {
        // Before anything has happened it does not matter how late it is.
        let begun = world.stored.is_some()
            || world.workers.iter().any(|worker| *worker != Worker::Idle)
            || world.messages.iter().any(|message| message.sent.is_some());
        if world.tick < self.horizon && begun {
            steps.push(Step::Tick);
        }
        if self.can_rule(world) {
            steps.push(Step::Rule);
        }
        for (at, message) in world.messages.iter().enumerate() {
            if message.place == Place::Buried && !message.redriven {
                steps.push(Step::Redrive(at));
            }
        }
        for worker in 0..self.workers {
            self.offer(world, worker, steps);
        }
    }

    fn next_state(&self, world: &World, step: Step) -> Option<World> {
        let mut next = world.clone();
        self.take(&mut next, step);
        // Workers are interchangeable: in a fixed order fewer moments differ. Any order will do.
        next.workers.sort_by_cached_key(fingerprint);
        (next != *world).then_some(next)
    }

    fn within_boundary(&self, world: &World) -> bool {
        let series = world.stored.as_ref().map_or(0, |record| record.series);
        let claims = world.stored.as_ref().map_or(0, |record| record.generation);
        series <= MAX_SERIES && claims <= MAX_CLAIMS
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all(self)
    }
}
