//! `causeway logs`: what a lane's function said, newest last.

mod line;

use std::collections::VecDeque;
use std::time::Duration;

use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;
use aws_sdk_lambda::types::LoggingConfig;
use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use causeway::ledger::{DynamoLedger, LedgerStore};
use causeway::request::{IdempotencyKey, LedgerKey, Name};
use clap::Args;

use self::line::{Level, Line};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Stack;
use crate::{target, when};

/// Pages that are read of one log: a page is up to 1 MB or 10,000 lines, so 100 MB, a busy lane's half hour.
/// <https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_FilterLogEvents.html>
const PAGES_MAX: usize = 100;

/// Functions that are no lane's, by the words that they go by here and in the stack's outputs.
const OTHERS: [(&str, &str); 3] = [
    ("ingest", "IngestFunctionName"),
    ("gatekeeper", "GatekeeperFunctionName"),
    ("warning", "WarningFunctionName"),
];

/// Show what a lane's function logged, newest last.
///
/// What Lambda itself says of invocations that went well, and the metrics, are left out. Exit status 3: there is more
/// than was read.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane; or `ingest`, `gatekeeper`, `warning`.
    #[arg(value_name = "LANE")]
    lane: String,
    /// How far back: 90s, 15m, 2h or 7d.
    #[arg(long, value_parser = when::duration, default_value = "15m", value_name = "DURATION")]
    since: Duration,
    /// Only lines about the request of this idempotency key; of its latest message, as the ledger has it.
    #[arg(long, value_parser = key)]
    key: Option<IdempotencyKey>,
    /// Only lines about this connection; with --key, whose key it is (`default` otherwise).
    #[arg(long, value_parser = target::name)]
    connection: Option<Name>,
    /// Only lines as severe as that, and what says no level.
    #[arg(long, value_enum, default_value_t = Level::Trace)]
    level: Level,
    /// The newest lines, so many at most.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
}

fn key(text: &str) -> Result<IdempotencyKey, causeway::request::InvalidKey> {
    IdempotencyKey::try_from(text.to_owned())
}

/// Which lines are wanted.
struct Wanted {
    level: Level,
    /// The lane's provider; none of a function that is no lane's.
    provider: Option<String>,
    connection: Option<String>,
    /// The ledger's key, and SQS's id of the message that the ledger last saw of it.
    request: Option<(String, String)>,
}

/// Runs the command.
///
/// # Errors
/// When AWS refuses, there is no such lane, log or request.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let function = function(&stack, &arguments.lane)?;
    let wanted = wanted(arguments, &stack).await?;
    let from = context.now().at - arguments.since;
    let group = group(&stack, function).await?;
    let limit = arguments.limit as usize;
    let read = read(&stack, &group, from, &wanted, limit).await?;
    for line in &read.newest {
        match context.global.json {
            true => output::json_line(Kind::LogLine, line)?,
            false => output::line(&line.short(&context.now()))?,
        }
    }
    if read.newest.is_empty() && !context.global.json {
        let since = when::span(arguments.since);
        output::line(&format!(
            "{function} said nothing of that kind in the last {since}."
        ))?;
    }
    if let Some(more) = read.more() {
        eprintln!("{more}");
        return Ok(Done::InPart);
    }
    Ok(Done::All)
}

fn function<'a>(stack: &'a Stack, lane: &str) -> Result<&'a str, Error> {
    match OTHERS.iter().find(|(name, _)| *name == lane) {
        Some((_, output)) => stack.output(output),
        None => Ok(&stack.lane(lane)?.function_name),
    }
}

async fn wanted(arguments: &Arguments, stack: &Stack) -> Result<Wanted, Error> {
    let connection = arguments.connection.as_ref();
    let lane = stack.lane(&arguments.lane).ok();
    let mut wanted = Wanted {
        level: arguments.level,
        provider: lane.map(|lane| lane.provider.clone()),
        connection: connection.map(|name| name.as_str().to_owned()),
        request: None,
    };
    let Some(key) = &arguments.key else {
        return Ok(wanted);
    };
    let lane = stack.lane(&arguments.lane)?;
    let provider = Name::try_from(lane.provider.clone())
        .map_err(|rule| Error::new(format!("the lane's provider {rule}")))?;
    let connection = connection.cloned().unwrap_or_else(Name::default_connection);
    let pk = LedgerKey::new(&provider, &connection, key).to_string();
    let ledger = DynamoLedger::new(stack.dynamodb.clone(), stack.requests_table()?);
    let records = ledger.read(std::slice::from_ref(&pk)).await;
    let mut records =
        records.map_err(|error| Error::new(format!("the ledger cannot be read: {error}")))?;
    let record = records.pop().flatten();
    let record = record.filter(|record| !record.is_expired(SystemClock.now()));
    let record = record.ok_or_else(|| {
        Error::new(format!("there is no record of `{pk}`"))
            .hint("no lane has had it in hand yet, or key or connection (--connection) are others")
    })?;
    wanted.request = Some((pk, record.message_id));
    Ok(wanted)
}

/// Where a function logs: as its configuration says.
async fn group(stack: &Stack, function: &str) -> Result<String, Error> {
    let call = stack.lambda.get_function_configuration();
    let known = call.function_name(function).send().await;
    let known = known.map_err(Error::aws("find where the function logs"))?;
    let group = known.logging_config().and_then(LoggingConfig::log_group);
    Ok(group.map_or_else(|| format!("/aws/lambda/{function}"), str::to_owned))
}

/// What was read.
struct Read {
    newest: VecDeque<Line>,
    /// Wanted lines before those.
    older: usize,
    /// The time up to which it was read, where that is not the end.
    cut: Option<Timestamp>,
}

impl Read {
    fn more(&self) -> Option<String> {
        match self.cut {
            Some(at) => Some(format!(
                "The log is larger than one look: what came after {at} was not read (a shorter --since reads it)"
            )),
            None if self.older > 0 => Some(format!(
                "{} older lines are not shown (--limit)",
                self.older
            )),
            None => None,
        }
    }
}

async fn read(
    stack: &Stack,
    group: &str,
    from: Timestamp,
    wanted: &Wanted,
    limit: usize,
) -> Result<Read, Error> {
    let client = Client::new(&stack.config);
    let mut read = Read {
        newest: VecDeque::new(),
        older: 0,
        cut: None,
    };
    let mut token = None;
    for _ in 0..PAGES_MAX {
        let page = client
            .filter_log_events()
            .log_group_name(group)
            .start_time(from.as_millis())
            .set_filter_pattern(wanted.pattern())
            .set_next_token(token)
            .send()
            .await
            .map_err(|error| unreadable(group, error))?;
        for event in page.events() {
            let at = Timestamp::from_millis(event.timestamp().unwrap_or_default());
            read.cut = Some(at);
            let line = Line::read(at, event.message().unwrap_or_default());
            let Some(line) = line.filter(|line| wanted.has(line)) else {
                continue;
            };
            read.newest.push_back(line);
            if read.newest.len() > limit {
                read.newest.pop_front();
                read.older += 1;
            }
        }
        token = page.next_token.filter(|token| !token.is_empty());
        if token.is_none() {
            read.cut = None;
            break;
        }
    }
    Ok(read)
}

fn unreadable<E>(group: &str, error: E) -> Error
where
    E: ProvideErrorMetadata + std::error::Error + 'static,
{
    match error.code() {
        Some("ResourceNotFoundException") => Error::new(format!("there is no log {group}"))
            .hint("the function has not run yet, or the stack's logs go elsewhere"),
        Some("AccessDeniedException") => Error::aws("read the log")(error)
            .hint("who may read logs: infra/policies/operator.json"),
        _ => Error::aws("read the log")(error),
    }
}

impl Wanted {
    /// What CloudWatch leaves out, so that less is read; [`has`](Self::has) decides. A `*` in a key lets more through.
    /// <https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/FilterAndPatternSyntax.html>
    fn pattern(&self) -> Option<String> {
        if let Some((pk, message)) = &self.request {
            // How a quote is spelled within a pattern is not said: nothing is left out then.
            let is_plain = !pk.contains(['"', '\\']);
            return is_plain
                .then(|| format!(r#"{{ ($.message_id = "{message}") || ($.pk = "{pk}") }}"#));
        }
        let (provider, connection) = (self.provider.as_ref()?, self.connection.as_ref()?);
        let keys = format!("{provider}#{connection}#*");
        Some(format!(
            r#"{{ ($.connection = "{connection}") || ($.pk = "{keys}") || ($.key = "{keys}") }}"#
        ))
    }

    fn has(&self, line: &Line) -> bool {
        if line.level.is_some_and(|level| level < self.level) {
            return false;
        }
        if let Some((pk, message)) = &self.request {
            return line.is("message_id", message) || line.is("pk", pk);
        }
        self.connection
            .as_deref()
            .is_none_or(|name| line.is_of(name))
    }
}

#[cfg(test)]
mod tests;
