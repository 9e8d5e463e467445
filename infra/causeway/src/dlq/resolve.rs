//! `causeway dlq resolve`: an operator says what became of a request that nobody else can tell of.

use std::env;

use causeway::clock::{Clock, SystemClock};
use causeway::ledger::{self, Record, Resolved, Ruled, Ruling, Unresolvable};
use causeway::request::{LedgerKey, Name};
use clap::Args;
use serde_json::json;

use super::look::{self, dead_letters, ledger as ledger_of, record_json, releasing};
use super::queue::DeadLetters;
use super::{Letter, Reading};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Lane;
use crate::status::word;
use crate::target::Target;
use crate::text::CommandLine;

/// Say what became of a request that nobody else can tell of.
///
/// Look at the vendor first: what is said here is believed. As completed, no copy is sent ever again, and the letter
/// goes. As rejected, the letter stays, and a redrive carries the request out anew, under a new vendor key.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Whose request; the connection is `default` where none is named.
    #[arg(value_name = "PROVIDER[/CONNECTION]")]
    target: Target,
    /// The idempotency key, or provider#connection#key.
    key: String,
    /// It took effect at the vendor.
    #[arg(
        long,
        conflicts_with = "rejected",
        required_unless_present = "rejected"
    )]
    completed: bool,
    /// It had no effect, and none is under way.
    #[arg(long)]
    rejected: bool,
    /// How you know, without secrets or personal data: it is kept in the ledger for 30 days.
    #[arg(long, value_parser = reason)]
    reason: String,
    /// Who says so; the login name otherwise.
    #[arg(long)]
    by: Option<String>,
    #[command(flatten)]
    reading: Reading,
}

/// Resolves a request.
///
/// # Errors
/// When AWS refuses, or nobody may rule on the request.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = look::connect(context).await?;
    let lane = stack.lane(arguments.target.provider.as_str())?;
    let key = key(lane, arguments)?;
    let (by, mark) = (
        by(arguments.by.as_deref()),
        uuid::Uuid::new_v4().to_string(),
    );
    let ruling = Ruling {
        ruled: if arguments.completed {
            Ruled::Completed
        } else {
            Ruled::Rejected
        },
        by: &by,
        reason: &arguments.reason,
        mark: &mark,
        now: SystemClock.now(),
    };
    let resolved = ledger::resolve(&ledger_of(&stack)?, key.as_str(), &ruling)
        .await
        .map_err(|error| {
            Error::aws("write the ruling")(error)
                .hint("it may or may not stand; say the same again, that does no harm")
        })?;
    let (record, is_new) = match resolved {
        Resolved::Now(record) => (record, true),
        Resolved::Already(record) => (record, false),
        Resolved::Refused(why) => return Err(refused(&key, &why)),
    };
    let mut deleted = 0;
    let mut letters = dead_letters(&stack, lane, &arguments.reading);
    let done = if arguments.completed {
        releasing(&mut letters, async |letters| {
            let (done, count) = delete(letters, &arguments.reading, &key).await?;
            deleted = count;
            Ok(done)
        })
        .await?
    } else {
        Done::All
    };
    print(context, &key, &record, is_new, deleted)?;
    Ok(done)
}

fn key(lane: &Lane, arguments: &Arguments) -> Result<LedgerKey, Error> {
    let named = arguments.target.connection.as_ref();
    let whole = LedgerKey::parse(&arguments.key).filter(|key| {
        key.provider() == lane.provider
            && named.is_none_or(|name| name.as_str() == key.connection())
    });
    let connection = named.map_or("default", Name::as_str);
    let built = format!("{}#{connection}#{}", lane.provider, arguments.key);
    whole
        .or_else(|| LedgerKey::parse(&built))
        .ok_or_else(|| Error::usage("KEY: must be 1 to 255 printable ASCII characters"))
}

/// Who rules: as told, else by the login name.
pub fn by(told: Option<&str>) -> String {
    let login = || env::var("USER").or_else(|_| env::var("USERNAME")).ok();
    let by = told.map(str::to_owned).or_else(login).unwrap_or_default();
    let by = printable(&by);
    if by.is_empty() {
        "unnamed".to_owned()
    } else {
        by
    }
}

/// Reads why somebody rules: for clap.
///
/// # Errors
/// When nothing is said.
pub fn reason(text: &str) -> Result<String, &'static str> {
    let reason = printable(text);
    if reason.is_empty() {
        return Err("must not be empty");
    }
    Ok(reason)
}

/// One line, whatever was pasted.
fn printable(text: &str) -> String {
    text.trim().replace(|c: char| c.is_control(), " ")
}

fn refused(key: &LedgerKey, why: &Unresolvable) -> Error {
    let error = Error::new(format!("{}: {why}", key.as_str()));
    match why {
        Unresolvable::Absent => {
            error.hint("is the key right, and the connection (PROVIDER/CONNECTION)?")
        }
        Unresolvable::Open(_) => error.hint("wait until it has ended: `causeway status` shows it"),
        Unresolvable::Settled(_) => error.hint("`causeway dlq show` shows it"),
        Unresolvable::InDoubt | Unresolvable::Busy => error.hint("try again"),
    }
}

/// Deletes every letter of the completed request that can be seen; how many, and whether all of those.
async fn delete(
    letters: &mut DeadLetters,
    reading: &Reading,
    key: &LedgerKey,
) -> Result<(Done, usize), Error> {
    let read = letters.read(reading.limit(), |_| true).await?;
    let is_of_key = |letter: &&Letter| letter.pk().as_deref() == Some(key.as_str());
    let ours: Vec<_> = read.iter().filter(is_of_key).collect();
    let deleted = letters.delete(&ours).await;
    let count = deleted.iter().filter(|done| **done).count();
    let done = if count == ours.len() {
        Done::All
    } else {
        Done::InPart
    };
    Ok((done, count))
}

/// The command that sends what was rejected anew.
pub(crate) fn next(key: &LedgerKey) -> String {
    let redrive = CommandLine::new("dlq redrive").argument(key.provider());
    redrive.option("--letter", key.as_str()).to_string()
}

fn print(
    context: &Context,
    key: &LedgerKey,
    record: &Record,
    is_new: bool,
    deleted: usize,
) -> Result<(), Error> {
    if context.global.json {
        return output::json(
            Kind::Resolved,
            &json!({
                "key": key.as_str(),
                "written": is_new,
                "letters_deleted": deleted,
                "ledger": record_json(record),
            }),
        );
    }
    let status = word(record.status);
    let stands = if is_new { "is now" } else { "was already" };
    output::line(&format!("{}: {stands} {status}", key.as_str()))?;
    match record.status {
        ledger::Status::Completed => output::line(&format!("{deleted} dead letter(s) deleted")),
        _ => output::line(&format!("Next: {}", next(key))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::tests::{ODD, taken, typed};

    #[test]
    fn what_was_rejected_is_sent_anew_by_its_whole_key() {
        for odd in ODD {
            let pk = format!("stripe#-x#{odd}");
            let (verb, matches) = taken(&next(&LedgerKey::parse(&pk).expect("a key")));
            assert_eq!(
                (&*verb, typed(&matches, "letter")),
                ("dlq redrive", Some(pk))
            );
        }
    }
}
