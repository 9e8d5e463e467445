//! A dead letter as it stands in its queue: the request as the producer wrote it, and what its lane said of it.

use std::collections::BTreeMap;
use std::fmt;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName as System};
use causeway::Timestamp;
use causeway::queue::attributes;
use causeway::request::{DecodeError, Request};
use causeway_insights::explain::NO_CODE;
use serde::Serialize;

/// One dead letter, held by this command.
#[derive(Clone, PartialEq)]
pub struct Letter {
    /// SQS's id of the letter itself.
    pub message_id: String,
    /// What this receive is answered with.
    pub receipt: String,
    /// The request, as the producer wrote it: never shown unless asked for.
    pub body: String,
    /// When it was put into the dead-letter queue.
    pub sent_at: Timestamp,
    /// Times that somebody read it, this one included.
    pub receives: u32,
    /// Fair-queue group; goes along.
    pub group_id: Option<String>,
    /// The producer's trace; goes along.
    pub trace_header: Option<String>,
    /// What its lane said of it.
    pub said: Said,
    /// The body, read.
    pub request: Result<Request, DecodeError>,
}

/// A letter's attributes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Said {
    /// Why it is here; `no_code` where nobody said.
    pub code: String,
    /// In more words, redacted by the lane.
    pub detail: Option<String>,
    /// Attempts made.
    pub attempts: Option<u32>,
    /// The vendor's last HTTP status.
    pub provider_status: Option<u16>,
    /// When the request was first seen.
    pub first_seen: Option<String>,
    /// When the last attempt was made.
    pub last_attempt: Option<String>,
    /// The request's id.
    pub request_id: Option<String>,
    /// The connection.
    pub connection: Option<String>,
    /// The operation.
    pub operation: Option<String>,
    /// The end that it tells of: the record's `closing` then.
    #[serde(skip)]
    pub mark: Option<u64>,
    /// The revision of the pack that accepted it.
    #[serde(skip)]
    pub revision: Option<u32>,
}

impl Letter {
    /// Reads what SQS delivered; none where it lacks what every message has.
    pub fn of(message: Message) -> Option<Self> {
        let system = message.attributes.unwrap_or_default();
        let system = |name: System| system.get(&name).cloned();
        let said = message.message_attributes.unwrap_or_default();
        let said: BTreeMap<String, String> = said
            .into_iter()
            .filter_map(|(name, value)| Some((name, value.string_value?)))
            .collect();
        let sent_at: Option<i64> = system(System::SentTimestamp).and_then(|ms| ms.parse().ok());
        let receives = system(System::ApproximateReceiveCount).and_then(|count| count.parse().ok());
        Some(Self::new(
            message.message_id?,
            message.receipt_handle?,
            message.body?,
            &said,
        ))
        .map(|letter| Self {
            sent_at: Timestamp::from_millis(sent_at.unwrap_or_default()),
            receives: receives.unwrap_or(1),
            group_id: system(System::MessageGroupId),
            trace_header: system(System::AwsTraceHeader),
            ..letter
        })
    }

    /// A letter of this body, with these attributes.
    pub fn new(
        message_id: String,
        receipt: String,
        body: String,
        said: &BTreeMap<String, String>,
    ) -> Self {
        Self {
            request: Request::decode(&body),
            message_id,
            receipt,
            body,
            sent_at: Timestamp::from_millis(0),
            receives: 1,
            group_id: None,
            trace_header: None,
            said: Said::of(said),
        }
    }

    /// Key of the request's record, where the body could be read.
    pub fn pk(&self) -> Option<String> {
        let request = self.request.as_ref().ok()?;
        Some(request.ledger_key().as_str().to_owned())
    }

    /// The operation: as the body names it, else as the lane did.
    pub fn operation(&self) -> Option<&str> {
        match &self.request {
            Ok(request) => Some(&request.operation),
            Err(_) => self.said.operation.as_deref(),
        }
    }

    /// Whether a person who writes `wanted` means this one: the letter's id, the request's id, its key, or all of
    /// `provider#connection#key`.
    pub fn is_meant_by(&self, wanted: &str) -> bool {
        let by_request = self.request.as_ref().is_ok_and(|request| {
            request.key.as_str() == wanted
                || request.id.as_deref() == Some(wanted)
                || request.ledger_key().as_str() == wanted
        });
        by_request || self.message_id == wanted || self.said.request_id.as_deref() == Some(wanted)
    }
}

impl Said {
    fn of(said: &BTreeMap<String, String>) -> Self {
        let text = |name: &str| said.get(name).cloned();
        Self {
            code: text("code").unwrap_or_else(|| NO_CODE.to_owned()),
            // The lane's word for an empty one, since SQS takes none.
            detail: text("detail").filter(|detail| detail != "-"),
            attempts: text("attempts").and_then(|count| count.parse().ok()),
            provider_status: text("provider_status").and_then(|status| status.parse().ok()),
            first_seen: text("first_seen"),
            last_attempt: text("last_attempt"),
            request_id: text("request_id"),
            connection: text("connection"),
            operation: text("operation"),
            mark: attributes::mark(|name| said.get(name).map(String::as_str)),
            revision: attributes::revision(|name| said.get(name).map(String::as_str)),
        }
    }
}

/// Bodies hold personal data: they are in no text that anybody makes of a letter.
impl fmt::Debug for Letter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Letter")
            .field("message_id", &self.message_id)
            .field("sent_at", &self.sent_at)
            .field("said", &self.said)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
pub mod tests {
    use super::*;

    /// A letter of `body` with these attributes.
    pub fn letter(body: &str, said: &[(&str, &str)]) -> Letter {
        let said = said
            .iter()
            .map(|(name, text)| ((*name).to_owned(), (*text).to_owned()))
            .collect();
        Letter::new("m-1".into(), "r-1".into(), body.to_owned(), &said)
    }

    const BODY: &str = r#"{"provider":"stripe","operation":"customers.create","idempotency_key":"order-1",
        "created_at":"2026-11-22T10:00:00Z","payload":{"email":"ada@example.com"}}"#;

    #[test]
    fn a_letter_is_found_by_id_key_and_whole_key() {
        let letter = letter(BODY, &[("request_id", "r-7")]);
        for wanted in ["m-1", "order-1", "stripe#default#order-1", "r-7"] {
            assert!(letter.is_meant_by(wanted), "{wanted}");
        }
        assert!(!letter.is_meant_by("order"));
    }

    #[test]
    fn what_the_lane_did_not_say_is_left_out() {
        let bare = letter("not JSON", &[]);
        assert_eq!(bare.said.code, NO_CODE);
        assert_eq!((bare.pk(), bare.operation()), (None, None));
        let told = letter(
            "not JSON",
            &[("detail", "-"), ("operation", "a.b"), ("attempts", "3")],
        );
        assert_eq!(told.said.detail, None);
        assert_eq!(told.operation(), Some("a.b"));
        assert_eq!(told.said.attempts, Some(3));
    }

    #[test]
    fn no_text_made_of_a_letter_holds_its_body() {
        assert!(!format!("{:?}", letter(BODY, &[])).contains("example.com"));
    }
}
