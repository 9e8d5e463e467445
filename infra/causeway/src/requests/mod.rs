//! `causeway requests list` and `causeway unknown list`: what is not delivered, from the ledger's index.

use std::str::FromStr;
use std::time::Duration;

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use causeway::ledger::index::{DynamoIndex, LedgerIndex, Query, list};
use causeway::ledger::{DynamoLedger, LedgerStore, Record, Status, request_of};
use causeway::request::{LedgerKey, Name};
use clap::{Args, Subcommand, ValueEnum};
use comfy_table::ColumnConstraint;
use serde::Serialize;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::output;
use crate::stack::Stack;
use crate::status::View;
use crate::target::Target;
use crate::text::CommandLine;
use crate::when;

/// Requests that are not delivered.
///
/// The ledger has a record of what a lane has had in hand: what still waits in its queue for the first time is not listed,
/// nor what is delivered or being worked on. A change shows within a second or so.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them: those that may have taken effect first, then the rejected, then those that are tried again.
    ///
    /// Exit status 3 where there are more than were asked for.
    List(List),
}

#[derive(Args, Debug)]
struct List {
    #[command(flatten)]
    which: Which,
    /// Those that stand like this; all three kinds otherwise.
    #[arg(long)]
    status: Option<Kind>,
}

/// Requests that may have taken effect and of which nobody can tell: a person must look.
#[derive(Args, Debug)]
pub struct UnknownArguments {
    #[command(subcommand)]
    action: UnknownAction,
}

#[derive(Debug, Subcommand)]
enum UnknownAction {
    /// List them: the same as `requests list --status unknown`.
    ///
    /// Exit status 3 where there are more than were asked for.
    List(Which),
}

#[derive(Args, Clone, Debug)]
struct Which {
    /// Whose requests; all lanes' otherwise.
    #[arg(value_name = "PROVIDER[/CONNECTION]")]
    target: Option<Target>,
    /// Those that a lane last had in hand so long ago at most (90s, 15m, 2h or 7d), or at this time or later
    /// (2026-11-22T10:00:00Z).
    #[arg(long, value_name = "DURATION or TIME")]
    since: Option<Since>,
    /// At most so many.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    limit: u32,
}

/// Pages that are read of one lane: the most that `--limit` asks for, and as many short ones. Where a connection is picked
/// from its provider's requests, twenty million of these.
const PAGES_MAX: usize = 2_000;

/// How a listed request stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    /// It may have taken effect.
    Unknown,
    /// It ended without effect.
    Rejected,
    /// It waits for its next attempt.
    Retrying,
}

impl Kind {
    const fn status(self) -> Status {
        match self {
            Self::Unknown => Status::Unknown,
            Self::Rejected => Status::Rejected,
            Self::Retrying => Status::Retrying,
        }
    }
}

/// From when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Since {
    Ago(Duration),
    At(Timestamp),
}

impl FromStr for Since {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(at) = Timestamp::parse_rfc3339(text) {
            return Ok(Self::At(at));
        }
        when::duration(text).map(Self::Ago).map_err(|rule| {
            format!("must be {rule}, or a time with its zone: 2026-11-22T10:00:00+01:00")
        })
    }
}

impl Since {
    fn time(self, now: Timestamp) -> Timestamp {
        match self {
            Self::Ago(duration) => now - duration,
            Self::At(at) => at,
        }
    }
}

/// A request in a result.
#[derive(Debug, Serialize)]
struct Listed {
    #[serde(flatten)]
    view: View,
    /// When a lane last had it in hand.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    claimed_at: Option<Timestamp>,
    /// The command that says more of it.
    next: String,
}

/// A result.
#[derive(Debug, Default, Serialize)]
struct Found {
    requests: Vec<Listed>,
    /// Whether there are more than were asked for.
    more: bool,
}

/// Runs `causeway requests`.
///
/// # Errors
/// When AWS refuses, or there is no such lane.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let Action::List(List { which, status }) = &arguments.action;
    run_list(which, status.map(Kind::status), context).await
}

/// Runs `causeway unknown`.
///
/// # Errors
/// When AWS refuses, or there is no such lane.
pub async fn run_unknown(arguments: &UnknownArguments, context: &Context) -> Result<Done, Error> {
    let UnknownAction::List(which) = &arguments.action;
    run_list(which, Some(Status::Unknown), context).await
}

async fn run_list(which: &Which, status: Option<Status>, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let (dynamodb, table) = (stack.dynamodb.clone(), stack.requests_table()?);
    let (index, ledger) = (
        DynamoIndex::new(dynamodb.clone(), table),
        DynamoLedger::new(dynamodb, table),
    );
    let now = SystemClock.now();
    let queries = queries(which, status, &stack, now)?;
    let found = find(&index, &ledger, queries, which.limit as usize, now).await?;
    let is_more = found.more;
    if context.global.json {
        output::json(output::Kind::Requests, &found)?;
    } else {
        print(&found, now)?;
    }
    Ok(if is_more { Done::InPart } else { Done::All })
}

/// One question a lane: of the one that is asked for, or of each.
fn queries(
    which: &Which,
    status: Option<Status>,
    stack: &Stack,
    now: Timestamp,
) -> Result<Vec<Query>, Error> {
    let targets = match &which.target {
        Some(target) => vec![target.deployed(stack)?],
        None => {
            let names = stack.lanes().iter();
            let names = names.filter_map(|lane| Name::try_from(lane.provider.clone()).ok());
            let of_lane = |provider| Target {
                provider,
                connection: None,
            };
            names.map(of_lane).collect()
        }
    };
    let query = |target: Target| Query {
        provider: target.provider,
        connection: target.connection,
        status,
        since: which.since.map(|since| since.time(now)),
    };
    Ok(targets.into_iter().map(query).collect())
}

/// The answers to `queries`, in their order, up to `limit`.
async fn find(
    index: &dyn LedgerIndex,
    ledger: &dyn LedgerStore,
    queries: Vec<Query>,
    limit: usize,
    now: Timestamp,
) -> Result<Found, Error> {
    let mut found = Found::default();
    for query in queries {
        let mut from = None;
        for _ in 0..PAGES_MAX {
            let page = list(index, ledger, &query, from.take(), now).await;
            let page = page.map_err(|error| {
                Error::new(format!("the ledger's index cannot be read: {error}"))
                    .hint("a stack of an earlier release has no index; who may read it: infra/policies/viewer.json")
            })?;
            let listed = page.records.iter().filter_map(Listed::of);
            found.requests.extend(listed);
            if found.requests.len() > limit {
                found.requests.truncate(limit);
                found.more = true;
                return Ok(found);
            }
            from = page.next;
            if from.is_none() {
                break;
            }
        }
        found.more |= from.is_some();
    }
    Ok(found)
}

impl Listed {
    fn of(record: &Record) -> Option<Self> {
        let key = request_of(&record.pk)?;
        Some(Self {
            view: View::of(&key, record),
            claimed_at: record.claimed_at,
            next: next(&key, record),
        })
    }
}

/// The command that says more. What stands beside the key's own record is not that: its letter tells of it.
pub(crate) fn next(key: &LedgerKey, record: &Record) -> String {
    let is_own = record.pk == key.as_str();
    let provider = key.provider();
    if !is_own {
        let show = CommandLine::new("dlq show").argument(provider);
        return show.argument(key.as_str()).to_string();
    }
    let target = match key.connection() {
        connection if connection == Name::default_connection().as_str() => provider.to_owned(),
        connection => format!("{provider}/{connection}"),
    };
    let status = CommandLine::new("status").argument(&target);
    status.argument(key.key()).to_string()
}

fn print(found: &Found, now: Timestamp) -> Result<(), Error> {
    if found.requests.is_empty() {
        return output::line("Nothing of that kind: neither unknown, rejected nor retrying.");
    }
    output::line(&table(&found.requests, now))?;
    if found.more {
        let count = found.requests.len();
        output::line(&format!(
            "The first {count}: there are more (--limit, --since)"
        ))?;
    }
    Ok(())
}

fn table(requests: &[Listed], now: Timestamp) -> String {
    let headings = [
        "STATUS",
        "CONNECTION",
        "KEY",
        "CODE",
        "ATTEMPTS",
        "LAST",
        "NEXT",
    ];
    let mut table = output::table(&headings);
    for Listed {
        view,
        claimed_at,
        next,
    } in requests
    {
        table.add_row([
            view.status.word().to_owned(),
            format!("{}/{}", view.provider, view.connection),
            view.idempotency_key.clone(),
            view.code.clone().unwrap_or_default(),
            view.attempts.to_string(),
            claimed_at.map_or_else(String::new, |at| when::span(now.since(at))),
            next.clone(),
        ]);
    }
    // To be copied: a narrow terminal breaks the other columns.
    if let Some(column) = table.column_mut(headings.len() - 1) {
        column.set_constraint(ColumnConstraint::ContentWidth);
    }
    table.to_string()
}

#[cfg(test)]
mod tests;
