//! What is taken for granted: see the README.

use causeway::ledger::Status;

use super::at;
use super::state::{Message, Place, Worker, World};
use super::vendor::RETENTION_TICKS;
use super::worker::is_guarded;

/// No message is buried while its own guarded first call is under way, with another one received before that ends.
pub(super) fn can_be_received(world: &World, message: usize) -> bool {
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

/// No vendor forgets a call that no record tells of while another message for the key is about.
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
