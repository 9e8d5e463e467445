//! The result: a file for programs, a table for people.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use causeway_fakes::journal;
use comfy_table::{CellAlignment, Table, presets};
use serde::Serialize;

use super::self_check;
use super::verify::{Counts, Evidence, FanOut, Finding, Judgement};

/// What a run came to; the first twelve fields are fixed, others may come.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// All lanes together.
    #[serde(flatten)]
    pub all: Counts,
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
    /// Each lane by itself.
    pub lanes: BTreeMap<String, Counts>,
    /// What became of the events that go to several lanes.
    pub fan_out: FanOut,
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
    /// Calls that asked for an access token.
    pub tokens: u64,
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
    pub(super) fn new(evidence: &Evidence, judgement: Judgement, took: Duration) -> Self {
        let vendor = |name: &str, report: &journal::ProviderReport| Vendor {
            calls: report.calls,
            tokens: evidence.tokens.get(name).copied().unwrap_or(0),
            effects: report.effects,
            replayed: report.replayed,
            faults: report.faults.clone(),
            throttled: report.throttled,
        };
        Self {
            agrees: judgement.agrees(),
            all: judgement.all,
            breaker_opened: judgement.breaker_opened,
            seconds: (took.as_secs_f64() * 10.0).round() / 10.0,
            disagreements: judgement.findings.iter().map(ToString::to_string).collect(),
            letters_by_code: judgement.codes,
            outcomes_printed: evidence.outcomes.clone(),
            lanes: judgement.lanes,
            fan_out: judgement.fan_out,
            vendors: evidence
                .journal
                .providers
                .iter()
                .map(|(name, report)| (name.clone(), vendor(name, report)))
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
        for table in [self.totals(), self.by_lane(), self.by_vendor()] {
            let _ = writeln!(out, "\n{table}");
        }
        let _ = writeln!(out, "\nfan-out:              {}", self.fan_out_in_words());
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
            self.all.unique
        );
    }

    fn totals(&self) -> Table {
        let mut table = table(&["", "count", "meaning"]);
        let all = &self.all;
        for (name, count, meaning) in [
            ("sent", all.sent, "messages"),
            ("unique", all.unique, "distinct requests"),
            ("delivered", all.delivered, "keys completed in the ledger"),
            (
                "duplicates",
                all.duplicates,
                "messages acknowledged without a call",
            ),
            (
                "rejected",
                all.rejected,
                "requests with a reason in the dead-letter queue",
            ),
            (
                "unknown",
                all.unknown,
                "keys whose outcome only a person can settle",
            ),
            ("in DLQ", all.in_dlq, "letters"),
            ("effects", all.effects, "counted by the vendors"),
            (
                "effects expected",
                all.effects_expected,
                "by the ledger and the send list",
            ),
            ("lost", all.lost, "requests that nothing knows of"),
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

    fn by_lane(&self) -> Table {
        let mut table = table(&[
            "lane",
            "sent",
            "unique",
            "delivered",
            "duplicates",
            "rejected",
            "unknown",
            "in DLQ",
            "effects",
            "expected",
            "lost",
        ]);
        for (name, lane) in &self.lanes {
            let counts = [
                lane.sent,
                lane.unique,
                lane.delivered,
                lane.duplicates,
                lane.rejected,
                lane.unknown,
                lane.in_dlq,
                lane.effects,
                lane.effects_expected,
                lane.lost,
            ];
            let counts = counts.iter().map(u64::to_string);
            table.add_row([name.clone()].into_iter().chain(counts));
        }
        table
    }

    /// Where calls carry several requests, there are fewer calls than effects.
    fn by_vendor(&self) -> Table {
        let mut table = table(&[
            "vendor",
            "calls",
            "for tokens",
            "effects",
            "replayed",
            "throttled",
            "faults on command",
        ]);
        for (name, vendor) in &self.vendors {
            let faults = listed(&vendor.faults);
            let counts = [
                vendor.calls,
                vendor.tokens,
                vendor.effects,
                vendor.replayed,
                vendor.throttled,
            ];
            let counts = counts.iter().map(u64::to_string);
            table.add_row([name.clone()].into_iter().chain(counts).chain([faults]));
        }
        table
    }

    fn fan_out_in_words(&self) -> String {
        let FanOut {
            events,
            requests,
            delivered,
            events_delivered,
            by_lane,
        } = &self.fan_out;
        format!(
            "{events} events to {} lanes, {delivered} of {requests} requests delivered, {events_delivered} events \
             everywhere ({})",
            by_lane.len(),
            listed(by_lane)
        )
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
