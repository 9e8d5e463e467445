//! The one way in which every store fails.

/// Causes of an error that are told; an SDK's has a handful.
const CAUSES_MAX: usize = 8;

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

    /// `operation` failed for what `error` and its causes say: never by their `Debug`, which may hold a reply's body.
    pub fn caused(operation: &'static str, error: &dyn std::error::Error) -> Self {
        let mut reason = error.to_string();
        let mut cause = error.source();
        for _ in 0..CAUSES_MAX {
            let Some(inner) = cause else { break };
            reason = format!("{reason}: {inner}");
            cause = inner.source();
        }
        Self::new(operation, reason)
    }
}
