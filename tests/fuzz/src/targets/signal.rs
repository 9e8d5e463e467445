//! Vendors' headers: whatever they send, waits stay bounded.

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::signal::{self, Counts};
use causeway::limiter::{Remaining, SIGNAL_MAX};
use causeway::provider::{Answer, Verdict};
use http::{HeaderMap, HeaderValue};

/// The first two bytes choose status and moment, a line is a value. Every time that is read lies between now and
/// [`SIGNAL_MAX`] ahead, however the number or date is written; what is read once is read again as the same.
///
/// # Panics
/// Where that does not hold.
pub fn run(data: &[u8]) {
    let Some((&[status, moment], rest)) = data.split_first_chunk::<2>() else {
        return;
    };
    let now = Timestamp::from_millis(1_795_341_600_000 + i64::from(moment) * 86_400_123);
    let text = String::from_utf8_lossy(rest);
    let mut lines = text.split('\n');
    let (first, second) = (lines.next().unwrap_or(""), lines.next().unwrap_or(""));

    soon(signal::retry_after(first, now), now);
    for counts in [Counts::Seconds, Counts::Milliseconds, Counts::Epoch] {
        soon(signal::reset(first, counts, now), now);
    }
    if let Some(wait) = signal::duration(first) {
        // What is a duration is a reset after that time.
        let capped = now + wait.min(SIGNAL_MAX);
        let read = signal::reset(first, Counts::Epoch, now);
        assert_eq!(read, Some(capped), "{first}");
    }
    if let Ok(seconds) = first.trim().parse::<f64>() {
        soon(signal::in_seconds(seconds, now), now);
    }
    if let Some(count) = signal::count(first) {
        assert_eq!(signal::count(&count.to_string()), Some(count));
    }
    whole_numbers(first.trim(), now);
    headers(status, now, first, second);
}

/// A whole number is a count, or seconds to wait; a reset in what the vendor counts.
fn whole_numbers(text: &str, now: Timestamp) {
    let is_plain = (1..=13).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    let Some(number) = is_plain.then(|| text.parse::<u64>().ok()).flatten() else {
        return;
    };
    let count = u32::try_from(number).unwrap_or(u32::MAX);
    assert_eq!(signal::count(text), Some(count), "{text}");
    let bounded = |at: Timestamp| at.clamp(now, now + SIGNAL_MAX);
    let waited = bounded(now + Duration::from_secs(number));
    assert_eq!(signal::retry_after(text, now), Some(waited), "{text}");

    // A Unix time has ten digits in seconds, thirteen in milliseconds; a smaller one is none of our days.
    let epoch = Timestamp::from_millis(0);
    let unix = match number {
        0..1_000_000_000 => None,
        1_000_000_000..1_000_000_000_000 => Some(bounded(epoch + Duration::from_secs(number))),
        _ => Some(bounded(epoch + Duration::from_millis(number))),
    };
    let in_millis = bounded(now + Duration::from_millis(number));
    for (counts, expected) in [
        (Counts::Seconds, Some(waited)),
        (Counts::Milliseconds, Some(in_millis)),
        (Counts::Epoch, unix),
    ] {
        let read = signal::reset(text, counts, now);
        // Milliseconds pass through a double of seconds and are rounded up.
        let late = read
            .zip(expected)
            .map(|(read, expected)| read.since(expected));
        assert!(
            expected <= read
                && read.is_some() == expected.is_some()
                && late <= Some(Duration::from_millis(1)),
            "{text} in {counts:?}: {read:?}, not {expected:?}"
        );
    }
}

fn headers(status: u8, now: Timestamp, first: &str, second: &str) {
    let values = [HeaderValue::from_str(first), HeaderValue::from_str(second)];
    let [Ok(first), Ok(second)] = values else {
        return;
    };
    let mut headers = HeaderMap::new();
    headers.insert("retry-after", first.clone());
    headers.insert("ratelimit", first.clone());
    headers.insert("left", first);
    headers.insert("reset", second);
    for found in [
        signal::remaining(&headers, "limit", ("left", "reset"), Counts::Epoch, now),
        signal::left(&headers, "limit", "left"),
        signal::rate_limit(&headers, "limit", "default", now),
    ] {
        soon(found.and_then(|Remaining { reset, .. }| reset), now);
    }
    let answer = Answer {
        status: 400 + u16::from(status) % 200,
        headers,
        body: "{}".into(),
    };
    let after = match Verdict::by_status(&answer, now) {
        Verdict::Throttled { after }
        | Verdict::Retry { after, .. }
        | Verdict::Ambiguous { after, .. } => after,
        _ => None,
    };
    assert!(after.is_none_or(|after| after <= SIGNAL_MAX));
}

fn soon(at: Option<Timestamp>, now: Timestamp) {
    if let Some(at) = at {
        assert!(now <= at && at <= now + SIGNAL_MAX, "{at} at {now}");
    }
}
