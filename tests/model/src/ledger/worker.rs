//! What a worker does, step by step: the story of the pipeline for one record, cut at every await.

use std::time::Duration;

use causeway::Timestamp;
use causeway::ledger::state::{Ask, Claim, Finding, claim};
use causeway::ledger::{Expected, Record};
use causeway::provider::Safety;

use super::state::{Asker, Place, Worker, World};
use super::write::answer;
use super::{Bug, CallEnd, Ledger, Step, at};

/// SQS message ids, by place in the world.
const MESSAGE_IDS: [&str; 3] = ["m0", "m1", "m2"];
/// And of what a person makes of their letters.
const REDRIVEN_IDS: [&str; 3] = ["r0", "r1", "r2"];

impl Ledger {
    /// What `worker` can do next.
    pub(super) fn offer(&self, world: &World, worker: usize, steps: &mut Vec<Step>) {
        match &world.workers[worker] {
            Worker::Idle => {
                for message in 0..world.messages.len() {
                    if world.messages[message].place == Place::Queue {
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
                asked,
            } => {
                steps.push(Step::Release(worker));
                if self.must_ask(record) && !asked {
                    let (found, missed) = world.vendor.can_answer(record.series, world.tick);
                    let look_up = |found, spent| Step::LookUp {
                        worker,
                        found,
                        spent,
                    };
                    steps.extend(found.then_some(look_up(true, false)));
                    steps.extend(missed.then_some(look_up(false, false)));
                    steps.extend(missed.then_some(look_up(false, true)));
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
            Step::LookUp {
                worker,
                found,
                spent,
            } => self.look_up(world, worker, found, spent),
            Step::Call { worker, end, spent } => self.call(world, worker, end, spent),
            Step::Release(worker) => self.release(world, worker),
            Step::Crash(worker) => world.workers[worker] = Worker::Idle,
            Step::Rule => self.rule(world),
            Step::Redrive(message) => self.redrive(world, message),
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
        // The first one is as old as can be; the others may be sent at any time.
        let sent = if message == 0 { 0 } else { world.tick };
        world.messages[message].sent.get_or_insert(sent);
        let asker = Asker {
            message,
            owner: self.owner(world),
            tick: world.tick,
            mark: world.messages[message].mark,
            redriven: world.messages[message].redriven,
        };
        let known = world.stored.clone();
        world.workers[worker] = Worker::Idle;
        self.decide(world, worker, asker, known.as_deref(), false);
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

    pub(super) fn ask<'a>(
        &self,
        world: &World,
        asker: &Asker,
        owner: &'a str,
        alone: bool,
    ) -> Ask<'a> {
        let ids = if asker.redriven {
            REDRIVEN_IDS
        } else {
            MESSAGE_IDS
        };
        let closing = world.stored.as_ref().map(|record| record.closing);
        Ask {
            pk: "p#c#k",
            payload_hash: self.payloads[asker.message],
            message_id: ids[asker.message],
            sent_at: at(world.messages[asker.message].sent.unwrap_or_default()),
            mark: if self.has(Bug::TakeCopyForRedrive) {
                closing
            } else {
                asker.mark
            },
            owner,
            now: at(asker.tick),
            lease_until: at(asker.tick + 1),
            first_seen: at(0),
            alone,
            safety: self.believed_safety(),
        }
    }

    pub(super) fn believed_safety(&self) -> Safety {
        match self.safety {
            Safety::Keyed {
                place,
                looks_up_first,
                ..
            } if self.has(Bug::ForgetRetention) => Safety::Keyed {
                place,
                retention: Duration::MAX,
                looks_up_first,
            },
            safety => safety,
        }
    }

    /// Asks production what to do about what is `known`, and starts on it.
    pub(super) fn decide(
        &self,
        world: &mut World,
        worker: usize,
        asker: Asker,
        known: Option<&Record>,
        alone: bool,
    ) {
        let (next, granted) = match claim(known, &self.ask(world, &asker, &name(asker), alone)) {
            Claim::Take(next) => (next, true),
            Claim::Close(next) => (next, false),
            // It runs again, alone, at the end of the batch.
            Claim::Found(Finding::Suspect) if !alone => {
                return self.decide(world, worker, asker, known, true);
            }
            Claim::Found(finding) => {
                return self.finish(world, worker, asker, answer(&finding));
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
}

pub(super) fn name(asker: Asker) -> String {
    let (generation, nth) = asker.owner;
    format!("{generation}.{nth}")
}

/// The moment `ticks` after `since`.
pub(super) fn after(since: Timestamp, ticks: u8) -> Timestamp {
    since + super::TICK * u32::from(ticks)
}
