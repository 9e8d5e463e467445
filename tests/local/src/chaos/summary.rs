//! The result: a file for programs, a table for people.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use causeway::Timestamp;
use comfy_table::{Table, presets};
use serde::Serialize;

use super::Options;
use super::killer::Killer;
use crate::demo::plan::Plan;
use crate::demo::verify::{Evidence, Judgement};

/// More disagreements are only scrolled past.
const DISAGREEMENTS_SHOWN: usize = 20;

/// What all rounds so far came to.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Summary {
    /// Rounds that were run.
    pub rounds: u64,
    /// Distinct requests that were sent.
    pub requests: u64,
    /// Messages that carried them.
    pub messages: u64,
    /// Processes that were killed.
    pub kills: u64,
    /// Invocations that ended without an answer: the kills that hit work.
    pub interrupted: u64,
    /// Questions that vendors were asked about calls whose callers were killed.
    pub lookups: u64,
    /// From a round's last kill until the last request of a killed process had ended: the longest of all rounds,
    /// seconds.
    pub recovery: f64,
    /// Requests that are `COMPLETED` in the ledger.
    pub delivered: u64,
    /// Requests that ended rejected.
    pub rejected: u64,
    /// Requests that are `UNKNOWN` in the ledger; each has a letter.
    pub unknown: u64,
    /// Requests that are neither final in the ledger nor in a dead-letter queue.
    pub lost: u64,
    /// Effects at the vendors beyond the first of a request.
    pub double_effects: u64,
    /// From the first message to the last verdict, without building and deploying, seconds.
    pub duration: f64,
    /// Chooses moments and processes.
    pub seed: u64,
    /// Whether ledger, queues and vendors agree on every request.
    pub agrees: bool,
    /// What does not agree, in words.
    pub disagreements: Vec<String>,
    /// Letters by code.
    pub letters_by_code: BTreeMap<String, u64>,
    /// The totals after each round, in its order.
    pub after_round: Vec<Totals>,
}

/// Totals after a round, earlier rounds included.
#[derive(Debug, Clone, Serialize)]
pub struct Totals {
    pub kills: u64,
    pub interrupted: u64,
    pub lookups: u64,
    /// Of this round alone.
    pub recovery: f64,
    pub delivered: u64,
    pub rejected: u64,
    pub unknown: u64,
    pub duration: f64,
}

impl Summary {
    pub(super) fn new(options: &Options) -> Self {
        Self {
            seed: options.seed,
            ..Self::default()
        }
    }

    /// Takes in the judgement over all rounds up to the one that just ended and took so long.
    pub(super) fn add(
        &mut self,
        all: &Plan,
        evidence: &Evidence,
        judgement: Judgement,
        killer: &Killer,
        interrupted: u64,
        took: Duration,
    ) {
        self.rounds += 1;
        self.requests = all.requests.len() as u64;
        self.messages = all.sent() as u64;
        self.kills = killer.kills();
        self.interrupted = interrupted;
        self.lookups = evidence.lookups.values().sum();
        let recovery = recovery(evidence, killer.last());
        self.recovery = self.recovery.max(recovery);
        self.delivered = judgement.all.delivered;
        self.rejected = judgement.all.rejected;
        self.unknown = judgement.all.unknown;
        self.lost = judgement.all.lost;
        self.double_effects = double_effects(evidence);
        self.duration = ((self.duration + took.as_secs_f64()) * 10.0).round() / 10.0;
        // What disagreed once is not forgotten where it agrees later.
        self.agrees = (self.agrees || self.rounds == 1) && judgement.agrees();
        let words = judgement.findings.iter().map(ToString::to_string);
        self.disagreements.extend(
            words
                .filter(|word| !self.disagreements.contains(word))
                .collect::<Vec<_>>(),
        );
        self.letters_by_code = judgement.codes;
        self.after_round.push(Totals {
            kills: self.kills,
            interrupted,
            lookups: self.lookups,
            recovery,
            delivered: self.delivered,
            rejected: self.rejected,
            unknown: self.unknown,
            duration: self.duration,
        });
    }

    pub(super) fn write(&self, path: &Path) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder)?;
        }
        let mut text = serde_json::to_string_pretty(self)?;
        text.push('\n');
        std::fs::write(path, text)
    }

    /// Shows the result to people.
    pub(super) fn print(&self) {
        let mut out = io::stdout().lock();
        // A closed pipe is the reader's choice and changes nothing about the result.
        let _ = writeln!(out, "\n{}\n", self.table());
        for disagreement in self.disagreements.iter().take(DISAGREEMENTS_SHOWN) {
            let _ = writeln!(out, "DISAGREES: {disagreement}");
        }
        let more = self.disagreements.len().saturating_sub(DISAGREEMENTS_SHOWN);
        if more > 0 {
            let _ = writeln!(out, "… and {more} more in the summary file");
        }
        let verdict = if self.agrees { "agree" } else { "DO NOT AGREE" };
        let _ = writeln!(
            out,
            "Ledger, queues and vendors {verdict} on {} requests after {} kills.",
            self.requests, self.kills
        );
    }

    fn table(&self) -> Table {
        let mut table = Table::new();
        table.load_style(presets::UTF8_BORDERS_ONLY).set_header([
            "after round",
            "kills",
            "of them at work",
            "lookups",
            "recovered after",
            "delivered",
            "rejected",
            "unknown",
            "seconds",
        ]);
        for (at, totals) in self.after_round.iter().enumerate() {
            table.add_row([
                (at + 1).to_string(),
                totals.kills.to_string(),
                totals.interrupted.to_string(),
                totals.lookups.to_string(),
                format!("{:.0} s", totals.recovery),
                totals.delivered.to_string(),
                totals.rejected.to_string(),
                totals.unknown.to_string(),
                format!("{:.0}", totals.duration),
            ]);
        }
        table
    }
}

/// How long after `last_kill` the last request of a killed process ended, seconds; none where all had before.
fn recovery(evidence: &Evidence, last_kill: Timestamp) -> f64 {
    let ended = evidence.interrupted.iter().max();
    ended.map_or(0.0, |ended| ended.since(last_kill).as_secs_f64())
}

/// Effects beyond the first of each request, as the vendors count them.
fn double_effects(evidence: &Evidence) -> u64 {
    let reports = evidence.journal.providers.values();
    reports
        .flat_map(|report| report.effects_by_marker.values())
        .map(|effects| effects.saturating_sub(1))
        .sum()
}

#[cfg(test)]
mod tests {
    use causeway_fakes::journal::ProviderReport;

    use super::*;

    #[test]
    fn only_effects_beyond_a_requests_first_are_double() {
        let mut evidence = Evidence::default();
        let effects = [("a", 1), ("b", 3), ("c", 2)];
        let report = ProviderReport {
            effects_by_marker: effects.map(|(marker, n)| (marker.to_owned(), n)).into(),
            ..ProviderReport::default()
        };
        evidence.journal.providers.insert("slack".into(), report);
        assert_eq!(double_effects(&evidence), 3);
    }

    #[test]
    fn recovery_is_from_the_last_kill_to_the_last_end_of_what_was_interrupted() {
        let at = |seconds: i64| Timestamp::from_millis(seconds * 1000);
        let mut evidence = Evidence::default();
        assert_eq!(recovery(&evidence, at(10)), 0.0);
        evidence.interrupted = vec![at(12), at(75), at(9)];
        assert_eq!(recovery(&evidence, at(10)), 65.0);
        assert_eq!(recovery(&evidence, at(80)), 0.0);
    }

    #[test]
    fn the_longest_recovery_stands_for_all_rounds_and_lookups_add_up() {
        let mut summary = Summary::default();
        for (lookups, ended) in [(3, 40), (5, 20)] {
            let evidence = Evidence {
                lookups: [("guesty".to_owned(), lookups)].into(),
                interrupted: vec![Timestamp::from_millis(ended * 1000)],
                ..Evidence::default()
            };
            let (judgement, killer) = (Judgement::default(), Killer::new(1));
            let took = Duration::from_secs(1);
            summary.add(&Plan::default(), &evidence, judgement, &killer, 2, took);
        }
        assert_eq!((summary.lookups, summary.recovery), (5, 40.0));
        assert_eq!(summary.after_round[1].recovery, 20.0);
        let table = summary.table().to_string();
        assert!(
            table.contains("lookups") && table.contains("40 s"),
            "{table}"
        );
    }

    #[test]
    fn a_disagreement_of_an_early_round_is_not_forgotten() {
        let options = Options {
            rounds: 2,
            requests: 200,
            kills: 1,
            late_kills: 0,
            seed: 5,
            summary: "unused".into(),
        };
        let mut summary = Summary::new(&options);
        let mut bad = Judgement::default();
        bad.all.lost = 1;
        for judgement in [bad, Judgement::default()] {
            let evidence = Evidence::default();
            let killer = Killer::new(5);
            let took = Duration::from_secs(1);
            summary.add(&Plan::default(), &evidence, judgement, &killer, 0, took);
        }
        assert!(!summary.agrees);
        assert_eq!((summary.rounds, summary.lost), (2, 0));
    }
}
