//! Points in time as the system writes them down.
//!
//! Clocks are a [seam](crate::clock); everything below it gets a [`Timestamp`] as an argument.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use time::format_description::well_known::{Rfc2822, Rfc3339};

/// A point in time, in whole milliseconds since the Unix epoch (SQS and DynamoDB speak milliseconds too).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The point in time `ms` milliseconds after the Unix epoch.
    pub const fn from_millis(ms: i64) -> Self {
        Self(ms)
    }

    /// Milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the Unix epoch, rounded up: a DynamoDB `expires_at` must not come early.
    pub const fn as_secs_ceil(self) -> i64 {
        -(-self.0).div_euclid(1000)
    }

    /// Reads an RFC 3339 date-time with any offset; finer parts than a millisecond are dropped.
    ///
    /// # Errors
    /// When `text` is no RFC 3339 date-time.
    pub fn parse_rfc3339(text: &str) -> Result<Self, time::error::Parse> {
        OffsetDateTime::parse(text, &Rfc3339).map(Self::of)
    }

    /// Reads an RFC 2822 date-time, such as `Thu, 24 Aug 2023 05:01:45 +0000`.
    ///
    /// # Errors
    /// When `text` is no RFC 2822 date-time.
    pub fn parse_rfc2822(text: &str) -> Result<Self, time::error::Parse> {
        OffsetDateTime::parse(text, &Rfc2822).map(Self::of)
    }

    fn of(at: OffsetDateTime) -> Self {
        let ms = at.unix_timestamp_nanos().div_euclid(1_000_000);
        // Years 0..=9999 in milliseconds fit an i64 with six digits to spare.
        Self(i64::try_from(ms).unwrap_or(i64::MAX))
    }

    /// How long after `earlier` this is; zero when it is not after it.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_add(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, by: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(i64::try_from(by.as_millis()).unwrap_or(i64::MAX)),
        )
    }
}

impl fmt::Display for Timestamp {
    /// RFC 3339 in UTC, such as `2026-11-22T10:00:00.25Z`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)
            .ok()
            .and_then(|at| at.format(&Rfc3339).ok());
        match text {
            Some(text) => f.write_str(&text),
            None => write!(f, "{} ms after the epoch", self.0),
        }
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_are_folded_into_utc_and_print_as_rfc_3339() {
        let at = Timestamp::parse_rfc3339("2026-11-22T12:00:00.250+02:00").expect("a date-time");
        assert_eq!(at.to_string(), "2026-11-22T10:00:00.25Z");
        assert_eq!(at.as_millis(), 1_795_341_600_250);
    }

    #[test]
    fn dates_of_mail_are_read_too() {
        let at = Timestamp::parse_rfc2822("Thu, 24 Aug 2023 05:01:45 +0000").expect("a date-time");
        assert_eq!(at.to_string(), "2023-08-24T05:01:45Z");
        assert!(Timestamp::parse_rfc2822("2023-08-24T05:01:45Z").is_err());
    }

    #[test]
    fn seconds_round_up_so_that_nothing_expires_early() {
        assert_eq!(Timestamp::from_millis(1_001).as_secs_ceil(), 2);
        assert_eq!(Timestamp::from_millis(1_000).as_secs_ceil(), 1);
    }

    #[test]
    fn differences_never_go_below_zero() {
        let early = Timestamp::from_millis(5);
        let late = Timestamp::from_millis(9);
        assert_eq!(late.since(early), Duration::from_millis(4));
        assert_eq!(early.since(late), Duration::ZERO);
    }
}
