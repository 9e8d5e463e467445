//! The lanes' queues in SQS. Batches are cut by count and by bytes.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_sdk_sqs::Client;
use aws_sdk_sqs::error::BuildError;
use aws_sdk_sqs::types::{
    BatchResultErrorEntry, ChangeMessageVisibilityBatchRequestEntry, MessageAttributeValue,
    MessageSystemAttributeNameForSends, MessageSystemAttributeValue, QueueAttributeName,
    SendMessageBatchRequestEntry,
};
use futures_util::future::join_all;

use super::attributes::{self, Attribute};
use super::{Again, Letter, Post, Producer, PutError, Queue};
use crate::StoreError;
use crate::aws::failed;

/// Entries in one batch call (SQS's limit).
const MAX_ENTRIES: usize = 10;

/// Bytes in one batch of messages, attributes included (SQS's limit: 1 MiB).
/// <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/quotas-messages.html>
const MAX_BATCH_BYTES: usize = 1 << 20;

/// One lane's queue and dead-letter queue.
#[derive(Clone, Debug)]
pub struct SqsQueue {
    /// Made at its first use: a healthy lane has none, and making it is an eighth of the start-up's work.
    client: Arc<LazyLock<Client, MakeClient>>,
    queue_url: String,
    dlq_url: String,
}

type MakeClient = Box<dyn FnOnce() -> Client + Send>;

impl SqsQueue {
    /// The queues at these URLs, reached as `config` says.
    pub fn new(
        config: &SdkConfig,
        queue_url: impl Into<String>,
        dlq_url: impl Into<String>,
    ) -> Self {
        let config = config.clone();
        let make: MakeClient = Box::new(move || Client::new(&config));
        Self {
            client: Arc::new(LazyLock::new(make)),
            queue_url: queue_url.into(),
            dlq_url: dlq_url.into(),
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
            Ok(reply) => or_again(results(
                CALL,
                messages.len(),
                reply.successful.iter().map(|entry| entry.id.as_str()),
                &reply.failed,
            )),
            Err(error) => vec![Err(failed(CALL, &error)); messages.len()],
        }
    }
}

#[async_trait]
impl Queue for SqsQueue {
    async fn bury(&self, letters: &[Letter]) -> Vec<Result<(), StoreError>> {
        let letters: Vec<_> = letters.iter().map(Outgoing::letter).collect();
        or_again(send_all(&self.client, &self.dlq_url, &letters).await)
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

    async fn send_again(&self, messages: &[Again]) -> Vec<Result<(), StoreError>> {
        let messages: Vec<_> = messages.iter().map(Outgoing::again).collect();
        or_again(send_all(&self.client, &self.queue_url, &messages).await)
    }

    async fn in_flight(&self) -> Result<u64, StoreError> {
        const CALL: &str = "GetQueueAttributes";
        const COUNT: QueueAttributeName = QueueAttributeName::ApproximateNumberOfMessagesNotVisible;
        let reply = self
            .client
            .get_queue_attributes()
            .queue_url(&self.queue_url)
            .attribute_names(COUNT)
            .send()
            .await
            .map_err(|error| failed(CALL, &error))?;
        let count = reply.attributes.and_then(|mut known| known.remove(&COUNT));
        count
            .and_then(|text| text.parse().ok())
            .ok_or(StoreError::new(
                CALL,
                "the count of messages in flight is missing",
            ))
    }
}

/// Any lane's queue, for whoever puts requests on it.
#[derive(Clone, Debug)]
pub struct SqsProducer {
    client: Client,
}

impl SqsProducer {
    /// Queues that `client` reaches.
    pub fn new(client: Client) -> Self {
        Self { client }
    }
}

#[async_trait]
impl Producer for SqsProducer {
    async fn put(&self, queue_url: &str, posts: &[Post]) -> Vec<Result<(), PutError>> {
        let posts: Vec<_> = posts.iter().map(Outgoing::post).collect();
        send_all(&self.client, queue_url, &posts).await
    }
}

/// The lane's own sends and waits: whatever became of them, the message comes back and they are made again.
fn or_again(results: Vec<Result<(), PutError>>) -> Vec<Result<(), StoreError>> {
    let error = |error| match error {
        PutError::Refused { code, .. } => StoreError::new("SendMessageBatch", code),
        PutError::Failed(error) => error,
    };
    let results = results.into_iter();
    results.map(|result| result.map_err(error)).collect()
}

/// Sends `messages`, in batches that go side by side; one result a message, in their order.
async fn send_all(
    client: &Client,
    queue_url: &str,
    messages: &[Outgoing<'_>],
) -> Vec<Result<(), PutError>> {
    let batches = batches(messages, Outgoing::size);
    let sends = batches
        .into_iter()
        .map(|batch| send(client, queue_url, batch));
    join_all(sends).await.concat()
}

async fn send(
    client: &Client,
    queue_url: &str,
    messages: &[Outgoing<'_>],
) -> Vec<Result<(), PutError>> {
    const CALL: &str = "SendMessageBatch";
    let all = |error: StoreError| vec![Err(error.into()); messages.len()];
    let entries: Result<Vec<_>, _> = messages
        .iter()
        .enumerate()
        .map(|(id, message)| message.entry(id))
        .collect();
    let entries = match entries {
        Ok(entries) => entries,
        Err(error) => return all(StoreError::new(CALL, error.to_string())),
    };
    let reply = client
        .send_message_batch()
        .queue_url(queue_url)
        .set_entries(Some(entries))
        .send()
        .await;
    match reply {
        Ok(reply) => results(
            CALL,
            messages.len(),
            reply.successful.iter().map(|entry| entry.id.as_str()),
            &reply.failed,
        ),
        Err(error) => all(failed(CALL, &error)),
    }
}

/// A message on its way out.
struct Outgoing<'a> {
    body: &'a str,
    attributes: Vec<Attribute>,
    group_id: Option<&'a str>,
    trace_header: Option<&'a str>,
    delay: Option<Duration>,
}

impl<'a> Outgoing<'a> {
    fn letter(letter: &'a Letter) -> Self {
        Self {
            body: &letter.body,
            attributes: attributes::of_letter(letter),
            group_id: letter.group_id.as_deref(),
            trace_header: letter.trace_header.as_deref(),
            delay: None,
        }
    }

    fn again(again: &'a Again) -> Self {
        Self {
            body: &again.message.body,
            attributes: attributes::of_again(&again.message),
            group_id: again.message.group_id.as_deref(),
            trace_header: again.message.trace_header.as_deref(),
            delay: Some(again.delay),
        }
    }

    fn post(post: &'a Post) -> Self {
        Self {
            body: &post.body,
            attributes: attributes::of_post(post),
            group_id: post.group_id.as_deref(),
            trace_header: post.trace_header.as_deref(),
            delay: None,
        }
    }

    fn size(&self) -> usize {
        attributes::size(self.body, &self.attributes)
    }

    fn entry(&self, id: usize) -> Result<SendMessageBatchRequestEntry, BuildError> {
        let delay = self
            .delay
            .map(|delay| i32::try_from(delay.as_secs()).unwrap_or(i32::MAX));
        let mut entry = SendMessageBatchRequestEntry::builder()
            .id(id.to_string())
            .message_body(self.body)
            .set_delay_seconds(delay)
            .set_message_group_id(self.group_id.map(str::to_owned));
        for (name, kind, text) in &self.attributes {
            let value = MessageAttributeValue::builder()
                .data_type(kind.as_str())
                .string_value(text)
                .build()?;
            entry = entry.message_attributes(*name, value);
        }
        if let Some(header) = self.trace_header {
            let value = MessageSystemAttributeValue::builder()
                .data_type("String")
                .string_value(header)
                .build()?;
            entry = entry.message_system_attributes(
                MessageSystemAttributeNameForSends::AwsTraceHeader,
                value,
            );
        }
        entry.build()
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

/// One result an entry. Only what the service names as done is done: an answer that names an entry nowhere must not
/// acknowledge a message whose letter may not exist.
fn results<'a>(
    operation: &'static str,
    count: usize,
    successful: impl Iterator<Item = &'a str>,
    failed: &[BatchResultErrorEntry],
) -> Vec<Result<(), PutError>> {
    let unnamed = StoreError::new(operation, "the answer does not name this entry");
    let mut results = vec![Err(unnamed.into()); count];
    let done = successful.map(|id| (id, Ok(())));
    let failed = failed.iter().map(|entry| {
        let error = match is_the_messages_fault(entry) {
            true => PutError::Refused {
                code: entry.code.clone(),
                reason: entry.message.clone(),
            },
            false => StoreError::new(operation, entry.code.as_str()).into(),
        };
        (entry.id.as_str(), Err(error))
    });
    for (id, result) in done.chain(failed) {
        if let Some(place) = id.parse::<usize>().ok().and_then(|id| results.get_mut(id)) {
            *place = result;
        }
    }
    results
}

/// Whether the entry would be refused again, whoever sends it.
///
/// SQS calls the sender's fault whatever the caller of the API did, a rate that is too high among it
/// (<https://github.com/async-aws/aws/issues/1227>): that, the queue's KMS key and our own rights are no message's.
fn is_the_messages_fault(entry: &BatchResultErrorEntry) -> bool {
    const OURS: [&str; 3] = ["throttl", "kms", "denied"];
    let code = entry.code.to_ascii_lowercase();
    entry.sender_fault && !OURS.iter().any(|word| code.contains(word))
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
            revision: None,
            group_id: None,
            trace_header: None,
        }
    }

    #[test]
    fn batches_are_cut_by_count_and_by_bytes() {
        let bytes = |letter: &Letter| Outgoing::letter(letter).size();
        let small: Vec<Letter> = (0..23).map(|_| letter(10)).collect();
        assert_eq!(
            batches(&small, bytes)
                .iter()
                .map(|batch| batch.len())
                .collect::<Vec<_>>(),
            [10, 10, 3]
        );
        let large: Vec<Letter> = (0..10).map(|_| letter(256 * 1024)).collect();
        let cut = batches(&large, bytes);
        assert!(
            cut.iter()
                .all(|batch| batch.iter().map(bytes).sum::<usize>() <= MAX_BATCH_BYTES)
        );
        assert_eq!(cut.iter().map(|batch| batch.len()).sum::<usize>(), 10);
        assert!(batches(&[] as &[Letter], bytes).is_empty());
    }

    /// What was refused for good was answered as if the queue had been away, and sent again for ever.
    #[test]
    fn what_is_refused_for_good_is_told_apart_from_what_passes() {
        let result = |code: &str, sender_fault| {
            let entry = BatchResultErrorEntry::builder()
                .id("0")
                .code(code)
                .message("why")
                .sender_fault(sender_fault)
                .build()
                .expect("whole");
            results("call", 1, std::iter::empty(), &[entry]).remove(0)
        };
        for (code, sender_fault, is_refused) in [
            ("InvalidMessageContents", true, true),
            ("InvalidParameterValue", true, true),
            ("RequestThrottled", true, false),
            ("KMS.AccessDeniedException", true, false),
            ("AccessDenied", true, false),
            ("InternalError", false, false),
        ] {
            let expected = match is_refused {
                true => PutError::Refused {
                    code: code.to_owned(),
                    reason: Some("why".to_owned()),
                },
                false => StoreError::new("call", code).into(),
            };
            assert_eq!(result(code, sender_fault), Err(expected), "{code}");
        }
    }

    #[test]
    fn only_what_is_named_as_done_is_done() {
        let failed = BatchResultErrorEntry::builder()
            .id("1")
            .code("InternalError")
            .sender_fault(false)
            .build()
            .expect("whole");
        // The answer says nothing of the fourth entry.
        let results = results("call", 4, ["0", "2"].into_iter(), &[failed]);
        assert_eq!(
            results.iter().map(Result::is_ok).collect::<Vec<_>>(),
            [true, false, true, false]
        );
    }
}
