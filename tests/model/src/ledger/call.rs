//! From the claim to the settlement: what a holder asks, sends and concludes.

use std::sync::Arc;

use causeway::ledger::state::{Attempt, Closing, Settlement, settle};
use causeway::ledger::{Expected, Record, Status};
use causeway::outcome::{Deferral, code};
use causeway::provider::{Safety, Settling};

use super::state::{Asker, Then, Worker, World};
use super::vendor::SETTLE_TICKS;
use super::worker::after;
use super::{Bug, CallEnd, Ledger, at};

impl Ledger {
    pub(super) fn look_up(&self, world: &mut World, worker: usize, found: bool, spent: bool) {
        let Some((asker, mut record)) = holding(world, worker) else {
            return;
        };
        let now = at(world.tick);
        let shown = after(record.last_attempt.unwrap_or(now), SETTLE_TICKS);
        world.workers[worker] = if found {
            self.settling(world.tick, asker, &record, None, &completed())
        } else if shown <= now || self.has(Bug::BelieveEarlyMiss) {
            Arc::make_mut(&mut record).ambiguous = false;
            if spent {
                self.settling(world.tick, asker, &record, None, &rejected())
            } else {
                Worker::Holding {
                    asker,
                    record,
                    asked: true,
                }
            }
        } else {
            let release = released(world.tick + 1);
            self.settling(world.tick, asker, &record, None, &release)
        };
    }

    pub(super) fn release(&self, world: &mut World, worker: usize) {
        if let Some((asker, record)) = holding(world, worker) {
            let release = released(world.tick + 1);
            world.workers[worker] = self.settling(world.tick, asker, &record, None, &release);
        }
    }

    pub(super) fn call(&self, world: &mut World, worker: usize, end: CallEnd, spent: bool) {
        let Some((asker, record)) = holding(world, worker) else {
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
        // As the pipeline has it: who looks our key up first would have told of an earlier effect instead of refusing.
        let honours_key = matches!(self.safety, Safety::Keyed { .. });
        let remembers = self
            .believed_safety()
            .settling(record.first_sent_at, at(tick));
        let attempt = Attempt {
            at: at(tick),
            wire_hash: String::new(),
            sent: end != CallEnd::NotSent,
            ambiguous: lost || end == CallEnd::KeyMismatch,
            settles_earlier: self.has(Bug::BelieveAnyRefusal)
                || end == CallEnd::Refused && honours_key && remembers == Settling::Resend,
            status: None,
        };
        let settlement = match end {
            CallEnd::Delivered => completed(),
            CallEnd::Refused => rejected(),
            CallEnd::KeyMismatch => unknown(),
            CallEnd::Lost { .. } if self.has(Bug::TakeLossForSuccess) => completed(),
            CallEnd::Lost { .. } if lost => self.settle_ambiguous(&record, tick, spent),
            _ => again(tick, spent),
        };
        world.workers[worker] = self.settling(tick, asker, &record, Some(&attempt), &settlement);
    }

    /// As the pipeline settles an ambiguous end: again where that is safe when it is due, else a person must look.
    fn settle_ambiguous(&self, record: &Record, tick: u8, spent: bool) -> Settlement {
        let first_sent = record.first_sent_at.or(Some(at(tick)));
        let due = if spent { tick } else { tick + 1 };
        match self.believed_safety().settling(first_sent, at(due)) {
            Settling::Resend => again(tick, spent),
            Settling::LookUp => again(tick, false),
            Settling::Unknown => unknown(),
        }
    }

    fn settling(
        &self,
        tick: u8,
        asker: Asker,
        record: &Record,
        attempt: Option<&Attempt>,
        settlement: &Settlement,
    ) -> Worker {
        let next = settle(record, attempt, settlement, at(tick));
        let then = match next.status {
            Status::Completed => Then::Ack,
            Status::Rejected | Status::Unknown => Then::Bury {
                closing: Some(next.closing),
            },
            Status::Retrying | Status::InProgress => Then::Return,
        };
        Worker::Settling {
            asker,
            write: self.writing(next, Expected::unchanged(record)),
            then,
        }
    }
}

fn holding(world: &World, worker: usize) -> Option<(Asker, Arc<Record>)> {
    match world.workers[worker].clone() {
        Worker::Holding { asker, record, .. } => Some((asker, record)),
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
