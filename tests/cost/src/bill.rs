//! From counts to dollars.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::counts::Counts;
use crate::prices::{
    BACKUP_GB, GB, GB_SECOND, INVOCATION, LOG_GB, LOG_GB_KEPT, Price, READ_UNIT, SECRET_CALL,
    SERIES, SQS_CALL, SQS_FAIR, TABLE_GB, TRACE, TRAFFIC_GB, WRITE_UNIT,
};
use crate::units::{LINE_OVERHEAD, platform_lines};

/// CPU of one request in ms, where `target/bench/summary.json` says nothing: the Stripe lane of the release before, on
/// the machine that the benchmark names.
pub const CPU_MS: f64 = 0.43;

/// Memory of a lane's function in GB, as Lambda bills it: the template's `MemorySize` of 256 MB.
const MEMORY_GB: f64 = 0.25;

/// The share of a processor that comes with it: 1,769 MB are one.
/// <https://docs.aws.amazon.com/lambda/latest/dg/configuration-memory.html>
const CPU_SHARE: f64 = 256.0 / 1769.0;

/// Seconds of a month, as AWS's calculator has it: 730 hours.
pub const MONTH_S: f64 = 730.0 * 3600.0;

/// Invocations that Lambda traces: the first of each second, and of the others one in twenty. It cannot be configured.
/// <https://docs.aws.amazon.com/lambda/latest/dg/services-xray.html>
const TRACED_REST: f64 = 0.05;

/// Requests a month of the published figure: a lane that is worth its own series of metrics. Below it the series and
/// the traces weigh more, above it less (the table of volumes says how much).
pub const VOLUME: f64 = 10e6;

/// What a million healthy requests are to cost, in US dollars.
pub const GOAL: f64 = 1.90;

/// What a run is priced by.
#[derive(Clone, Copy, Debug)]
pub struct Terms {
    /// CPU of one received message, in ms.
    pub cpu_ms: f64,
    /// Requests of the lane in a month.
    pub a_month: f64,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            cpu_ms: CPU_MS,
            a_month: VOLUME,
        }
    }
}

/// What is paid for, in the order of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Row {
    /// Writes to the tables.
    Writes,
    /// Reads of the tables.
    Reads,
    /// Calls of SQS.
    Queue,
    /// Invocations and their duration, the gatekeeper's by changes among them.
    Function,
    /// Log lines, those of metrics and the platform's among them.
    Logs,
    /// Series of metrics.
    Metrics,
    /// Records and log lines for the 30 days that they are kept.
    Storage,
    /// Continuous backups of the records.
    Backups,
    /// Reads of secrets.
    Secrets,
    /// X-Ray: Lambda's own sampling.
    Traces,
    /// What goes to the vendor.
    Traffic,
}

impl Row {
    /// All of them.
    pub const ALL: [Self; 11] = [
        Self::Writes,
        Self::Reads,
        Self::Queue,
        Self::Function,
        Self::Logs,
        Self::Metrics,
        Self::Storage,
        Self::Backups,
        Self::Secrets,
        Self::Traces,
        Self::Traffic,
    ];

    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Writes => "writes",
            Self::Reads => "reads",
            Self::Queue => "queue",
            Self::Function => "function",
            Self::Logs => "logs",
            Self::Metrics => "metrics",
            Self::Storage => "storage, 30 days",
            Self::Backups => "backups",
            Self::Secrets => "secrets' reads",
            Self::Traces => "traces",
            Self::Traffic => "traffic out",
        }
    }

    /// Whether it counts for the goal and the budget: what carrying out a request takes. Backups and traces can be
    /// switched off, and traffic is the vendor's format.
    #[must_use]
    pub const fn is_budgeted(self) -> bool {
        !matches!(self, Self::Backups | Self::Traces | Self::Traffic)
    }
}

/// What a million requests cost, by row, in US dollars.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Bill(pub BTreeMap<Row, f64>);

impl Bill {
    /// Prices `counts`.
    #[must_use]
    pub fn of(counts: &Counts, terms: Terms) -> Self {
        let scale = 1e6 / counts.requests.max(1) as f64;
        let per = |price: Price, units: f64| price.of(units * scale);
        let calls = counts.queue_calls() as f64;
        let (lines, bytes) = platform_lines();
        let lines = (counts.log_lines + lines * counts.invocations) * LINE_OVERHEAD as u64;
        let logged = (counts.log_bytes + bytes * counts.invocations + lines) as f64 / GB;
        let stored = counts.ledger_bytes as f64 / GB;
        let rows = [
            (
                Row::Writes,
                per(
                    WRITE_UNIT,
                    (counts.ledger_writes + counts.index_writes + counts.state_writes) as f64,
                ),
            ),
            (Row::Reads, per(READ_UNIT, counts.reads as f64)),
            (Row::Queue, per(SQS_CALL, calls) + per(SQS_FAIR, calls)),
            (Row::Function, function(counts, terms) * scale),
            (Row::Logs, per(LOG_GB, logged)),
            (
                Row::Metrics,
                SERIES.of(counts.series as f64) * 1e6 / terms.a_month,
            ),
            (
                Row::Storage,
                per(TABLE_GB, stored) + per(LOG_GB_KEPT, logged),
            ),
            (Row::Backups, per(BACKUP_GB, stored)),
            // Every environment reads it every five minutes, however few requests there are in between.
            (Row::Secrets, secrets(counts, terms)),
            (Row::Traces, traces(counts, terms)),
            (
                Row::Traffic,
                per(TRAFFIC_GB, counts.vendor_bytes as f64 / GB),
            ),
        ];
        Self(BTreeMap::from(rows))
    }

    /// What counts for the budget.
    #[must_use]
    pub fn budgeted(&self) -> f64 {
        let rows = self.0.iter().filter(|(row, _)| row.is_budgeted());
        rows.map(|(_, usd)| usd).sum()
    }

    /// All of it.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.0.values().sum()
    }
}

/// A function computes at its share of a processor, and waits for the rest.
fn function(counts: &Counts, terms: Terms) -> f64 {
    let computed = counts.received as f64 * terms.cpu_ms / CPU_SHARE;
    let seconds = (counts.waited_ms as f64 + computed) / 1000.0;
    let runs = counts.invocations + counts.gatekeeper_runs;
    INVOCATION.of(runs as f64) + GB_SECOND.of(seconds * MEMORY_GB)
}

/// Reads of secrets in a month, spread over its requests: an environment keeps a secret for five minutes.
fn secrets(counts: &Counts, terms: Terms) -> f64 {
    const KEPT_S: f64 = 300.0;
    let environments = counts.environments as f64;
    SECRET_CALL.of(environments * MONTH_S / KEPT_S) * 1e6 / terms.a_month
}

fn traces(counts: &Counts, terms: Terms) -> f64 {
    let invocations = counts.invocations as f64 / counts.requests.max(1) as f64 * terms.a_month;
    let first = invocations.min(MONTH_S);
    let traced = first + (invocations - first) * TRACED_REST;
    TRACE.of(traced) * 1e6 / terms.a_month
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A batch of ten by hand: two writes a request and one of the limit's item, three calls, a quarter of a second.
    fn batch() -> Counts {
        Counts {
            requests: 10,
            received: 10,
            ledger_writes: 20,
            state_writes: 1,
            sends: 1,
            receives: 1,
            deletes: 1,
            invocations: 1,
            waited_ms: 220,
            series: 4,
            ..Counts::default()
        }
    }

    #[test]
    fn a_bill_is_what_the_pages_say_for_a_batch_by_hand() {
        let bill = Bill::of(
            &batch(),
            Terms {
                cpu_ms: 0.0,
                a_month: 10e6,
            },
        );
        let near = |row, usd: f64| {
            assert!(
                (bill.0[&row] - usd).abs() < 1e-3,
                "{row:?}: {}",
                bill.0[&row]
            )
        };
        near(Row::Writes, 2.1 * 0.625);
        near(Row::Queue, 0.3 * 0.50);
        near(Row::Function, 0.02 + 0.25 * 0.220 * 1e5 * 0.000_016_666_7);
        near(Row::Metrics, 4.0 * 0.30 / 10.0);
        // A million invocations in a month are fewer than one a second: all are traced.
        near(Row::Traces, 0.5);
    }

    #[test]
    fn what_is_paid_by_the_month_weighs_less_the_more_there_is() {
        let usd = |a_month| {
            Bill::of(
                &batch(),
                Terms {
                    cpu_ms: CPU_MS,
                    a_month,
                },
            )
            .total()
        };
        assert!(usd(1e6) > usd(10e6) && usd(10e6) > usd(1e9));
    }

    #[test]
    fn a_computing_millisecond_costs_more_than_a_waiting_one() {
        let usd = |cpu_ms| {
            Bill::of(
                &batch(),
                Terms {
                    cpu_ms,
                    a_month: 10e6,
                },
            )
            .0[&Row::Function]
        };
        let waiting = 1e5 * 0.001 * 0.25 * 0.000_016_666_7;
        assert!(usd(0.1) - usd(0.0) > 6.0 * waiting);
    }
}
