//! The breaker of a fleet: a vendor goes away under a thousand environments at once.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use causeway::pack::PackError;
use serde::{Deserialize, Serialize};

use crate::point::{lane, pack, secret, serve};
use crate::time::{START, Time};
use crate::vendor::Vendor;
use crate::world::World;

/// How long the vendor is well.
const WELL: Duration = Duration::from_secs(2);

/// How long the run goes on without it: a closed state is trusted for a second, and a batch lasts a quarter of one. It is
/// far less than the breaker's first opening, so that no probe is among the calls.
const AWAY: Duration = Duration::from_secs(3);

/// More than the fleet can take in that time.
const BACKLOG: u64 = 1_000_000;

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Trip {
    /// Environments.
    pub environments: u64,
    /// From the first failing call to the item that says `Open`, in virtual ms.
    pub open_after_ms: u64,
    /// Calls that failed before that.
    pub calls_before: u64,
    /// Calls that were made after it, by environments that had not seen it yet.
    pub calls_after: u64,
    /// When the last of these was made, in virtual ms after the trip.
    pub last_call_after_ms: u64,
    /// Most writes of the breaker's item in one second, refused ones among them.
    pub writes_a_second: u64,
    /// All of them.
    pub writes: u64,
}

/// Lets the vendor go away under `environments`.
///
/// # Errors
/// When the pack does not read.
pub fn trip(environments: u64) -> Result<Trip, PackError> {
    let pack = pack(false)?;
    let time = Time::default();
    let world = World::new(time.clone(), BACKLOG, secret());
    let vendor = Arc::new(Vendor::new(world.clone(), BACKLOG, Some(WELL)));
    let serve = |environment| -> Pin<Box<dyn Future<Output = ()>>> {
        let lane = lane(pack, &world, &vendor, environment);
        Box::pin(serve(lane, world.clone(), environment, WELL + AWAY))
    };
    time.run((0..environments).map(serve).collect());
    let counts = world.counts().clone();
    let calls = vendor.calls_while_away();
    let opened = counts.opened.map_or(Duration::MAX, |at| at.since(START));
    let after: Vec<&Duration> = calls.iter().filter(|at| **at > opened).collect();
    let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    Ok(Trip {
        environments,
        open_after_ms: millis(opened.saturating_sub(WELL)),
        calls_before: (calls.len() - after.len()) as u64,
        calls_after: after.len() as u64,
        last_call_after_ms: after
            .iter()
            .max()
            .map_or(0, |last| millis(last.saturating_sub(opened))),
        writes_a_second: counts.breaker_writes.values().copied().max().unwrap_or(0),
        writes: counts.breaker_writes.values().sum(),
    })
}
