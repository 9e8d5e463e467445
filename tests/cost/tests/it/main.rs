//! Every scenario within its budget, counted anew; and what the README says of idle lanes is what the template makes of
//! the prices.

use std::fs;
use std::path::{Path, PathBuf};

use causeway_cost::bill::{Bill, Terms};
use causeway_cost::counts::Counts;
use causeway_cost::idle::{Idle, Stack, table};
use causeway_cost::measure::measure;
use causeway_cost::scenario::Scenario;

/// The most that 40 idle lanes may cost in a month, secrets left out, in US dollars: $103.29 as of 2026-11-30, $72 of it the
/// lanes' alarms, and some for one alarm more.
const IDLE_40: f64 = 110.0;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn within(scenario: Scenario) -> Counts {
    let counts = measure(Path::new(env!("CARGO_BIN_EXE_cost")), scenario).expect("a measurement");
    let bill = Bill::of(&counts, Terms::default());
    let (usd, most) = (bill.budgeted(), scenario.budget());
    assert!(
        usd <= most,
        "{}: ${usd:.3} a million, budget ${most:.2}: {:#?}",
        scenario.name(),
        bill.0
    );
    counts
}

#[test]
fn a_million_healthy_requests_stay_within_their_budget() {
    let counts = within(Scenario::Healthy);
    assert_eq!(counts.vendor_calls, counts.requests);
    assert_eq!(
        counts.ledger_writes,
        2 * counts.requests,
        "a claim and a settlement"
    );
}

#[test]
fn transient_errors_stay_within_their_budget() {
    let counts = within(Scenario::Transient);
    assert!(counts.vendor_calls > counts.requests);
}

#[test]
fn an_outage_stays_within_its_budget() {
    let counts = within(Scenario::Outage);
    assert!(counts.gatekeeper_runs > 0, "the breaker changed");
}

#[test]
fn a_throttled_vendor_stays_within_its_budget() {
    let counts = within(Scenario::Throttled);
    assert!(counts.received > counts.requests, "something was put off");
}

#[test]
fn forty_idle_lanes_stay_within_their_budget() {
    let stack = Stack::read(&root()).expect("the template");
    assert!(
        stack.lane_alarm_metrics > 0 && stack.dashboards > 0 && stack.schedules > 0,
        "{stack:?}"
    );
    let idle = Idle::of(&stack, 40);
    let usd = idle.total() - idle.secrets;
    assert!(usd <= IDLE_40, "${usd:.2} a month: {idle:#?}");
}

/// `CAUSEWAY_BLESS=1` writes it anew.
#[test]
fn the_readme_says_what_idle_lanes_cost() {
    let stack = Stack::read(&root()).expect("the template");
    let path = root().join("README.md");
    let readme = fs::read_to_string(&path).expect("a README");
    let table = table(&stack);
    let (before, rest) = readme
        .split_once("| US dollars a month, without traffic |")
        .expect("the table");
    let after = rest.split_once("\n\n").expect("something after it").1;
    if std::env::var_os("CAUSEWAY_BLESS").is_some() {
        fs::write(&path, format!("{before}{table}\n{after}")).expect("written");
        return;
    }
    assert!(
        readme.contains(&table),
        "README.md says otherwise; CAUSEWAY_BLESS=1 writes it:\n{table}"
    );
}
