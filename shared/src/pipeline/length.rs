//! Whether an invocation is long enough for the calls that it is to make.

use std::sync::PoisonError;
use std::time::Duration;

use super::{Job, Lane, Run, SETTLE_RESERVE};
use crate::provider::Operation;

/// What an invocation must have left for a call of `operation` to start: that it can time out and be settled.
#[must_use]
pub fn invocation_needed(operation: &Operation) -> Duration {
    operation.timeout + SETTLE_RESERVE
}

impl Lane {
    /// Tells a person, once an environment and operation, that no invocation of this length ever makes a call of it: its
    /// messages would be put off, and nothing else, until the queue's time for them is spent.
    pub(super) fn check_length(&self, jobs: &[Job], run: &Run<'_>) {
        let length = run.invocation.deadline.since(run.started);
        for operation in jobs.iter().map(|job| job.operation) {
            let needed = invocation_needed(operation);
            if needed <= length {
                continue;
            }
            let told = self.too_short_for.lock();
            if told
                .unwrap_or_else(PoisonError::into_inner)
                .insert(operation.name)
            {
                tracing::error!(
                    operation = operation.name,
                    timeout_s = length.as_secs_f64(),
                    needed_s = needed.as_secs_f64(),
                    "the function's timeout is too short for this operation, whose messages are all put off: raise it \
                     (Timeout under Mappings in template.yaml, or the parameter FunctionTimeout)"
                );
            }
        }
    }
}
