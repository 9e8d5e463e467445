//! Gathering what a run left behind, without changing it.

use std::collections::{BTreeMap, HashMap};

use aws_sdk_dynamodb::types::AttributeValue;
use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, Message};

use causeway::Timestamp;
use causeway::ledger::LIFE;
use causeway_fakes::journal::CallRecord;
use serde_json::Value;

use super::plan::body_hash;
use super::verify::{Breaker, Evidence, Letter, Record};
use super::{DemoError, Field};

/// How long a letter stays hidden while the queue is read to its end, seconds.
const HIDDEN_S: i32 = 120;
/// Empty receives in a row that mean the end: a short poll may miss messages.
const EMPTY_RECEIVES: usize = 3;
/// No demo makes more letters; a queue that never ends is a bug in the emulator.
const LETTERS_MAX: usize = 50_000;

/// The outcomes that a lane counts, by the names of their metrics.
const OUTCOMES: [&str; 6] = [
    "Delivered",
    "Duplicate",
    "Deferred",
    "Retried",
    "Rejected",
    "Unknown",
];

/// Everything, read now.
pub(crate) async fn evidence(field: &Field<'_>) -> Result<Evidence, DemoError> {
    let mut evidence = Evidence {
        journal: field.fakes.journal(),
        outcomes: outcomes(field).await?,
        tokens: count(&field.fakes.calls(), is_for_a_token),
        lookups: count(&field.fakes.calls(), is_a_lookup),
        ..Evidence::default()
    };
    for item in scan(field, &field.requests_table).await? {
        evidence.interrupted.extend(ended_interrupted(&item));
        let record = Record {
            status: text(&item, "status").to_owned(),
            ambiguous: matches!(item.get("ambiguous"), Some(AttributeValue::Bool(true))),
        };
        evidence.ledger.insert(text(&item, "pk").to_owned(), record);
    }
    for item in scan(field, &field.lanes_table).await? {
        let key = text(&item, "pk").to_owned();
        if key.ends_with("#breaker") {
            let opened = item
                .get("opened")
                .and_then(|value| value.as_n().ok()?.parse().ok())
                .unwrap_or(0);
            evidence.breakers.push(Breaker {
                key,
                state: text(&item, "state").to_owned(),
                opened,
            });
        }
    }
    for lane in &field.lanes {
        let messages = hidden_letters(field, &lane.dlq_url).await?;
        let letters = messages.values();
        evidence
            .letters
            .extend(letters.map(|message| letter(&lane.provider, message)));
        put_back(field, &lane.dlq_url, messages.values()).await?;
    }
    Ok(evidence)
}

/// Calls of a kind, by provider.
fn count(calls: &[CallRecord], is_of_it: impl Fn(&str) -> bool) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for call in calls.iter().filter(|call| is_of_it(&call.call)) {
        *counts.entry(call.provider.clone()).or_default() += 1;
    }
    counts
}

/// What lanes carry out is written; they read for nothing but to ask what became of it.
fn is_a_lookup(call: &str) -> bool {
    call.starts_with("GET ")
}

/// When a request ended that lost a holder, to the second. Where calls only take their time, nothing else makes a second
/// attempt necessary, or leaves an end unknown.
fn ended_interrupted(item: &HashMap<String, AttributeValue>) -> Option<Timestamp> {
    let number = |name: &str| -> Option<i64> { item.get(name)?.as_n().ok()?.parse().ok() };
    match text(item, "status") {
        "COMPLETED" if number("attempts")? > 1 => {
            let life = i64::try_from(LIFE.as_secs()).ok()?;
            let ended = number("expires_at")?.checked_sub(life)?;
            Some(Timestamp::from_millis(ended.checked_mul(1000)?))
        }
        "UNKNOWN" => number("closed_at").map(Timestamp::from_millis),
        _ => None,
    }
}

/// `POST /oauth2/token`, `POST /oauth/v1/token`, `POST /connect/token`: all vendors here name them so.
fn is_for_a_token(call: &str) -> bool {
    call.starts_with("POST ") && call.ends_with("/token")
}

/// All letters of a queue by message id, hidden from others until [`put_back`].
pub(super) async fn hidden_letters(
    field: &Field<'_>,
    dlq_url: &str,
) -> Result<BTreeMap<String, Message>, DemoError> {
    let mut letters = BTreeMap::new();
    let mut empty = 0;
    while empty < EMPTY_RECEIVES && letters.len() < LETTERS_MAX {
        let call = field
            .sqs
            .receive_message()
            .queue_url(dlq_url)
            .max_number_of_messages(10);
        let call = call
            .visibility_timeout(HIDDEN_S)
            .message_attribute_names("All");
        let answer = call
            .send()
            .await
            .map_err(DemoError::stack("reading a dead-letter queue"))?;
        empty = if answer.messages().is_empty() {
            empty + 1
        } else {
            0
        };
        letters.extend(
            answer
                .messages
                .into_iter()
                .flatten()
                .filter_map(|message| Some((message.message_id.clone()?, message))),
        );
    }
    Ok(letters)
}

/// Makes letters visible again, as they were.
pub(super) async fn put_back(
    field: &Field<'_>,
    dlq_url: &str,
    letters: impl Iterator<Item = &Message>,
) -> Result<(), DemoError> {
    const WHAT: &str = "putting letters back";
    let handles: Vec<&str> = letters
        .filter_map(|letter| letter.receipt_handle())
        .collect();
    for handles in handles.chunks(10) {
        let entries = handles.iter().enumerate().map(|(at, handle)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(at.to_string());
            entry.receipt_handle(*handle).visibility_timeout(0).build()
        });
        let entries: Vec<_> = entries
            .collect::<Result<_, _>>()
            .map_err(DemoError::stack(WHAT))?;
        let call = field
            .sqs
            .change_message_visibility_batch()
            .queue_url(dlq_url);
        call.set_entries(Some(entries))
            .send()
            .await
            .map_err(DemoError::stack(WHAT))?;
    }
    Ok(())
}

/// The functions' own counts of outcomes: the sums of their metrics (EMF lines) in the logs.
///
/// They count deliveries of messages, so a message that SQS hands out twice is in them twice, and a log that the
/// emulator cut is missing: they stand beside the verdict, which goes by the ledger, the queues and the vendors.
async fn outcomes(field: &Field<'_>) -> Result<BTreeMap<String, u64>, DemoError> {
    let mut sums = BTreeMap::new();
    for lane in &field.lanes {
        for line in field.stack.logs(&lane.function).await? {
            add_outcomes(&mut sums, &line);
        }
    }
    Ok(sums)
}

fn add_outcomes(sums: &mut BTreeMap<String, u64>, line: &str) {
    let Ok(metrics) = serde_json::from_str::<Value>(line.trim()) else {
        return;
    };
    if metrics.get("_aws").is_none() {
        return;
    }
    for outcome in OUTCOMES {
        if let Some(count) = metrics[outcome].as_u64() {
            *sums.entry(outcome.to_owned()).or_default() += count;
        }
    }
}

fn letter(provider: &str, message: &Message) -> Letter {
    let attributes = message.message_attributes();
    let attribute = |name: &str| attributes?.get(name)?.string_value().map(str::to_owned);
    let complete = ["detail", "attempts", "first_seen"]
        .iter()
        .all(|name| attribute(name).is_some());
    let hash = body_hash(message.body().unwrap_or_default());
    Letter {
        provider: provider.to_owned(),
        hash,
        code: attribute("code").unwrap_or_else(|| "none".to_owned()),
        complete,
    }
}

pub(crate) async fn scan(
    field: &Field<'_>,
    table: &str,
) -> Result<Vec<HashMap<String, AttributeValue>>, DemoError> {
    let scan = field
        .dynamodb
        .scan()
        .table_name(table)
        .consistent_read(true);
    let items = scan
        .into_paginator()
        .items()
        .send()
        .collect::<Result<Vec<_>, _>>()
        .await;
    items.map_err(DemoError::stack("scanning a table"))
}

fn text<'a>(item: &'a HashMap<String, AttributeValue>, name: &str) -> &'a str {
    item.get(name)
        .and_then(|value| value.as_s().ok())
        .map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_lost_a_holder_ended_when_its_record_was_last_written() {
        let text = |value: &str| AttributeValue::S(value.to_owned());
        let number = |value: i64| AttributeValue::N(value.to_string());
        let record = |status: &str, fields: &[(&str, i64)]| {
            let fields = fields.iter().map(|(name, value)| (*name, number(*value)));
            let all = fields.chain([("status", text(status))]);
            all.map(|(name, value)| (name.to_owned(), value)).collect()
        };
        let ended = |status, fields: &[(&str, i64)]| ended_interrupted(&record(status, fields));
        let expires = 1_800_000_000 + 30 * 24 * 60 * 60;
        let at = Some(Timestamp::from_millis(1_800_000_000_000));
        let twice = [("attempts", 2), ("expires_at", expires)];
        assert_eq!(ended("COMPLETED", &twice), at);
        let once = [("attempts", 1), ("expires_at", expires)];
        assert_eq!(ended("COMPLETED", &once), None);
        let closed = [("attempts", 1), ("closed_at", 1_800_000_000_000)];
        assert_eq!(ended("UNKNOWN", &closed), at);
        assert_eq!(ended("REJECTED", &closed), None);
    }

    #[test]
    fn calls_for_tokens_are_told_from_others() {
        for call in ["POST /oauth2/token", "POST /oauth/v1/token"] {
            assert!(is_for_a_token(call), "{call}");
        }
        for call in ["GET /oauth2/token", "POST /v1/customers", "POST /v1/tokens"] {
            assert!(!is_for_a_token(call), "{call}");
        }
    }

    #[test]
    fn metrics_are_summed_and_other_lines_passed_over() {
        let mut sums = BTreeMap::new();
        for line in [
            r#"{"Delivered":3,"Duplicate":1,"EndToEndLatency":[5],"Provider":"slack","_aws":{"Timestamp":1}}"#,
            r#"{"Delivered":2,"Provider":"slack","_aws":{"Timestamp":2}}"#,
            r#"{"Delivered":9,"message":"no metrics"}"#,
            "START RequestId: 1",
        ] {
            add_outcomes(&mut sums, line);
        }
        let expected = [("Delivered".to_owned(), 5), ("Duplicate".to_owned(), 1)];
        assert_eq!(sums, BTreeMap::from(expected));
    }
}
