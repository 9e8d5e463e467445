//! One look at a lane's dead letters, and what the ledger has of them. Everything is released in the end.

use std::collections::HashMap;

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use causeway::ledger::{DynamoLedger, LedgerStore, MAX_READ, Record};
use causeway::provider::{Provider, Spec};
use causeway_ingest::catalogue;
use serde_json::{Value, json};
use tokio::signal::ctrl_c;

use super::Reading;
use super::classify::{Judgement, classify};
use super::letter::Letter;
use super::queue::DeadLetters;
use crate::context::{Context, Done};
use crate::error::Error;
use crate::release;
use crate::stack::{Lane, Stack};

/// A letter, and what a redrive of it would come to.
#[derive(Debug)]
pub struct Judged {
    /// The letter.
    pub letter: Letter,
    /// What the ledger has of its request.
    pub record: Option<Record>,
    /// What a redrive would come to.
    pub judgement: Judgement,
}

/// What this release knows of a lane's provider.
///
/// # Errors
/// When it knows nothing of it.
pub fn spec(lane: &Lane) -> Result<&'static Spec, Error> {
    let known = catalogue::provider(&lane.provider).map(Provider::spec);
    known.ok_or_else(|| {
        let name = &lane.provider;
        Error::new(format!("this release does not know the provider {name}"))
            .hint("use the command of the release that is deployed")
    })
}

/// The stack; somebody whose command is of another release than the stack is told so.
///
/// # Errors
/// When AWS cannot be reached, or there is no such stack.
pub async fn connect(context: &Context) -> Result<Stack, Error> {
    let stack = Stack::connect(&context.global).await?;
    release::tell(&stack).await;
    Ok(stack)
}

/// The lane's dead letters, unread.
pub fn dead_letters(stack: &Stack, lane: &Lane, reading: &Reading) -> DeadLetters {
    DeadLetters::new(stack.sqs.clone(), &lane.dlq_url, reading.hold()).with_progress()
}

/// Does `work` with `letters` and then releases what is held: also on Ctrl-C and after an error. A second Ctrl-C does
/// not wait for the release; the letters come back by themselves then.
///
/// # Errors
/// Those of the work.
pub async fn releasing(
    letters: &mut DeadLetters,
    work: impl AsyncFnOnce(&mut DeadLetters) -> Result<Done, Error>,
) -> Result<Done, Error> {
    let done = tokio::select! {
        done = work(letters) => done,
        Ok(()) = ctrl_c() => Ok(Done::Interrupted),
    };
    tokio::select! {
        () = letters.release() => {}
        Ok(()) = ctrl_c() => {}
    }
    done
}

/// The ledger of `stack`.
///
/// # Errors
/// When the stack has none.
pub fn ledger(stack: &Stack) -> Result<DynamoLedger, Error> {
    Ok(DynamoLedger::new(
        stack.dynamodb.clone(),
        stack.requests_table()?,
    ))
}

/// What the ledger has under `keys`, by key.
///
/// # Errors
/// When DynamoDB refuses.
pub async fn records(
    ledger: &dyn LedgerStore,
    keys: &[String],
) -> Result<HashMap<String, Record>, Error> {
    let mut found = HashMap::with_capacity(keys.len());
    for chunk in keys.chunks(MAX_READ) {
        let records = ledger
            .read(chunk)
            .await
            .map_err(Error::aws("read the ledger"))?;
        let records = records.into_iter().flatten();
        found.extend(records.map(|record| (record.pk.clone(), record)));
    }
    Ok(found)
}

/// Judges `letters` by what the ledger has of them now.
///
/// # Errors
/// When DynamoDB refuses.
pub async fn judge(
    ledger: &dyn LedgerStore,
    spec: &Spec,
    letters: Vec<Letter>,
) -> Result<Vec<Judged>, Error> {
    let mut keys: Vec<String> = letters.iter().filter_map(Letter::pk).collect();
    keys.sort_unstable();
    keys.dedup();
    let records = records(ledger, &keys).await?;
    let now: Timestamp = SystemClock.now();
    let judged = letters.into_iter().map(|letter| {
        let record = letter.pk().and_then(|pk| records.get(&pk)).cloned();
        Judged {
            judgement: classify(&letter, spec, record.as_ref(), now),
            record,
            letter,
        }
    });
    Ok(judged.collect())
}

/// A record as programs and people read it.
pub fn record_json(record: &Record) -> Value {
    let time = |at: Option<Timestamp>| at.map(|at| at.to_string());
    json!({
        "status": record.status,
        "attempts": record.attempts,
        "ambiguous": record.ambiguous,
        "series": record.series,
        "code": record.code,
        "detail": record.detail,
        "response": record.response,
        "first_seen": record.first_seen.to_string(),
        "first_sent_at": time(record.first_sent_at),
        "last_attempt": time(record.last_attempt),
        "next_attempt_at": time(record.next_attempt_at),
        "resolved_at": time(record.resolved_at),
        "owner": record.resolved_at.map(|_| &record.owner),
    })
}
