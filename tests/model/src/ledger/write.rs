//! The store, and what a worker does when its write was carried out, or lost.

use std::sync::Arc;

use causeway::ledger::state::{Claim, Finding, claim};
use causeway::ledger::{Expected, Record, Status, Write};
use causeway::outcome::code;
use causeway::provider::Safety;

use super::state::{Asker, Message, Place, Then, Worker, World, Writing};
use super::{Bug, Ledger};

impl Ledger {
    /// A write, without what no decision reads: it would only make more moments differ.
    pub(super) fn writing(&self, mut next: Record, expected: Expected) -> Arc<Writing> {
        /// Later than any tick.
        const EXPIRES_AT: i64 = 4_000_000_000;

        let looped = |detail: &String| detail.starts_with(code::CRASH_LOOP.as_str());
        next.code = next
            .detail
            .as_ref()
            .is_some_and(looped)
            .then_some(code::CRASH_LOOP);
        next.detail = None;
        next.response = None;
        next.wire_hash = None;
        next.expires_at = next.expires_at.map(|_| EXPIRES_AT);
        if !matches!(self.safety, Safety::Lookup { .. }) {
            next.last_attempt = None;
        }
        if !matches!(self.safety, Safety::Keyed { .. }) {
            next.claimed_at = None;
            next.first_sent_at = None;
        }
        Arc::new(Writing { next, expected })
    }

    pub(super) fn write(&self, world: &mut World, worker: usize, reply_lost: bool) {
        let (asker, write, bug) = match world.workers[worker].clone() {
            Worker::Claiming { asker, write, .. } => (asker, write, Bug::ClaimUnconditionally),
            Worker::Settling { asker, write, .. } => (asker, write, Bug::SettleUnconditionally),
            Worker::Idle | Worker::Holding { .. } => return,
        };
        let answer = put(world, self.safety, &write, self.has(bug));
        if reply_lost {
            return;
        }
        if asker.tick < world.tick {
            // Its worker has been gone since the tick.
            return self.finish(world, worker, asker, Then::Return);
        }
        match (world.workers[worker].clone(), answer) {
            (Worker::Claiming { granted: true, .. }, Write::Written) => {
                world.workers[worker] = self.hold(asker, write.next.clone());
            }
            (Worker::Claiming { .. }, Write::Written) => {
                let closing = Some(write.next.closing);
                self.finish(world, worker, asker, Then::Bury { closing });
            }
            (Worker::Claiming { .. }, Write::Lost(current)) => {
                self.decide(world, worker, asker, current.as_deref(), write.next.alone);
            }
            (Worker::Settling { then, .. }, Write::Written) => {
                self.finish(world, worker, asker, then);
            }
            (Worker::Settling { .. }, Write::Lost(current)) => {
                self.decided_by(world, worker, asker, current.as_deref());
            }
            _ => {}
        }
    }

    /// What `stored` makes of the message, after a settlement that lost.
    fn decided_by(&self, world: &mut World, worker: usize, asker: Asker, stored: Option<&Record>) {
        let ask = self.ask(world, &asker, "", false);
        let then = match stored.map(|stored| claim(Some(stored), &ask)) {
            Some(Claim::Found(finding)) => answer(&finding),
            _ => Then::Return,
        };
        self.finish(world, worker, asker, then);
    }

    pub(super) fn finish(&self, world: &mut World, worker: usize, asker: Asker, then: Then) {
        world.workers[worker] = Worker::Idle;
        let (place, letter) = match then {
            Then::Bury { closing } if !self.has(Bug::AckBeforeLetter) => (Place::Buried, closing),
            // With the mistake it dies after the acknowledgement.
            Then::Ack | Then::Bury { .. } => (Place::Acked, None),
            Then::Return => return,
        };
        world.told = world.told.max(letter.unwrap_or_default());
        let message = &mut world.messages[asker.message];
        // What a person has made of its letter meanwhile is another message.
        if message.redriven == asker.redriven {
            *message = Message {
                place,
                letter,
                ..*message
            };
        }
    }

    /// A person sends the message's letter again: once is enough to see what becomes of it.
    pub(super) fn redrive(&self, world: &mut World, message: usize) {
        let letter = world.messages[message].letter;
        world.redriven.extend(letter);
        world.messages[message] = Message {
            place: Place::Queue,
            sent: Some(world.tick),
            mark: letter,
            letter: None,
            redriven: true,
        };
    }

    fn hold(&self, asker: Asker, mut record: Record) -> Worker {
        if self.has(Bug::ForgetDoubt) {
            record.ambiguous = false;
        }
        Worker::Holding {
            asker,
            record: Arc::new(record),
            asked: false,
        }
    }
}

/// The store: one record, one condition. Notes when a state is left that nobody leaves.
fn put(world: &mut World, safety: Safety, write: &Writing, unconditional: bool) -> Write {
    let current = world.stored.as_deref();
    if !unconditional && !write.expected.holds(current) {
        return Write::refused(&write.next, current.cloned());
    }
    let absorbed = |record: &Record| match record.status {
        Status::Completed => *record != write.next,
        // It is taken up again in the same series, and only where that can settle it.
        Status::Unknown => record.series != write.next.series || safety == Safety::Unsafe,
        _ => false,
    };
    world.absorbing_state_left |= current.is_some_and(absorbed);
    world.stored = Some(Arc::new(write.next.clone()));
    Write::Written
}

pub(super) fn answer(finding: &Finding) -> Then {
    match finding {
        Finding::Duplicate => Then::Ack,
        Finding::Conflict => Then::Bury { closing: None },
        Finding::Closed(record) => Then::Bury {
            closing: Some(record.closing),
        },
        _ => Then::Return,
    }
}
