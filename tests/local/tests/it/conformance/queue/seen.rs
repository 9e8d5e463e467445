//! What should arrive, spelled out from the design's words.

use std::collections::BTreeMap;

use causeway::queue::{Again, Letter};
use serde_json::{Value, json};

use super::Operation;

/// A message as its reader sees it: its body, its attributes with their types, its group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Seen {
    pub body: String,
    pub attributes: BTreeMap<String, (String, String)>,
    pub group_id: Option<String>,
}

fn seen<'a>(
    body: &str,
    attributes: impl IntoIterator<Item = (&'a str, &'a str, Option<String>)>,
    group_id: &Option<String>,
) -> Seen {
    let known = attributes
        .into_iter()
        .filter_map(|(name, kind, text)| Some((name.to_owned(), (kind.to_owned(), text?))));
    Seen {
        body: body.to_owned(),
        attributes: known.collect(),
        group_id: group_id.clone(),
    }
}

/// A letter on the other side: the nine attributes of the design, and the format.
pub fn letter_seen(letter: &Letter) -> Seen {
    let reason = &letter.reason;
    // What SQS does not take becomes a replacement character, and no value is empty.
    let mut detail = reason
        .detail
        .replace(['\u{0}', '\u{1b}', '\u{fffe}'], "\u{fffd}");
    if detail.is_empty() {
        detail = "-".to_owned();
    }
    let attributes = [
        ("code", "String", Some(reason.code.to_string())),
        ("detail", "String", Some(detail)),
        ("attempts", "Number", Some(reason.attempts.to_string())),
        (
            "provider_status",
            "Number",
            reason.provider_status.map(|status| status.to_string()),
        ),
        ("first_seen", "String", Some(letter.first_seen.to_string())),
        (
            "last_attempt",
            "String",
            reason.last_attempt.map(|at| at.to_string()),
        ),
        ("request_id", "String", letter.request_id.clone()),
        ("connection", "String", letter.connection.clone()),
        ("operation", "String", letter.operation.clone()),
        (
            "format_version",
            "String",
            Some(version(letter.revision, reason.closing)),
        ),
    ];
    seen(&letter.body, attributes, &letter.group_id)
}

/// The format, with the pack that accepted the request, and the end that a letter, or what is made of it, tells of.
fn version(revision: Option<u32>, mark: Option<u64>) -> String {
    match (revision, mark) {
        (None, None) => "2".to_owned(),
        (None, Some(mark)) => format!("2;closing={mark}"),
        (Some(revision), None) => format!("2;pack={revision}"),
        (Some(revision), Some(mark)) => format!("2;pack={revision};closing={mark}"),
    }
}

/// A message that was sent again, on the other side: its history.
pub fn again_seen(again: &Again) -> Seen {
    let message = &again.message;
    let attributes = [
        ("origin", "String", Some(message.origin.clone())),
        (
            "receives",
            "Number",
            Some(message.receive_count.to_string()),
        ),
        ("sent_at", "String", Some(message.sent_at.to_string())),
        ("first_seen", "String", Some(message.first_seen.to_string())),
        (
            "format_version",
            "String",
            Some(version(message.revision, message.mark)),
        ),
    ];
    seen(&message.body, attributes, &message.group_id)
}

/// What an operation puts on the wire beside what a reader sees: body, delay, trace header. The emulator does not pass
/// trace headers of batches on.
pub fn outgoing(operation: &Operation) -> Vec<(String, Value, Value)> {
    let sent = |body: &String, delay: Value, trace: &Option<String>| {
        let trace = trace.as_ref().map_or(
            Value::Null,
            |header| json!({"AWSTraceHeader": {"DataType": "String", "StringValue": header}}),
        );
        (body.clone(), delay, trace)
    };
    let mut sent: Vec<_> = match operation {
        Operation::Bury(letters) => letters
            .iter()
            .map(|letter| sent(&letter.body, Value::Null, &letter.trace_header))
            .collect(),
        Operation::SendAgain(messages) => messages
            .iter()
            .map(|again| sent(&again.message.body, json!(0), &again.message.trace_header))
            .collect(),
    };
    sent.sort_by_key(|sent| format!("{sent:?}"));
    sent
}

/// The entries of all batches, each of which keeps SQS's bounds.
pub fn on_the_wire(batches: &[Value]) -> Vec<(String, Value, Value)> {
    let mut sent = Vec::new();
    for batch in batches {
        let entries = batch["Entries"].as_array().expect("a batch");
        assert!(
            (1..=10).contains(&entries.len()),
            "{} entries",
            entries.len()
        );
        let bytes: usize = entries
            .iter()
            .map(|entry| entry["MessageBody"].as_str().map_or(0, str::len))
            .sum();
        assert!(bytes <= 1 << 20, "{bytes} bytes of bodies");
        sent.extend(entries.iter().map(|entry| {
            let body = entry["MessageBody"].as_str().expect("a body").to_owned();
            (
                body,
                entry["DelaySeconds"].clone(),
                entry["MessageSystemAttributes"].clone(),
            )
        }));
    }
    sent.sort_by_key(|sent| format!("{sent:?}"));
    sent
}
