//! From Lambda's SQS event to messages.

use aws_lambda_events::event::sqs::{SqsEvent, SqsMessage};

use crate::Timestamp;
use crate::queue::{Message, attributes};

/// The event's messages, and the ids of records that lack what every SQS record has: they are reported as failed and
/// come back.
pub(super) fn messages(event: SqsEvent) -> (Vec<Message>, Vec<String>) {
    let (mut messages, mut unreadable) = (Vec::with_capacity(event.records.len()), Vec::new());
    for record in event.records {
        let id = record.message_id.clone().unwrap_or_default();
        match message(record) {
            Some(message) => messages.push(message),
            None => unreadable.push(id),
        }
    }
    (messages, unreadable)
}

fn message(record: SqsMessage) -> Option<Message> {
    let attribute = |name: &str| record.attributes.get(name).cloned();
    let time = |name: &str| {
        let ms = attribute(name)?.parse().ok()?;
        Some(Timestamp::from_millis(ms))
    };
    let sent_at = time("SentTimestamp")?;
    let id = record.message_id?;
    let message = Message {
        receive_count: attribute("ApproximateReceiveCount")?.parse().ok()?,
        sent_at,
        first_seen: sent_at,
        mark: None,
        revision: None,
        group_id: attribute("MessageGroupId"),
        trace_header: attribute("AWSTraceHeader"),
        origin: id.clone(),
        id,
        receipt_handle: record.receipt_handle?,
        body: record.body.unwrap_or_default(),
    };
    let attributes = record.message_attributes;
    Some(attributes::with_history(message, |name| {
        attributes.get(name)?.string_value.as_deref()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_as_lambda_sends_it_becomes_a_message() {
        let event: SqsEvent = serde_json::from_str(
            r#"{"Records": [
                {"messageId": "m1", "receiptHandle": "r1", "body": "{}", 
                 "messageAttributes": {"first_seen": {"stringValue": "2018-12-01T00:00:00Z", "dataType": "String"}},
                 "attributes": {"ApproximateReceiveCount": "2", "SentTimestamp": "1545082649183",
                                "SenderId": "AIDA", "ApproximateFirstReceiveTimestamp": "1545082649185",
                                "AWSTraceHeader": "Root=1-5759e988-bd862e3fe1be46a994272793"},
                 "md5OfBody": "", "eventSource": "aws:sqs", "awsRegion": "us-east-1",
                 "eventSourceARN": "arn:aws:sqs:us-east-1:123456789012:queue"},
                {"messageId": "m2", "receiptHandle": "r2", "body": "{}", "attributes": {}, "messageAttributes": {}}
            ]}"#,
        )
        .expect("an SQS event");
        let (messages, unreadable) = messages(event);
        assert_eq!(unreadable, ["m2"]);
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].receive_count, 2);
        assert_eq!(
            messages[0].sent_at,
            Timestamp::from_millis(1_545_082_649_183)
        );
        assert_eq!(messages[0].origin, "m1");
        assert_eq!(messages[0].first_seen.to_string(), "2018-12-01T00:00:00Z");
        assert_eq!(
            messages[0].trace_header.as_deref(),
            Some("Root=1-5759e988-bd862e3fe1be46a994272793")
        );
    }
}
