//! Times and durations as people at a terminal write and read them.

use std::time::Duration;

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use serde::{Serialize, Serializer};
use time::macros::format_description;
use time::{OffsetDateTime, UtcOffset};

const MINUTE: u64 = 60;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

/// The present, where the person is.
#[derive(Clone, Copy, Debug)]
pub struct Now {
    /// The time.
    pub at: Timestamp,
    offset: UtcOffset,
}

/// The person's distance from UTC; zero where the system does not tell. The crate `time` could tell too, by a feature
/// that would have the whole SDK compiled anew for this one program.
#[must_use]
pub fn local_offset() -> UtcOffset {
    let seconds = chrono::Local::now().offset().local_minus_utc();
    UtcOffset::from_whole_seconds(seconds).unwrap_or(UtcOffset::UTC)
}

impl Now {
    /// The machine's time, shown with this offset.
    #[must_use]
    pub fn here(offset: UtcOffset) -> Self {
        Self::at(SystemClock.now(), offset)
    }

    /// A time of one's own choice, for tests.
    #[must_use]
    pub const fn at(at: Timestamp, offset: UtcOffset) -> Self {
        Self { at, offset }
    }

    /// `at` as a date and time with its offset.
    #[must_use]
    pub fn date(&self, at: Timestamp) -> String {
        let format = format_description!(
            "[year]-[month]-[day] [hour]:[minute]:[second] [offset_hour sign:mandatory]:[offset_minute]"
        );
        let seconds = at.as_millis().div_euclid(1000);
        let text = OffsetDateTime::from_unix_timestamp(seconds)
            .ok()
            .and_then(|at| at.checked_to_offset(self.offset))
            .and_then(|at| at.format(format).ok());
        text.unwrap_or_else(|| at.to_string())
    }

    /// How far away `at` is: `3 min ago`, `in 2 h`.
    #[must_use]
    pub fn distance(&self, at: Timestamp) -> String {
        let (past, future) = (self.at.since(at), at.since(self.at));
        if past.as_secs() == 0 && future.as_secs() == 0 {
            return "now".to_owned();
        }
        if future > Duration::ZERO {
            return format!("in {}", span(future));
        }
        format!("{} ago", span(past))
    }

    /// Both: `2026-11-22 11:00:00 +01:00 (3 min ago)`.
    #[must_use]
    pub fn both(&self, at: Timestamp) -> String {
        format!("{} ({})", self.date(at), self.distance(at))
    }
}

/// A duration in its two largest units.
#[must_use]
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    let two = |large: u64, large_name: &str, small: u64, small_name: &str| match small {
        0 => format!("{large} {large_name}"),
        _ => format!("{large} {large_name} {small} {small_name}"),
    };
    match seconds {
        0..MINUTE => format!("{seconds} s"),
        MINUTE..HOUR => two(seconds / MINUTE, "min", seconds % MINUTE, "s"),
        HOUR..DAY => two(seconds / HOUR, "h", seconds % HOUR / MINUTE, "min"),
        _ => two(seconds / DAY, "d", seconds % DAY / HOUR, "h"),
    }
}

/// Reads `90s`, `15m`, `2h`, `7d`: for clap.
///
/// # Errors
/// When it is something else.
pub fn duration(text: &str) -> Result<Duration, String> {
    const RULE: &str = "a whole number and a unit: 90s, 15m, 2h or 7d";
    let (number, unit) = text
        .char_indices()
        .next_back()
        .map_or(("", ""), |(at, _)| text.split_at(at));
    let unit = match unit {
        "s" => 1,
        "m" => MINUTE,
        "h" => HOUR,
        "d" => DAY,
        _ => return Err(RULE.to_owned()),
    };
    let number: u64 = number.parse().map_err(|_| RULE.to_owned())?;
    let seconds = number.checked_mul(unit).filter(|seconds| *seconds > 0);
    seconds
        .map(Duration::from_secs)
        .ok_or_else(|| RULE.to_owned())
}

/// A time in a JSON result: RFC 3339 in UTC.
///
/// # Errors
/// The serializer's.
pub fn rfc3339<S: Serializer>(at: &Timestamp, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(at)
}

/// A time in a JSON result that may be missing.
///
/// # Errors
/// The serializer's.
pub fn maybe_rfc3339<S: Serializer>(
    at: &Option<Timestamp>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    at.map(|at| at.to_string()).serialize(serializer)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_348_800_000);

    #[test]
    fn a_time_is_shown_where_the_person_is_and_how_far_away_it_is() {
        let offset = UtcOffset::from_hms(-5, -30, 0).expect("an offset");
        let now = Now::at(NOON, offset);
        let before = NOON - Duration::from_secs(3 * MINUTE + 5);
        assert_eq!(
            now.both(before),
            "2026-11-22 06:26:55 -05:30 (3 min 5 s ago)"
        );
        assert_eq!(now.distance(NOON + Duration::from_secs(2 * HOUR)), "in 2 h");
        assert_eq!(now.distance(NOON + Duration::from_millis(900)), "now");
        assert_eq!(
            now.distance(NOON - Duration::from_secs(3 * DAY + 4 * HOUR)),
            "3 d 4 h ago"
        );
    }

    #[test]
    fn durations_are_a_number_and_a_unit() {
        assert_eq!(duration("90s"), Ok(Duration::from_secs(90)));
        assert_eq!(duration("2h"), Ok(Duration::from_secs(2 * HOUR)));
        for wrong in [
            "",
            "h",
            "2",
            "2 h",
            "-1h",
            "0s",
            "1.5h",
            "99999999999999999999d",
            "2µ",
        ] {
            assert!(duration(wrong).is_err(), "{wrong}");
        }
    }
}
