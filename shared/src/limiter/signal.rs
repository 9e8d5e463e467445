//! Reading vendors' headers: pure, bounded, never panicking.

use std::time::{Duration, SystemTime};

use super::SIGNAL_MAX;
use crate::timestamp::Timestamp;

/// A bare number from here on is a point in time in seconds (2001), below it a number of seconds.
const EPOCH_SECONDS_FROM: f64 = 1e9;

/// A bare number from here on is a point in time in milliseconds.
const EPOCH_MILLIS_FROM: f64 = 1e12;

/// Longer values are no header that a vendor sends.
const TEXT_MAX: usize = 64;

/// Reads `Retry-After` ([RFC 9110, 10.2.3](https://www.rfc-editor.org/rfc/rfc9110#field.retry-after)): seconds, which
/// some vendors send with a fraction, or an HTTP date. At most [`SIGNAL_MAX`] ahead, never before `now`; `None` when
/// it is neither.
pub fn retry_after(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = bounded(text)?;
    let at = match number(text) {
        Some(seconds) => after(now, seconds),
        None => http_date(text)?,
    };
    Some(at.clamp(now, now + SIGNAL_MAX))
}

/// Reads the moment of a reset in its several dialects: seconds from now, a Unix time in seconds or
/// milliseconds, RFC 3339, or an HTTP date. At most [`SIGNAL_MAX`] ahead, never before `now`.
pub fn reset(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = bounded(text)?;
    let at = match number(text) {
        Some(seconds) if seconds < EPOCH_SECONDS_FROM => after(now, seconds),
        Some(seconds) if seconds < EPOCH_MILLIS_FROM => after(Timestamp::from_millis(0), seconds),
        Some(millis) => after(Timestamp::from_millis(0), millis / 1_000.0),
        None => Timestamp::parse_rfc3339(text)
            .ok()
            .or_else(|| http_date(text))?,
    };
    Some(at.clamp(now, now + SIGNAL_MAX))
}

fn bounded(text: &str) -> Option<&str> {
    let text = text.trim();
    (!text.is_empty() && text.len() <= TEXT_MAX).then_some(text)
}

/// A number written with digits and at most a fraction: `f64`'s parser would also read `inf`, `nan` and `-1`.
fn number(text: &str) -> Option<f64> {
    let plain = text
        .bytes()
        .all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse().ok())?
}

/// `seconds` after `at`, rounded up to the millisecond; as far as a duration reaches.
fn after(at: Timestamp, seconds: f64) -> Timestamp {
    let wait = Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX);
    at + wait.saturating_add(Duration::from_nanos(999_999))
}

fn http_date(text: &str) -> Option<Timestamp> {
    let date = httpdate::parse_http_date(text).ok()?;
    let since = date.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(Timestamp::from_millis(0) + since)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    fn in_ms(text: &str) -> Option<i64> {
        retry_after(text, NOW).map(|at| at.as_millis() - NOW.as_millis())
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        assert_eq!(in_ms("30"), Some(30_000));
        assert_eq!(in_ms(" 0.65 "), Some(650));
        assert_eq!(in_ms("Sun, 22 Nov 2026 10:00:05 GMT"), Some(5_000));
        assert_eq!(
            in_ms("Sun, 22 Nov 2020 10:00:05 GMT"),
            Some(0),
            "a date in the past means now"
        );
        assert_eq!(
            in_ms("99999999999999999999"),
            Some(86_400_000),
            "a day at most"
        );
        for nonsense in ["", "soon", "-5", "inf", "nan", "1e9", "1.2.3", "."] {
            assert_eq!(in_ms(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn a_reset_comes_in_five_dialects() {
        for text in [
            "5",
            "1795341605",
            "1795341605000",
            "2026-11-22T10:00:05Z",
            "Sun, 22 Nov 2026 10:00:05 GMT",
        ] {
            assert_eq!(
                reset(text, NOW),
                Some(NOW + Duration::from_secs(5)),
                "{text}"
            );
        }
    }

    proptest! {
        #[test]
        fn no_header_panics_or_reaches_beyond_a_day(text in "\\PC{0,70}|[0-9.]{0,70}", now in any::<i64>()) {
            let now = Timestamp::from_millis(now);
            for at in [retry_after(&text, now), reset(&text, now)].into_iter().flatten() {
                prop_assert!(now <= at && at <= now + SIGNAL_MAX);
            }
        }
    }
}
