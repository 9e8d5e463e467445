//! The result: a file for programs, a table for people.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use causeway_fakes::journal;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::plan::Plan;
use super::self_check;
use super::verify::{Evidence, Finding, Judgement};

/// What a run came to; the first twelve fields are fixed, others may come.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Messages sent.
    pub sent: u64,
    /// Distinct requests among them.
    pub unique: u64,
    /// Keys that are `COMPLETED` in the ledger.
    pub delivered: u64,
    /// Messages acknowledged without a call, because their request had been delivered before: copies of
    /// delivered requests, none of which is in a dead-letter queue.
    pub duplicates: u64,
    /// Distinct requests that ended rejected.
    pub rejected: u64,
    /// Keys that are `UNKNOWN` in the ledger.
    pub unknown: u64,
    /// Letters in the dead-letter queues.
    pub in_dlq: u64,
    /// Effects that the vendors counted.
    pub effects: u64,
    /// Delivered keys, and unknown keys that the vendors show as done.
    pub effects_expected: u64,
    /// Distinct requests that are neither final in the ledger nor in a dead-letter queue.
    pub lost: u64,
    /// How often a circuit breaker opened.
    pub breaker_opened: u64,
    /// From the first message to the verdict, without building and deploying.
    pub seconds: f64,
    /// Whether everything agrees.
    pub agrees: bool,
    /// What does not agree, in words.
    pub disagreements: Vec<String>,
    /// Letters by code.
    pub letters_by_code: BTreeMap<String, u64>,
    /// The functions' own counts of outcomes, from the metrics in their logs; a message that came back counts each time.
    pub outcomes_printed: BTreeMap<String, u64>,
    /// What each vendor has seen.
    pub vendors: BTreeMap<String, Vendor>,
    #[serde(skip)]
    findings: Vec<Finding>,
}

/// What one vendor has seen.
#[derive(Debug, Clone, Serialize)]
pub struct Vendor {
    /// Calls that arrived.
    pub calls: u64,
    /// Effects.
    pub effects: u64,
    /// Stored answers given again: work that a lost reply would have doubled.
    pub replayed: u64,
    /// Calls that went wrong on command, by kind.
    pub faults: BTreeMap<String, u64>,
    /// Calls that came over the vendor's limits.
    pub throttled: u64,
}

impl Summary {
    pub(super) fn new(
        plan: &Plan,
        evidence: &Evidence,
        judgement: Judgement,
        took: Duration,
    ) -> Self {
        let vendor = |report: &journal::ProviderReport| Vendor {
            calls: report.calls,
            effects: report.effects,
            replayed: report.replayed,
            faults: report.faults.clone(),
            throttled: report.throttled,
        };
        Self {
            sent: plan.sent() as u64,
            unique: plan.requests.len() as u64,
            delivered: judgement.delivered,
            duplicates: judgement.duplicates,
            rejected: judgement.rejected,
            unknown: judgement.unknown,
            in_dlq: evidence.letters.len() as u64,
            effects: judgement.effects,
            effects_expected: judgement.effects_expected,
            lost: judgement.lost,
            breaker_opened: judgement.breaker_opened,
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
            agrees: judgement.agrees(),
            disagreements: judgement.findings.iter().map(ToString::to_string).collect(),
            letters_by_code: judgement.codes,
            outcomes_printed: evidence.outcomes.clone(),
            vendors: evidence
                .journal
                .providers
                .iter()
                .map(|(name, report)| (name.clone(), vendor(report)))
                .collect(),
            findings: judgement.findings,
        }
    }

    /// Whether a self-check found exactly what it had put there.
    pub fn self_check_noticed(&self) -> bool {
        self_check::noticed(&self.findings)
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
        let _ = writeln!(out, "\n{}\n\n{}\n", self.totals(), self.by_vendor());
        let _ = writeln!(
            out,
            "dead letters:         {}",
            listed(&self.letters_by_code)
        );
        let _ = writeln!(
            out,
            "outcomes in the logs: {}",
            listed(&self.outcomes_printed)
        );
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
            "Ledger, queues and vendors {verdict} on {} requests.",
            self.unique
        );
    }

    fn totals(&self) -> Table {
        let mut table = table(&["", "count", "meaning"]);
        for (name, count, meaning) in [
            ("sent", self.sent, "messages"),
            ("unique", self.unique, "distinct requests"),
            ("delivered", self.delivered, "keys completed in the ledger"),
            (
                "duplicates",
                self.duplicates,
                "messages acknowledged without a call",
            ),
            (
                "rejected",
                self.rejected,
                "requests with a reason in the dead-letter queue",
            ),
            (
                "unknown",
                self.unknown,
                "keys whose outcome only a person can settle",
            ),
            ("in DLQ", self.in_dlq, "letters"),
            ("effects", self.effects, "counted by the vendors"),
            (
                "effects expected",
                self.effects_expected,
                "by the ledger and the send list",
            ),
            ("lost", self.lost, "requests that nothing knows of"),
            ("breaker opened", self.breaker_opened, "times"),
        ] {
            table.add_row([name.to_owned(), count.to_string(), meaning.to_owned()]);
        }
        table.add_row([
            "took".to_owned(),
            format!("{:.0}", self.seconds),
            "seconds".to_owned(),
        ]);
        table
    }

    fn by_vendor(&self) -> Table {
        let mut table = table(&[
            "vendor",
            "calls",
            "effects",
            "replayed",
            "throttled",
            "faults on command",
        ]);
        for (name, vendor) in &self.vendors {
            let faults = listed(&vendor.faults);
            let counts = [
                vendor.calls,
                vendor.effects,
                vendor.replayed,
                vendor.throttled,
            ]
            .map(|n| n.to_string());
            let [calls, effects, replayed, throttled] = counts;
            table.add_row([name.clone(), calls, effects, replayed, throttled, faults]);
        }
        table
    }
}

fn listed(counts: &BTreeMap<String, u64>) -> String {
    let counts: Vec<String> = counts
        .iter()
        .map(|(name, n)| format!("{name} {n}"))
        .collect();
    counts.join(", ")
}

/// More disagreements are only scrolled past.
const DISAGREEMENTS_SHOWN: usize = 20;

fn table(header: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_BORDERS_ONLY)
        .set_header(header);
    for (at, name) in header.iter().enumerate().skip(1) {
        let numbers = *name != "meaning" && !name.starts_with("faults");
        if let Some(column) = table.column_mut(at).filter(|_| numbers) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table
}
