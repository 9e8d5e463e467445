//! What a worker does, step by step: the story of the pipeline for one record, cut at every await.

use std::sync::Arc;
use std::time::Duration;

use causeway::Timestamp;
use causeway::ledger::state::{Ask, Claim, Finding, claim, guard, merge};
use causeway::ledger::{Expected, Record, Status, Write};
use causeway::outcome::code;
use causeway::provider::Safety;

use super::state::{Asker, Message, Place, Then, Worker, World, Writing};
use super::vendor::RETENTION_TICKS;
use super::{Bug, CallEnd, Ledger, Step, at};

/// SQS message ids, by place in the world.
const MESSAGE_IDS: [&str; 3] = ["m0", "m1", "m2"];

impl Ledger {
    /// What `worker` can do next.
    pub(super) fn offer(&self, world: &World, worker: usize, steps: &mut Vec<Step>) {
        match &world.workers[worker] {
            Worker::Idle => {
                for message in 0..world.messages.len() {
                    if can_be_received(world, message) {
                        steps.push(Step::Receive { worker, message });
                    }
                }
                return;
            }
            Worker::Claiming { asker, .. } | Worker::Settling { asker, .. } => {
                let write = |reply_lost| Step::Write { worker, reply_lost };
                steps.push(write(false));
                if asker.tick == world.tick {
                    steps.push(write(true));
                }
            }
            Worker::Holding {
                asker,
                record,
                expected,
                asked,
            } => {
                steps.push(Step::Release(worker));
                if is_guarded(expected) {
                    steps.push(Step::NoteNeverSent(worker));
                }
                if self.must_ask(record) && !asked {
                    let (found, missed) = world.vendor.can_answer(record.series, world.tick);
                    let look_up = |found| Step::LookUp { worker, found };
                    steps.extend(found.then_some(look_up(true)));
                    steps.extend(missed.then_some(look_up(false)));
                } else {
                    let ends = self.ends(world, asker, record);
                    steps.extend(ends.map(|(end, spent)| Step::Call { worker, end, spent }));
                }
            }
        }
        steps.push(Step::Crash(worker));
    }

    fn must_ask(&self, record: &Record) -> bool {
        matches!(self.safety, Safety::Lookup { .. }) && record.ambiguous
    }

    /// How a call can end now, and whether the retry policy may have run out when it does.
    fn ends(
        &self,
        world: &World,
        asker: &Asker,
        record: &Record,
    ) -> impl Iterator<Item = (CallEnd, bool)> {
        let payload = self.payloads[asker.message];
        let vendor = &world.vendor;
        let remembered = vendor.remembers(self.safety, record.series, world.tick);
        let mismatch = remembered && !vendor.remembers_as(payload);
        let possible = move |end: &CallEnd| match end {
            CallEnd::NotSent | CallEnd::Throttled | CallEnd::Lost { effect: false } => true,
            CallEnd::Delivered | CallEnd::Lost { effect: true } => !mismatch,
            // A key that took effect is answered from memory, or not at all.
            CallEnd::Refused => !remembered,
            CallEnd::KeyMismatch => mismatch,
        };
        CallEnd::ALL
            .into_iter()
            .filter(possible)
            .flat_map(|end| [(end, false), (end, true)])
            .filter(|(end, spent)| !spent || end.may_be_repeated())
    }

    /// Carries `step` out.
    pub(super) fn take(&self, world: &mut World, step: Step) {
        match step {
            Step::Tick => self.tick(world),
            Step::Receive { worker, message } => self.receive(world, worker, message),
            Step::Write { worker, reply_lost } => self.write(world, worker, reply_lost),
            Step::LookUp { worker, found } => self.look_up(world, worker, found),
            Step::Call { worker, end, spent } => self.call(world, worker, end, spent),
            Step::Release(worker) => self.release(world, worker),
            Step::NoteNeverSent(worker) => self.note_never_sent(world, worker),
            Step::Crash(worker) => world.workers[worker] = Worker::Idle,
        }
    }

    /// Invocations end with their leases; a write on its way may still land.
    fn tick(&self, world: &mut World) {
        world.tick += 1;
        for worker in &mut world.workers {
            if matches!(worker, Worker::Holding { .. }) && !self.has(Bug::CallAfterLease) {
                *worker = Worker::Idle;
            }
        }
    }

    fn receive(&self, world: &mut World, worker: usize, message: usize) {
        let asker = Asker {
            message,
            owner: self.owner(world),
            tick: world.tick,
            maybe_sent_since: world.messages[message].first_received,
        };
        if matches!(self.safety, Safety::Keyed { .. }) {
            let first = asker.maybe_sent_since.unwrap_or(world.tick);
            world.messages[message].first_received = Some(first);
        }
        let known = world.stored.clone();
        world.workers[worker] = Worker::Idle;
        let guarded = guard(known.as_deref(), &self.ask(&asker, &name(asker), false));
        match guarded {
            Some(record) => {
                let now = at(world.tick);
                world.workers[worker] = Worker::Holding {
                    asker,
                    record: Arc::new(record),
                    expected: Arc::new(Expected::AbsentOrExpired { now }),
                    asked: false,
                };
            }
            None => self.decide(world, worker, asker, known.as_deref(), false),
        }
    }

    /// A name that no other asker who ever writes has: whoever wrote has moved the generation on.
    fn owner(&self, world: &World) -> (u64, usize) {
        if self.has(Bug::ShareOwner) {
            return (0, 0);
        }
        let generation = world.stored.as_ref().map_or(0, |record| record.generation);
        let taken = |owner: (u64, usize)| {
            world.workers.iter().any(|worker| match worker {
                Worker::Idle => false,
                Worker::Claiming { asker, .. }
                | Worker::Holding { asker, .. }
                | Worker::Settling { asker, .. } => asker.owner == owner,
            })
        };
        let free = (0..self.workers).find(|nth| !taken((generation, *nth)));
        (generation, free.unwrap_or(self.workers))
    }

    pub(super) fn ask<'a>(&self, asker: &Asker, owner: &'a str, alone: bool) -> Ask<'a> {
        Ask {
            pk: "p#c#k",
            payload_hash: self.payloads[asker.message],
            message_id: MESSAGE_IDS[asker.message],
            owner,
            now: at(asker.tick),
            lease_until: at(asker.tick + 1),
            first_seen: at(0),
            alone,
            safety: self.believed_safety(),
            maybe_sent_since: asker
                .maybe_sent_since
                .filter(|_| !self.has(Bug::ForgetUnrecordedCall))
                .map(at),
        }
    }

    pub(super) fn believed_safety(&self) -> Safety {
        match self.safety {
            Safety::Keyed { place, .. } if self.has(Bug::ForgetRetention) => Safety::Keyed {
                place,
                retention: Duration::MAX,
            },
            safety => safety,
        }
    }

    /// Asks production what to do about what is `known`, and starts on it.
    fn decide(
        &self,
        world: &mut World,
        worker: usize,
        asker: Asker,
        known: Option<&Record>,
        alone: bool,
    ) {
        let (next, granted) = match claim(known, &self.ask(&asker, &name(asker), alone)) {
            Claim::Take(next) => (next, true),
            Claim::Close(next) => (next, false),
            // It runs again, alone, at the end of the batch.
            Claim::Found(Finding::Suspect) if !alone => {
                return self.decide(world, worker, asker, known, true);
            }
            Claim::Found(finding) => {
                return self.finish(world, worker, asker.message, answer(&finding));
            }
        };
        let now = at(asker.tick);
        let expected = known.map_or(Expected::AbsentOrExpired { now }, Expected::unchanged);
        world.workers[worker] = Worker::Claiming {
            asker,
            write: self.writing(next, expected),
            granted,
        };
    }

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

    fn write(&self, world: &mut World, worker: usize, reply_lost: bool) {
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

    fn finish(&self, world: &mut World, worker: usize, message: usize, then: Then) {
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

/// Taken not to happen: a message is buried while its own guarded first call is under way, and another one is received
/// before that ends (see the README).
fn can_be_received(world: &World, message: usize) -> bool {
    let buried = |other: usize| other != message && world.messages[other].place == Place::Buried;
    let under_way = world.workers.iter().any(|worker| match worker {
        Worker::Holding {
            asker, expected, ..
        } => buried(asker.message) && is_guarded(expected),
        Worker::Settling { asker, guarded, .. } => {
            buried(asker.message) && guarded.is_some() && asker.tick == world.tick
        }
        Worker::Idle | Worker::Claiming { .. } => false,
    });
    world.messages[message].place == Place::Queue && !under_way
}

/// Taken not to happen: the vendor forgets a call that no record tells of while another message for the key is
/// about (see the README).
pub(super) fn can_tick(world: &World) -> bool {
    let queued = |message: &&Message| message.place == Place::Queue;
    let told = |first: u8| {
        world.stored.as_ref().is_some_and(|record| {
            matches!(record.status, Status::Completed | Status::Unknown)
                || record.ambiguous && record.first_sent_at <= Some(at(first))
        })
    };
    let forgets = |message: &Message| {
        let first = message.first_received;
        first.is_some_and(|first| world.tick + 1 - first >= RETENTION_TICKS && !told(first))
    };
    let mut others = world.messages.iter().filter(queued);
    !others.any(forgets) || world.messages.iter().filter(queued).count() == 1
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

fn answer(finding: &Finding) -> Then {
    match finding {
        Finding::Duplicate => Then::Ack,
        Finding::Conflict | Finding::Closed(_) => Then::Bury,
        _ => Then::Return,
    }
}

pub(super) fn name(asker: Asker) -> String {
    let (generation, nth) = asker.owner;
    format!("{generation}.{nth}")
}

/// Whether the right to call rests on the vendor's key alone.
pub(super) const fn is_guarded(expected: &Expected) -> bool {
    matches!(expected, Expected::AbsentOrExpired { .. })
}

/// The moment `ticks` after `since`.
pub(super) fn after(since: Timestamp, ticks: u8) -> Timestamp {
    since + super::TICK * u32::from(ticks)
}
