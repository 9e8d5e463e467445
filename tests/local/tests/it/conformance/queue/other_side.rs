//! A plain SQS client, which reads what was sent.

use std::collections::BTreeMap;

use aws_config::SdkConfig;
use aws_sdk_sqs::types::{Message as Received, MessageSystemAttributeName};
use causeway::queue::SqsQueue;
use causeway_local::stack::BareEmulator;

use super::seen::Seen;

/// Receives of one reading at most; a walk sends fewer batches.
const READS_MAX: usize = 200;

/// A lane's queues of their own, the adapter, and a plain client.
pub struct Sqs {
    pub client: aws_sdk_sqs::Client,
    pub queue: SqsQueue,
    pub queue_url: String,
    pub dlq_url: String,
}

impl Sqs {
    pub async fn new(emulator: &BareEmulator, config: &SdkConfig, seed: u64) -> Self {
        let queue_url = emulator
            .make_queue(&format!("queue-{seed}"))
            .await
            .expect("a queue");
        let dlq_url = emulator
            .make_queue(&format!("dlq-{seed}"))
            .await
            .expect("a queue");
        let queue = SqsQueue::new(config, &queue_url, &dlq_url);
        Self {
            client: aws_sdk_sqs::Client::new(&emulator.sdk_config()),
            queue,
            queue_url,
            dlq_url,
        }
    }

    pub async fn receive(&self, url: &str) -> Vec<Received> {
        let receive = self
            .client
            .receive_message()
            .queue_url(url)
            .max_number_of_messages(10);
        let answer = receive
            .visibility_timeout(3600)
            .message_attribute_names("All")
            .message_system_attribute_names(MessageSystemAttributeName::All)
            .send()
            .await;
        answer.expect("received").messages.unwrap_or_default()
    }

    /// Everything that can be read from a queue, sorted.
    pub async fn read(&self, url: &str) -> Vec<Seen> {
        let mut all = Vec::new();
        for _ in 0..READS_MAX {
            let messages = self.receive(url).await;
            if messages.is_empty() {
                break;
            }
            all.extend(messages.iter().map(|message| {
                Seen {
                    body: message.body().unwrap_or_default().to_owned(),
                    attributes: attributes(message),
                    group_id: message
                        .attributes()
                        .and_then(|known| known.get(&MessageSystemAttributeName::MessageGroupId))
                        .cloned(),
                }
            }));
        }
        all.sort();
        all
    }
}

fn attributes(message: &Received) -> BTreeMap<String, (String, String)> {
    let known = message.message_attributes().into_iter().flatten();
    known
        .map(|(name, value)| {
            let text = value.string_value().unwrap_or_default().to_owned();
            (name.clone(), (value.data_type().to_owned(), text))
        })
        .collect()
}
