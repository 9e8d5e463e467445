//! What the lane says about itself: one JSON log line a record, one EMF line a batch, a span a call to the vendor.
//!
//! Metrics carry the one dimension `Provider`, since every further series is billed; operation, connection and code
//! stand in the log lines, where Logs Insights answers by them.

mod emf;
mod logs;
mod stdout;
mod traces;

use std::io::Write;

use crate::outcome::Outcome;
use crate::pipeline::Entry;
use crate::trace::RemoteParent;

#[cfg(test)]
pub(crate) use emf::specification;
pub use emf::{CONNECTION, DIMENSION, METRICS, Metric, NAMESPACE, lines as metric_lines};
#[cfg(test)]
pub(crate) use logs::subscriber;
pub use logs::{LOG_FIELDS, log_panics, log_to_stdout};
#[cfg(test)]
pub(crate) use traces::told;
pub use traces::{
    Attribute, Batch, Cause, Daemon, Exporter, ExporterError, Kind, Source, Span, Traces, Value,
};

/// Writes a batch's log lines and, in `namespace`, its metrics, all at once.
pub fn emit(namespace: &str, provider: &str, batch: &Batch<'_>) {
    let _section = stdout::Section::begin();
    log_entries(provider, batch);
    for line in emf::lines(namespace, provider, batch.report, batch.ended) {
        // Losing a metric is no reason to fail a batch.
        let _ = writeln!(stdout::Lines, "{line}");
    }
}

/// Writes its log lines alone.
pub(crate) fn log_entries(provider: &str, batch: &Batch<'_>) {
    for entry in &batch.report.entries {
        log(provider, entry, batch.function);
    }
}

/// The trace is the message's own, as 32 hexadecimal digits (X-Ray writes `1-<8>-<24>` of them); of a message that names
/// none, the invocation's.
fn log(provider: &str, entry: &Entry, function: Option<RemoteParent>) {
    let trace = entry.trace.or(function);
    let trace_id = trace.map(|trace| trace.trace_id.to_string());
    let until = match &entry.outcome {
        Outcome::Deferred { until, .. } | Outcome::Retry { until, .. } => Some(until.to_string()),
        _ => None,
    };
    let (attempt, detail) = match &entry.outcome {
        Outcome::Rejected(reason) | Outcome::Unknown(reason) => {
            (Some(reason.attempts), Some(reason.detail.as_str()))
        }
        _ => (None, None),
    };
    tracing::info!(
        provider,
        outcome = entry.outcome.name(),
        code = entry.outcome.code(),
        detail,
        attempt,
        until,
        operation = entry.peek.operation.as_deref(),
        connection = entry.peek.connection.as_deref(),
        request_id = entry.peek.id.as_deref(),
        message_id = entry.message_id,
        trace_id,
        "request ended"
    );
}
