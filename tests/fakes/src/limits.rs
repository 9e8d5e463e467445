//! Vendor-side limits: strict sliding windows, measured where the calls arrive.
//!
//! A lane promises that no window of a limit's length sees more calls than the limit allows; a window
//! that slides with every call is the strictest way to hold it to that. Refused calls do not count.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// At most `calls` in any `window`.
#[derive(Debug, PartialEq, Eq)]
pub struct Limit {
    /// What the limit is called in the journal, such as `channel`.
    pub name: &'static str,
    /// How many calls a window may hold.
    pub calls: usize,
    /// The window's length.
    pub window: Duration,
}

/// A call that came over a limit.
#[derive(Debug, PartialEq, Eq)]
pub struct Exceeded {
    /// The limit's name.
    pub limit: &'static str,
    /// How long until the window has room again.
    pub retry_after: Duration,
}

/// One limit as seen in the journal, over all its scopes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct LimitReport {
    /// How many calls a window may hold.
    pub limit: usize,
    /// The window's length, milliseconds.
    pub window_ms: u64,
    /// The most admitted calls that any window held.
    pub peak: usize,
    /// Calls that came over the limit and were refused.
    pub violations: u64,
}

/// The windows of one vendor, by limit and scope.
#[derive(Debug, Default)]
pub struct Windows {
    admitted: BTreeMap<(&'static str, String), VecDeque<Duration>>,
    reports: BTreeMap<&'static str, LimitReport>,
}

impl Windows {
    /// Counts a call at `now` against all of `limits`, or against none when one of them is full.
    ///
    /// # Errors
    /// The first limit that is full.
    pub fn admit(
        &mut self,
        limits: &[(&'static Limit, String)],
        now: Duration,
    ) -> Result<(), Exceeded> {
        for (limit, scope) in limits {
            let window = self
                .admitted
                .entry((limit.name, scope.clone()))
                .or_default();
            while window.front().is_some_and(|at| *at + limit.window <= now) {
                window.pop_front();
            }
            let full = (window.len() >= limit.calls)
                .then(|| window.front().copied())
                .flatten();
            if let Some(oldest) = full {
                self.report(limit).violations += 1;
                return Err(Exceeded {
                    limit: limit.name,
                    retry_after: oldest + limit.window - now,
                });
            }
        }
        for (limit, scope) in limits {
            let window = self
                .admitted
                .entry((limit.name, scope.clone()))
                .or_default();
            window.push_back(now);
            let held = window.len();
            let report = self.report(limit);
            report.peak = report.peak.max(held);
        }
        Ok(())
    }

    /// How many more calls the window of `limit` and `scope` has room for at `now`.
    pub fn left(&self, limit: &Limit, scope: &str, now: Duration) -> usize {
        let window = self.admitted.get(&(limit.name, scope.to_owned()));
        let held = window.into_iter().flatten();
        let held = held.filter(|at| **at + limit.window > now).count();
        limit.calls.saturating_sub(held)
    }

    /// What every limit has seen.
    pub fn reports(&self) -> BTreeMap<String, LimitReport> {
        self.reports
            .iter()
            .map(|(name, report)| ((*name).to_owned(), report.clone()))
            .collect()
    }

    fn report(&mut self, limit: &Limit) -> &mut LimitReport {
        self.reports
            .entry(limit.name)
            .or_insert_with(|| LimitReport {
                limit: limit.calls,
                window_ms: u64::try_from(limit.window.as_millis()).unwrap_or(u64::MAX),
                ..LimitReport::default()
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    static TWO_A_SECOND: Limit = Limit {
        name: "two",
        calls: 2,
        window: Duration::from_secs(1),
    };

    fn call(windows: &mut Windows, scope: &str, ms: u64) -> Result<(), Exceeded> {
        windows.admit(
            &[(&TWO_A_SECOND, scope.to_owned())],
            Duration::from_millis(ms),
        )
    }

    #[test]
    fn window_slides_with_every_call() {
        let mut windows = Windows::default();
        assert_eq!(call(&mut windows, "a", 0), Ok(()));
        assert_eq!(call(&mut windows, "a", 900), Ok(()));
        let over = call(&mut windows, "a", 999).expect_err("a third call in one second");
        assert_eq!(over.retry_after, Duration::from_millis(1));
        assert_eq!(
            call(&mut windows, "a", 1_000),
            Ok(()),
            "the first call has left the window"
        );
        assert!(
            call(&mut windows, "a", 1_899).is_err(),
            "900 and 1000 are still inside"
        );
        let report = &windows.reports()["two"];
        assert_eq!((report.peak, report.violations), (2, 2));
        let left = |ms| windows.left(&TWO_A_SECOND, "a", Duration::from_millis(ms));
        assert_eq!((left(1_000), left(1_900), left(2_000)), (0, 1, 2));
    }

    #[test]
    fn scopes_do_not_share_a_window() {
        let mut windows = Windows::default();
        for scope in ["a", "b", "c"] {
            assert_eq!(call(&mut windows, scope, 0), Ok(()));
        }
    }

    #[test]
    fn call_over_one_limit_counts_against_no_other() {
        static ONE: Limit = Limit {
            name: "one",
            calls: 1,
            window: Duration::from_secs(9),
        };
        let both = || vec![(&TWO_A_SECOND, String::new()), (&ONE, String::new())];
        let mut windows = Windows::default();
        assert_eq!(windows.admit(&both(), Duration::ZERO), Ok(()));
        for _ in 0..5 {
            assert!(
                windows
                    .admit(&both(), Duration::ZERO)
                    .is_err_and(|over| over.limit == "one")
            );
        }
        assert_eq!(windows.reports()["two"].peak, 1);
    }
}
