//! For engineers: codes, numbers, times with their offsets, and the next command.

use causeway::Timestamp;
use causeway::breaker::{Breaker, State};
use causeway::credentials::Reason;
use causeway::ledger::Status;
use causeway::provider::{Safety, Settling};

use super::codes::{Entry, Fault};
use super::command::CommandLine;
use super::facts::{Facts, Seen, Stop};
use super::zone::Zone;

/// The paragraph.
pub(super) fn paragraph(facts: &Facts<'_>, zone: &Zone) -> String {
    let mut sentences = vec![stands(facts, zone)];
    if let Some(seen) = facts.seen {
        sentences.extend(times(seen, zone));
        sentences.extend(meaning(facts));
        sentences.extend(doubt(facts, seen, zone));
    }
    sentences.extend(lane(facts, zone));
    if let Some(waiting) = facts.waiting {
        sentences.push(format!(
            "About {waiting} messages wait in the lane's queue."
        ));
    }
    if let Some(deadline) = facts.deadline {
        sentences.push(format!("Its deadline is {}.", zone.exact(deadline)));
    }
    sentences.push(next(facts));
    sentences.join(" ")
}

/// A code alone.
pub(super) fn of_entry(known: &Entry<'_>, detail: Option<&str>) -> String {
    let detail = detail
        .map(|detail| format!(" The detail is `{detail}`."))
        .unwrap_or_default();
    format!(
        "`{}`: {}{detail} It is the move of {}.",
        known.code,
        known.meaning,
        known.fault.words()
    )
}

/// A status as the ledger, the API and the documents spell it.
#[must_use]
pub const fn word(status: Status) -> &'static str {
    status.word()
}

fn whole_key(facts: &Facts<'_>) -> Option<String> {
    Some(format!(
        "{}#{}#{}",
        facts.provider, facts.connection, facts.key?
    ))
}

fn stands(facts: &Facts<'_>, zone: &Zone) -> String {
    let key = whole_key(facts).map_or_else(
        || "A letter without a readable request".to_owned(),
        |key| format!("`{key}`"),
    );
    let Some(seen) = facts.seen else {
        return format!(
            "{key} has no record: its message waits in the queue, was never sent, or its record ended more than 30 days \
             before {}.",
            zone.exact(facts.now)
        );
    };
    let mut text = format!("{key} is `{}`", word(seen.status));
    if let Some(attempts) = seen.attempts {
        text += &format!(" after {attempts} attempt(s) in series {}", seen.series);
    }
    if let Some(status) = seen.provider_status {
        text += &format!(", last answered with HTTP status {status}");
    }
    if let Some(id) = seen.object_id {
        text += &format!(", object id `{id}`");
    }
    text + "."
}

fn times(seen: &Seen<'_>, zone: &Zone) -> Option<String> {
    let all = [
        ("first seen", seen.first_seen),
        ("first sent", seen.first_sent_at),
        ("last attempt", seen.last_attempt),
        ("claimed", seen.claimed_at),
        ("claim ends", seen.lease_until),
        ("next attempt", seen.next_attempt_at),
        (
            "ended",
            seen.closed_at.filter(|_| seen.status != Status::InProgress),
        ),
        ("ruled on", seen.resolved_at),
    ];
    let told = all
        .into_iter()
        .filter_map(|(name, at)| Some(format!("{name} {}", zone.exact(at?))));
    let told: Vec<String> = told.collect();
    (!told.is_empty()).then(|| format!("Its times are: {}.", told.join(", ")))
}

fn meaning(facts: &Facts<'_>) -> Vec<String> {
    let Some(seen) = facts.seen else {
        return Vec::new();
    };
    let Some(code) = seen.code else {
        return Vec::new();
    };
    let detail = seen
        .detail
        .map(|detail| format!(", detail `{detail}`"))
        .unwrap_or_default();
    let mut sentences = vec![format!("The code is `{code}`{detail}.")];
    match facts.cause() {
        Some(cause) => {
            let over = matches!(seen.status, Status::Rejected | Status::Unknown);
            sentences.push(cause.meaning.to_owned());
            if let Some(inner) = facts.inner_cause() {
                let word = seen.inner().map_or("", |(word, _)| word);
                sentences.push(format!("Behind it stands `{word}`: {}", inner.meaning));
            }
            if over {
                sentences.push(match cause.fault {
                    Fault::Nobody => "It is nobody's fault.".to_owned(),
                    fault => format!("It is the move of {}.", fault.words()),
                });
                sentences.push(cause.action.to_owned());
                sentences.push(format!("A redrive {}.", cause.redrive.words()));
            }
        }
        None => {
            sentences.push("This release does not know the code; the lane may be newer.".to_owned())
        }
    }
    sentences
}

fn doubt(facts: &Facts<'_>, seen: &Seen<'_>, zone: &Zone) -> Option<String> {
    let is_in_doubt = seen.ambiguous || seen.status == Status::Unknown;
    if !is_in_doubt || seen.status == Status::Completed {
        return None;
    }
    let Some(safety) = facts.safety else {
        return Some(
            "An attempt may have taken effect; the operation's safety is not known here."
                .to_owned(),
        );
    };
    let at = seen.next_attempt_at.unwrap_or(facts.now);
    let kind = match safety {
        Safety::Keyed { retention, .. } => {
            let until = seen
                .first_sent_at
                .map(|sent| format!(" until {}", zone.exact(sent + retention)));
            format!(
                "keyed, the vendor remembering the key{}",
                until.unwrap_or_default()
            )
        }
        Safety::Natural => "natural".to_owned(),
        Safety::Lookup { settle, .. } => {
            let from = seen
                .last_attempt
                .map(|sent| format!(" from {}", zone.exact(sent + settle)));
            format!("lookup, a miss counting{}", from.unwrap_or_default())
        }
        Safety::Unsafe => "unsafe".to_owned(),
    };
    let how = match safety.settling(seen.first_sent_at, at) {
        Settling::Resend => "it is sent again",
        Settling::LookUp => "the vendor is asked first",
        Settling::Unknown => "only a person can settle it",
    };
    Some(format!(
        "An attempt may have taken effect; the operation is {kind}: {how}."
    ))
}

fn lane(facts: &Facts<'_>, zone: &Zone) -> Vec<String> {
    if facts
        .seen
        .is_some_and(|seen| seen.status == Status::Completed)
    {
        return Vec::new();
    }
    let Some(lane) = facts.lane else {
        return vec!["The lane's shared state could not be read.".to_owned()];
    };
    let mut sentences = vec![breaker(
        "The lane's breaker",
        &lane.breaker,
        facts.now,
        zone,
    )];
    if let Some(own) = &lane.own_breaker {
        sentences.push(breaker(
            "The connection's own breaker",
            own,
            facts.now,
            zone,
        ));
    }
    if let Some(pause) = &lane.pause {
        let trial = match pause.reason {
            Reason::SecretMissing | Reason::ReauthoriseNeeded => String::new(),
            _ => format!(", next trial {}", zone.exact(pause.next_trial)),
        };
        sentences.push(format!(
            "The connection is paused: `{}` since {}{trial}.",
            pause.reason.code(),
            zone.exact(pause.since)
        ));
    }
    for (operation, run) in lane.rights.paused() {
        let trial = run
            .next_trial
            .map(|trial| format!(", next trial {}", zone.exact(trial)));
        sentences.push(format!(
            "The operation `{operation}` of this connection is paused: `forbidden` since {} after {} refusals{}.",
            zone.exact(run.since),
            run.refusals,
            trial.unwrap_or_default()
        ));
    }
    if let Some(full) = &lane.limit {
        let by = match full.by {
            Stop::Asked => "is blocked by the vendor's word",
            Stop::Spent => "has no allowance left by the vendor's word",
            Stop::Line => "is used up",
        };
        sentences.push(format!(
            "The limit `{}` {by} until {}.",
            full.name,
            zone.exact(full.until)
        ));
    }
    sentences
}

fn breaker(which: &str, breaker: &Breaker, now: Timestamp, zone: &Zone) -> String {
    let mut text = format!("{which} is `{:?}`", breaker.state);
    if breaker.state == State::Closed {
        return text + ".";
    }
    if let Some(since) = breaker.opened_at {
        text += &format!(" since {}", zone.exact(since));
    }
    match breaker.open_until {
        Some(until) if until > now => text += &format!(" until {}", zone.exact(until)),
        Some(until) => text += &format!(", its window over since {}", zone.exact(until)),
        None => {}
    }
    if breaker.reopenings > 0 {
        text += &format!(", {} failed probe(s)", breaker.reopenings);
    }
    if let Some(reason) = &breaker.reason {
        text += &format!(", reason `{reason}`");
    }
    text + "."
}

/// The command to type next.
fn next(facts: &Facts<'_>) -> String {
    let provider = facts.provider;
    let of = |verb| CommandLine::new(verb).argument(provider);
    let key = whole_key(facts);
    let command = match (facts.seen.map(|seen| seen.status), key) {
        (Some(Status::Completed), _) => return "No command is needed.".to_owned(),
        (Some(Status::Rejected), Some(key)) => of("dlq explain").argument(&key),
        (Some(Status::Rejected | Status::Unknown), None) => of("dlq list"),
        (Some(Status::Unknown), Some(key)) => {
            let resolve = of("dlq resolve").argument(&key).flag("--completed");
            let resolve = resolve.option("--reason", "…");
            return format!("Next: `{resolve}`, or `--rejected` in place of `--completed`.");
        }
        (Some(Status::InProgress | Status::Retrying) | None, _) => held_up(facts),
    };
    format!("Next: `{command}`.")
}

/// What to look at while a request waits.
fn held_up(facts: &Facts<'_>) -> CommandLine {
    let (provider, connection) = (facts.provider, facts.connection);
    let target = format!("{provider}/{connection}");
    let lanes = CommandLine::new("lanes");
    let Some(lane) = facts.lane else {
        return lanes;
    };
    let is_open = |breaker: &Breaker| breaker.state != State::Closed;
    if is_open(&lane.breaker) || lane.own_breaker.as_ref().is_some_and(is_open) {
        return CommandLine::new("breaker show").argument(provider);
    }
    if lane.pause.is_some() || lane.rights.paused().next().is_some() {
        return CommandLine::new("connection show").argument(&target);
    }
    match (facts.seen, facts.key) {
        (Some(_), Some(key)) => CommandLine::new("status")
            .argument(&target)
            .argument(key)
            .flag("--watch"),
        _ => lanes,
    }
}
