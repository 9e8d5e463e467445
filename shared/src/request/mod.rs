//! The request: the words that producers, the ledger and every lane share.
//!
//! A producer's text becomes a [`Request`] in [`Request::decode`] or not at all: size, syntax, duplicate keys,
//! inexact numbers and every top-level field are checked there, so that nothing further on meets a wrong value.
//! Two requests are the same one when their [`LedgerKey`]s are equal, and ask for the same thing when their
//! payload hashes are.

mod canonical;
mod decode;
mod error;
mod key;
mod number;
mod path;
mod peek;
mod scan;

use std::fmt;

use serde_json::Value;

use crate::Timestamp;

pub use canonical::{Hash, canonical_json};
pub use decode::{MAX_DEPTH, MAX_REQUEST_BYTES};
pub use error::DecodeError;
pub use key::{IdempotencyKey, InvalidKey, InvalidName, LedgerKey, MAX_NAME_LEN, Name, vendor_key};
pub use peek::{MAX_PEEK_BYTES, Peek};

/// One request, decoded and checked as far as that is possible without knowing the operation.
#[derive(Clone, PartialEq)]
pub struct Request {
    /// UUIDv7 in text form, assigned at ingest; a producer that sends to the queue itself may leave it out.
    pub id: Option<String>,
    /// Whose API is called.
    pub provider: Name,
    /// What is asked of it, such as `customers.create`; of the same pattern as a [`Name`].
    pub operation: String,
    /// Which account at the provider; [`Name::default_connection`] where the producer names none.
    pub connection: Name,
    /// What makes it the same request when it comes again: the producer's key, else one derived from the content.
    pub key: IdempotencyKey,
    /// When the producer says that it made the request; it may be left out where a key is given.
    pub created_at: Option<Timestamp>,
    /// A JSON object: in the operation's canonical shape, or in the source's own where a mapping is named.
    pub payload: Value,
    /// Name of the mapping that turns the payload into the canonical shape; of the same pattern as a [`Name`].
    pub mapping: Option<String>,
    /// Past it the request is not carried out any more.
    pub deadline: Option<Timestamp>,
    /// SHA-256 of what is asked for: operation, payload and, where one is named, mapping.
    pub payload_hash: Hash,
}

impl Request {
    /// Reads a request as it stands in a message's body.
    ///
    /// Optional fields are left out, not `null`: a `null` key is more likely a producer's mistake than its wish
    /// to have one derived.
    ///
    /// # Errors
    /// With the first rule that `body` breaks, and where. A rejected body may still tell who it belongs to: see
    /// [`Request::peek`].
    pub fn decode(body: &str) -> Result<Self, DecodeError> {
        decode::decode(body)
    }

    /// What can be read of a body that [`decode`](Self::decode) refuses.
    pub fn peek(body: &str) -> Peek {
        peek::peek(body)
    }

    /// The primary key of this request's record.
    pub fn ledger_key(&self) -> LedgerKey {
        LedgerKey::new(&self.provider, &self.connection, &self.key)
    }
}

/// Payloads hold personal data: their hash stands for them.
impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Request")
            .field("id", &self.id)
            .field("ledger_key", &self.ledger_key())
            .field("operation", &self.operation)
            .field("mapping", &self.mapping)
            .field("created_at", &self.created_at)
            .field("deadline", &self.deadline)
            .field("payload_hash", &self.payload_hash)
            .finish_non_exhaustive()
    }
}
