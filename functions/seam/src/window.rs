//! When an access code opens its lock.

use causeway::Timestamp;
use causeway::provider::Json;

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
