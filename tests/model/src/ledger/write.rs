//! The store, and what a worker does when its write was carried out, or lost.

use std::sync::Arc;

use causeway::ledger::state::{Claim, Finding, claim, merge};
use causeway::ledger::{Expected, Record, Status, Write};
use causeway::outcome::code;
use causeway::provider::Safety;

use super::state::{Asker, Place, Then, Worker, World, Writing};
use super::worker::name;
use super::{Bug, Ledger};

impl Ledger {
    /// A write, without what no decision reads: it would only make more moments differ.
    pub(super) fn writing(&self, mut next: Record, expected: Expected) -> Arc<Writing> {
        /// Later than any tick.
        const EXPIRES_AT: i64 = 4_000_000_000;

        next.code = next.code.filter(|code| *code == code::CRASH_LOOP);
        next.detail = None;
        next.response = None;
        next.wire_hash = None;
        next.expires_at = next.expires_at.map(|_| EXPIRES_AT);
        if !matches!(self.safety, Safety::Lookup { .. }) {
            next.last_attempt = None;
        }
        Arc::new(Writing { next, expected })
    }

    pub(super) fn write(&self, world: &mut World, worker: usize, reply_lost: bool) {
        let (asker, write, bug) = match world.workers[worker].clone() {
            Worker::Claiming { asker, write, .. } => (asker, write, Bug::ClaimUnconditionally),
            Worker::Settling { asker, write, .. } => (asker, write, Bug::SettleUnconditionally),
            Worker::Idle | Worker::Holding { .. } => return,
        };
        let answer = put(world, &write, self.has(bug));
        if reply_lost {
            return;
        }
        let message = asker.message;
        if asker.tick < world.tick {
            // Its worker has been gone since the tick.
            return self.finish(world, worker, message, Then::Return);
        }
        match (world.workers[worker].clone(), answer) {
            (Worker::Claiming { granted: true, .. }, Write::Written) => {
                world.workers[worker] = self.hold(asker, write.next.clone());
            }
            (Worker::Claiming { .. }, Write::Written) => {
                self.finish(world, worker, message, Then::Bury);
            }
            (Worker::Claiming { .. }, Write::Lost(current)) => {
                self.decide(world, worker, asker, current.as_deref(), write.next.alone);
            }
            (
                Worker::Settling {
                    then: Then::Decide, ..
                },
                Write::Written,
            ) => {
                let in_doubt = write.next.ambiguous;
                self.decided_by(world, worker, asker, in_doubt, Some(&write.next));
            }
            (Worker::Settling { then, .. }, Write::Written) => {
                self.finish(world, worker, message, then);
            }
            (Worker::Settling { guarded, .. }, Write::Lost(current)) => {
                self.lost(world, worker, asker, guarded.as_deref(), current.as_deref());
            }
            _ => {}
        }
    }

    /// A settlement that lost. What a guarded call has proven goes into the stored record.
    fn lost(
        &self,
        world: &mut World,
        worker: usize,
        asker: Asker,
        guarded: Option<&Record>,
        current: Option<&Record>,
    ) {
        let merging = guarded
            .zip(current)
            .and_then(|(ours, stored)| Some((ours, stored, merge(stored, ours)?)));
        let Some((ours, stored, merged)) = merging else {
            let in_doubt = guarded.is_some_and(|ours| ours.ambiguous);
            return self.decided_by(world, worker, asker, in_doubt, current);
        };
        let completed = merged.status == Status::Completed;
        world.workers[worker] = Worker::Settling {
            asker,
            write: self.writing(merged, Expected::unchanged(stored)),
            guarded: Some(Arc::new(ours.clone())),
            then: if completed { Then::Ack } else { Then::Decide },
        };
    }

    /// What `stored` makes of the message, after a settlement that was not the last word.
    fn decided_by(
        &self,
        world: &mut World,
        worker: usize,
        mut asker: Asker,
        in_doubt: bool,
        stored: Option<&Record>,
    ) {
        if in_doubt {
            asker.maybe_sent_since = world.messages[asker.message].first_received;
        }
        let then = match stored
            .map(|stored| claim(Some(stored), &self.ask(&asker, &name(asker), false)))
        {
            Some(Claim::Found(finding)) => answer(&finding),
            _ => Then::Return,
        };
        self.finish(world, worker, asker.message, then);
    }

    pub(super) fn finish(&self, world: &mut World, worker: usize, message: usize, then: Then) {
        world.workers[worker] = Worker::Idle;
        world.messages[message].place = match then {
            Then::Bury if !self.has(Bug::AckBeforeLetter) => Place::Buried,
            // With the mistake it dies after the acknowledgement.
            Then::Ack | Then::Bury => Place::Acked,
            Then::Return | Then::Decide => return,
        };
    }

    fn hold(&self, asker: Asker, mut record: Record) -> Worker {
        let expected = Arc::new(Expected::unchanged(&record));
        if self.has(Bug::ForgetDoubt) {
            record.ambiguous = false;
        }
        Worker::Holding {
            asker,
            record: Arc::new(record),
            expected,
            asked: false,
        }
    }
}

/// The store: one record, one condition. Notes when a state is left that nobody leaves.
fn put(world: &mut World, write: &Writing, unconditional: bool) -> Write {
    let current = world.stored.as_deref();
    if !unconditional && !write.expected.holds(current) {
        return Write::refused(&write.next, current.cloned());
    }
    let absorbing =
        current.is_some_and(|record| matches!(record.status, Status::Completed | Status::Unknown));
    world.absorbing_state_left |= absorbing && current != Some(&write.next);
    world.stored = Some(Arc::new(write.next.clone()));
    Write::Written
}

pub(super) fn answer(finding: &Finding) -> Then {
    match finding {
        Finding::Duplicate => Then::Ack,
        Finding::Conflict | Finding::Closed(_) => Then::Bury,
        _ => Then::Return,
    }
}
