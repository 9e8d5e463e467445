//! What must hold in every moment, what must be possible, and what must be reachable.

use causeway::ledger::{Record, Status};
use causeway::outcome::code;
use causeway::provider::Safety;
use stateright::Property;

use super::state::{Message, Place, Worker, World};
use super::{CallEnd, Ledger, Step};

/// The promise.
pub const AT_MOST_ONE_EFFECT: &str = "at most one effect";
/// Nothing lost: no acknowledgement without a good reason.
pub const NOTHING_LOST: &str = "acknowledged means completed or lettered";
/// `COMPLETED` does not lie.
pub const COMPLETED_IS_TRUE: &str = "completed means that it took effect";
/// `REJECTED` does not lie.
pub const REJECTED_IS_TRUE: &str = "rejected means that it had no effect, and is in no doubt";
/// What took effect, or may have, stays so.
pub const ABSORBING: &str =
    "COMPLETED is never left, and UNKNOWN for no other series but by a ruling";
/// A copy is no redrive, and letters of one end are one redrive.
pub const ONE_SERIES_AN_END: &str = "a series but the first is a person's redrive of an end";
/// The record never denies what happened.
pub const DOUBT_IS_KEPT: &str = "an effect is completed, in doubt or in hand";
/// A person can always settle it.
pub const DOUBT_NEVER_EXPIRES: &str = "a record in doubt has no expiry";
/// Without key or look-up, doubt ends as `UNKNOWN`.
pub const UNSAFE_DOUBT_IS_UNKNOWN: &str = "an unsafe request in doubt is UNKNOWN or in hand";
/// Nothing is stuck.
pub const EVERYTHING_ENDS: &str = "in fair weather every message ends";

/// More rounds than any message needs in fair weather: a lease and a settle time may pass, a crash loop take three
/// leases.
const FAIR_ROUNDS: u8 = 8;

pub(super) fn all(model: &Ledger) -> Vec<Property<Ledger>> {
    let mut all = vec![
        Property::always(AT_MOST_ONE_EFFECT, |_, world: &World| {
            world.vendor.effects <= 1
        }),
        Property::always(NOTHING_LOST, |_, world: &World| {
            let is_left = |message: &Message| message.place == Place::Queue;
            let told =
                |record: &Record| record.status == Status::Completed || is_told(world, record);
            world.messages.iter().any(is_left) || world.stored.as_deref().is_some_and(told)
        }),
        Property::always(ONE_SERIES_AN_END, |model: &Ledger, world: &World| {
            let series = world.stored.as_ref().map_or(1, |record| record.series);
            let ends = u32::try_from(world.redriven.len()).unwrap_or(u32::MAX);
            let corrected = model
                .payloads
                .iter()
                .any(|payload| *payload != model.payloads[0]);
            series - 1 <= ends || corrected
        }),
        Property::always(COMPLETED_IS_TRUE, |_, world: &World| {
            !has_status(world, Status::Completed) || world.vendor.effects > 0
        }),
        Property::always(REJECTED_IS_TRUE, |_, world: &World| {
            let rejected = |record: &Record| {
                record.status == Status::Rejected && (record.ambiguous || world.vendor.effects > 0)
            };
            !world.stored.as_deref().is_some_and(rejected)
        }),
        Property::always(ABSORBING, |_, world: &World| !world.absorbing_state_left),
        Property::always(DOUBT_IS_KEPT, |_, world: &World| {
            let shown = |record: &Record| {
                matches!(record.status, Status::Completed | Status::InProgress) || record.ambiguous
            };
            world.vendor.effects == 0 || world.stored.as_deref().is_some_and(shown)
        }),
        Property::always(DOUBT_NEVER_EXPIRES, |_, world: &World| {
            let forgettable = |record: &Record| record.ambiguous && record.expires_at.is_some();
            !world.stored.as_deref().is_some_and(forgettable)
        }),
        Property::always(EVERYTHING_ENDS, everything_ends),
        Property::sometimes("delivered", |_, world: &World| {
            has_status(world, Status::Completed)
        }),
        Property::sometimes("rejected", |_, world: &World| {
            has_status(world, Status::Rejected)
        }),
        Property::sometimes("redriven", |_, world: &World| {
            let again = |record: &Record| record.series > 1;
            world.stored.as_deref().is_some_and(again)
        }),
        Property::sometimes("duplicate acknowledged", |_, world: &World| {
            has_status(world, Status::Completed)
                && world
                    .messages
                    .iter()
                    .all(|message| message.place == Place::Acked)
        }),
        Property::sometimes("a late writer is fenced", |_, world: &World| {
            world.workers.iter().any(|worker| match worker {
                Worker::Settling { write, .. } => {
                    !write.expected.holds(world.stored.as_deref())
                        && world
                            .stored
                            .as_ref()
                            .is_some_and(|r| r.owner != write.next.owner)
                }
                _ => false,
            })
        }),
    ];
    all.extend(of_safety(model.safety));
    if model.horizon > 3 && model.safety != Safety::Unsafe && model.safety != super::KEYED {
        all.push(Property::sometimes(
            "crash loop ended",
            |_, world: &World| {
                let looped = |record: &Record| record.code == Some(code::CRASH_LOOP);
                world.stored.as_deref().is_some_and(looped)
            },
        ));
    }
    all
}

fn of_safety(safety: Safety) -> Vec<Property<Ledger>> {
    let taken_over = Property::sometimes("taken over in doubt", |_, world: &World| {
        let doubtful = |record: &Record| record.ambiguous && record.status == Status::InProgress;
        world.stored.as_deref().is_some_and(doubtful)
    });
    let unknown = Property::sometimes("unknown", |_, world: &World| {
        has_status(world, Status::Unknown)
    });
    let ruled_completed = Property::sometimes("ruled completed", |_, world: &World| {
        is_ruled(world, Status::Completed)
    });
    let ruled_rejected = Property::sometimes("ruled rejected", |_, world: &World| {
        is_ruled(world, Status::Rejected)
    });
    let is_unknown = Property::always(UNSAFE_DOUBT_IS_UNKNOWN, |_, world: &World| {
        let settled = |record: &Record| {
            !record.ambiguous || matches!(record.status, Status::Unknown | Status::InProgress)
        };
        world.stored.as_deref().is_none_or(settled)
    });
    match safety {
        Safety::Unsafe => vec![unknown, is_unknown, ruled_completed, ruled_rejected],
        Safety::Keyed { .. } => vec![unknown, taken_over, ruled_completed, ruled_rejected],
        Safety::Natural | Safety::Lookup { .. } => vec![taken_over],
    }
}

/// Whether the letter of the record's last end was sent. Where a late write takes that end up again and nobody goes on,
/// the letter is what a person has in hand, and sends once more.
fn is_told(world: &World, record: &Record) -> bool {
    record.closing > 0 && world.told >= record.closing
}

fn is_ruled(world: &World, status: Status) -> bool {
    let by_operator = |record: &Record| record.resolved_at.is_some() && record.status == status;
    world.stored.as_deref().is_some_and(by_operator)
}

fn has_status(world: &World, status: Status) -> bool {
    world
        .stored
        .as_deref()
        .is_some_and(|record| record.status == status)
}

/// From here on nobody dies, the vendor works and time goes on: does every message end within [`FAIR_ROUNDS`] ticks?
///
/// Looked at where all workers are idle. From every other moment one of these is reached, since workers can die.
fn everything_ends(model: &Ledger, world: &World) -> bool {
    if world.workers.iter().any(|worker| *worker != Worker::Idle) {
        return true;
    }
    let mut world = world.clone();
    for _ in 0..FAIR_ROUNDS {
        for message in 0..world.messages.len() {
            if world.messages[message].place == Place::Queue {
                run_fairly(model, &mut world, message);
            }
        }
        if world
            .messages
            .iter()
            .all(|message| message.place != Place::Queue)
        {
            return true;
        }
        model.take(&mut world, Step::Tick);
    }
    false
}

/// Worker 0 carries one message as far as it goes.
fn run_fairly(model: &Ledger, world: &mut World, message: usize) {
    let mut step = Step::Receive { worker: 0, message };
    // Receive, claim, question, call, settlement: five steps.
    for _ in 0..6 {
        model.take(world, step);
        if world.workers[0] == Worker::Idle {
            return;
        }
        let mut steps = Vec::new();
        model.offer(world, 0, &mut steps);
        step = steps.into_iter().find(is_fair).unwrap_or(Step::Crash(0));
    }
}

fn is_fair(step: &Step) -> bool {
    match step {
        Step::Crash(_) | Step::Release(_) | Step::Rule | Step::Redrive(_) => false,
        Step::Write { reply_lost, .. } => !reply_lost,
        Step::LookUp { spent, .. } => !spent,
        Step::Call { end, .. } => *end == CallEnd::Delivered,
        _ => true,
    }
}
