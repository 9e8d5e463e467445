//! The limiter's promise, held against every call.

use causeway::limiter::{CLOCK_SLACK, Limit};

/// A call that started.
#[derive(Clone, Copy, Debug)]
pub struct Started {
    /// When, in true ms.
    pub at: i64,
    /// How long the lane was on its way from the token's instant to the call.
    pub late: i64,
}

/// Whether a limit was kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judgement {
    /// Every window held what it may.
    Kept,
    /// A window held more, but only because calls started late after their tokens.
    Late,
    /// A window held so many too many.
    Broken(i64),
}

/// Any window of length `t` holds at most `burst + rate × (t + 0.5 s)` calls.
pub fn judge(limit: &Limit, calls: &mut [Started]) -> Judgement {
    calls.sort_unstable_by_key(|call| call.at);
    let slack = i64::try_from(CLOCK_SLACK.as_millis()).unwrap_or(i64::MAX);
    let late = calls.iter().map(|call| call.late).max().unwrap_or(0);
    if excess(limit, calls, slack) <= 0 {
        Judgement::Kept
    } else if excess(limit, calls, slack + late) <= 0 {
        Judgement::Late
    } else {
        Judgement::Broken(excess(limit, calls, slack + late))
    }
}

/// The most calls by which any window exceeds the promise; windows begin and end with a call.
fn excess(limit: &Limit, calls: &[Started], slack: i64) -> i64 {
    let interval = i64::try_from(limit.interval().as_micros()).unwrap_or(i64::MAX);
    let burst = i64::from(limit.burst());
    // In units of 1/interval, so that nothing is rounded: a window from call i to call j holds j − i + 1 calls and
    // may hold burst + (at_j − at_i + slack) / interval.
    let (mut worst, mut best_start) = (i64::MIN, i64::MIN);
    for (number, call) in (0..).zip(calls) {
        let place = number * interval - call.at * 1_000;
        best_start = best_start.max(-place);
        let over = place + best_start + interval - burst * interval - slack * 1_000;
        worst = worst.max(over);
    }
    if worst <= 0 {
        0
    } else {
        (worst + interval - 1) / interval
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_too_many_is_seen_and_the_last_allowed_one_is_not() {
        let limit = Limit::window("w", 6, Duration::from_secs(1), 3);
        let at = |times: &[i64]| -> Vec<Started> {
            let started = |at: &i64| Started { at: *at, late: 0 };
            times.iter().map(started).collect()
        };
        // 3 at once, and what comes back in the 0.5 s that clocks may differ by.
        assert_eq!(judge(&limit, &mut at(&[0, 0, 0, 0])), Judgement::Kept);
        assert_eq!(judge(&limit, &mut at(&[0; 5])), Judgement::Broken(1));
        assert_eq!(
            judge(&limit, &mut at(&[9, 0, 0, 0, 840, 0])),
            Judgement::Broken(1)
        );
    }
}
