//! What a redrive shows: its plan, and what it came to.

use causeway::Timestamp;
use causeway::clock::{Clock, SystemClock};
use serde_json::{Value, json};

use super::mover::Tally;
use super::pace::Pace;
use super::plan::Planned;
use crate::context::Context;
use crate::dlq::classify::Class;
use crate::dlq::list::{age, in_flight};
use crate::dlq::look::Judged;
use crate::dlq::queue::Counts;
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Lane;

/// Shows the dry run. With `--json` it is the result only where nothing else follows.
///
/// # Errors
/// When standard output is gone.
pub fn plan(
    context: &Context,
    lane: &Lane,
    counts: Counts,
    planned: &[Planned],
    judged: &[Judged],
    pace: Pace,
    is_all: bool,
) -> Result<(), Error> {
    if context.global.json {
        let letters = judged.iter().map(|judged| {
            json!({
                "message_id": judged.letter.message_id,
                "key": judged.letter.pk(),
                "code": judged.letter.said.code,
                "redrive": judged.judgement,
            })
        });
        let shown = json!({
            "provider": lane.provider,
            "groups": planned,
            "letters": letters.collect::<Vec<Value>>(),
            "in_flight_before": counts.in_flight,
            "pace": pace,
        });
        return if is_all {
            output::json(Kind::RedrivePlan, &shown)
        } else {
            Ok(())
        };
    }
    for planned in planned {
        print_group(planned, SystemClock.now())?;
    }
    if judged.is_empty() {
        output::line("No such dead letters.")?;
    }
    if counts.in_flight > 0 {
        output::line(&in_flight(&lane.provider, counts))?;
    }
    let sends: usize = planned.iter().map(|planned| planned.send.len()).sum();
    if sends > 0 {
        let limit = pace.limit.map_or(String::new(), |limit| {
            format!(", half of the lane's limit `{limit}`")
        });
        let minutes = pace.wait(sends).as_secs().div_ceil(60);
        output::line(&format!(
            "pace: {:.2} letters a second{limit}; about {minutes} min",
            pace.rate
        ))?;
    }
    Ok(())
}

fn print_group(planned: &Planned, now: Timestamp) -> Result<(), Error> {
    let group = &planned.group;
    let classes = [
        Class::AlreadyDone,
        Class::Safe,
        Class::Ambiguous,
        Class::Hopeless,
    ];
    let counts: Vec<_> = classes
        .iter()
        .filter(|class| planned.count(**class) > 0)
        .map(|class| format!("{} {}", planned.count(*class), class.words()))
        .collect();
    output::line(&format!(
        "{} {} {} ({} letters, oldest {}): {}",
        group.fingerprint,
        group.code,
        group.operation.as_deref().unwrap_or("-"),
        group.count,
        age(now, group.oldest),
        counts.join(", ")
    ))?;
    for reason in &planned.reasons {
        output::line(&format!("  {reason}"))?;
    }
    output::line(&format!(
        "  → {} sent again, {} deleted, {} stay",
        planned.send.len(),
        planned.delete.len(),
        group.count - planned.send.len() - planned.delete.len()
    ))
}

/// Shows what the redrive came to.
///
/// # Errors
/// When standard output is gone.
pub fn summary(context: &Context, lane: &Lane, tally: &Tally) -> Result<(), Error> {
    if context.global.json {
        return output::json(
            Kind::Redriven,
            &json!({"provider": lane.provider, "redrive": tally}),
        );
    }
    output::line(&format!(
        "{}: {} sent again, {} deleted as already done",
        lane.provider, tally.sent, tally.done_before
    ))?;
    if tally.refused > 0 {
        output::line(&format!("{} were refused and stay", tally.refused))?;
    }
    if tally.not_deleted > 0 {
        output::line(&format!(
            "{} were sent and could not be deleted: their copies are one request to the ledger",
            tally.not_deleted
        ))?;
    }
    if let Some(why) = &tally.stopped {
        output::line(&format!(
            "Stopped: {why}. What was not sent is in the queue as before."
        ))?;
    }
    Ok(())
}
