//! What the ledger keeps of a request.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::outcome::Code;
use crate::request::LedgerKey;

/// How long a record lives after its last write: longer than a message can spend in its queue and the dead-letter
/// queue together (14 + 14 days).
pub const LIFE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The format of the records that this release writes.
pub const FORMAT_VERSION: u32 = 1;

/// What stands between a key and the rest where a record stands beside the key's own: a character that no key holds.
pub const BESIDE: char = '\u{1f}';

/// The request that the record under `pk` is of, one beside the key's own among them; none where it is no such key.
pub fn request_of(pk: &str) -> Option<LedgerKey> {
    LedgerKey::parse(pk.split(BESIDE).next()?)
}

/// The attribute by which the index knows a record: only what it lists has it, so that all else costs nothing there.
pub const OPEN: &str = "open";

/// The value of [`OPEN`] under which the index has a provider's requests of a status.
pub(super) fn open(provider: &str, status: Status) -> String {
    format!("{provider}#{}", status.word())
}

/// Where a request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Somebody holds a claim on it.
    InProgress,
    /// An attempt failed, or a claim was released; the next one is due at `next_attempt_at`.
    Retrying,
    /// It took effect.
    Completed,
    /// It ended without effect, and none will come.
    Rejected,
    /// It may have taken effect.
    Unknown,
}

impl Status {
    /// The status as it stands in the item.
    pub const fn word(self) -> &'static str {
        match self {
            Self::InProgress => "IN_PROGRESS",
            Self::Retrying => "RETRYING",
            Self::Completed => "COMPLETED",
            Self::Rejected => "REJECTED",
            Self::Unknown => "UNKNOWN",
        }
    }

    /// Whether the index lists it: whose requests are not delivered, and in nobody's hands.
    pub const fn is_listed(self) -> bool {
        matches!(self, Self::Retrying | Self::Rejected | Self::Unknown)
    }
}

/// One request's record. At most 1 KB, so that a write is one write unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Record {
    /// `provider#connection#key`.
    pub pk: String,
    /// Format of this record.
    pub format_version: u32,
    /// Where the request stands.
    pub status: Status,
    /// SHA-256 of payload, operation and mapping: the same key with another payload is a conflict.
    pub payload_hash: String,
    /// SHA-256 of the call last sent: the vendor compares it when it sees our key again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub wire_hash: Option<String>,
    /// Who holds, or last held, the claim: unique per invocation and record.
    pub owner: String,
    /// Counts claims: with `owner` the fence behind which a late writer stays.
    pub generation: u64,
    /// Counts fresh starts; part of the key that the vendor is sent.
    pub series: u32,
    /// End of the claim.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease_until: Option<Timestamp>,
    /// When the present, or the last, claim was taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub claimed_at: Option<Timestamp>,
    /// Attempts made in this series.
    pub attempts: u32,
    /// When this series' first attempt was made; before it, when it was first claimed.
    pub series_since: Timestamp,
    /// When the next attempt is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_at: Option<Timestamp>,
    /// When the request was first seen by its lane.
    pub first_seen: Timestamp,
    /// When a call that is not proven void was first sent, or the claim for it was taken, where its end is not known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_sent_at: Option<Timestamp>,
    /// When the last attempt was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Timestamp>,
    /// Whether an attempt may have taken effect.
    pub ambiguous: bool,
    /// Whether the present holder runs it apart from its batch.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub alone: bool,
    /// Leases that ended while it ran alone.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub crashes: u32,
    /// The SQS message that last worked on it.
    pub message_id: String,
    /// What the vendor answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub response: Option<Response>,
    /// Why it ended, or why the last attempt failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<Code>,
    /// The code in more words, at most [`detail_room`](Self::detail_room).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// The generation of the last end that a lane wrote, which that end's letters carry as their mark; 0 before the
    /// first one. A ruling leaves it.
    #[serde(default, skip_serializing_if = "is_none_yet")]
    pub closing: u64,
    /// When that was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_at: Option<Timestamp>,
    /// When an operator last ruled on it; who did stands in `owner`, how they knew in `detail`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_at: Option<Timestamp>,
    /// When the table may forget it, in seconds since the epoch; none while it may have an unknown effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<i64>,
}

fn is_zero(count: &u32) -> bool {
    *count == 0
}

fn is_none_yet(closing: &u64) -> bool {
    *closing == 0
}

/// What the vendor answered, in so few bytes that the record stays one write unit.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// The vendor's id of what was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object_id: Option<String>,
}

impl Record {
    /// Longest stored detail: it is written for a person, and a record should stay one write unit (1 KB).
    pub const MAX_DETAIL_BYTES: usize = 256;

    /// Longest stored object id. Vendors' ids have some 30 bytes; a cut one finds nothing, so that a rare long one
    /// may rather cost a second write unit.
    pub const MAX_OBJECT_ID_BYTES: usize = 255;

    /// What key, detail and the place in the index share of the 1024 bytes of a write unit: all other fields take at
    /// most 575.
    const KEY_AND_DETAIL_BYTES: usize = 449;

    /// How long this record's detail may be: a long key (385 bytes at most) shortens it.
    pub fn detail_room(&self) -> usize {
        let listed = OPEN.len() + open(self.provider(), Status::Rejected).len();
        Self::KEY_AND_DETAIL_BYTES
            .saturating_sub(self.pk.len() + listed)
            .min(Self::MAX_DETAIL_BYTES)
    }

    /// Whose API is called.
    pub fn provider(&self) -> &str {
        self.pk.split('#').next().unwrap_or_default()
    }

    /// Where the [index](super::index) has it, the value of the attribute [`OPEN`]; none where it does not.
    pub fn open(&self) -> Option<String> {
        let is_listed = self.status.is_listed();
        is_listed.then(|| open(self.provider(), self.status))
    }

    /// Whether the table may already have forgotten it: DynamoDB deletes late, so a reader looks for itself.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at
            .is_some_and(|at| at * 1000 < now.as_millis())
    }
}
