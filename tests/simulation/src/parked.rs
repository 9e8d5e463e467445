//! 200,000 messages of one connection whose secret is gone, beside another connection's: nobody of the others waits
//! for them, and the queue never comes near the limit at which it hands out nothing more.

use crate::profile::{HOUR, MINUTE, Profile};
use crate::providers;
use crate::rng::Rng;
use crate::sim::{Fleet, Simulation};
use crate::sqs::MAX_IN_FLIGHT;
use crate::workload::{Workload, good};
use crate::world::{Event, START};

/// What the world of a parked connection came to.
#[derive(Clone, Copy, Debug)]
pub struct Parked {
    /// Messages that could not be carried out for twenty minutes.
    pub parked: usize,
    /// Messages of the other connection.
    pub others: usize,
    /// The longest that one of those took from its sending to its effect, in ms.
    pub slowest_other: i64,
    /// The most messages that were in flight at once.
    pub most_in_flight: usize,
    /// How often a message was sent again.
    pub sent_again: u64,
    /// Requests that took effect.
    pub effects: u64,
    /// Broken promises.
    pub violations: usize,
}

impl Parked {
    /// Whether all is as the design has it.
    pub fn is_clean(&self) -> bool {
        self.violations == 0
            && self.most_in_flight < MAX_IN_FLIGHT
            && self.slowest_other < 5 * MINUTE
            && self.effects == (self.parked + self.others) as u64
    }
}

/// Parks `parked` messages beside 500 others, which are sent in the meantime.
pub fn run(parked: usize) -> Parked {
    let others = 500;
    let mut rng = Rng::new(1);
    let (mut requests, mut events) = (Vec::with_capacity(parked + others), Vec::new());
    for number in 0..parked + others {
        let is_parked = number < parked;
        let connection = if is_parked { "c0" } else { "c1" };
        requests.push(good(providers::FLEET, number, "orders.create", connection));
        let at = if is_parked {
            rng.between(0, MINUTE)
        } else {
            rng.between(2 * MINUTE, 18 * MINUTE)
        };
        events.push((START + at, Event::Send(number)));
    }
    events.push((START, Event::Spoil(0, 2)));
    events.push((START + 22 * MINUTE, Event::Reauthorise(0)));
    let workload = Workload {
        provider: providers::FLEET,
        requests,
        events: events.clone(),
        ends: START + HOUR,
    };
    let fleet = Fleet {
        environments: 20,
        batch: 10,
        window: 0,
    };
    let mut simulation = Simulation::new(rng, Profile::calm(), workload, fleet, false);
    simulation.play();
    let (slowest_other, most_in_flight, sent_again, effects) = {
        let world = simulation.world();
        let mut slowest = 0;
        for effect in &world.vendor.effects {
            if effect.request >= parked {
                let (sent, _) = events[effect.request];
                slowest = slowest.max(effect.at - sent);
            }
        }
        let effects = world.counts.effects;
        (
            slowest,
            world.queue.most_in_flight,
            world.counts.sent_again,
            effects,
        )
    };
    let outcome = simulation.end();
    Parked {
        parked,
        others,
        slowest_other,
        most_in_flight,
        sent_again,
        effects,
        violations: outcome.violations.len(),
    }
}
