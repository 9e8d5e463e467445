//! What a redrive would come to, for each letter: decided before anything is moved.

use std::time::Duration;

use causeway::Timestamp;
use causeway::ledger::{Record, Status};
use causeway::outcome::code;
use causeway::provider::{Operation, Safety, Settling, Spec};
use causeway::request::Request;
use serde::Serialize;

use super::letter::Letter;

/// What a redrive of a letter would come to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, clap::ValueEnum)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The request took effect: the letter can go.
    AlreadyDone,
    /// It would be carried out anew, or rejected again without effect; in no case twice.
    Safe,
    /// It may have taken effect, and a redrive cannot tell: resolve it first.
    Ambiguous,
    /// It would end the same way for sure.
    Hopeless,
}

impl Class {
    /// As people read it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::AlreadyDone => "already done",
            Self::Safe => "safe",
            Self::Ambiguous => "ambiguous",
            Self::Hopeless => "hopeless",
        }
    }
}

/// A class, and why.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Judgement {
    /// What a redrive would come to.
    pub class: Class,
    /// Why, in one sentence without values.
    pub why: String,
}

fn judged(class: Class, why: impl Into<String>) -> Judgement {
    Judgement {
        class,
        why: why.into(),
    }
}

/// A redrive takes a while to get to a letter, and its attempts take longer: the vendor must still remember its key by
/// then, or the request ends `UNKNOWN`.
const TIME_FOR_REDRIVE: Duration = Duration::from_secs(60 * 60);

/// What a redrive of `letter` would come to on the lane of `spec`, given its record (none: absent) as of `now`.
pub fn classify(
    letter: &Letter,
    spec: &Spec,
    record: Option<&Record>,
    now: Timestamp,
) -> Judgement {
    let request = match &letter.request {
        Ok(request) => request,
        Err(error) => return judged(Class::Hopeless, format!("no request: {error}")),
    };
    if request.provider.as_str() != spec.name {
        return judged(Class::Hopeless, "provider: is not this lane's");
    }
    let record = record.filter(|record| !record.is_expired(now));
    let same = record.is_none_or(|record| record.payload_hash == request.payload_hash.as_str());
    match record.map(|record| record.status) {
        Some(Status::Completed) if same => {
            return judged(Class::AlreadyDone, "the ledger has it COMPLETED");
        }
        Some(Status::Completed) => return judged(Class::Hopeless, CONFLICT),
        Some(Status::InProgress | Status::Retrying) if !same => {
            return judged(Class::Hopeless, CONFLICT);
        }
        Some(Status::Rejected | Status::Unknown)
            if letter.said.mark < record.map(|record| record.closing)
                && letter.said.mark.is_some() =>
        {
            let why = "it is of an earlier end: the last one has a letter of its own";
            return judged(Class::AlreadyDone, why);
        }
        _ => {}
    }
    let safety = spec.operation(&request.operation).map(|known| known.safety);
    let doubt = record.filter(|record| is_in_doubt(record));
    // Asking is no attempt: neither a deadline nor a shape stands in its way.
    let asks = doubt.is_some() && matches!(safety, Some(Safety::Lookup { .. }));
    match (unfit(request, spec, now), doubt) {
        (Some(hopeless), None) => return hopeless,
        (Some(Judgement { why, .. }), Some(_)) if !asks => {
            let why = format!("an attempt may have taken effect, and no other one is made: {why}");
            return judged(Class::Ambiguous, why);
        }
        _ => {}
    }
    match record {
        Some(record) => by_record(record, same, safety, now),
        None => judged(Class::Safe, "nothing was ever attempted under its key"),
    }
}

/// Whether an attempt may have taken effect, or one is under way.
fn is_in_doubt(record: &Record) -> bool {
    record.ambiguous || matches!(record.status, Status::InProgress | Status::Unknown)
}

const CONFLICT: &str = "idempotency_key: it was used with another payload, and that request is not over or took effect";

/// What the lane would refuse again, whatever the ledger says.
fn unfit(request: &Request, spec: &Spec, now: Timestamp) -> Option<Judgement> {
    let Some(operation) = spec.operation(&request.operation) else {
        let why = "operation: the provider of this release has none of this name";
        return Some(judged(Class::Hopeless, why));
    };
    if request.deadline.is_some_and(|deadline| deadline <= now) {
        return Some(judged(Class::Hopeless, "deadline: has passed"));
    }
    shape(request, operation)
}

/// A mapped payload's shape is known after its mapping only, which may have been mended since.
fn shape(request: &Request, operation: &Operation) -> Option<Judgement> {
    if request.mapping.is_some() {
        return None;
    }
    let error = operation.prepare(&request.payload).err()?;
    let why = format!("{}: {}", error.path, error.rule);
    Some(judged(Class::Hopeless, why))
}

fn by_record(record: &Record, same: bool, safety: Option<Safety>, now: Timestamp) -> Judgement {
    let open = matches!(record.status, Status::InProgress | Status::Retrying);
    if !is_in_doubt(record) {
        return match (open, &record.code) {
            (true, _) => judged(Class::Safe, "another copy waits for its next attempt"),
            (_, Some(known)) if *known == code::RESOLVED => {
                judged(Class::Safe, "an operator ruled that it had no effect")
            }
            _ => judged(Class::Safe, "it ended without effect"),
        };
    }
    if !same {
        let why = "an attempt with another payload may have taken effect: resolve it first";
        return judged(Class::Ambiguous, why);
    }
    let settling =
        safety.map(|safety| safety.settling(record.first_sent_at, now + TIME_FOR_REDRIVE));
    match settling {
        Some(Settling::Resend) => judged(
            Class::Safe,
            "an attempt may have taken effect; sent again it still takes effect once",
        ),
        Some(Settling::LookUp) => judged(
            Class::Safe,
            "an attempt may have taken effect; the lane asks the vendor first",
        ),
        _ => judged(
            Class::Ambiguous,
            "an attempt may have taken effect, and nothing guards a second one: resolve it first",
        ),
    }
}

#[cfg(test)]
mod tests;
