//! Whether an invocation is long enough for the calls that it is to make.

use std::time::Duration;

use super::{Lane, Run, SETTLE_RESERVE};
use crate::provider::Operation;

/// What an invocation must have left for a call of `operation` to start: that it can time out and be settled.
#[must_use]
pub fn invocation_needed(operation: &Operation) -> Duration {
    operation.timeout + SETTLE_RESERVE
}

impl Lane {
    /// Tells a person, once an environment, of operations that no invocation of this length ever makes a call of: their
    /// messages would be put off, and nothing else, until the queue's time for them is spent.
    pub(super) fn check_length(&self, run: &Run<'_>) {
        self.length_checked.call_once(|| {
            let length = run.invocation.deadline.since(run.started);
            let operations = self.provider.spec().operations.iter();
            for operation in operations.filter(|operation| invocation_needed(operation) > length) {
                tracing::error!(
                    operation = operation.name,
                    timeout_s = length.as_secs_f64(),
                    needed_s = invocation_needed(operation).as_secs_f64(),
                    "the function's timeout is too short for this operation, whose messages are all put off: raise it \
                     (Timeout under Mappings in template.yaml, or the parameter FunctionTimeout)"
                );
            }
        });
    }
}
