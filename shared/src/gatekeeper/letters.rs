//! How old a lane's oldest dead letter can be, so that somebody is called before SQS deletes it.
//!
//! SQS's own metric leaves out what was received three times, and every look at a dead letter is a receive: the letters
//! that people looked at and left are the ones that it does not see.
//! <https://docs.aws.amazon.com/AWSSimpleQueueService/latest/SQSDeveloperGuide/sqs-available-cloudwatch-metrics.html>
//! Two things are known without receiving a letter: whether the queue is empty, by its counts, and what the operators'
//! command saw when it last looked at all of them. Together they bound the age from above: nobody is called too late.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;

/// How often the letters are counted: the answer is about days, and each count is a request to SQS.
pub const COUNT_EVERY: Duration = Duration::from_secs(15 * 60);

/// How long SQS keeps a letter (`template.yaml`).
pub const KEPT: Duration = Duration::from_secs(14 * 24 * 60 * 60);

/// From which age on it is said: half of [`KEPT`]. A metric that says nothing costs nothing.
pub const SAID_FROM: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// Key of the item that remembers a provider's letters.
pub fn letters_key(provider: &str) -> String {
    format!("{provider}#*#letters")
}

/// What is known of the letters in one dead-letter queue.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Letters {
    /// No letter that lies there was sent before; none where none lies there.
    since: Option<Timestamp>,
    /// When the queue was first counted as empty: one count is an estimate, two in a row are believed.
    empty_at: Option<Timestamp>,
}

impl Letters {
    /// What a look at all letters showed: when the oldest was sent; none where there was none.
    #[must_use]
    pub const fn seen(oldest: Option<Timestamp>) -> Self {
        Self {
            since: oldest,
            empty_at: None,
        }
    }

    /// This state after a count, `now`; none where nothing is new. Letters that nobody knew of have come since the last
    /// count.
    #[must_use]
    pub fn counted(&self, letters: u64, now: Timestamp) -> Option<Self> {
        let next = match (letters, self.since, self.empty_at) {
            (0, None, _) => Self::default(),
            (0, since, None) => Self {
                since,
                empty_at: Some(now),
            },
            // Two runs of one minute are one count.
            (0, _, Some(first)) if now.since(first) >= COUNT_EVERY / 2 => Self::default(),
            (0, ..) => self.clone(),
            (_, since, _) => Self::seen(since.or(Some(now - COUNT_EVERY))),
        };
        (next != *self).then_some(next)
    }

    /// The most that a letter can be old `now`, at most the 14 days that it is kept; none where none lies there.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        Some(now.since(self.since?).min(KEPT))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Timestamp = Timestamp::from_millis(1_795_341_600_000);
    const DAY: Duration = Duration::from_secs(24 * 60 * 60);

    fn after(letters: &Letters, count: u64, at: Timestamp) -> Letters {
        letters
            .counted(count, at)
            .unwrap_or_else(|| letters.clone())
    }

    #[test]
    fn a_letter_is_as_old_as_the_queue_is_not_empty() {
        let first = after(&Letters::default(), 1, NOON);
        let two = after(&first, 2, NOON + DAY * 5);
        assert_eq!(two.age(NOON + DAY * 11), Some(DAY * 11 + COUNT_EVERY));
        let one = after(&two, 1, NOON + DAY * 11);
        assert_eq!(one.age(NOON + DAY * 30), Some(KEPT), "no letter is older");
    }

    /// The first letter is dealt with, the second lies on: whoever looked at all of them knows how old it is.
    #[test]
    fn a_look_says_which_letter_is_the_oldest_now() {
        let first = after(&Letters::default(), 1, NOON);
        assert_eq!(first.age(NOON + DAY), Some(DAY + COUNT_EVERY));
        let second = Letters::seen(Some(NOON + DAY * 5));
        let second = after(&second, 1, NOON + DAY * 12);
        assert_eq!(second.age(NOON + DAY * 12), Some(DAY * 7));
        assert_eq!(Letters::seen(None).age(NOON), None);
    }

    /// SQS's counts are estimates: a single one that says none would let a letter begin its life anew.
    #[test]
    fn a_queue_is_empty_after_two_counts_and_not_after_one() {
        let held = after(&Letters::default(), 1, NOON);
        let zero = after(&held, 0, NOON + DAY);
        assert!(zero.age(NOON + DAY).is_some(), "one count");
        let again = after(&zero, 0, NOON + DAY + Duration::from_secs(30));
        assert!(again.age(NOON + DAY).is_some(), "the same one twice");
        let wrong = after(&zero, 1, NOON + DAY + COUNT_EVERY);
        assert_eq!(wrong.age(NOON + DAY), held.age(NOON + DAY));
        let empty = after(&zero, 0, NOON + DAY + COUNT_EVERY);
        assert_eq!(empty, Letters::default());
    }
}
