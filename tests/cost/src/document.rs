//! What is published: `docs/cost.md` and `target/bench/cost.json`.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde_json::{Value, json};

use crate::bill::{Bill, GOAL, Row, Terms};
use crate::counts::Counts;
use crate::idle::{Idle, Stack, secrets, table};
use crate::prices::{ALL, LOOKED_UP, PARAMETER, WRITE_UNIT};
use crate::scenario::Scenario;
use crate::vendor::VENDOR_MS;

/// Requests a month that are published.
const VOLUMES: [(f64, &str); 3] = [(1e6, "1 M"), (10e6, "10 M"), (1e9, "1 B")];

/// What was measured, by scenario.
pub type Measured = BTreeMap<Scenario, Counts>;

/// The report for programs.
#[must_use]
pub fn report(measured: &Measured, stack: &Stack, terms: Terms) -> Value {
    let by = |of: &dyn Fn(&Counts) -> Value| -> Value {
        measured
            .iter()
            .map(|(scenario, counts)| (scenario.name().to_owned(), of(counts)))
            .collect()
    };
    let idle =
        [3, 9, 40, 45].map(|lanes| (lanes.to_string(), json!(Idle::of(stack, lanes).total())));
    json!({
        "cost_per_million_usd": by(&|counts| json!(Bill::of(counts, terms).budgeted())),
        "with_backups_traces_and_traffic_usd": by(&|counts| json!(Bill::of(counts, terms).total())),
        "rows_usd": by(&|counts| json!(Bill::of(counts, terms))),
        "counts": by(&|counts| json!(counts)),
        "goal_healthy_usd": GOAL,
        "idle_usd_month": Value::from_iter(idle),
        "requests_a_month": terms.a_month,
        "cpu_ms_request": terms.cpu_ms,
        "prices": ALL,
        "prices_looked_up": LOOKED_UP,
    })
}

/// The page for people.
#[must_use]
pub fn page(measured: &Measured, stack: &Stack, terms: Terms) -> String {
    let mut page = String::new();
    let _ = write!(
        page,
        "# What it costs\n\n\
         Written by `make bench-cost`; `tests/cost` holds each scenario to its budget. US dollars, US East, prices as of \
         {LOOKED_UP}, without free tiers and volume discounts.\n\n\
         Calls, bytes and milliseconds are counted: the real pipeline, gatekeeper and log writers run on one Stripe lane \
         against an account in memory, in batches of ten that producers send ten at a time. A table answers in 5 ms, SQS in \
         10 ms, the vendor in {VENDOR_MS} ms; computing takes {} ms a message on a whole processor, and a function of \
         256 MB has a seventh of one. What is paid by the month (metrics, secrets' reads, traces) is spread over {} million \
         requests.\n\n",
        terms.cpu_ms,
        terms.a_month / 1e6,
    );
    scenarios(&mut page, measured, terms);
    goal(&mut page, measured, terms);
    volumes(&mut page, measured, terms);
    idle(&mut page, stack);
    prices(&mut page);
    page
}

fn scenarios(page: &mut String, measured: &Measured, terms: Terms) {
    *page += "## A million requests\n\n| |";
    for scenario in measured.keys() {
        let _ = write!(page, " {} |", scenario.title());
    }
    *page += &format!("\n|---|{}\n", "---:|".repeat(measured.len()));
    let bills: Vec<Bill> = measured
        .values()
        .map(|counts| Bill::of(counts, terms))
        .collect();
    let mut line = |name: &str, of: &dyn Fn(&Bill) -> f64| {
        let _ = write!(page, "| {name} |");
        for bill in &bills {
            let _ = write!(page, " {:.3} |", of(bill));
        }
        *page += "\n";
    };
    for row in Row::ALL.into_iter().filter(|row| row.is_budgeted()) {
        line(row.name(), &|bill| bill.0[&row]);
    }
    line("**together**", &Bill::budgeted);
    line("backups (point-in-time recovery)", &|bill| {
        bill.0[&Row::Backups]
    });
    line("traces (X-Ray, `Tracing: Active`)", &|bill| {
        bill.0[&Row::Traces]
    });
    line("traffic to the vendor", &|bill| bill.0[&Row::Traffic]);
    counts(page, measured);
}

/// What was counted, a request.
fn counts(page: &mut String, measured: &Measured) {
    *page += "| budget (CI fails above it) |";
    for scenario in measured.keys() {
        let _ = write!(page, " {:.2} |", scenario.budget());
    }
    *page += "\n\nCounted, for each request that took effect:\n\n| |";
    for scenario in measured.keys() {
        let _ = write!(page, " {} |", scenario.title());
    }
    *page += &format!("\n|---|{}\n", "---:|".repeat(measured.len()));
    let mut line = |name: &str, of: fn(&Counts) -> u64| {
        let _ = write!(page, "| {name} |");
        for counts in measured.values() {
            let _ = write!(
                page,
                " {:.2} |",
                of(counts) as f64 / counts.requests.max(1) as f64
            );
        }
        *page += "\n";
    };
    line("write units, ledger", |counts| counts.ledger_writes);
    line("write units, the ledger's index", |counts| {
        counts.index_writes
    });
    line("write units, limits and breaker", |counts| {
        counts.state_writes
    });
    line("read units", |counts| counts.reads);
    line("calls of SQS", Counts::queue_calls);
    line("messages received", |counts| counts.received);
    line("invocations", |counts| counts.invocations);
    line("ms of waiting", |counts| counts.waited_ms);
    line("calls to the vendor", |counts| counts.vendor_calls);
    line("bytes of log", |counts| counts.log_bytes);
    line("bytes of record", |counts| counts.ledger_bytes);
    *page += "\n";
}

/// How far the goal is.
fn goal(page: &mut String, measured: &Measured, terms: Terms) {
    let Some(healthy) = measured.get(&Scenario::Healthy) else {
        return;
    };
    let bill = Bill::of(healthy, terms);
    let usd = bill.budgeted();
    if usd <= GOAL {
        let _ = write!(
            page,
            "The goal for healthy requests, ${GOAL:.2}, is kept.\n\n"
        );
        return;
    }
    let writes = |units: u64| WRITE_UNIT.of(units as f64) * 1e6 / healthy.requests.max(1) as f64;
    let _ = write!(
        page,
        "The goal for healthy requests, ${GOAL:.2}, is missed by ${:.2}. ${:.2} are the ledger's two writes, which nothing \
         replaces; ${:.2} are writes of limits, {:.1} a batch (one a batch would be $0.06); ${:.2} are log lines ($0.05 for \
         each 100 bytes of a request); ${:.2} are kept records and lines ($0.02 for each 100 bytes of a record); ${:.2} are \
         metrics, which are paid by the month.\n\n",
        usd - GOAL,
        writes(healthy.ledger_writes),
        writes(healthy.state_writes),
        healthy.state_writes as f64 / healthy.invocations.max(1) as f64,
        bill.0[&Row::Logs],
        bill.0[&Row::Storage],
        bill.0[&Row::Metrics],
    );
}

fn volumes(page: &mut String, measured: &Measured, terms: Terms) {
    *page += "## By volume\n\nA month of one lane, backups, traces and traffic included, as dollars a month (a million):\n\n| |";
    for (_, name) in VOLUMES {
        let _ = write!(page, " {name} |");
    }
    *page += "\n|---|---:|---:|---:|\n";
    for (scenario, counts) in measured {
        let _ = write!(page, "| {} |", scenario.title());
        for (a_month, _) in VOLUMES {
            let usd = Bill::of(counts, Terms { a_month, ..terms }).total();
            let _ = write!(page, " {:.0} ({usd:.2}) |", usd * a_month / 1e6);
        }
        *page += "\n";
    }
    *page += "\nLambda traces the first invocation of each second and a twentieth of the others, which cannot be \
              configured: a lane of less than one batch a second (26 M requests a month) has every batch traced, at $0.50 a \
              million requests. `Tracing: PassThrough` ends that.\n\n";
}

fn idle(page: &mut String, stack: &Stack) {
    *page += "## Without traffic\n\n";
    *page += &table(stack);
    let (unbounded, bounded) = (Idle::of(stack, 9).polls_unbounded, Idle::of(stack, 9).polls);
    let (here, there) = secrets(10_000.0);
    let _ = write!(
        page,
        "\nThe lanes' event sources have a maximum concurrency, which keeps five pollers on every queue; without it Lambda \
         goes back to two (${unbounded:.2} in place of ${bounded:.2} for nine lanes), and nothing keeps a lane from taking the \
         account's concurrency. No query of Logs Insights and no metric is paid for while nothing happens.\n\n\
         Secrets are $0.40 a connection and month: $4 at ten connections, ${here:.0} at 10,000. From some hundred connections \
         on another place for them pays: ${there:.0} as advanced parameters (`{}`, ${} each; standard ones are free, 10,000 an \
         account and region, 4 KB), and less than $10 as encrypted items of a table under one KMS key. Secrets Manager stays \
         the place: it has versions, rotation and a policy for each secret; an adapter behind the seam `Secrets` is what \
         another one takes.\n\n",
        PARAMETER.what, PARAMETER.usd,
    );
}

fn prices(page: &mut String) {
    *page += "## Prices\n\n| | US dollars | for | |\n|---|---:|---|---|\n";
    for price in ALL {
        let note = if price.verified {
            ""
        } else {
            " (unverified: the dearer reading)"
        };
        let _ = writeln!(
            page,
            "| {} | {} | {} {} | <{}>{note} |",
            price.what, price.usd, price.per, price.unit, price.source
        );
    }
}
