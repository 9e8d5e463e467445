//! JSON log lines: what they may say, and how they get to standard output.

use tracing::{Level, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::prelude::*;

use super::stdout::Lines;

/// Every field of a line of ours, with its meaning. Ids, codes and numbers: never a payload's value, a secret, or a body.
pub const LOG_FIELDS: [(&str, &str); 34] = [
    ("timestamp", "when it was written, RFC 3339"),
    ("level", "TRACE to ERROR; an ERROR asks for a person"),
    ("target", "the module that speaks"),
    ("message", "what happened, always the same words"),
    ("provider", "the lane's provider"),
    ("operation", "the request's operation"),
    ("connection", "the request's connection"),
    ("request_id", "the request's id"),
    ("request_ids", "ids of the requests that a call handed in"),
    (
        "producer",
        "who handed them in: a role, a user or a token's subject",
    ),
    ("source_ip", "the address that the call came from"),
    ("message_id", "SQS's id of the message"),
    (
        "trace_id",
        "the message's own trace, else the invocation's; 32 hexadecimal digits",
    ),
    ("outcome", "what became of the message"),
    ("code", "why"),
    ("detail", "field and rule, or the vendor's own code"),
    ("attempt", "attempts made in this series"),
    ("until", "when it comes back, RFC 3339"),
    ("error", "what a store, a queue or a vendor's network said"),
    ("pk", "the ledger's key"),
    ("key", "the key of shared state, without a payload's values"),
    ("answer", "what came of a token call"),
    ("reason", "why a connection is paused"),
    ("place", "file and line of a panic"),
    ("state", "a breaker's state"),
    ("enabled", "whether an event source is on"),
    (
        "maximum_concurrency",
        "an event source's maximum concurrency",
    ),
    ("source", "an event source, by its queue's name"),
    ("pages", "pages that were read"),
    ("name", "an environment variable's name"),
    ("status", "an HTTP answer's status"),
    ("items", "how many requests a call brought"),
    ("timeout_s", "how long an invocation may take"),
    ("needed_s", "how long it would have to be for a call"),
];

/// Sends `tracing` events of `level` (`error` to `trace`; anything else counts as `info`) and above to standard
/// output, as JSON. Below `info` that is only Causeway's own: what the runtime and the SDK say there quotes bodies.
pub fn log_to_stdout(level: &str) {
    // A second call in one process (a test) keeps the first subscriber.
    let _ = subscriber(level, Lines).try_init();
}

/// Writes them to `writer`.
pub(crate) fn subscriber<W>(level: &str, writer: W) -> impl Subscriber + Send + Sync
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    let level = level.parse().unwrap_or(Level::INFO);
    let targets = Targets::new()
        .with_default(level.min(Level::INFO))
        .with_target("causeway", level);
    let lines = tracing_subscriber::fmt::layer()
        .json()
        .flatten_event(true)
        .with_current_span(false)
        .with_span_list(false)
        .with_writer(writer);
    tracing_subscriber::registry().with(lines.with_filter(targets))
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

#[cfg(test)]
mod tests {
    use super::*;

    /// The list is what queries and people go by.
    #[test]
    fn every_field_is_explained_in_the_architecture() {
        let text = include_str!("../../../ARCHITECTURE.md");
        for (name, meaning) in LOG_FIELDS {
            let row = format!("| `{name}` | {meaning} |");
            assert!(text.contains(&row), "ARCHITECTURE.md has no line {row}");
        }
    }
}
