//! The messages: what a producer would put on a lane's queue, in batches of ten, as Lambda hands them out.

use std::time::{SystemTime, UNIX_EPOCH};

use bytes::Bytes;
use serde_json::{Value, json};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::stub::vendor::{DIGITS, MARK};

/// What an event source mapping without a window hands out at most, and what the template sets.
pub const BATCH: usize = 10;

/// Connections that take turns, a batch each. The vendors' limits are an account's: one alone would wait for them (Stripe
/// admits 25 a second an operation, so a batch of ten every 400 ms), and what is measured is a healthy batch.
pub const CONNECTIONS: u64 = 20;

/// Batches of one connection until a Slack channel is used again: each takes a message every 1.2 s.
const CHANNEL_SETS: u64 = 8;

/// Whose requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Work {
    /// `customers.create`: the vendor knows our key.
    Stripe,
    /// `chat.postMessage`: nothing stops a second copy, so it is claimed; ten channels, each with a limit.
    Slack,
    /// `contacts.upsert`: all ten in one call.
    HubSpot,
    /// `create_event`: a lane that is data alone.
    Klaviyo,
}

impl Work {
    /// The provider's name.
    pub const fn provider(self) -> &'static str {
        match self {
            Self::Stripe => "stripe",
            Self::Slack => "slack",
            Self::HubSpot => "hubspot",
            Self::Klaviyo => "klaviyo",
        }
    }

    fn operation(self, mark: &str, place: &Place) -> (&'static str, Value) {
        let email = format!("{mark}@example.com");
        match self {
            Self::Stripe => (
                "customers.create",
                json!({"email": email, "name": "Ada Example", "metadata": {"request": mark}}),
            ),
            Self::Slack => {
                let channel = format!("C0B{:02}{}{}", place.connection, place.set, place.nth);
                (
                    "chat.postMessage",
                    json!({"channel": channel, "text": format!("Shipped: {mark}")}),
                )
            }
            Self::HubSpot => (
                "contacts.upsert",
                json!({
                    "id_property": "email", "id": email,
                    "properties": {"firstname": "Ada", "lastname": "Example", "jobtitle": "Guest"},
                }),
            ),
            Self::Klaviyo => (
                "create_event",
                json!({"data": {"type": "event", "attributes": {
                    "properties": {"order": mark},
                    "metric": {"data": {"type": "metric", "attributes": {"name": "Ordered"}}},
                    "profile": {"data": {"type": "profile", "attributes": {"email": "ada@example.com"}}},
                }}}),
            ),
        }
    }
}

struct Place {
    connection: u64,
    set: u64,
    nth: usize,
}

/// A message of the queue's.
#[derive(Clone, Debug)]
pub struct Message {
    /// SQS's id.
    pub id: String,
    body: String,
    connection: String,
    /// How often it was handed out, this time included.
    receives: u32,
}

impl Message {
    /// As it is handed out the next time.
    #[must_use]
    pub fn again(mut self) -> Self {
        self.receives += 1;
        self
    }
}

/// New messages without end.
#[derive(Debug)]
pub struct Messages {
    work: Work,
    batches: u64,
    number: u64,
}

impl Messages {
    /// From the first on.
    pub fn of(work: Work) -> Self {
        Self {
            work,
            batches: 0,
            number: 0,
        }
    }

    /// How many there were so far.
    pub fn so_far(&self) -> u64 {
        self.number
    }

    /// The next ten, all of one connection.
    pub fn batch(&mut self) -> Vec<Message> {
        let connection = self.batches % CONNECTIONS;
        let set = self.batches / CONNECTIONS % CHANNEL_SETS;
        self.batches += 1;
        (0..BATCH)
            .map(|nth| {
                self.number += 1;
                let place = Place {
                    connection,
                    set,
                    nth,
                };
                message(self.work, self.number, &place)
            })
            .collect()
    }
}

fn message(work: Work, number: u64, place: &Place) -> Message {
    let mark = format!("{MARK}{number:0DIGITS$}");
    let connection = format!("account-{:02}", place.connection);
    let (operation, payload) = work.operation(&mark, place);
    let now = OffsetDateTime::now_utc();
    let body = json!({
        "id": format!("0199a1b2-c3d4-7000-8000-{number:012x}"),
        "provider": work.provider(),
        "operation": operation,
        "connection": connection,
        "idempotency_key": mark,
        "created_at": now.format(&Rfc3339).unwrap_or_default(),
        "payload": payload,
    });
    Message {
        id: format!("5fea7756-0ea4-451a-a703-{number:012x}"),
        body: body.to_string(),
        connection,
        receives: 1,
    }
}

/// The event that Lambda makes of messages: <https://docs.aws.amazon.com/lambda/latest/dg/with-sqs.html>
pub fn event(messages: &[Message], provider: &str) -> Bytes {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let now = now.as_millis().to_string();
    let records: Vec<Value> = messages
        .iter()
        .map(|message| {
            json!({
                "messageId": message.id,
                "receiptHandle": format!("AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a{}", message.id),
                "body": message.body,
                "attributes": {
                    "ApproximateReceiveCount": message.receives.to_string(),
                    "SentTimestamp": now, "ApproximateFirstReceiveTimestamp": now,
                    "SenderId": "AIDAIENQZJOLO23YVJ4VO", "MessageGroupId": message.connection,
                },
                "messageAttributes": {},
                "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
                "eventSource": "aws:sqs",
                "eventSourceARN": format!("arn:aws:sqs:us-east-1:000000000000:bench-{provider}"),
                "awsRegion": "us-east-1",
            })
        })
        .collect();
    json!({"Records": records}).to_string().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_messages_are_one_request_and_a_batch_is_of_one_connection() {
        let mut messages = Messages::of(Work::Slack);
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..3 * CONNECTIONS {
            let batch = messages.batch();
            let connection = batch[0].connection.clone();
            for message in batch {
                assert_eq!(message.connection, connection);
                let body: Value = serde_json::from_str(&message.body).expect("JSON");
                assert!(seen.insert(body["idempotency_key"].to_string()));
            }
        }
    }
}
