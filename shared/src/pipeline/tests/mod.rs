//! The story, told message by message on stores in memory.

mod acme;
mod bad_input;
mod batches;
mod bounds;
mod breaker;
mod crashes;
mod credentials;
mod duplicates;
mod ends;
mod late;
mod length;
mod limits;
mod lines;
mod lookup;
mod mappings;
mod outcomes;
mod packs;
mod refusals;
mod signals;
mod told;
mod vendor;
mod waits;
mod world;

use std::time::Duration;

use self::vendor::Reply;
use self::world::{NOON, World, body, message, redriven, request};
use crate::ledger::Status;
use crate::outcome::{Deferral, Outcome, code};
use crate::queue::Message;

fn secs(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}
