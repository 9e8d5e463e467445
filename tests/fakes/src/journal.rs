//! What happened: every call, and every effect by the caller's marker and by the vendor's key.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::limits::LimitReport;
use crate::vendor::Effect;

/// The calls kept one by one; beyond it only the counts go on. A demo makes a few thousand.
pub const CALLS_MAX: usize = 100_000;

/// What `GET /_control/journal` answers: everything, by provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Report {
    /// What each provider has seen.
    pub providers: BTreeMap<String, ProviderReport>,
}

impl Report {
    /// How many effects carry `marker` at `provider`.
    pub fn effects_of(&self, provider: &str, marker: &str) -> u64 {
        let provider = self.providers.get(provider);
        provider
            .and_then(|report| report.effects_by_marker.get(marker))
            .copied()
            .unwrap_or(0)
    }
}

/// What one provider has seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderReport {
    /// Calls that arrived, refused ones and ones without an answer included.
    pub calls: u64,
    /// Answers by HTTP status.
    pub calls_by_status: BTreeMap<u16, u64>,
    /// Calls whose connection was closed without an answer.
    pub unanswered: u64,
    /// Calls refused by a limit.
    pub throttled: u64,
    /// Stored answers given again.
    pub replayed: u64,
    /// Calls hit by a fault, by its mode.
    pub faults: BTreeMap<String, u64>,
    /// Effects, all together.
    pub effects: u64,
    /// Effects that carry no marker.
    pub effects_unmarked: u64,
    /// Effects by the caller's marker.
    pub effects_by_marker: BTreeMap<String, u64>,
    /// Effects by the vendor's idempotency key.
    pub effects_by_key: BTreeMap<String, u64>,
    /// What the vendor's limits have seen, by name.
    pub limits: BTreeMap<String, LimitReport>,
}

/// One call, as `GET /_control/calls` lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallRecord {
    /// Whose call it was.
    pub provider: String,
    /// Time since the server started, milliseconds.
    pub at_ms: u64,
    /// The method and the vendor's path.
    pub call: String,
    /// The vendor's idempotency key, where one was given.
    pub vendor_key: Option<String>,
    /// The answer's status; `None` when there was no answer.
    pub status: Option<u16>,
    /// The fault that hit the call.
    pub fault: Option<String>,
}

/// The journal itself.
#[derive(Debug, Default)]
pub struct Journal {
    calls: Vec<CallRecord>,
    reports: BTreeMap<&'static str, ProviderReport>,
    effects: Vec<(&'static str, Effect)>,
}

impl Journal {
    /// Counts one call and keeps it.
    pub fn call(&mut self, provider: &'static str, record: CallRecord) {
        let report = self.reports.entry(provider).or_default();
        report.calls += 1;
        match record.status {
            Some(status) => *report.calls_by_status.entry(status).or_default() += 1,
            None => report.unanswered += 1,
        }
        if let Some(fault) = &record.fault {
            *report.faults.entry(fault.clone()).or_default() += 1;
        }
        if self.calls.len() < CALLS_MAX {
            self.calls.push(record);
        }
    }

    /// Counts a call that a limit refused.
    pub fn throttled(&mut self, provider: &'static str) {
        self.reports.entry(provider).or_default().throttled += 1;
    }

    /// Counts a stored answer given again.
    pub fn replayed(&mut self, provider: &'static str) {
        self.reports.entry(provider).or_default().replayed += 1;
    }

    /// Counts an effect.
    pub fn effect(&mut self, provider: &'static str, effect: Effect) {
        let report = self.reports.entry(provider).or_default();
        report.effects += 1;
        match &effect.marker {
            Some(marker) => *report.effects_by_marker.entry(marker.clone()).or_default() += 1,
            None => report.effects_unmarked += 1,
        }
        if let Some(key) = &effect.vendor_key {
            *report.effects_by_key.entry(key.clone()).or_default() += 1;
        }
        self.effects.push((provider, effect));
    }

    /// Counts the effect that carries `marker` once more, as if the vendor had done it twice: a
    /// verification that does not notice is worth nothing. `false` when there is no such effect.
    pub fn duplicate(&mut self, marker: &str) -> bool {
        let found = self
            .effects
            .iter()
            .find(|(_, effect)| effect.marker.as_deref() == Some(marker))
            .cloned();
        if let Some((provider, effect)) = found {
            self.effect(provider, effect);
            return true;
        }
        false
    }

    /// All counts; `limits` come from the windows, which keep their own.
    pub fn report(&self, limits: impl Fn(&str) -> BTreeMap<String, LimitReport>) -> Report {
        let providers = self.reports.iter().map(|(name, report)| {
            let report = ProviderReport {
                limits: limits(name),
                ..report.clone()
            };
            ((*name).to_owned(), report)
        });
        Report {
            providers: providers.collect(),
        }
    }

    /// The calls one by one, in the order of their answers.
    pub fn calls(&self) -> &[CallRecord] {
        &self.calls
    }
}

/// Whole milliseconds, for records.
pub(crate) fn millis(at: Duration) -> u64 {
    u64::try_from(at.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn injected_duplicate_counts_as_a_second_effect_of_its_marker() {
        let mut journal = Journal::default();
        let effect = |marker: &str| Effect {
            marker: Some(marker.into()),
            vendor_key: Some(format!("key-{marker}")),
            object_id: "cus_1".into(),
        };
        journal.effect("stripe", effect("a"));
        journal.effect("stripe", effect("b"));
        assert!(journal.duplicate("a"));
        assert!(!journal.duplicate("c"), "nothing to double");
        let report = journal.report(|_| BTreeMap::new());
        assert_eq!(
            (
                report.effects_of("stripe", "a"),
                report.effects_of("stripe", "b")
            ),
            (2, 1)
        );
        assert_eq!(report.providers["stripe"].effects_by_key["key-a"], 2);
    }
}
