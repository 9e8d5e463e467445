//! The one way in which every store fails.

/// A store that did not answer, or answered what cannot be read. Nothing is known of a write that failed so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{operation} failed: {reason}")]
pub struct StoreError {
    /// The call that failed.
    pub operation: &'static str,
    /// What the service or the client said; never an item's content.
    pub reason: String,
}

impl StoreError {
    /// `operation` failed for `reason`.
    pub fn new(operation: &'static str, reason: impl Into<String>) -> Self {
        Self {
            operation,
            reason: reason.into(),
        }
    }

    /// What `operation` found is not of the format that this release reads. The parser's own words would quote it.
    pub(crate) fn unreadable(operation: &'static str) -> Self {
        Self::new(operation, "not of a format that this release reads")
    }
}
