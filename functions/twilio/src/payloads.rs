//! Canonical payloads, in Twilio's own names.

use causeway::form::Arrays;
use causeway::provider::{Payload, Text, Whole, Wire};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A callback or a file: Twilio fetches it. The length is ours.
type Url = Text<1, 2048>;

/// <https://www.twilio.com/docs/messaging/api/message-resource>
///
/// Twilio wants a sender (`From` or `MessagingServiceSid`) and a content (`Body` or `MediaUrl`), and refuses what
/// has none.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct CreateMessage {
    /// E.164 (`+14155550100`), or with a channel before it (`whatsapp:+14155550100`).
    pub to: Text<1, 100>,
    /// A number, a short code, an alphanumeric sender or a channel's address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Text<1, 100>>,
    /// Lets Twilio choose the sender: `MG…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messaging_service_sid: Option<Text<34, 34>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<Text<1, 1600>>,
    /// Files to send along, at most 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_url: Option<Vec<Url>>,
    /// Where Twilio reports what becomes of the message.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_callback: Option<Url>,
    /// How many seconds it may wait at Twilio before it is given up.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub validity_period: Option<Whole<1, 36_000>>,
}

impl Payload for CreateMessage {
    fn wire(&self) -> Wire {
        Wire::post(super::listed::MESSAGES).form(self, Arrays::Repeated)
    }
}

/// A message from a template, as WhatsApp wants it: <https://www.twilio.com/docs/content/send-templates-created-with-the-content-template-builder>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct CreateFromContent {
    pub to: Text<1, 100>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<Text<1, 100>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messaging_service_sid: Option<Text<34, 34>>,
    /// The template: `HX…`.
    pub content_sid: Text<34, 34>,
    /// What the template's places stand for, JSON as text. The length is ours.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub content_variables: Option<Text<2, 16_000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_callback: Option<Url>,
}

impl Payload for CreateFromContent {
    fn wire(&self) -> Wire {
        Wire::post(super::listed::MESSAGES).form(self, Arrays::Repeated)
    }
}

/// <https://www.twilio.com/docs/voice/api/call-resource>
///
/// Twilio wants to know what to do when it is answered (`Url`, `Twiml` or `ApplicationSid`), and refuses what has none.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "PascalCase")]
pub struct CreateCall {
    /// A number in E.164, a SIP address or `client:…`.
    pub to: Text<1, 1000>,
    /// One of the account's numbers or verified caller ids.
    pub from: Text<1, 1000>,
    /// Where Twilio fetches the instructions.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<Url>,
    /// The instructions themselves.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub twiml: Option<Text<1, 4000>>,
    /// An application that knows the instructions: `AP…`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub application_sid: Option<Text<34, 34>>,
    /// Where Twilio reports how the call goes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_callback: Option<Url>,
    /// What is reported: `initiated`, `ringing`, `answered`, `completed`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status_callback_event: Option<Vec<Text<1, 20>>>,
    /// How many seconds it rings.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Whole<1, 600>>,
}

impl Payload for CreateCall {
    fn wire(&self) -> Wire {
        Wire::post("/2010-04-01/Accounts/{account_sid}/Calls.json").form(self, Arrays::Repeated)
    }
}
