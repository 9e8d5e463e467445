//! Worlds in which environments die in masses for some minutes, under a tight limit, and then no more. What they leave
//! behind must hold up neither itself nor the others ([`recovery`](crate::invariants)).

use crate::profile::{MINUTE, Profile, SECOND};
use crate::providers;
use crate::rng::Rng;
use crate::sim::Fleet;
use crate::workload::{Workload, good_at};
use crate::world::{Event, START};

/// How many of all worlds are such: each is as long as ten others.
pub const SHARE: f64 = 0.02;

/// Requests: what the limit of two connections takes some minutes for after the last death.
const REQUESTS: usize = 600;

/// How long environments die. Who was interrupted at its beginning is back before its end, and may die again.
const DYING: i64 = 4 * MINUTE;

/// Draws such a world. A batch makes about ten trips: between a tenth and a third of all batches die.
pub fn draw(rng: &mut Rng) -> (Workload, Profile, Fleet) {
    let provider = providers::ALL[0];
    let connections = rng.between(1, 2);
    let mut requests = Vec::with_capacity(REQUESTS);
    let mut events = vec![(START + DYING, Event::Calm)];
    for number in 0..REQUESTS {
        let operation = providers::OPERATIONS[number % providers::OPERATIONS.len()];
        let connection = format!("c{}", rng.between(0, connections - 1));
        // Each has a desk of its own: the account's limit is what they share.
        let desk = format!("d{number}");
        requests.push(good_at(&desk, provider, number, operation, &connection));
        let at = START + rng.between(0, 30 * SECOND);
        events.push((at, Event::Send(number)));
    }
    let profile = Profile {
        crash: rng.pick(&[0.01, 0.02, 0.04]),
        skew: rng.pick(&[0, 50]),
        ..Profile::calm()
    };
    let fleet = Fleet {
        environments: rng.pick(&[5, 10]),
        batch: 10,
        window: rng.pick(&[0, 200]),
    };
    let workload = Workload {
        provider,
        requests,
        events,
        ends: START + DYING,
    };
    (workload, profile, fleet)
}

/// From when on nobody dies any more.
pub const CALM_AT: i64 = START + DYING;
