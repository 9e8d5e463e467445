//! When the breaker would open: the one rule that an event is made of, kept here so that the truth stays as it is.

use std::collections::VecDeque;

/// A call that took longer is bad, ms.
pub(super) const SLOW_MS: u32 = 10_000;
/// Bad calls in a row that open the breaker.
const RUN: u32 = 5;
/// How long such a run must last, ms: a single environment needs a second failing batch 2 s later.
const RUN_MS: u64 = 2_000;
/// The window of the other rule, ms.
const WINDOW_MS: u64 = 60_000;
/// Calls that the window must hold.
const CALLS: usize = 20;

/// Calls of the last minute and the run of bad ones, as `DESIGN.md`, section 5, has them.
#[derive(Clone, Debug, Default)]
pub(super) struct Rule {
    window: VecDeque<(u64, bool)>,
    bad: usize,
    run: u32,
    run_since: u64,
}

impl Rule {
    /// Counts a call that ended at `ms`, and says whether the breaker opens by it. Calls come in their order.
    pub(super) fn opens(&mut self, ms: u64, is_bad: bool) -> bool {
        self.window.push_back((ms, is_bad));
        self.bad += usize::from(is_bad);
        // Bounded by the window's own length.
        while let Some((old, was_bad)) = self.window.front().copied()
            && old + WINDOW_MS <= ms
        {
            self.window.pop_front();
            self.bad -= usize::from(was_bad);
        }
        if !is_bad {
            self.run = 0;
        } else if self.run == 0 {
            (self.run, self.run_since) = (1, ms);
        } else {
            self.run += 1;
        }
        let run = self.run >= RUN && ms - self.run_since >= RUN_MS;
        let rate = self.window.len() >= CALLS && self.bad * 2 >= self.window.len();
        run || rate
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opened(calls: impl IntoIterator<Item = (u64, bool)>) -> Option<u64> {
        let mut rule = Rule::default();
        let mut calls = calls.into_iter();
        calls.find_map(|(ms, bad)| rule.opens(ms, bad).then_some(ms))
    }

    #[test]
    fn five_bad_calls_in_a_row_open_it_once_they_last_two_seconds() {
        assert_eq!(opened((0..9).map(|n| (n * 30_000, true))), Some(120_000));
        assert_eq!(opened((0..9).map(|n| (n * 300, true))), Some(2_100));
        assert_eq!(opened((0..40).map(|n| (n * 30_000, n % 5 != 4))), None);
    }

    #[test]
    fn half_of_twenty_calls_within_a_minute_open_it() {
        let every_other = |apart: u64| (0..60).map(move |n| (n * apart, n % 2 == 0));
        // The twentieth call makes ten bad ones of twenty.
        assert_eq!(opened(every_other(1_000)), Some(19_000));
        assert_eq!(opened(every_other(3_200)), None);
        assert_eq!(opened((0..60).map(|n| (n * 1_000, n % 3 == 0))), None);
    }
}
