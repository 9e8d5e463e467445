//! What is left, read from headers.

use http::HeaderMap;

use super::{Counts, count, reset};
use crate::limiter::Remaining;
use crate::timestamp::Timestamp;

/// Longest `RateLimit` header that is read: some dozen policies.
const RATE_LIMIT_MAX: usize = 512;

/// What `left_header` and `reset_header` say of `limit`, such as `x-ratelimit-remaining` and `x-ratelimit-reset`, whose
/// bare number `counts` what the vendor says. `None` where either is missing or cannot be read. Header names in lower
/// case.
pub fn remaining(
    headers: &HeaderMap,
    limit: &'static str,
    (left_header, reset_header): (&str, &str),
    counts: Counts,
    now: Timestamp,
) -> Option<Remaining> {
    Some(Remaining {
        limit,
        left: count(text(headers, left_header)?)?,
        reset: Some(reset(text(headers, reset_header)?, counts, now)?),
    })
}

/// What `left_header` says of `limit` where the vendor names no reset: no more than that is started at once, and the
/// limit's own rate goes on from there.
pub fn left(headers: &HeaderMap, limit: &'static str, left_header: &str) -> Option<Remaining> {
    Some(Remaining {
        limit,
        left: count(text(headers, left_header)?)?,
        reset: None,
    })
}

/// What the policy named `policy` of a `RateLimit` header says of `limit`: `"default";r=50;t=30`, as in
/// [draft-ietf-httpapi-ratelimit-headers](https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/).
/// Quoted names with commas or semicolons in them are not told apart from two: no vendor has such.
pub fn rate_limit(
    headers: &HeaderMap,
    limit: &'static str,
    policy: &str,
    now: Timestamp,
) -> Option<Remaining> {
    let header = text(headers, "ratelimit").filter(|header| header.len() <= RATE_LIMIT_MAX)?;
    let params = header.split(',').find_map(|item| {
        let (name, params) = item.split_once(';')?;
        (name.trim().trim_matches('"') == policy).then_some(params)
    })?;
    let param = |wanted: &str| {
        params.split(';').find_map(|param| {
            let (name, value) = param.split_once('=')?;
            (name.trim() == wanted).then_some(value)
        })
    };
    Some(Remaining {
        limit,
        left: count(param("r")?)?,
        reset: param("t").and_then(|seconds| reset(seconds, Counts::Seconds, now)),
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_795_341_600_000);

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        let pairs = pairs.iter().map(|(name, value)| {
            let value = HeaderValue::from_str(value).expect("text");
            (HeaderName::from_static(name), value)
        });
        pairs.collect()
    }

    fn pair(limit: &'static str, left: u32, in_seconds: u64) -> Remaining {
        Remaining {
            limit,
            left,
            reset: Some(NOW + Duration::from_secs(in_seconds)),
        }
    }

    #[test]
    fn a_pair_is_read_in_every_dialect_of_its_reset() {
        // GitHub and SendGrid; Datadog; OpenAI.
        let names = ("x-ratelimit-remaining", "x-ratelimit-reset");
        for (reset, counts) in [
            ("1795341690", Counts::Epoch),
            ("90", Counts::Seconds),
            ("1m30s", Counts::Seconds),
        ] {
            let answer = headers(&[(names.0, "7"), (names.1, reset)]);
            let read = remaining(&answer, "hour", names, counts, NOW);
            assert_eq!(read, Some(pair("hour", 7, 90)), "{reset}");
        }
        let half = headers(&[(names.0, "7")]);
        assert_eq!(remaining(&half, "hour", names, Counts::Epoch, NOW), None);
    }

    #[test]
    fn three_windows_without_a_reset_are_three_limits() {
        // Guesty.
        let answer = headers(&[
            ("x-ratelimit-remaining-second", "14"),
            ("x-ratelimit-remaining-minute", "119"),
        ]);
        let read = left(&answer, "minute", "x-ratelimit-remaining-minute").expect("a count");
        assert_eq!((read.left, read.reset), (119, None));
        assert_eq!(left(&answer, "hour", "x-ratelimit-remaining-hour"), None);
    }

    #[test]
    fn the_ietf_header_names_its_policies() {
        let answer = headers(&[(
            "ratelimit",
            r#""burst";r=9;t=1, "daily"; r=120; t=3600;pk=:x:"#,
        )]);
        assert_eq!(
            rate_limit(&answer, "day", "daily", NOW),
            Some(pair("day", 120, 3_600))
        );
        assert_eq!(
            rate_limit(&answer, "s", "burst", NOW),
            Some(pair("s", 9, 1))
        );
        assert_eq!(rate_limit(&answer, "s", "hourly", NOW), None);
        let bare = headers(&[("ratelimit", r#""default";r=3"#)]);
        let read = rate_limit(&bare, "s", "default", NOW).expect("a count");
        assert_eq!((read.left, read.reset), (3, None));
    }

    proptest! {
        #[test]
        fn no_rate_limit_header_panics(text in "[ -~]{0,600}|(\"a\";[rt]=[0-9.]{0,9}[,;]?){0,20}", now in any::<i64>()) {
            let now = Timestamp::from_millis(now);
            let answer = headers(&[("ratelimit", &text)]);
            if let Some(Remaining { reset: Some(at), .. }) = rate_limit(&answer, "a", "a", now) {
                prop_assert!(now <= at && at <= now + crate::limiter::SIGNAL_MAX);
            }
        }
    }
}
