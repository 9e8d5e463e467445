//! Why a body is no request: a bounded code, and a detail that names the field and the rule but no value.

use super::{MAX_DEPTH, MAX_REQUEST_BYTES};

/// Why [`Request::decode`](super::Request::decode) refused a body.
///
/// Its text may leave the system (dead-letter attribute, HTTP answer): it holds paths, rules and at most 40
/// characters of a number, never text out of the body's values, and stays below 1 KiB.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The body is longer than a request may be.
    #[error("the body has {bytes} bytes; a request has at most {MAX_REQUEST_BYTES}")]
    TooLarge {
        /// The body's length in bytes.
        bytes: usize,
    },
    /// The body is not JSON, or no JSON object.
    #[error("the body must be one JSON object: {problem}")]
    Malformed {
        /// What the parser says and where, in its own fixed words.
        problem: String,
    },
    /// Objects and arrays stand in each other deeper than anything further on could follow.
    #[error("the body must be one JSON object: nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
    /// A required field is not there.
    #[error("{field}: {rule}")]
    MissingField {
        /// The top-level field.
        field: &'static str,
        /// When it must be there.
        rule: &'static str,
    },
    /// A field does not keep its rule.
    #[error("{field}: {rule}")]
    InvalidField {
        /// The top-level field.
        field: &'static str,
        /// What it must be.
        rule: &'static str,
    },
    /// A top-level field that requests do not have: a misspelt `deadline` must not be silently without effect.
    #[error("{path}: is not a field of a request")]
    UnknownField {
        /// The field as it was written, cut.
        path: String,
    },
    /// An object has a key twice: which of the two was meant, and which one the hash would see, is anybody's guess.
    #[error("{path}: is given more than once")]
    DuplicateField {
        /// Where, such as `payload.items[3].sku`, cut.
        path: String,
    },
    /// A number that the next program to read it might round: two different requests would become one.
    #[error("{path}: {number} is not exact as a double")]
    NumberNotExact {
        /// Where, cut.
        path: String,
        /// The number as it was written, cut.
        number: String,
    },
}

impl DecodeError {
    /// The error's kind, for metrics and logs.
    pub const fn code(&self) -> &'static str {
        match self {
            Self::TooLarge { .. } => "request_too_large",
            Self::Malformed { .. } | Self::TooDeep => "malformed_json",
            Self::MissingField { .. } => "missing_field",
            Self::InvalidField { .. } => "invalid_field",
            Self::UnknownField { .. } => "unknown_field",
            Self::DuplicateField { .. } => "duplicate_field",
            Self::NumberNotExact { .. } => "number_not_exact",
        }
    }

    /// The error in words: at most 1 KiB, fit for a dead-letter attribute.
    pub fn detail(&self) -> String {
        self.to_string()
    }
}
