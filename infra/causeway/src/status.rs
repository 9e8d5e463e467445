//! `causeway status`: what the ledger says of one request.

use std::time::Duration;

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use causeway::lanes::{DynamoStates, StateStore};
use causeway::ledger::{DynamoLedger, LedgerStore, Record, Status};
use causeway::provider::Provider;
use causeway::request::{IdempotencyKey, LedgerKey, Name};
use causeway_ingest::catalogue;
use causeway_insights::explain::{Explanation, Facts, Lane, Seen, Zone, explain, look};
use clap::Args;
use futures_util::join;
use serde::Serialize;

pub use causeway_insights::explain::word;

use crate::breaker;
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::release;
use crate::stack::Stack;
use crate::target::Target;
use crate::text::CommandLine;
use crate::when::{self, Now};

/// How often a watched record is read: a request takes seconds.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Show where a request stands.
///
/// Requests are known by their idempotency key: `causeway send --json` and the API answer it beside the id, which is
/// not a key. With --watch the exit status is 0 when the request was completed, 3 when it ended otherwise, 1 when it
/// did not end in time.
#[derive(Args, Clone, Debug)]
pub struct Arguments {
    /// Whose request; the connection is `default` where none is named.
    #[arg(value_name = "PROVIDER[/CONNECTION]")]
    target: Target,
    /// The idempotency key.
    #[arg(value_parser = key)]
    key: IdempotencyKey,
    /// Wait until the request has ended, and show each change.
    #[arg(long)]
    watch: bool,
    /// How long --watch waits at most: 90s, 15m, 2h or 7d.
    #[arg(long, value_parser = when::duration, default_value = "15m", value_name = "DURATION")]
    timeout: Duration,
}

fn key(text: &str) -> Result<IdempotencyKey, causeway::request::InvalidKey> {
    IdempotencyKey::try_from(text.to_owned())
}

/// A record in a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct View {
    /// The provider.
    pub provider: String,
    /// The connection.
    pub connection: String,
    /// The idempotency key.
    pub idempotency_key: String,
    /// Where it stands.
    pub status: Status,
    /// Why it ended, or why the last attempt failed.
    pub code: Option<String>,
    /// The code in more words.
    pub detail: Option<String>,
    /// Attempts made in this series.
    pub attempts: u32,
    /// Which series of attempts it is in: 1, and one more for each fresh start since (a redrive of what had no effect).
    pub series: u32,
    /// Whether an attempt may have taken effect.
    pub ambiguous: bool,
    /// When its lane first saw it.
    #[serde(serialize_with = "when::rfc3339")]
    pub first_seen: Timestamp,
    /// When the last attempt was made.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub last_attempt: Option<Timestamp>,
    /// When the next attempt is due.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub next_attempt_at: Option<Timestamp>,
    /// End of the present claim.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub lease_until: Option<Timestamp>,
    /// HTTP status of the provider's answer.
    pub response_status: Option<u16>,
    /// The provider's id of what was made.
    pub object_id: Option<String>,
    /// When an operator ruled on it (`causeway dlq resolve`).
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub resolved_at: Option<Timestamp>,
    /// When the ledger may forget it; none while it may have an unknown effect.
    #[serde(serialize_with = "when::maybe_rfc3339")]
    pub expires_at: Option<Timestamp>,
}

/// A record and what it means: where the request stands, and why it is not delivered yet.
#[derive(Clone, Debug, Serialize)]
struct Shown {
    #[serde(flatten)]
    view: View,
    explanation: Explanation,
}

/// What is asked, of whom.
struct Asked<'a> {
    arguments: &'a Arguments,
    ledger: DynamoLedger,
    states: Option<DynamoStates>,
    zone: Zone,
}

/// Runs the command.
///
/// # Errors
/// When there is no record, AWS cannot be reached, or the wait was too long.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let arguments = &Arguments {
        target: arguments.target.deployed(&stack)?,
        ..arguments.clone()
    };
    let asked = Asked {
        arguments,
        ledger: DynamoLedger::new(stack.dynamodb.clone(), stack.requests_table()?),
        states: breaker::states(&stack).ok(),
        zone: context.zone(),
    };
    if arguments.watch {
        return watch(&asked, context).await;
    }
    // The remark takes no time of its own.
    let (read, ()) = join!(read(&asked), release::tell(&stack));
    match read? {
        Ok(shown) => show(&shown, context)?,
        Err(explanation) => {
            if !context.global.json {
                output::line(&paragraphs(&explanation))?;
            }
            return Err(absent(arguments));
        }
    }
    Ok(Done::All)
}

async fn watch(asked: &Asked<'_>, context: &Context) -> Result<Done, Error> {
    let arguments = asked.arguments;
    let end = SystemClock.now() + arguments.timeout;
    let mut shown: Option<View> = None;
    let mut said_absent = false;
    loop {
        match read(asked).await? {
            Err(_) if !said_absent => {
                eprintln!("no record yet: the request waits in its queue, or was never sent");
                said_absent = true;
            }
            Ok(now) if shown.as_ref() != Some(&now.view) => {
                show(&now, context)?;
                shown = Some(now.view);
            }
            Ok(_) | Err(_) => {}
        }
        match shown.as_ref().map(|view| view.status) {
            Some(Status::Completed) => return Ok(Done::All),
            Some(Status::Rejected | Status::Unknown) => return Ok(Done::InPart),
            Some(Status::InProgress | Status::Retrying) | None => {}
        }
        if SystemClock.now() >= end {
            let waited = when::span(arguments.timeout);
            return Err(Error::new(format!("the request has not ended in {waited}"))
                .hint("--timeout gives it longer; `causeway lanes` shows what holds the lane up"));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

/// What there is of the request, explained; the explanation alone where there is no record.
async fn read(asked: &Asked<'_>) -> Result<Result<Shown, Explanation>, Error> {
    let arguments = asked.arguments;
    let key = ledger_key(arguments);
    let read = asked.ledger.read(&[key.to_string()]).await;
    let mut records =
        read.map_err(|error| Error::new(format!("the ledger cannot be read: {error}")))?;
    let record = records.pop().flatten();
    let now = SystemClock.now();
    let record = record.filter(|record| !record.is_expired(now));
    let states = asked
        .states
        .as_ref()
        .map(|states| states as &dyn StateStore);
    let lane = lane(states, key.provider(), key.connection(), now).await;
    let seen = record.as_ref().map(Seen::of);
    let facts = Facts {
        now,
        provider: key.provider(),
        connection: key.connection(),
        key: Some(key.key()),
        operation: None,
        safety: None,
        deadline: None,
        seen: seen.as_ref(),
        lane: lane.as_ref(),
        waiting: None,
        page: catalogue::pack(key.provider()).map(causeway::pack::Pack::page),
    };
    let explanation = explain(&facts, &asked.zone);
    Ok(match record {
        Some(record) => Ok(Shown {
            view: View::of(&key, &record),
            explanation,
        }),
        None => Err(explanation),
    })
}

/// What holds a lane, and a connection of it, up; none where that cannot be read: who may follow requests may do no more.
pub async fn lane(
    states: Option<&dyn StateStore>,
    provider: &str,
    connection: &str,
    now: Timestamp,
) -> Option<Lane> {
    let spec = catalogue::pack(provider)?.spec();
    look(states?, spec, connection, now).await.ok()
}

fn ledger_key(arguments: &Arguments) -> LedgerKey {
    let target = &arguments.target;
    let connection = target.connection.clone();
    let connection = connection.unwrap_or_else(Name::default_connection);
    LedgerKey::new(&target.provider, &connection, &arguments.key)
}

fn absent(arguments: &Arguments) -> Error {
    let key = arguments.key.as_str();
    Error::new(format!("{} has no record of `{key}`", arguments.target)).hint(
        "it may still wait in its queue (--watch waits for it), or the key is another: ids are no keys; records are kept for 30 days",
    )
}

fn show(shown: &Shown, context: &Context) -> Result<(), Error> {
    if context.global.json {
        return output::json(Kind::Request, shown);
    }
    let told = paragraphs(&shown.explanation);
    output::line(&format!(
        "{}\n\n{told}",
        shown.view.paragraph(&context.now())
    ))
}

/// How a person rules on a request; `--rejected` is the other ruling.
pub(crate) fn ruled(provider: &str, key: &str) -> String {
    let command = CommandLine::new("dlq resolve").argument(provider);
    let command = command.argument(key).flag("--completed");
    let command = command.option("--reason", "…");
    format!("look at the vendor, then (--rejected where it had no effect): {command}")
}

/// Both paragraphs, for a terminal.
#[must_use]
pub fn paragraphs(explanation: &Explanation) -> String {
    format!("{}\n\n{}\n", explanation.support, explanation.engineer)
}

/// What a status means, in a sentence.
const fn meaning(status: Status) -> &'static str {
    match status {
        Status::InProgress => "a function holds it and may be calling the provider",
        Status::Retrying => "it waits for its next attempt",
        Status::Completed => "it took effect",
        Status::Rejected => "it ended; a letter in the dead-letter queue says why",
        Status::Unknown => "it may have taken effect and nobody can tell; a person must look",
    }
}

impl View {
    /// Of the request under `key`.
    #[must_use]
    pub fn of(key: &LedgerKey, record: &Record) -> Self {
        let response = record.response.as_ref();
        Self {
            provider: key.provider().to_owned(),
            connection: key.connection().to_owned(),
            idempotency_key: key.key().to_owned(),
            status: record.status,
            code: record.code.as_ref().map(ToString::to_string),
            detail: record.detail.clone(),
            attempts: record.attempts,
            series: record.series,
            ambiguous: record.ambiguous,
            first_seen: record.first_seen,
            last_attempt: record.last_attempt,
            next_attempt_at: record.next_attempt_at,
            lease_until: record
                .lease_until
                .filter(|_| record.status == Status::InProgress),
            response_status: response.map(|response| response.status),
            object_id: response.and_then(|response| response.object_id.clone()),
            resolved_at: record.resolved_at,
            expires_at: record
                .expires_at
                .map(|seconds| Timestamp::from_millis(seconds.saturating_mul(1000))),
        }
    }

    fn paragraph(&self, now: &Now) -> String {
        let head = format!(
            "{}/{} {}",
            self.provider, self.connection, self.idempotency_key
        );
        let mut lines = vec![
            head,
            format!(
                "  status        {}: {}",
                word(self.status),
                meaning(self.status)
            ),
        ];
        if let Some(code) = &self.code {
            let detail = self
                .detail
                .as_deref()
                .map_or_else(String::new, |detail| format!(": {detail}"));
            lines.push(format!("  code          {code}{detail}"));
        }
        let times = [
            ("first seen   ", Some(self.first_seen)),
            ("last attempt ", self.last_attempt),
            (
                "next attempt ",
                self.next_attempt_at
                    .filter(|_| self.status == Status::Retrying),
            ),
            ("claimed until", self.lease_until),
            ("ruled on     ", self.resolved_at),
        ];
        let series = if self.series > 1 {
            format!(" in series {}; those before it had no effect", self.series)
        } else {
            String::new()
        };
        lines.push(format!("  attempts      {}{series}", self.attempts));
        for (name, at) in times {
            if let Some(at) = at {
                lines.push(format!("  {name} {}", now.both(at)));
            }
        }
        if let Some(status) = self.response_status {
            let made = self
                .object_id
                .as_deref()
                .map_or_else(String::new, |id| format!(", object {id}"));
            lines.push(format!("  answer        HTTP {status}{made}"));
        }
        if self.ambiguous && self.status != Status::Completed {
            lines.push("  ambiguous     an attempt may have taken effect".to_owned());
        }
        if let Some(next) = self.next_command() {
            lines.push(format!("  next          {next}"));
        }
        lines.join("\n")
    }

    pub(crate) fn next_command(&self) -> Option<String> {
        let provider = &self.provider;
        // The whole key: the same one may be known to other connections.
        let key = format!("{provider}#{}#{}", self.connection, self.idempotency_key);
        match self.status {
            Status::Rejected => {
                let show = CommandLine::new("dlq show").argument(provider);
                Some(show.argument(&key).to_string())
            }
            Status::Unknown => Some(ruled(provider, &key)),
            Status::InProgress | Status::Retrying | Status::Completed => None,
        }
    }
}

#[cfg(test)]
mod tests;
