//! Times as a reader's clock shows them, by the tz database that is built in.

use std::sync::LazyLock;

use causeway::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};
use thiserror::Error;

static ZONES: LazyLock<TimeZoneDatabase> = LazyLock::new(TimeZoneDatabase::bundled);

/// Longest name of a zone that is looked up: the database has none of more than 32 letters.
const MAX_NAME: usize = 64;

/// A time zone, and its name.
#[derive(Clone, Debug)]
pub struct Zone {
    name: String,
    zone: TimeZone,
}

/// A name that no zone has.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("must be a name of the time zone database{}", .nearest.as_ref().map(|name| format!("; the nearest is {name}")).unwrap_or_default())]
pub struct UnknownZone {
    /// The name that is most like it.
    pub nearest: Option<String>,
}

impl Zone {
    /// UTC.
    #[must_use]
    pub fn utc() -> Self {
        Self {
            name: "UTC".to_owned(),
            zone: TimeZone::UTC,
        }
    }

    /// The zone of that name: `Europe/Berlin`.
    ///
    /// # Errors
    /// When the database has none, with the nearest one that it has.
    pub fn named(name: &str) -> Result<Self, UnknownZone> {
        let found = (name.len() <= MAX_NAME)
            .then(|| ZONES.get(name).ok())
            .flatten();
        match found.and_then(|zone| Some((zone.iana_name()?.to_owned(), zone))) {
            Some((name, zone)) => Ok(Self { name, zone }),
            None => Err(UnknownZone {
                nearest: nearest(name),
            }),
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// For people, to the second: `2026-11-22 12:00:05`. The zone is said once beside.
    #[must_use]
    pub fn at(&self, at: Timestamp) -> String {
        self.written(at, "%Y-%m-%d %H:%M:%S")
    }

    /// For engineers, with the offset: `2026-11-22T12:00:05+01:00`.
    #[must_use]
    pub fn exact(&self, at: Timestamp) -> String {
        self.written(at, "%Y-%m-%dT%H:%M:%S%:z")
    }

    fn written(&self, at: Timestamp, format: &str) -> String {
        // What no calendar has is shown as the system writes it down.
        let instant = jiff::Timestamp::from_millisecond(at.as_millis());
        instant.map_or_else(
            |_| at.to_string(),
            |instant| {
                instant
                    .to_zoned(self.zone.clone())
                    .strftime(format)
                    .to_string()
            },
        )
    }
}

/// The name most like `name`: whole, or of the city alone.
fn nearest(name: &str) -> Option<String> {
    let cut: String = name.chars().take(MAX_NAME).collect();
    let wanted = cut.to_lowercase().replace([' ', '-'], "_");
    let wanted_city = wanted.rsplit('/').next().unwrap_or_default();
    let likeness = |known: &str| {
        let known = known.to_lowercase();
        let city = known.rsplit('/').next().unwrap_or_default();
        let of_city = strsim::jaro_winkler(wanted_city, city);
        // Of two cities of one name the one in the same region.
        of_city + 0.1 * strsim::jaro_winkler(&wanted, &known)
    };
    let known = ZONES.available().map(|name| name.to_string());
    known.max_by(|one, other| likeness(one).total_cmp(&likeness(other)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_shown_as_the_readers_clock_shows_it() {
        let noon = Timestamp::from_millis(1_795_348_800_000);
        let berlin = Zone::named("europe/berlin").expect("a zone");
        assert_eq!(berlin.name(), "Europe/Berlin");
        assert_eq!(berlin.at(noon), "2026-11-22 13:00:00");
        assert_eq!(berlin.exact(noon), "2026-11-22T13:00:00+01:00");
        let kathmandu = Zone::named("Asia/Kathmandu").expect("a zone");
        assert_eq!(kathmandu.exact(noon), "2026-11-22T17:45:00+05:45");
        assert_eq!(Zone::utc().at(noon), "2026-11-22 12:00:00");
    }

    #[test]
    fn a_name_that_is_none_is_answered_with_the_nearest() {
        for (wrong, right) in [
            ("Europe/Berlln", "Europe/Berlin"),
            ("Berlin", "Europe/Berlin"),
            ("New York", "America/New_York"),
            ("Asia/Tokio", "Asia/Tokyo"),
        ] {
            let error = Zone::named(wrong).expect_err(wrong);
            assert_eq!(error.nearest.as_deref(), Some(right), "{error}");
        }
        assert!(Zone::named(&"x".repeat(5_000)).is_err());
    }
}
