//! Calls to the vendor, and what is seen of them on the way there and back.

use std::time::Duration;

use async_trait::async_trait;
use causeway::http_client::{CallError, HttpClient};
use causeway::provider::{Answer, Wire};

use super::millis;
use crate::seat::Seat;
use crate::vendor::Arrival;
use crate::workload::{self, Fatal};
use crate::world::World;

#[async_trait]
impl HttpClient for Seat {
    async fn call(
        &self,
        _base_url: &str,
        wire: &Wire,
        timeout: Duration,
    ) -> Result<Answer, CallError> {
        self.maybe_die("sending").await;
        let strand = self.strand().await;
        let (served, started, fatal) = {
            let mut world = self.shared.lock();
            let requests = workload::requests_of(wire, &world);
            let now = world.now;
            world.see_call((self.environment, strand), wire, &requests);
            let World {
                vendor,
                profile,
                rng,
                requests: own,
                ..
            } = &mut *world;
            let lead = requests.first().map(|number| &own[*number].connection);
            let call = Arrival {
                wire,
                requests: &requests,
                connection: lead.map_or("", String::as_str),
                now,
            };
            let served = vendor.serve(call, &profile.vendor, rng);
            world.counts.calls += 1;
            world.note(Some(self.environment), || {
                let (method, path, word) = (&wire.method, &wire.path, served.word);
                let of = requests.iter().map(|number| format!(" r{number}"));
                let of: String = of.collect();
                format!("call {method} {path} of{of} {word}")
            });
            for effect in &served.effects {
                world.see_effect(*effect);
            }
            let mut fatal = requests.iter();
            let fatal = fatal.find_map(|number| world.requests[*number].fatal);
            (served, now, fatal)
        };
        if fatal == Some(Fatal::Call) {
            self.die("a call that kills").await;
        }
        let patience = started + millis(timeout);
        self.wait_until(served.at.min(patience)).await;
        self.maybe_die("awaiting an answer").await;
        let answer = if served.at > patience {
            Err(CallError::Ambiguous("timed out".into()))
        } else {
            served.answer
        };
        let mut world = self.shared.lock();
        let requests = workload::requests_of(wire, &world);
        for number in &requests {
            world.see_answer(*number, &answer);
        }
        if let Some(lead) = requests.first() {
            world.see_over(self.environment, *lead);
        }
        let latency = world.now - started;
        world.see_heard(wire, &requests, &answer, latency);
        answer
    }
}
