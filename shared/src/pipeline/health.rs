//! What a batch tells the breaker.

use std::collections::BTreeMap;

use super::admit::Gates;
use super::{Call, Lane, Run};
use crate::breaker::{BatchResults, CallResult, Gate};
use crate::retry;

impl Lane {
    /// Tells each breaker how its calls ended; a probe that made none is handed back.
    pub(super) async fn record_health(&self, gates: Gates, run: &Run<'_>) {
        let now = self.seams.clock.now();
        let mut results: BTreeMap<String, BatchResults> = BTreeMap::new();
        for call in run.calls() {
            results
                .entry(call.breaker.clone())
                .or_default()
                .add(self.result(&call));
        }
        for (key, gate) in gates {
            let told = match (gate, results.get(&key)) {
                (Gate::Open { epoch, .. } | Gate::Probe { epoch, .. }, Some(results)) => {
                    let jitter = retry::jitter(&run.invocation.id, epoch);
                    self.breaker.record(&key, now, epoch, results, jitter).await
                }
                (Gate::Probe { .. }, None) => self.breaker.release_probe(&key, now).await,
                (Gate::Open { .. } | Gate::Shut { .. }, _) => Ok(()),
            };
            if let Err(error) = told {
                tracing::warn!(%error, key, "the breaker could not be told");
            }
        }
    }

    fn result(&self, call: &Call) -> CallResult {
        if call.fault {
            CallResult::Fault
        } else if call.latency > self.breaker.spec().slow_call {
            CallResult::Slow
        } else {
            CallResult::Success
        }
    }
}
