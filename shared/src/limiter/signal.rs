//! Reading what vendors say about their limits: pure, bounded, never panicking.
//!
//! | the vendor says | read it with |
//! |---|---|
//! | `Retry-After: 30`, `0.65`, or an HTTP date | nothing to do, or [`retry_after`] for another header |
//! | `"retry_after": 0.65` in a JSON body ([Discord](https://docs.discord.com/developers/topics/rate-limits)) | [`in_seconds`] |
//! | what is left and its reset, in two headers | [`remaining`], which is told what the reset [counts](Counts) |
//! | what is left, without a reset ([Guesty's three windows](https://open-api-docs.guesty.com/docs/rate-limits)) | [`left`] |
//! | `RateLimit: "default";r=50;t=30` ([IETF draft](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/)) | [`rate_limit`] |
//! | a wait that only the documentation names (Airtable 30 s, QuickBooks 60 s; unverified) | [`Verdict::throttled_for`](crate::provider::Verdict::throttled_for) |
//! | nothing (Hostaway, Trello, OwnerRez; unverified) | nothing: the lane waits some seconds |
//!
//! How long a window *is* says nothing about when it ends, and is read by nobody here: HubSpot's
//! [`X-HubSpot-RateLimit-Interval-Milliseconds`](https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines),
//! Datadog's [`X-RateLimit-Period`](https://docs.datadoghq.com/api/latest/rate-limits/), the IETF draft's `w`. Taken for a
//! reset it stops the lane for a whole window each time that little is left, and with every answer for longer.

mod headers;

use std::time::{Duration, SystemTime};

pub use headers::{left, rate_limit, remaining};

use super::SIGNAL_MAX;
use crate::timestamp::Timestamp;

/// No Unix time of our days is less, in seconds (2001).
const EPOCH_SECONDS_FROM: f64 = 1e9;

/// A Unix time from here on is one in milliseconds.
const EPOCH_MILLIS_FROM: f64 = 1e12;

/// Longer values are no header that a vendor sends.
const TEXT_MAX: usize = 64;

/// What the bare number in a reset header counts. Nothing in the number tells: `600000` was a week where ten minutes
/// were meant. What says its unit itself (`1m30s`, a date) is read as that, whatever the number would be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Counts {
    /// Seconds from now: [Datadog](https://docs.datadoghq.com/api/latest/rate-limits/),
    /// [Klaviyo](https://developers.klaviyo.com/en/docs/rate_limits_and_error_handling),
    /// [Brevo](https://developers.brevo.com/docs/limit-headers).
    Seconds,
    /// Milliseconds from now: [Prisjakt](https://developer.prisjakt.nu/docs/sections/rate-limit).
    Milliseconds,
    /// Unix time, in seconds or milliseconds:
    /// [GitHub](https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api),
    /// [Intercom](https://developers.intercom.com/docs/references/rest-api/errors/rate-limiting),
    /// [ClickUp](https://developer.clickup.com/docs/rate-limits),
    /// [SendGrid](https://www.twilio.com/docs/sendgrid/api-reference/how-to-use-the-sendgrid-v3-api/rate-limits).
    Epoch,
}

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

/// Reads a number of seconds from now, as vendors put it into bodies. At most [`SIGNAL_MAX`] ahead; `None` when it is
/// negative or no number.
pub fn in_seconds(seconds: f64, now: Timestamp) -> Option<Timestamp> {
    let is_sound = seconds.is_finite() && seconds >= 0.0;
    is_sound.then(|| after(now, seconds).clamp(now, now + SIGNAL_MAX))
}

/// Reads the moment of a reset: a bare number of what the vendor `counts`, a duration such as `1m30s` or `250ms`
/// ([OpenAI](https://github.com/sashabaranov/go-openai/blob/master/ratelimit.go)), RFC 3339, or an HTTP date. At most
/// [`SIGNAL_MAX`] ahead, never before `now`; `None` when it is none of these, or no time of our days.
pub fn reset(text: &str, counts: Counts, now: Timestamp) -> Option<Timestamp> {
    let text = bounded(text)?;
    let epoch = Timestamp::from_millis(0);
    let at = match (number(text), counts) {
        (Some(seconds), Counts::Seconds) => after(now, seconds),
        (Some(millis), Counts::Milliseconds) => after(now, millis / 1_000.0),
        (Some(millis), Counts::Epoch) if millis >= EPOCH_MILLIS_FROM => {
            after(epoch, millis / 1_000.0)
        }
        (Some(seconds), Counts::Epoch) if seconds >= EPOCH_SECONDS_FROM => after(epoch, seconds),
        (Some(_), Counts::Epoch) => return None,
        (None, _) => duration(text)
            .map(|wait| now + wait)
            .or_else(|| Timestamp::parse_rfc3339(text).ok())
            .or_else(|| http_date(text))?,
    };
    Some(at.clamp(now, now + SIGNAL_MAX))
}

/// Reads how many calls or units are left: a whole number, or one with a fraction, which is dropped. Less than none is
/// none. `None` when it is no number.
pub fn count(text: &str) -> Option<u32> {
    let text = bounded(text)?;
    let number = match text.strip_prefix('-') {
        Some(below) => number(below).map(|_| 0.0),
        None => number(text),
    };
    // The cast saturates.
    number.map(|number| number as u32)
}

/// Reads a duration in parts with units, the way Go prints it: `6m0s`, `1h2m3.5s`, `250ms`.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = bounded(text)?;
    let mut sum = Duration::ZERO;
    // Each round takes at least two of at most `TEXT_MAX` bytes.
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (amount, tail) = rest.split_at(digits);
        let letters = tail
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(letters);
        let seconds = match unit {
            "d" => 86_400.0,
            "h" => 3_600.0,
            "m" => 60.0,
            "s" => 1.0,
            "ms" => 1e-3,
            "us" | "µs" => 1e-6,
            "ns" => 1e-9,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number(amount)? * seconds);
        sum = sum.saturating_add(part.unwrap_or(Duration::MAX));
        rest = tail;
    }
    Some(sum)
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
    fn a_bare_number_is_what_its_vendor_counts() {
        let in_5_s = Some(NOW + Duration::from_secs(5));
        for (text, counts) in [
            ("5", Counts::Seconds),
            ("5000", Counts::Milliseconds),
            ("1795341605", Counts::Epoch),
            ("1795341605000", Counts::Epoch),
        ] {
            assert_eq!(reset(text, counts, NOW), in_5_s, "{text}");
        }
        // Ten minutes of milliseconds used to be a week of seconds, and five seconds nobody's Unix time.
        let ten_minutes = reset("600000", Counts::Milliseconds, NOW);
        assert_eq!(ten_minutes, Some(NOW + Duration::from_secs(600)));
        assert_eq!(reset("5", Counts::Epoch, NOW), None);
        for text in [
            "5s",
            "2026-11-22T10:00:05Z",
            "Sun, 22 Nov 2026 10:00:05 GMT",
        ] {
            for counts in [Counts::Seconds, Counts::Milliseconds, Counts::Epoch] {
                assert_eq!(reset(text, counts, NOW), in_5_s, "{text}");
            }
        }
    }

    #[test]
    fn durations_are_read_as_go_prints_them() {
        for (text, ms) in [
            ("1m30s", 90_000),
            ("250ms", 250),
            ("6m0s", 360_000),
            ("1h2m3.5s", 3_723_500),
            ("1d", 86_400_000),
            ("0s", 0),
        ] {
            assert_eq!(duration(text), Some(Duration::from_millis(ms)), "{text}");
        }
        for nonsense in [
            "", "s", "5", "1m30", "5 s", "1y", "-1s", "1m-3s", "1.2.3s", "m5",
        ] {
            assert_eq!(duration(nonsense), None, "{nonsense}");
        }
        assert_eq!(
            reset("1m30s", Counts::Seconds, NOW),
            Some(NOW + Duration::from_secs(90))
        );
    }

    #[test]
    fn counts_are_whole_and_never_less_than_none() {
        for (text, left) in [
            ("14", 14),
            ("990.0", 990),
            ("-3", 0),
            ("99999999999", u32::MAX),
        ] {
            assert_eq!(count(text), Some(left), "{text}");
        }
        for nonsense in ["", "many", "--3", "-", "1e3", "0x10"] {
            assert_eq!(count(nonsense), None, "{nonsense}");
        }
    }

    #[test]
    fn seconds_in_a_body_have_a_fraction_and_no_sign() {
        assert_eq!(
            in_seconds(0.65, NOW),
            Some(NOW + Duration::from_millis(650))
        );
        assert_eq!(in_seconds(1e300, NOW), Some(NOW + SIGNAL_MAX));
        for nonsense in [-1.0, f64::NAN, f64::INFINITY] {
            assert_eq!(in_seconds(nonsense, NOW), None);
        }
    }

    proptest! {
        #[test]
        fn what_go_would_print_is_read_back(h in 0_u64..30, m in 0_u64..60, ms in 0_u64..60_000) {
            let text = format!("{h}h{m}m{}.{:03}s", ms / 1_000, ms % 1_000);
            let read = duration(&text).expect("a duration").as_secs_f64();
            prop_assert!((read - (h * 3_600 + m * 60) as f64 - ms as f64 / 1_000.0).abs() < 1e-6);
        }

        #[test]
        fn no_header_panics_or_reaches_beyond_a_day(
            text in "\\PC{0,70}|[0-9.]{0,70}|([0-9.]{1,9}(ms|us|µs|[dhmsn])){1,9}",
            seconds in any::<f64>(),
            now in any::<i64>(),
        ) {
            let now = Timestamp::from_millis(now);
            let resets = [Counts::Seconds, Counts::Milliseconds, Counts::Epoch].map(|counts| reset(&text, counts, now));
            for at in [retry_after(&text, now), in_seconds(seconds, now)].into_iter().chain(resets).flatten() {
                prop_assert!(now <= at && at <= now + SIGNAL_MAX);
            }
            count(&text);
            duration(&text);
        }
    }
}
