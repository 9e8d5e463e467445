//! From the claim to the settlement: what a holder asks, sends and concludes.

use std::sync::Arc;

use causeway::ledger::state::{Attempt, Closing, Settlement, settle, waiting};
use causeway::ledger::{Expected, Record};
use causeway::outcome::{Deferral, code};
use causeway::provider::{Safety, Settling};

use super::state::{Asker, Then, Worker, World};
use super::vendor::SETTLE_TICKS;
use super::worker::{after, is_guarded, name};
use super::{Bug, CallEnd, Ledger, at};

impl Ledger {
    pub(super) fn look_up(&self, world: &mut World, worker: usize, found: bool) {
        let Some((asker, mut record, expected)) = holding(world, worker) else {
            return;
        };
        let now = at(world.tick);
        let shown = after(record.last_attempt.unwrap_or(now), SETTLE_TICKS);
        world.workers[worker] = if found {
            self.settling(world.tick, asker, &record, expected, None, &completed())
        } else if shown <= now || self.has(Bug::BelieveEarlyMiss) {
            Arc::make_mut(&mut record).ambiguous = false;
            Worker::Holding {
                asker,
                record,
                expected,
                asked: true,
            }
        } else {
            let release = released(world.tick + 1);
            self.settling(world.tick, asker, &record, expected, None, &release)
        };
    }

    pub(super) fn release(&self, world: &mut World, worker: usize) {
        if let Some((asker, record, expected)) = holding(world, worker) {
            let release = released(world.tick + 1);
            world.workers[worker] =
                self.settling(world.tick, asker, &record, expected, None, &release);
        }
    }

    pub(super) fn note_never_sent(&self, world: &mut World, worker: usize) {
        if let Some((asker, _, expected)) = holding(world, worker) {
            let next = waiting(&self.ask(&asker, &name(asker), false));
            world.workers[worker] = Worker::Settling {
                write: self.writing(next, (*expected).clone()),
                asker,
                guarded: None,
                then: Then::Return,
            };
        }
    }

    pub(super) fn call(&self, world: &mut World, worker: usize, end: CallEnd, spent: bool) {
        let Some((asker, record, expected)) = holding(world, worker) else {
            return;
        };
        let tick = world.tick;
        if matches!(end, CallEnd::Delivered | CallEnd::Lost { effect: true }) {
            let payload = self.payloads[asker.message];
            world
                .vendor
                .take_effect(self.safety, record.series, payload, tick);
        }
        let lost = matches!(end, CallEnd::Lost { .. }) && !self.has(Bug::TakeLossForFailure);
        // As the pipeline has it: who honours our key would have told of an earlier effect instead of refusing.
        let honours_key = matches!(self.safety, Safety::Keyed { .. });
        let remembers = self
            .believed_safety()
            .settling(record.first_sent_at, at(tick));
        // A call that no record tells of is over with its invocation.
        let may_arrive = asker.maybe_sent_since.is_some_and(|first| tick <= first);
        let under_way = record.ambiguous && may_arrive && !self.has(Bug::BelieveEarlyRefusal);
        let attempt = Attempt {
            at: at(tick),
            wire_hash: String::new(),
            sent: end != CallEnd::NotSent,
            ambiguous: lost || end == CallEnd::KeyMismatch,
            settles_earlier: end == CallEnd::Refused
                && honours_key
                && !under_way
                && remembers == Settling::Resend,
            status: None,
        };
        let settlement = match end {
            CallEnd::Delivered => completed(),
            // The earlier call may yet take effect.
            CallEnd::Refused if under_way => released(tick + 1),
            CallEnd::Refused => rejected(),
            CallEnd::KeyMismatch => unknown(),
            CallEnd::Lost { .. } if self.has(Bug::TakeLossForSuccess) => completed(),
            CallEnd::Lost { .. } if lost => self.settle_ambiguous(&record, tick, spent),
            _ => again(tick, spent),
        };
        world.workers[worker] =
            self.settling(tick, asker, &record, expected, Some(&attempt), &settlement);
    }

    /// As the pipeline settles an ambiguous end: again where that is safe when it is due, else a person must look.
    fn settle_ambiguous(&self, record: &Record, tick: u8, spent: bool) -> Settlement {
        let first_sent = record.first_sent_at.or(Some(at(tick)));
        let due = if spent { tick } else { tick + 1 };
        match self.believed_safety().settling(first_sent, at(due)) {
            Settling::Resend | Settling::LookUp => again(tick, spent),
            Settling::Unknown => unknown(),
        }
    }

    fn settling(
        &self,
        tick: u8,
        asker: Asker,
        record: &Record,
        expected: Arc<Expected>,
        attempt: Option<&Attempt>,
        settlement: &Settlement,
    ) -> Worker {
        let then = match settlement {
            Settlement::Completed { .. } => Then::Ack,
            Settlement::Rejected(_) | Settlement::Unknown(_) => Then::Bury,
            Settlement::Retrying { .. } | Settlement::Released { .. } => Then::Return,
        };
        let guarded = is_guarded(&expected);
        let next = settle(record, attempt, settlement, at(tick));
        let write = self.writing(next, (*expected).clone());
        Worker::Settling {
            asker,
            guarded: guarded.then(|| Arc::new(write.next.clone())),
            write,
            then,
        }
    }
}

fn holding(world: &World, worker: usize) -> Option<(Asker, Arc<Record>, Arc<Expected>)> {
    match world.workers[worker].clone() {
        Worker::Holding {
            asker,
            record,
            expected,
            ..
        } => Some((asker, record, expected)),
        _ => None,
    }
}

fn completed() -> Settlement {
    Settlement::Completed {
        status: 201,
        object_id: None,
    }
}

fn rejected() -> Settlement {
    Settlement::Rejected(Closing::new(code::PROVIDER_REJECTED, ""))
}

fn unknown() -> Settlement {
    Settlement::Unknown(Closing::new(code::OUTCOME_UNKNOWN, ""))
}

fn released(due: u8) -> Settlement {
    Settlement::Released {
        due: at(due),
        reason: Deferral::OutOfTime,
    }
}

fn again(tick: u8, spent: bool) -> Settlement {
    if spent {
        return rejected();
    }
    Settlement::Retrying {
        due: at(tick + 1),
        code: code::PROVIDER_UNAVAILABLE,
    }
}
