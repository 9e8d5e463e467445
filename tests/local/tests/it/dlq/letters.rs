//! Dead letters as lanes write them, and what a queue holds.

use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, QueueAttributeName};
use serde_json::{Value, json};

/// The longest that SQS, or the emulator in its stead, may take to show what was done.
const SHOWN_WITHIN: Duration = Duration::from_secs(60);

/// How often it is looked at.
const LOOK: Duration = Duration::from_millis(100);

/// A Stripe customer under `key`, marked for the vendor's fake.
pub fn customer(key: &str) -> Value {
    json!({
        "provider": "stripe", "operation": "customers.create", "idempotency_key": key,
        "created_at": "2026-11-22T10:00:00Z",
        "payload": {"email": "ada@example.com", "metadata": {"request": key}},
    })
}

/// A queue and its dead-letter queue.
pub struct Queues {
    client: aws_sdk_sqs::Client,
    pub queue: String,
    pub dlq: String,
}

impl Queues {
    pub fn new(config: &aws_config::SdkConfig, queue: &str, dlq: &str) -> Self {
        Self {
            client: aws_sdk_sqs::Client::new(config),
            queue: queue.to_owned(),
            dlq: dlq.to_owned(),
        }
    }

    /// Puts a letter of this body into the dead-letter queue; its message id.
    pub async fn bury(&self, body: &str, said: &[(&str, &str)]) -> String {
        let mut send = self
            .client
            .send_message()
            .queue_url(&self.dlq)
            .message_body(body);
        for (name, text) in said {
            let kind = if matches!(*name, "attempts" | "provider_status") {
                "Number"
            } else {
                "String"
            };
            let value = MessageAttributeValue::builder()
                .data_type(kind)
                .string_value(*text)
                .build();
            send = send.message_attributes(*name, value.expect("whole"));
        }
        let sent = send.send().await.expect("the queue answers");
        sent.message_id.expect("it has an id")
    }

    /// Puts a message of this body on the lane's queue.
    pub async fn send(&self, body: &str) {
        let send = self.client.send_message().queue_url(&self.queue);
        let sent = send.message_body(body).send().await;
        sent.expect("the queue answers");
    }

    /// Messages of `url` that can be seen, and that somebody holds.
    pub async fn counts(&self, url: &str) -> (usize, usize) {
        use QueueAttributeName as Name;
        let names = [
            Name::ApproximateNumberOfMessages,
            Name::ApproximateNumberOfMessagesNotVisible,
        ];
        let reply = self
            .client
            .get_queue_attributes()
            .queue_url(url)
            .set_attribute_names(Some(names.to_vec()))
            .send()
            .await
            .expect("the queue answers");
        let known = reply.attributes.expect("attributes");
        let count = |name: &Name| known[name].parse().expect("a count");
        (count(&names[0]), count(&names[1]))
    }

    /// Waits until `url` shows these counts: seen, held.
    pub async fn must_show(&self, url: &str, expected: (usize, usize)) {
        let looks = SHOWN_WITHIN.as_millis() / LOOK.as_millis();
        let mut last = (0, 0);
        for _ in 0..looks {
            last = self.counts(url).await;
            if last == expected {
                return;
            }
            tokio::time::sleep(LOOK).await;
        }
        panic!("{url}: {last:?} in place of {expected:?}");
    }

    /// Takes everything off the lane's queue.
    pub async fn empty(&self) {
        let purged = self
            .client
            .purge_queue()
            .queue_url(&self.queue)
            .send()
            .await;
        purged.expect("the queue answers");
        self.must_show(&self.queue, (0, 0)).await;
    }

    /// Takes messages off the lane's queue for good; waits a moment for some.
    pub async fn take(&self) -> Vec<Message> {
        let reply = self
            .client
            .receive_message()
            .queue_url(&self.queue)
            .max_number_of_messages(10)
            .wait_time_seconds(1)
            .send()
            .await
            .expect("the queue answers");
        let messages = reply.messages.unwrap_or_default();
        for message in &messages {
            let delete = self.client.delete_message().queue_url(&self.queue);
            let receipt = message.receipt_handle().expect("a handle");
            let deleted = delete.receipt_handle(receipt).send().await;
            deleted.expect("the queue answers");
        }
        messages
    }

    /// A message of the lane's queue, with everything that came along.
    pub async fn receive(&self) -> Option<Message> {
        let reply = self
            .client
            .receive_message()
            .queue_url(&self.queue)
            .message_attribute_names("All")
            .message_system_attribute_names(aws_sdk_sqs::types::MessageSystemAttributeName::All)
            .send()
            .await
            .expect("the queue answers");
        reply.messages.unwrap_or_default().into_iter().next()
    }
}
