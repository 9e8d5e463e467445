//! The canonical payloads: what producers send, what the lane checks, and what Seam gets.

use causeway::Timestamp;
use causeway::provider::{Json, Payload, Text, Wire};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ids are UUIDs; longest texts are ours, not Seam's, which says itself what a lock does not take.
type Id = Text<1, 64>;
type Name = Text<1, 255>;
/// The digits. How many a lock takes is the device's affair.
type Code = Text<1, 32>;
/// ISO 8601.
type Time = Text<1, 40>;

/// <https://docs.seam.co/latest/api/access_codes/create>
///
/// Seam could do without the name; the lookup could not tell one nameless code from another.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreateAccessCode {
    /// The lock.
    device_id: Id,
    /// What people know the code by.
    name: Name,
    /// Where it is not given, Seam makes one.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    /// From when it opens the lock; at once where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<Time>,
    /// Until when; for good where it is not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    is_external_modification_allowed: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    prefer_native_scheduling: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    use_backup_access_code_pool: Option<bool>,
}

impl Payload for CreateAccessCode {
    fn wire(&self) -> Wire {
        Wire::post("/access_codes/create").json(self)
    }
}

/// <https://docs.seam.co/latest/api/access_codes/update>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpdateAccessCode {
    access_code_id: Id,
    /// The lock that it is on: limits count for it.
    device_id: Id,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<Name>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<Code>,
    #[serde(skip_serializing_if = "Option::is_none")]
    starts_at: Option<Time>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ends_at: Option<Time>,
}

impl Payload for UpdateAccessCode {
    fn wire(&self) -> Wire {
        Wire::post("/access_codes/update").json(self)
    }
}

/// <https://docs.seam.co/latest/api/access_codes/delete>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct DeleteAccessCode {
    access_code_id: Id,
    /// The lock that it is on: limits count for it.
    device_id: Id,
}

impl Payload for DeleteAccessCode {
    fn wire(&self) -> Wire {
        Wire::post("/access_codes/delete").json(self)
    }
}

/// When a code opens its lock; without an end, for good.
#[derive(PartialEq)]
pub(crate) struct Window {
    starts_at: Option<Timestamp>,
    ends_at: Option<Timestamp>,
}

impl Window {
    /// Of a code as we send it, or as Seam lists it; none where a time cannot be read.
    pub(crate) fn of(code: &Json) -> Option<Self> {
        let time = |field: &str| match &code[field] {
            Json::Null => Some(None),
            Json::String(text) => Timestamp::parse_rfc3339(text).ok().map(Some),
            _ => None,
        };
        Some(Self {
            starts_at: time("starts_at")?,
            ends_at: time("ends_at")?,
        })
    }

    /// Whether there is an instant in both.
    pub(crate) fn overlaps(&self, other: &Self) -> bool {
        let before = |ends: Option<Timestamp>, starts: Option<Timestamp>| {
            ends.zip(starts).is_some_and(|(end, start)| end <= start)
        };
        !before(self.ends_at, other.starts_at) && !before(other.ends_at, self.starts_at)
    }
}
