//! The lane's queues in SQS. Batches are cut by count and by bytes.

use std::time::Duration;

use async_trait::async_trait;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue,
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, SendMessageBatchRequestEntry,
};
use futures_util::future::join_all;

use super::{Letter, Queue};
use crate::StoreError;
use crate::aws::failed;

/// Entries in one batch call (SQS's limit).
const MAX_ENTRIES: usize = 10;

/// Bytes in one batch of messages, attributes included (SQS's limit: 1 MiB).
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_BATCH_BYTES: usize = 1 << 20;

/// Format of the attributes that this release writes.
const FORMAT_VERSION: &str = "1";

/// One lane's queue and dead-letter queue.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    client: Client,
    queue_url: String,
    dlq_url: String,
}

impl SqsQueue {
    /// The queues at these URLs.
    pub fn new(client: Client, queue_url: impl Into<String>, dlq_url: impl Into<String>) -> Self {
        Self {
            client,
            queue_url: queue_url.into(),
            dlq_url: dlq_url.into(),
        }
    }

    async fn send(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        const CALL: &str = "SendMessageBatch";
        let entries: Result<Vec<_>, _> = letters
            .iter()
            .enumerate()
            .map(|(id, letter)| entry(id, letter))
            .collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                return vec![Err(StoreError::new(CALL, error.to_string())); letters.len()];
            }
        };
        let reply = self
            .client
            .send_message_batch()
            .queue_url(&self.dlq_url)
            .set_entries(Some(entries))
            .send()
            .await;
        match reply {
            Ok(reply) => results(
                CALL,
                letters.len(),
                reply
                    .failed
                    .iter()
                    .map(|failure| (failure.id.as_str(), failure.code.as_str())),
            ),
            Err(error) => vec![Err(failed(CALL, &error)); letters.len()],
        }
    }

    async fn change_visibility(
        &self,
        messages: &[(String, Duration)],
    ) -> Vec<Result<(), StoreError>> {
        const CALL: &str = "ChangeMessageVisibilityBatch";
        let entries: Result<Vec<_>, _> = messages
            .iter()
            .enumerate()
            .map(|(id, (receipt_handle, wait))| {
                ChangeMessageVisibilityBatchRequestEntry::builder()
                    .id(id.to_string())
                    .receipt_handle(receipt_handle)
                    .visibility_timeout(i32::try_from(wait.as_secs()).unwrap_or(i32::MAX))
                    .build()
            })
            .collect();
        let entries = match entries {
            Ok(entries) => entries,
            Err(error) => {
                return vec![Err(StoreError::new(CALL, error.to_string())); messages.len()];
            }
        };
        let call = self
            .client
            .change_message_visibility_batch()
            .queue_url(&self.queue_url);
        match call.set_entries(Some(entries)).send().await {
            Ok(reply) => results(
                CALL,
                messages.len(),
                reply
                    .failed
                    .iter()
                    .map(|failure| (failure.id.as_str(), failure.code.as_str())),
            ),
            Err(error) => vec![Err(failed(CALL, &error)); messages.len()],
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        let batches = batches(letters, size);
        join_all(batches.into_iter().map(|batch| self.send(batch)))
            .await
            .concat()
    }

    async fn hide(&self, messages: &[(String, Duration)]) -> Vec<Result<(), StoreError>> {
        join_all(
            messages
                .chunks(MAX_ENTRIES)
                .map(|batch| self.change_visibility(batch)),
        )
        .await
        .concat()
    }
}

/// Cuts `items` into batches that SQS takes: at most ten entries and 1 MiB together.
fn batches<T>(items: &[T], size: impl Fn(&T) -> usize) -> Vec<&[T]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, item) in items.iter().enumerate() {
        let more = size(item);
        if at > start && (at - start == MAX_ENTRIES || bytes + more > MAX_BATCH_BYTES) {
            batches.push(&items[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += more;
    }
    if start < items.len() {
        batches.push(&items[start..]);
    }
    batches
}

/// One result an entry: all is well but what the service names.
fn results<'a>(
    operation: &'static str,
    count: usize,
    failures: impl Iterator<Item = (&'a str, &'a str)>,
) -> Vec<Result<(), StoreError>> {
    let mut results = vec![Ok(()); count];
    for (id, code) in failures {
        if let Some(result) = id.parse::<usize>().ok().and_then(|id| results.get_mut(id)) {
            *result = Err(StoreError::new(operation, code));
        }
    }
    results
}

/// The attributes of a letter: name, SQS data type, text.
fn attributes(letter: &Letter) -> Vec<(&'static str, &'static str, String)> {
    let reason = &letter.reason;
    let known = [
        ("code", "String", Some(reason.code.to_string())),
        // SQS refuses an empty attribute value.
        (
            "detail",
            "String",
            Some(if reason.detail.is_empty() {
                "-".into()
            } else {
                reason.detail.clone()
            }),
        ),
        ("attempts", "Number", Some(reason.attempts.to_string())),
        ("first_seen", "String", Some(letter.first_seen.to_string())),
        (
            "provider_status",
            "Number",
            reason.provider_status.map(|status| status.to_string()),
        ),
        (
            "last_attempt",
            "String",
            reason.last_attempt.map(|at| at.to_string()),
        ),
        ("request_id", "String", letter.request_id.clone()),
        ("connection", "String", letter.connection.clone()),
        ("operation", "String", letter.operation.clone()),
        ("format_version", "Number", Some(FORMAT_VERSION.into())),
    ];
    known
        .into_iter()
        .filter_map(|(name, kind, text)| text.map(|text| (name, kind, text)))
        .collect()
}

/// What the letter counts for in SQS's limits: the body, and each attribute's name, type and value.
fn size(letter: &Letter) -> usize {
    let attributes = attributes(letter);
    letter.body.len()
        + attributes
            .iter()
            .map(|(name, kind, text)| name.len() + kind.len() + text.len())
            .sum::<usize>()
}

fn entry(
    id: usize,
    letter: &Letter,
) -> Result<SendMessageBatchRequestEntry, aws_sdk_sqs::error::BuildError> {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(id.to_string())
        .message_body(&letter.body)
        .set_message_group_id(letter.group_id.clone());
    for (name, kind, text) in attributes(letter) {
        let value = MessageAttributeValue::builder()
            .data_type(kind)
            .string_value(sendable(&text))
            .build()?;
        entry = entry.message_attributes(name, value);
    }
    if let Some(header) = &letter.trace_header {
        let value = MessageSystemAttributeValue::builder()
            .data_type("String")
            .string_value(header)
            .build()?;
        entry = entry
            .message_system_attributes(MessageSystemAttributeNameForSends::AwsTraceHeader, value);
    }
    entry.build()
}

/// SQS takes the characters of XML 1.0 only; what it would refuse becomes U+FFFD.
fn sendable(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{D7FF}' | '\u{E000}'..='\u{FFFD}' | '\u{10000}'..);
    text.chars()
        .map(|c| if allowed(c) { c } else { '\u{FFFD}' })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;
    use crate::outcome::{Reason, code};

    fn letter(body_bytes: usize) -> Letter {
        Letter {
            body: "x".repeat(body_bytes),
            reason: Reason::new(code::PANICKED, ""),
            first_seen: Timestamp::from_millis(0),
            request_id: None,
            connection: None,
            operation: None,
            group_id: None,
            trace_header: None,
        }
    }

    #[test]
    fn batches_are_cut_by_count_and_by_bytes() {
        let small: Vec<Letter> = (0..23).map(|_| letter(10)).collect();
        assert_eq!(
            batches(&small, size)
                .iter()
                .map(|batch| batch.len())
                .collect::<Vec<_>>(),
            [10, 10, 3]
        );
        let large: Vec<Letter> = (0..10).map(|_| letter(256 * 1024)).collect();
        let cut = batches(&large, size);
        assert!(
            cut.iter()
                .all(|batch| batch.iter().map(size).sum::<usize>() <= MAX_BATCH_BYTES)
        );
        assert_eq!(cut.iter().map(|batch| batch.len()).sum::<usize>(), 10);
        assert!(batches(&[] as &[Letter], size).is_empty());
    }

    #[test]
    fn a_letter_always_says_why_and_since_when() {
        let names: Vec<_> = attributes(&letter(1))
            .into_iter()
            .map(|(name, ..)| name)
            .collect();
        assert_eq!(
            names,
            ["code", "detail", "attempts", "first_seen", "format_version"]
        );
    }

    #[test]
    fn only_the_named_entries_failed() {
        let results = results("call", 3, [("1", "InternalError")].into_iter());
        assert_eq!(
            results.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, false, true]
        );
    }
}
