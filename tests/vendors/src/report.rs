//! What was checked, and what was found.

use std::fmt::Write;

use comfy_table::{Table, presets};
use serde::Serialize;

/// One line of the table: one check of one vendor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// The provider's name.
    pub vendor: String,
    /// What was held against what.
    pub check: &'static str,
    /// Calls that were made for it.
    pub requests: usize,
    /// Every violation, in a sentence.
    pub violations: Vec<String>,
    /// What was left out and why, or how many seeded faults were found.
    pub remarks: Vec<String>,
}

impl Row {
    /// A check that has found nothing yet.
    #[must_use]
    pub fn new(vendor: &str, check: &'static str) -> Self {
        Self {
            vendor: vendor.to_owned(),
            check,
            requests: 0,
            violations: Vec::new(),
            remarks: Vec::new(),
        }
    }

    /// A check that was not made.
    #[must_use]
    pub fn left_out(vendor: &str, check: &'static str, why: impl Into<String>) -> Self {
        let mut row = Self::new(vendor, check);
        row.remarks.push(format!("left out: {}", why.into()));
        row
    }

    /// With one more violation.
    pub fn violation(&mut self, text: impl Into<String>) {
        self.violations.push(text.into());
    }
}

/// All of a run.
#[derive(Debug, Default, Serialize)]
pub struct Report {
    /// In the order in which they were made.
    pub rows: Vec<Row>,
}

impl Report {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_clean(&self) -> bool {
        self.rows.iter().all(|row| row.violations.is_empty())
    }

    /// A table, and below it every violation.
    #[must_use]
    pub fn text(&self) -> String {
        let mut table = Table::new();
        table.load_style(presets::ASCII_MARKDOWN);
        table.set_header(["vendor", "check", "requests", "violations", "remarks"]);
        for row in &self.rows {
            table.add_row([
                row.vendor.clone(),
                row.check.to_owned(),
                row.requests.to_string(),
                row.violations.len().to_string(),
                row.remarks.join("; "),
            ]);
        }
        let mut text = table.to_string();
        text.push('\n');
        for row in &self.rows {
            for violation in &row.violations {
                // Writing to a String does not fail.
                let _ = write!(text, "\n{} / {}: {violation}", row.vendor, row.check);
            }
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_violation_makes_a_run_fail_and_is_told_in_full() {
        let mut row = Row::new("acme", "requests by the document");
        row.requests = 3;
        let clean = Report {
            rows: vec![row.clone(), Row::left_out("zeta", "SDK", "there is none")],
        };
        assert!(clean.is_clean(), "what was left out is no violation");
        assert!(clean.text().contains("left out: there is none"));

        row.violation("things.create: body.name must be string");
        let report = Report { rows: vec![row] };
        assert!(!report.is_clean());
        assert!(
            report.text().contains(
                "acme / requests by the document: things.create: body.name must be string"
            )
        );
    }
}
