//! What a batch tells the breaker.

use std::collections::{BTreeMap, BTreeSet};

use super::admit::Gates;
use super::job::Job;
use super::{Call, Lane, Run};
use crate::breaker::{BatchResults, CallResult, Gate};
use crate::retry;

impl Lane {
    /// Tells each breaker how its calls ended since it was last told; a probe that made none is handed back, unless
    /// one of the `suspects`, who run later, is to make it. Returns the gates whose calls are still to come.
    pub(super) async fn record_health(
        &self,
        gates: Gates,
        suspects: &[Job],
        run: &Run<'_>,
    ) -> Gates {
        let clock = self.seams.clock.as_ref();
        let mut results: BTreeMap<String, BatchResults> = BTreeMap::new();
        for call in run.untold_calls() {
            results
                .entry(call.breaker.clone())
                .or_default()
                .add(self.result(&call));
        }
        let awaited: BTreeSet<String> = suspects
            .iter()
            .map(|job| self.breaker_key(job.request.connection.as_str()))
            .collect();
        let mut to_come = Gates::new();
        for (key, gate) in gates {
            let told = match (&gate, results.get(&key)) {
                (Gate::Open { epoch, .. } | Gate::Probe { epoch, .. }, Some(results)) => {
                    let jitter = retry::jitter(&run.invocation.id, epoch.own);
                    self.breaker
                        .record(&key, clock, *epoch, results, jitter)
                        .await
                }
                (Gate::Probe { .. }, None) if !awaited.contains(&key) => {
                    self.breaker.release_probe(&key, clock).await
                }
                _ => Ok(()),
            };
            if let Err(error) = told {
                tracing::warn!(%error, key, "the breaker could not be told");
            }
            if awaited.contains(&key) {
                to_come.insert(key, gate);
            }
        }
        to_come
    }

    fn result(&self, call: &Call) -> CallResult {
        if call.made.fault {
            CallResult::Fault
        } else if call.made.latency > self.breaker.spec().slow_call {
            CallResult::Slow
        } else {
            CallResult::Success
        }
    }
}
