//! How requests end here: taken by ingest, or not and why.

use serde::{Deserialize, Serialize};

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// The line that it begins on.
    pub line: u64,
    /// The rest.
    #[serde(flatten)]
    pub end: End,
    /// Its text, where it is worth keeping: it was not accepted.
    #[serde(skip)]
    pub text: Option<String>,
}

/// How it ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum End {
    /// It is on its lane's queue.
    Accepted {
        /// Its id.
        id: String,
        /// The key under which it is followed.
        idempotency_key: String,
    },
    /// It is not, or nobody knows.
    Refused(Refusal),
}

/// Why a request was not accepted.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Refusal {
    /// The word for programs.
    pub code: String,
    /// The rule, for people.
    pub detail: String,
    /// Whether the same request may be accepted later.
    pub retryable: bool,
    /// The fields that are wrong.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<FieldError>,
}

/// A field that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldError {
    /// Where it stands.
    pub field: String,
    /// What it must be.
    pub rule: String,
}

/// What ingest answers for a list.
#[derive(Deserialize)]
pub(super) struct Results {
    /// One a request, in their order.
    pub results: Vec<Outcome>,
}

/// What ingest says of one request.
#[derive(Deserialize)]
#[serde(untagged)]
pub(super) enum Outcome {
    Accepted { id: String, idempotency_key: String },
    Refused(Refusal),
}

impl Refusal {
    pub(super) fn of(code: &str, detail: impl Into<String>, retryable: bool) -> Self {
        Self {
            code: code.to_owned(),
            detail: detail.into(),
            retryable,
            errors: Vec::new(),
        }
    }

    /// One line for a person: field and rule where they are known.
    #[must_use]
    pub fn sentence(&self) -> String {
        if self.errors.is_empty() {
            return format!("{}: {}", self.code, self.detail);
        }
        let errors = self.errors.iter();
        let errors: Vec<_> = errors
            .map(|error| format!("{}: {}", error.field, error.rule))
            .collect();
        format!("{}: {}", self.code, errors.join("; "))
    }
}

impl End {
    pub(super) fn is_retryable(&self) -> bool {
        matches!(self, Self::Refused(refusal) if refusal.retryable)
    }
}

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Accepted {
                id,
                idempotency_key,
            } => Self::Accepted {
                id,
                idempotency_key,
            },
            Outcome::Refused(refusal) => Self::Refused(refusal),
        }
    }
}
