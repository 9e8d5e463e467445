//! After a mass death: the backlog drains as the limit lets it, healthy requests go on meanwhile, and who was
//! interrupted is not starved.

use std::collections::BTreeMap;

use causeway::ledger::Status;
use causeway::outcome::Outcome;
use causeway::provider::{Provider, Safety};

use super::Invariant;
use crate::profile::MINUTE;
use crate::providers::SETTLE;
use crate::sim::VISIBILITY;
use crate::world::World;

/// By how much the lane may take longer than its limit needs. While the interrupted are hidden the others go on, so that
/// the worst of 24 worlds took a quarter of that.
const FACTOR: f64 = 1.0;

/// What the last ones of a backlog take whatever its size: two of a minute's windows. An environment that is new knows the
/// crowd by little, and the slots that it gives may lie in the window after the next.
const LAST: i64 = 2 * MINUTE;

/// How often in a row a request whose holder died is received and put off before anybody takes it up. Each time it is
/// told a slot of its own, as those beside it are; 15 times was the most in 24 worlds.
const RECEIVES: u32 = 24;

/// One world's mass death.
#[derive(Clone, Copy, Debug)]
pub struct Recovery {
    /// From when on nobody dies any more.
    pub calm_at: i64,
}

impl World {
    /// What became of a received message whose record nobody holds any more.
    pub(super) fn see_suspect(&mut self, message: usize, outcome: &Outcome) {
        let Some(key) = self.requests[self.queue.messages[message].request]
            .ledger_key
            .clone()
        else {
            return;
        };
        let now = self.timestamp();
        let is_left = self.record(&key).is_some_and(|record| {
            let ended = record.lease_until.is_some_and(|until| until < now);
            record.status == Status::InProgress && ended
        });
        let put_off = self.watch.put_off.entry(key).or_default();
        *put_off = match outcome {
            Outcome::Deferred { .. } if is_left => *put_off + 1,
            _ => 0,
        };
        let (number, times) = (self.queue.messages[message].request, *put_off);
        if times == RECEIVES + 1 && self.watch.recovery.is_some() {
            let text = format!("r{number}, whose holder died, was put off {times} times");
            self.violated(Invariant::SlowRecovery, text);
        }
    }

    /// Judges how the world has recovered, where it had to.
    pub(super) fn see_recovery(&mut self) {
        let Some(Recovery { calm_at }) = self.watch.recovery else {
            return;
        };
        let rates = self.provider.spec().limits.iter().filter_map(|limit| {
            let per = i64::try_from(limit.per()?.as_millis()).ok()?;
            Some(f64::from(limit.burst()) / per as f64)
        });
        let rate = rates.fold(f64::INFINITY, f64::min);
        let mut left: BTreeMap<&str, u32> = BTreeMap::new();
        for request in &self.requests {
            let ended = request
                .ledger_key
                .as_ref()
                .and_then(|key| self.watch.ended.get(key));
            if ended.is_some_and(|at| *at > calm_at) {
                *left.entry(&request.connection).or_default() += 1;
            }
        }
        let mut broken = Vec::new();
        for message in &self.queue.messages {
            let number = message.request;
            let request = &self.requests[number];
            let ended = request
                .ledger_key
                .as_ref()
                .and_then(|key| self.watch.ended.get(key));
            let Some(ended) = ended.filter(|at| **at > calm_at) else {
                continue;
            };
            let backlog = f64::from(left[request.connection.as_str()]);
            let drained = calm_at + (FACTOR * backlog / rate) as i64 + LAST;
            let own = if message.interrupted {
                own_wait(request.safety)
            } else {
                0
            };
            if *ended > drained + own {
                let late = (*ended - calm_at) / 1000;
                let most = (drained + own - calm_at) / 1000;
                let interrupted = message.interrupted;
                broken.push(format!(
                    "r{number} (interrupted: {interrupted}) ended {late} s after the last death, not within {most} s"
                ));
            }
        }
        for text in broken {
            self.violated(Invariant::SlowRecovery, text);
        }
    }
}

/// How long a request waits for itself alone once it was interrupted: until it is seen again, and, where the vendor is
/// asked, until that tells; waits are spread by up to a half.
fn own_wait(safety: Option<Safety>) -> i64 {
    let settles = matches!(safety, Some(Safety::Lookup { .. }));
    let settle = i64::try_from(SETTLE.as_millis()).unwrap_or(i64::MAX);
    VISIBILITY + if settles { settle * 3 / 2 } else { 0 }
}
