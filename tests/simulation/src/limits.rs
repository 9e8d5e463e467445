//! The limiter's promise, held against every call.

use causeway::limiter::{CLOCK_SLACK, Limit};

/// By how many calls, which started at these true ms, any window of the vendor's saw too many. Clocks are up to `apart` ms
/// apart: where that is more than the promise allows for, windows are that much shorter.
pub fn excess(limit: &Limit, calls: &mut [i64], apart: i64) -> usize {
    calls.sort_unstable();
    let millis = |span: std::time::Duration| i64::try_from(span.as_millis()).unwrap_or(i64::MAX);
    let Some(per) = limit.per() else { return 0 };
    let per = millis(per) - (apart - millis(CLOCK_SLACK)).max(0);
    if per <= 0 {
        // Clocks that far apart tell nothing of so short a window.
        return 0;
    }
    let most = usize::try_from(limit.burst()).unwrap_or(usize::MAX);
    let seen = calls.iter().enumerate().map(|(first, from)| {
        let within = calls[first..].partition_point(|at| at - from <= per);
        within.saturating_sub(most)
    });
    seen.max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_too_many_is_seen_and_the_last_allowed_one_is_not() {
        let limit = Limit::window("w", 3, Duration::from_secs(1));
        assert_eq!(excess(&limit, &mut [0, 0, 0, 1_001], 0), 0);
        assert_eq!(excess(&limit, &mut [0, 0, 0, 0, 0], 0), 2);
        assert_eq!(excess(&limit, &mut [9, 0, 1_002, 0, 500], 0), 1);
        assert_eq!(excess(&limit, &mut [0, 500, 500, 900], 200), 1);
        assert_eq!(excess(&limit, &mut [0, 500, 500, 901], 200), 0);
        assert_eq!(excess(&limit, &mut [0, 0, 0, 0, 0], 1_100), 0);
    }
}
