//! The canonical payloads: what producers send, what the lane checks, and what Guesty gets.

use causeway::provider::{Payload, Text, Whole, Wire, segment};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

/// Guesty's ids are 24 hexadecimal digits. Longest texts are ours where Guesty gives none.
type Id = Text<1, 64>;
/// A day in the listing's time zone: `2026-12-01`.
type Day = Text<10, 10>;
type Name = Text<1, 255>;
type Email = Text<3, 254>;
/// E.164.
type Phone = Text<3, 32>;

/// <https://open-api-docs.guesty.com/reference/reservationsopenapicontroller_quickbooking>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CreateReservation {
    check_in_date_localized: Day,
    check_out_date_localized: Day,
    listing_id: Id,
    /// What the price is asked for: `manual`.
    source: Name,
    status: ReservationStatus,
    guests_count: Whole<1, 1000>,
    /// A guest who is there already; Guesty recommends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    guest_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    guest: Option<Guest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_plan_id: Option<Id>,
    #[serde(skip_serializing_if = "Option::is_none")]
    coupon_code: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_calendar: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_terms: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ignore_blocks: Option<bool>,
    /// What the guest knows it by; Guesty makes one where none is given.
    #[serde(skip_serializing_if = "Option::is_none")]
    confirmation_code: Option<Text<1, 50>>,
    /// The system that it comes from. Its id there, `originId`, is the lane's.
    #[serde(skip_serializing_if = "Option::is_none")]
    origin: Option<Text<1, 50>>,
}

/// Those that a reservation can begin with.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum ReservationStatus {
    Inquiry,
    Reserved,
    AwaitingPayment,
    Confirmed,
}

/// All four are required by Guesty.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct Guest {
    first_name: Name,
    last_name: Name,
    phones: Vec<Phone>,
    email: Email,
}

impl Payload for CreateReservation {
    fn wire(&self) -> Wire {
        Wire::post("/v1/reservations-v3").json(self)
    }
}

/// <https://open-api-docs.guesty.com/reference/guestsopenapicontroller_createguest>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct CreateGuest {
    first_name: Name,
    last_name: Name,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<Email>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<Phone>,
    /// Attention notes, shown with all reservations of the guest.
    #[serde(skip_serializing_if = "Option::is_none")]
    notes: Option<Text<1, 5000>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tags: Option<Vec<Text<1, 100>>>,
}

impl Payload for CreateGuest {
    fn wire(&self) -> Wire {
        Wire::post("/v1/guests-crud").json(self)
    }
}

/// <https://open-api-docs.guesty.com/reference/post_communication-conversations-conversationid-send-message>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SendMessage {
    conversation_id: Id,
    /// The way that it takes.
    module: Module,
    /// The message itself.
    body: Text<1, 20_000>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Module {
    #[serde(rename = "type")]
    kind: ModuleKind,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<Vec<Email>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cc: Option<Vec<Email>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bcc: Option<Vec<Email>>,
}

/// Owners' conversations take no `airbnb2`; `platform` goes there as an email.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub(crate) enum ModuleKind {
    Email,
    Sms,
    Whatsapp,
    Airbnb2,
    Platform,
    Note,
    Log,
}

impl Payload for SendMessage {
    fn wire(&self) -> Wire {
        let conversation = segment(self.conversation_id.as_str());
        let path = format!("/v1/communication/conversations/{conversation}/send-message");
        Wire::post(path).json(&json!({ "module": self.module, "body": self.body }))
    }
}
