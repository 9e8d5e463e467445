//! The recent past of a `Closed` breaker: a sliding window of calls and the run of faults.
//!
//! It fills only from the first bad call on (nobody writes while the lane is healthy) and is forgotten as
//! soon as it holds none.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{BatchResults, Breaker, BreakerSpec};
use crate::timestamp::Timestamp;

/// One environment's second failing batch confirms its first when it comes at least this much later: longer
/// than the 1 s for which the others trust a closed state, so that they had a chance to contradict.
pub(super) const APART: Duration = Duration::from_secs(2);

/// Environments remembered as having seen bad calls: two already prove that it is not one of them alone.
const SUSPECTS_MAX: usize = 2;

/// Calls of one slice of the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Bucket {
    /// When the slice began.
    pub at: Timestamp,
    /// Calls that ended in it.
    pub calls: u32,
    /// Of these, faults and slow ones.
    pub bad: u32,
}

/// An environment that saw bad calls within the window.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(default)]
pub struct Suspect {
    /// The environment.
    pub by: String,
    /// Its latest bad call.
    pub at: Timestamp,
    /// Whether its latest batch got any answer: then its own network works.
    pub answered: bool,
}

impl Breaker {
    /// Whether successes matter now: the window holds bad calls, or a run of faults waits for its end.
    pub(super) fn is_watching(&self) -> bool {
        self.consecutive > 0 || self.window_totals().1 > 0
    }

    /// Drops what is older than the window; buckets from the future (a clock gone wrong) go as well.
    pub(super) fn forget_old(&mut self, spec: &BreakerSpec, now: Timestamp) {
        let (from, to) = (now - spec.window, now + spec.window);
        self.window
            .retain(|bucket| from < bucket.at && bucket.at <= to);
        self.suspects
            .retain(|suspect| from < suspect.at && suspect.at <= to);
        if self.window_totals().1 == 0 {
            self.window.clear();
            self.suspects.clear();
        }
    }

    /// Adds a batch to the window and to the run of faults.
    pub(super) fn count(
        &mut self,
        spec: &BreakerSpec,
        now: Timestamp,
        owner: &str,
        results: &BatchResults,
    ) {
        self.count_calls(spec, now, results);
        self.count_suspect(now, owner, results);
        self.count_run(now, owner, results);
    }

    /// Why the breaker must open now, if it must.
    pub(super) fn cause_to_open(&self, spec: &BreakerSpec) -> Option<String> {
        if self.consecutive >= spec.faults_to_open && self.corroborated {
            return Some(format!("{} consecutive faults", self.consecutive));
        }
        let (calls, bad) = self.window_totals();
        let too_many = u64::from(bad) * 100 >= u64::from(calls) * u64::from(spec.rate_percent);
        if calls >= spec.rate_min_calls && bad > 0 && too_many && !self.one_is_cut_off() {
            return Some(format!(
                "{bad} of {calls} calls in {} s bad",
                spec.window.as_secs()
            ));
        }
        None
    }

    /// Ends window and run: the state they argued about has changed.
    pub(super) fn clear_counts(&mut self) {
        self.window.clear();
        self.suspects.clear();
        self.census = None;
        self.end_run();
    }

    /// A single environment that gets no answer at all may just have lost its network. Fast connect
    /// failures would fill the window within a second, so that the rate rule leaves such a run of faults
    /// to the consecutive rule, which waits for confirmation.
    fn one_is_cut_off(&self) -> bool {
        matches!(self.suspects.as_slice(), [only] if !only.answered)
    }

    /// Calls and bad calls in the window.
    fn window_totals(&self) -> (u32, u32) {
        self.window.iter().fold((0, 0), |(calls, bad), bucket| {
            (
                bucket.calls.saturating_add(calls),
                bucket.bad.saturating_add(bad),
            )
        })
    }

    fn count_calls(&mut self, spec: &BreakerSpec, now: Timestamp, results: &BatchResults) {
        let slice = (spec.window / BreakerSpec::BUCKETS).as_millis().max(1);
        let slice = i64::try_from(slice).unwrap_or(i64::MAX);
        let at = Timestamp::from_millis(now.as_millis().div_euclid(slice).saturating_mul(slice));
        let place = match self.window.binary_search_by_key(&at, |bucket| bucket.at) {
            Ok(place) => place,
            Err(place) => {
                self.window.insert(
                    place,
                    Bucket {
                        at,
                        ..Bucket::default()
                    },
                );
                place
            }
        };
        let bucket = &mut self.window[place];
        bucket.calls = bucket.calls.saturating_add(results.calls());
        bucket.bad = bucket.bad.saturating_add(results.bad());
        // Clocks that differ can add a bucket or two beyond the window; the item stays bounded all the same.
        let surplus = self
            .window
            .len()
            .saturating_sub(BreakerSpec::BUCKETS as usize + 1);
        self.window.drain(..surplus);
    }

    fn count_suspect(&mut self, now: Timestamp, owner: &str, results: &BatchResults) {
        let answered = results.answered() > 0;
        let room = self.suspects.len() < SUSPECTS_MAX;
        match self.suspects.iter_mut().find(|suspect| suspect.by == owner) {
            Some(suspect) => {
                suspect.answered = answered;
                if results.bad() > 0 {
                    suspect.at = suspect.at.max(now);
                }
            }
            None if results.bad() > 0 && room => {
                self.suspects.push(Suspect {
                    by: owner.to_owned(),
                    at: now,
                    answered,
                });
            }
            None => {}
        }
    }

    fn count_run(&mut self, now: Timestamp, owner: &str, results: &BatchResults) {
        if results.answered() > 0 {
            self.end_run();
        }
        if results.trailing_faults() == 0 {
            return;
        }
        self.consecutive = self.consecutive.saturating_add(results.trailing_faults());
        match (self.run_by.as_deref(), self.run_since) {
            (Some(by), Some(since)) => {
                self.corroborated |= by != owner || now.since(since) >= APART;
            }
            _ => {
                self.run_by = Some(owner.to_owned());
                self.run_since = Some(now);
            }
        }
    }

    fn end_run(&mut self) {
        self.consecutive = 0;
        self.run_by = None;
        self.run_since = None;
        self.corroborated = false;
    }
}
