//! How often a model may be asked, and how much it may read and write: an hour, a day.

use std::fmt;
use std::time::Duration;

use causeway::Timestamp;
use serde::{Deserialize, Serialize};

/// What may be spent in one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// Questions.
    pub calls: u32,
    /// Tokens, read and written.
    pub tokens: u64,
}

/// What may be spent: both windows bind. Windows are the UTC hour and day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// In an hour.
    pub hour: Allowance,
    /// In a day.
    pub day: Allowance,
}

/// Where nobody says otherwise: a person at work on mappings asks a few dozen times, at 5,000 tokens or less each. With a
/// model at $1 a million tokens a whole day of it is a dollar.
impl Default for Budget {
    fn default() -> Self {
        Self {
            hour: Allowance {
                calls: 60,
                tokens: 300_000,
            },
            day: Allowance {
                calls: 300,
                tokens: 1_000_000,
            },
        }
    }
}

/// One of the two windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The UTC hour.
    Hour,
    /// The UTC day.
    Day,
}

impl Window {
    const fn length(self) -> Duration {
        match self {
            Self::Hour => Duration::from_secs(3600),
            Self::Day => Duration::from_secs(24 * 3600),
        }
    }

    /// The number of the window that `now` is in.
    fn number(self, now: Timestamp) -> i64 {
        let length = i64::try_from(self.length().as_millis()).unwrap_or(i64::MAX);
        now.as_millis().div_euclid(length)
    }

    /// When window `number` is over.
    fn end(self, number: i64) -> Timestamp {
        let length = i64::try_from(self.length().as_millis()).unwrap_or(i64::MAX);
        Timestamp::from_millis(number.saturating_add(1).saturating_mul(length))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hour => "hour",
            Self::Day => "day",
        })
    }
}

/// The budget is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the model's budget of this {window} is spent, until {until}")]
pub struct OverBudget {
    /// Whose.
    pub window: Window,
    /// When it is full again.
    pub until: Timestamp,
}

/// What is spent already: the stored state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spent {
    hour: Tally,
    day: Tally,
}

/// What is spent in one window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Tally {
    window: i64,
    calls: u32,
    tokens: u64,
}

/// What was put aside for a question under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reserved {
    hour: i64,
    day: i64,
    tokens: u64,
}

impl Budget {
    /// Puts aside one question and the most that it can take. It is spent before it is sent: whatever dies on the way
    /// has counted.
    pub(super) fn reserve(
        &self,
        spent: &Spent,
        now: Timestamp,
        tokens: u64,
    ) -> Result<(Spent, Reserved), OverBudget> {
        let hour = take(spent.hour, Window::Hour, self.hour, now, tokens)?;
        let day = take(spent.day, Window::Day, self.day, now, tokens)?;
        let reserved = Reserved {
            hour: hour.window,
            day: day.window,
            tokens,
        };
        Ok((Spent { hour, day }, reserved))
    }
}

fn take(
    tally: Tally,
    window: Window,
    allowed: Allowance,
    now: Timestamp,
    tokens: u64,
) -> Result<Tally, OverBudget> {
    let number = window.number(now);
    // A clock that goes back does not open a window that was spent.
    let tally = if tally.window >= number {
        tally
    } else {
        Tally {
            window: number,
            ..Tally::default()
        }
    };
    let next = Tally {
        calls: tally.calls.saturating_add(1),
        tokens: tally.tokens.saturating_add(tokens),
        ..tally
    };
    if next.calls > allowed.calls || next.tokens > allowed.tokens {
        return Err(OverBudget {
            window,
            until: window.end(tally.window),
        });
    }
    Ok(next)
}

impl Spent {
    /// Replaces what was put aside by what it took, in the windows that are not over yet.
    pub(super) fn settle(mut self, reserved: Reserved, used: u64) -> Self {
        for (tally, window) in [
            (&mut self.hour, reserved.hour),
            (&mut self.day, reserved.day),
        ] {
            if tally.window == window {
                tally.tokens = tally
                    .tokens
                    .saturating_sub(reserved.tokens)
                    .saturating_add(used);
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const SMALL: Budget = Budget {
        hour: Allowance {
            calls: 2,
            tokens: 100,
        },
        day: Allowance {
            calls: 3,
            tokens: 150,
        },
    };

    fn at(minutes: i64) -> Timestamp {
        Timestamp::from_millis(minutes * 60_000)
    }

    fn spend(spent: &mut Spent, minute: i64, tokens: u64) -> Result<Reserved, OverBudget> {
        let (next, reserved) = SMALL.reserve(spent, at(minute), tokens)?;
        *spent = next;
        Ok(reserved)
    }

    #[test]
    fn the_hour_binds_and_then_the_day_and_each_says_until_when() {
        let mut spent = Spent::default();
        spend(&mut spent, 0, 10).expect("the first");
        spend(&mut spent, 59, 10).expect("the second");
        let over = spend(&mut spent, 59, 1).expect_err("the hour's third");
        assert_eq!(
            over,
            OverBudget {
                window: Window::Hour,
                until: at(60)
            }
        );
        spend(&mut spent, 60, 10).expect("another hour");
        let over = spend(&mut spent, 120, 1).expect_err("the day's fourth");
        assert_eq!(
            over,
            OverBudget {
                window: Window::Day,
                until: at(24 * 60)
            }
        );
        spend(&mut spent, 24 * 60, 1).expect("another day");
    }

    #[test]
    fn what_was_put_aside_comes_back_unless_its_window_is_over() {
        let mut spent = Spent::default();
        let reserved = spend(&mut spent, 0, 90).expect("the first");
        spend(&mut spent, 1, 20).expect_err("more than the hour has");
        spent = spent.settle(reserved, 5);
        let late = spend(&mut spent, 1, 90).expect("room again");
        spend(&mut spent, 61, 50).expect("another hour");
        let before = spent;
        spent = spent.settle(late, 0);
        assert_eq!(spent.hour, before.hour, "that hour is over");
        assert_eq!(spent.day.tokens, before.day.tokens - 90);
    }

    #[test]
    fn a_clock_that_goes_back_opens_no_window() {
        let mut spent = Spent::default();
        spend(&mut spent, 600, 100).expect("the first");
        spend(&mut spent, 0, 1).expect_err("an hour that is past");
    }

    proptest! {
        /// Whatever is asked and when, no hour and no day spends more than its allowance.
        #[test]
        fn no_window_is_overspent(asks in prop::collection::vec((0_i64..3000, 0_u64..60), 1..60)) {
            let mut minutes: Vec<i64> = asks.iter().map(|(minute, _)| *minute).collect();
            minutes.sort_unstable();
            let mut spent = Spent::default();
            let mut done: Vec<(i64, u64)> = Vec::new();
            for (minute, (_, tokens)) in minutes.into_iter().zip(&asks) {
                if spend(&mut spent, minute, *tokens).is_ok() {
                    done.push((minute, *tokens));
                }
            }
            for (length, allowed) in [(60, SMALL.hour), (24 * 60, SMALL.day)] {
                for window in 0..=3000 / length {
                    let within = done.iter().filter(|(minute, _)| minute / length == window);
                    let (calls, tokens) = within.fold((0, 0), |(calls, sum), (_, tokens)| (calls + 1, sum + tokens));
                    prop_assert!(calls <= allowed.calls && tokens <= allowed.tokens);
                }
            }
        }
    }
}
