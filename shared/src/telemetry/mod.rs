//! What the lane says about itself: one JSON log line a record, one EMF line a batch.
//!
//! Metrics carry the one dimension `Provider`, since every further series is billed; operation, connection and code
//! stand in the log lines, where Logs Insights answers by them.

mod emf;

use std::io::Write;

use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::prelude::*;

use crate::Timestamp;
use crate::outcome::Outcome;
use crate::pipeline::{Entry, Report};

/// Sends `tracing` events of `level` (`error` to `trace`; anything else counts as `info`) and above to standard
/// output, as JSON. Below `info` that is only Causeway's own: what the runtime and the SDK say there quotes bodies.
pub fn log_to_stdout(level: &str) {
    let level = level.parse().unwrap_or(Level::INFO);
    let targets = Targets::new()
        .with_default(level.min(Level::INFO))
        .with_target("causeway", level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false);
    // A second call in one process (a test) keeps the first subscriber.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(targets))
        .try_init();
}

/// From now on a panic is logged by its place alone: its text may quote a payload.
pub fn log_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(
            place,
            "a panic was caught; the record that caused it is settled on its own"
        );
    }));
}

/// Writes a batch's log lines and its metrics.
pub fn emit(provider: &str, report: &Report, now: Timestamp, trace_id: Option<&str>) {
    for entry in &report.entries {
        log(provider, entry, trace_id);
    }
    if let Some(line) = emf::line(provider, report, now) {
        // Standard output of a function is its log stream. Losing a metric is no reason to fail a batch.
        let _ = writeln!(std::io::stdout().lock(), "{line}");
    }
}

fn log(provider: &str, entry: &Entry, trace_id: Option<&str>) {
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
