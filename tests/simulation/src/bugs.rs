//! Plants one bug after the other and lets the seeds look for it.

use causeway::bugs::{Bug, plant};

use crate::summary::{self, Failure};

/// Seeds within which a bug must be found.
pub const WITHIN: u64 = 1_000;

/// The bug of that name.
pub fn named(name: &str) -> Option<Bug> {
    Bug::ALL
        .iter()
        .copied()
        .find(|bug| format!("{bug:?}") == name)
}

/// The first seeds that show `bug`, within [`WITHIN`]: the search ends soon after the first one. No other bug is
/// planted any more.
pub fn hunt(bug: Bug, threads: usize) -> Vec<Failure> {
    plant(Some(bug));
    let summary = summary::run(1, WITHIN, threads, |_, outcome| {
        outcome.violations.is_empty()
    });
    plant(None);
    summary.failures
}
