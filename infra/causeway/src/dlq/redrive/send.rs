//! Letters back to the lane's queue, each as a new message.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    MessageAttributeValue, MessageSystemAttributeNameForSends, MessageSystemAttributeValue,
    SendMessageBatchRequestEntry,
};
use causeway::outcome::truncate;

use crate::dlq::letter::Letter;
use crate::dlq::queue::MAX_ENTRIES;

/// Bytes in one batch of messages, attributes included (SQS's limit: 1 MiB), less room for what goes along.
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_BATCH_BYTES: usize = (1 << 20) - MAX_ENTRIES * 1024;

/// Longest reason that is shown for a message that SQS refused.
const MAX_REASON_BYTES: usize = 200;

/// Sends each letter's body, unchanged, to the queue at `url`; one result a letter, in their order. What an answer does
/// not name as sent is not sent.
///
/// Fair-queue group and trace go along, and when the request was first seen. Code, detail and history stay behind: a
/// redrive is a new message, and starts a new series of attempts.
pub async fn send(client: &Client, url: &str, letters: &[&Letter]) -> Vec<Result<(), String>> {
    let mut results = Vec::with_capacity(letters.len());
    for batch in batches(letters) {
        results.extend(send_batch(client, url, batch).await);
    }
    results
}

async fn send_batch(client: &Client, url: &str, letters: &[&Letter]) -> Vec<Result<(), String>> {
    let entries = letters.iter().enumerate();
    let entries: Option<Vec<_>> = entries.map(|(id, letter)| entry(id, letter)).collect();
    let reply = client
        .send_message_batch()
        .queue_url(url)
        .set_entries(entries)
        .send()
        .await;
    let reply = match reply {
        Ok(reply) => reply,
        Err(error) => {
            let mut why = aws_sdk_sqs::error::DisplayErrorContext(&error).to_string();
            truncate(&mut why, MAX_REASON_BYTES);
            return vec![Err(why); letters.len()];
        }
    };
    let mut results = vec![Err("the answer does not name it".to_owned()); letters.len()];
    let place = |id: &str| id.parse::<usize>().ok();
    for failed in reply.failed() {
        if let Some(result) = place(failed.id()).and_then(|id| results.get_mut(id)) {
            *result = Err(failed.code().to_owned());
        }
    }
    for sent in reply.successful() {
        if let Some(result) = place(sent.id()).and_then(|id| results.get_mut(id)) {
            *result = Ok(());
        }
    }
    results
}

fn entry(id: usize, letter: &Letter) -> Option<SendMessageBatchRequestEntry> {
    let mut entry = SendMessageBatchRequestEntry::builder()
        .id(id.to_string())
        .message_body(&letter.body)
        .set_message_group_id(letter.group_id.clone());
    if let Some(first_seen) = &letter.said.first_seen {
        let value = MessageAttributeValue::builder()
            .data_type("String")
            .string_value(first_seen)
            .build()
            .ok()?;
        entry = entry.message_attributes("first_seen", value);
    }
    if let Some(header) = &letter.trace_header {
        let value = MessageSystemAttributeValue::builder()
            .data_type("String")
            .string_value(header)
            .build()
            .ok()?;
        let name = MessageSystemAttributeNameForSends::AwsTraceHeader;
        entry = entry.message_system_attributes(name, value);
    }
    entry.build().ok()
}

/// Cuts `letters` into batches that SQS takes. A letter too large for any goes alone, and SQS says so.
fn batches<'a, 'b>(letters: &'b [&'a Letter]) -> Vec<&'b [&'a Letter]> {
    let (mut batches, mut start, mut bytes) = (Vec::new(), 0, 0);
    for (at, letter) in letters.iter().enumerate() {
        let more = letter.body.len();
        if at > start && (at - start == MAX_ENTRIES || bytes + more > MAX_BATCH_BYTES) {
            batches.push(&letters[start..at]);
            (start, bytes) = (at, 0);
        }
        bytes += more;
    }
    if start < letters.len() {
        batches.push(&letters[start..]);
    }
    batches
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlq::letter::tests::letter;

    #[test]
    fn batches_are_cut_by_count_and_by_bytes() {
        let cut = |bytes: usize, count: usize| -> Vec<usize> {
            let one = letter(&"x".repeat(bytes), &[]);
            let all: Vec<_> = (0..count).map(|_| &one).collect();
            batches(&all).iter().map(|batch| batch.len()).collect()
        };
        assert_eq!(cut(10, 23), [10, 10, 3]);
        assert_eq!(cut(256 * 1024, 7), [3, 3, 1]);
        assert_eq!(cut(2 << 20, 2), [1, 1]);
        assert!(cut(10, 0).is_empty());
    }

    #[test]
    fn group_trace_and_first_seen_go_along_and_the_reason_stays_behind() {
        let letter = Letter {
            group_id: Some("default".to_owned()),
            trace_header: Some("Root=1-5759e988-bd862e3fe1be46a994272793".to_owned()),
            ..letter(
                "{}",
                &[
                    ("code", "x"),
                    ("attempts", "8"),
                    ("first_seen", "2026-11-22T10:00:00Z"),
                ],
            )
        };
        let entry = entry(3, &letter).expect("whole");
        assert_eq!((entry.id(), entry.message_body()), ("3", "{}"));
        assert_eq!(entry.message_group_id(), Some("default"));
        let names: Vec<_> = entry.message_attributes().expect("some").keys().collect();
        assert_eq!(names, ["first_seen"]);
        assert_eq!(entry.message_system_attributes().expect("some").len(), 1);
    }
}
