//! What a connection's credentials may do, as far as refusals (403) tell: each refusal ends its own request, until a
//! run of them shows that the operation is not theirs to do. Then that operation of that connection waits, and nothing
//! else does.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::pause::{Paused, Reason, Standing, TRIAL_EVERY};
use crate::Timestamp;

/// Refusals in a row that pause an operation: the design's number, section 8.
pub const RUN: u32 = 5;

/// Operations of one connection that are remembered as refused: more than any of our providers has. Beyond it the run
/// that is longest ago is forgotten, and begins anew.
const MAX_RUNS: usize = 16;

/// How much of a payload's hash tells it from another one.
const PRINT: usize = 16;

/// Operations that were refused, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Rights(BTreeMap<String, Run>);

/// Refusals of one operation in a row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// How many.
    pub refusals: u32,
    /// The first one's payload, by the beginning of its hash.
    pub payload: String,
    /// Whether another payload was refused as well: a single one may be the only one that is.
    #[serde(default)]
    pub varied: bool,
    /// When the run began.
    pub since: Timestamp,
    /// When one call may try again, once the operation is paused.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_trial: Option<Timestamp>,
}

impl Run {
    fn begun(payload: &str, now: Timestamp) -> Self {
        Self {
            refusals: 0,
            payload: print(payload),
            varied: false,
            since: now,
            next_trial: None,
        }
    }

    fn paused(&self) -> Paused {
        Paused {
            reason: Reason::Forbidden,
            since: self.since,
            until: None,
        }
    }
}

fn print(hash: &str) -> String {
    hash.chars().take(PRINT).collect()
}

impl Rights {
    /// Whether no operation is in doubt.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Operations that are paused, and how.
    pub fn paused(&self) -> impl Iterator<Item = (&str, &Run)> {
        let all = self.0.iter().map(|(name, run)| (name.as_str(), run));
        all.filter(|(_, run)| run.next_trial.is_some())
    }

    /// Whether calls of `operation` may be made.
    #[must_use]
    pub fn standing(&self, operation: &str, now: Timestamp) -> Standing {
        match self.0.get(operation).map(|run| (run, run.next_trial)) {
            Some((run, Some(trial))) if now >= trial => Standing::TrialDue(run.paused()),
            Some((run, Some(_))) => Standing::Paused(run.paused()),
            _ => Standing::Going,
        }
    }

    /// Takes the trial that is due; whether there was one to take.
    pub(super) fn begin_trial(&mut self, operation: &str, now: Timestamp) -> bool {
        let due = |run: &&mut Run| run.next_trial.is_some_and(|trial| now >= trial);
        let run = self.0.get_mut(operation).filter(due);
        run.map(|run| run.next_trial = Some(now + TRIAL_EVERY))
            .is_some()
    }

    /// The vendor refused a call of `operation` with `payload`; the last that it let through was at `allowed`. For how
    /// long the request waits; none where the refusal is its end.
    pub(super) fn refused(
        &mut self,
        operation: &str,
        payload: &str,
        allowed: Option<Timestamp>,
        now: Timestamp,
    ) -> Option<Paused> {
        self.contradict(operation, allowed);
        self.make_room(operation);
        let begun = || Run::begun(payload, now);
        let run = self.0.entry(operation.to_owned()).or_insert_with(begun);
        if run.next_trial.is_some() {
            return Some(run.paused());
        }
        run.refusals = run.refusals.saturating_add(1);
        run.varied |= run.payload != print(payload);
        if run.refusals >= RUN && run.varied {
            run.next_trial = Some(now + TRIAL_EVERY);
        }
        None
    }

    /// The vendor let a call of `operation` through at `allowed`: no run that began before it goes on.
    pub(super) fn contradict(&mut self, operation: &str, allowed: Option<Timestamp>) {
        let Some(allowed) = allowed else { return };
        if self
            .0
            .get(operation)
            .is_some_and(|run| run.since <= allowed)
        {
            self.0.remove(operation);
        }
    }

    fn make_room(&mut self, operation: &str) {
        if self.0.len() < MAX_RUNS || self.0.contains_key(operation) {
            return;
        }
        let oldest = self.0.iter().min_by_key(|(_, run)| run.since);
        if let Some(name) = oldest.map(|(name, _)| name.clone()) {
            self.0.remove(&name);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const DEALS: &str = "deals.upsert";

    fn at(seconds: u64) -> Timestamp {
        Timestamp::from_millis(0) + Duration::from_secs(seconds)
    }

    fn run_of(payloads: &[&str]) -> Rights {
        let mut rights = Rights::default();
        for (second, payload) in (1..).zip(payloads) {
            assert_eq!(rights.refused(DEALS, payload, None, at(second)), None);
        }
        rights
    }

    #[test]
    fn five_refusals_in_a_row_pause_the_operation_and_nothing_else() {
        let mut rights = run_of(&["a", "b", "c", "d"]);
        assert_eq!(rights.standing(DEALS, at(5)), Standing::Going);
        assert_eq!(rights.refused(DEALS, "e", None, at(5)), None);
        assert!(matches!(
            rights.standing(DEALS, at(6)),
            Standing::Paused(paused) if paused.reason == Reason::Forbidden
        ));
        assert_eq!(rights.standing("contacts.upsert", at(6)), Standing::Going);
        let waits = rights.refused(DEALS, "f", None, at(6));
        assert!(waits.is_some(), "the sixth waits");
    }

    #[test]
    fn one_payload_alone_says_nothing_of_the_others() {
        let mut rights = run_of(&["a"; 9]);
        assert_eq!(rights.standing(DEALS, at(10)), Standing::Going);
        rights.refused(DEALS, "b", None, at(10));
        assert!(matches!(
            rights.standing(DEALS, at(10)),
            Standing::Paused(_)
        ));
    }

    #[test]
    fn a_success_between_begins_the_count_anew() {
        let mut rights = run_of(&["a", "b", "c", "d"]);
        rights.refused(DEALS, "e", Some(at(4)), at(5));
        assert_eq!(rights.standing(DEALS, at(5)), Standing::Going);
        assert_eq!(rights.0[DEALS].refusals, 1);
    }

    #[test]
    fn one_call_tries_every_quarter_of_an_hour_and_a_success_ends_it() {
        let mut rights = run_of(&["a", "b", "c", "d", "e"]);
        let due = at(5) + TRIAL_EVERY;
        assert!(!rights.begin_trial(DEALS, at(6)));
        assert!(matches!(rights.standing(DEALS, due), Standing::TrialDue(_)));
        assert!(rights.begin_trial(DEALS, due));
        assert!(!rights.begin_trial(DEALS, due), "one call");
        rights.contradict(DEALS, Some(due));
        assert!(rights.is_empty());
    }

    #[test]
    fn what_is_remembered_has_a_bound() {
        let mut rights = Rights::default();
        for second in 0..100 {
            rights.refused(&format!("operation-{second}"), "a", None, at(second));
        }
        assert_eq!(rights.0.len(), MAX_RUNS);
        assert!(rights.0.contains_key("operation-99"));
    }
}
