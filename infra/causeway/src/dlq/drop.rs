//! `causeway dlq drop`: letters that nobody will have carried out.
//!
//! What goes is written to a file first, then the ledger is told who dropped it and why, then the letter is deleted:
//! killed anywhere between, the letter is still there, and dropping it again changes nothing more.

use std::path::PathBuf;

use causeway::clock::{Clock, SystemClock};
use causeway::ledger::{self, LedgerStore, Record, Resolved, Ruled, Ruling, Status, Unresolvable};
use clap::Args;
use serde_json::json;

use super::Reading;
use super::classify::Class;
use super::confirm::confirm;
use super::export;
use super::look::{self, Judged, dead_letters, ledger as ledger_of, releasing};
use super::queue::DeadLetters;
use super::resolve::{by, reason};
use super::selection::{self, Selection};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Lane;

/// Throw letters away: nobody will have their requests carried out.
///
/// They are written to a file first, and the ledger keeps who dropped them and why. A letter whose request may have
/// taken effect is kept: say what became of it first (`causeway dlq resolve`). Exit status 3: some were kept.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane.
    provider: String,
    #[command(flatten)]
    selection: Selection,
    /// All letters of the lane, where nothing else says which.
    #[arg(long, conflicts_with_all = ["code", "fingerprint", "letter"])]
    all: bool,
    /// Where what is dropped is written first: a file that does not exist. It holds the bodies.
    #[arg(long, value_name = "FILE", required_unless_present = "dry_run")]
    to: Option<PathBuf>,
    /// Why, without secrets or personal data: it is kept in the ledger for 30 days.
    #[arg(long, required_unless_present = "dry_run", value_parser = reason)]
    reason: Option<String>,
    /// Who says so; the login name otherwise.
    #[arg(long)]
    by: Option<String>,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Why a letter is kept; none where it may go.
fn kept(judged: &Judged) -> Option<&'static str> {
    let status = judged.record.as_ref().map(|record| record.status);
    match (status, judged.judgement.class) {
        (Some(Status::InProgress | Status::Retrying), Class::Safe | Class::Ambiguous) => {
            Some("its lane still works on the request")
        }
        (_, Class::Ambiguous) => {
            Some("it may have taken effect: `causeway dlq resolve` comes first")
        }
        (_, Class::AlreadyDone | Class::Safe | Class::Hopeless) => None,
    }
}

/// Drops.
///
/// # Errors
/// When AWS refuses before anything was deleted, there is no such lane, or the file cannot be written.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    if arguments.selection.is_everything() && !arguments.all {
        return Err(Error::usage(
            "which letters? --code, --fingerprint, --letter or --all",
        ));
    }
    let stack = look::connect(context).await?;
    let lane = stack.lane(&arguments.provider)?;
    let mut letters = dead_letters(&stack, lane, &arguments.reading);
    releasing(&mut letters, async |letters| {
        let (selection, reading) = (&arguments.selection, &arguments.reading);
        let judged = selection::read(selection, reading, &stack, lane, letters).await?;
        let (keep, go): (Vec<_>, Vec<_>) = judged.into_iter().partition(|one| kept(one).is_some());
        let dropped = match (&arguments.to, &arguments.reason) {
            (Some(file), Some(why)) if !arguments.dry_run && !go.is_empty() => {
                let question = format!("Drop {} letter(s) of {}?", go.len(), lane.provider);
                if !arguments.yes && !confirm(letters, &question).await? {
                    return Ok(Done::All);
                }
                export::write(file, &go)?;
                let ruling = Ruling {
                    ruled: Ruled::Dropped,
                    by: &by(arguments.by.as_deref()),
                    reason: &format!("dropped: {why}"),
                    mark: &uuid::Uuid::new_v4().to_string(),
                    now: SystemClock.now(),
                };
                drop_all(&ledger_of(&stack)?, letters, &go, &ruling).await?
            }
            _ => 0,
        };
        let more = letters.is_cut();
        print(arguments, context, lane, (&go, &keep), dropped, more)?;
        let is_done = keep.is_empty() && !more && (arguments.dry_run || dropped == go.len());
        Ok(if is_done { Done::All } else { Done::InPart })
    })
    .await
}

/// Letters deleted of `go`: all whose record took the ruling, or needs none.
async fn drop_all(
    ledger: &dyn LedgerStore,
    letters: &mut DeadLetters,
    go: &[Judged],
    ruling: &Ruling<'_>,
) -> Result<usize, Error> {
    let mut ruled = Vec::with_capacity(go.len());
    for judged in go {
        if rule(ledger, judged.record.as_ref(), ruling).await? {
            ruled.push(&judged.letter);
        }
    }
    let deleted = letters.delete(&ruled).await;
    Ok(deleted.into_iter().filter(|done| *done).count())
}

/// Whether the ledger has the ruling, or has no need of it: an end that a completed or forgotten request has, or one that
/// is another request's.
async fn rule(
    ledger: &dyn LedgerStore,
    record: Option<&Record>,
    ruling: &Ruling<'_>,
) -> Result<bool, Error> {
    let rejected = record.filter(|record| record.status == Status::Rejected);
    let Some(record) = rejected else {
        return Ok(true);
    };
    let resolved = ledger::resolve(ledger, &record.pk, ruling).await;
    let resolved = resolved.map_err(|error| {
        Error::aws("write who dropped it")(error)
            .hint("the letters are still there; say the same again with another file")
    })?;
    Ok(match resolved {
        Resolved::Now(_) | Resolved::Already(_) => true,
        Resolved::Refused(why) => matches!(why, Unresolvable::Absent | Unresolvable::Settled(_)),
    })
}

fn print(
    arguments: &Arguments,
    context: &Context,
    lane: &Lane,
    (go, keep): (&[Judged], &[Judged]),
    dropped: usize,
    more: bool,
) -> Result<(), Error> {
    if context.global.json {
        let kept = keep.iter().map(|one| {
            json!({"message_id": one.letter.message_id, "code": one.letter.said.code, "why": kept(one)})
        });
        return output::json(
            Kind::Dropped,
            &json!({
                "provider": lane.provider,
                "dry_run": arguments.dry_run,
                "may_go": go.len(),
                "dropped": dropped,
                "kept": kept.collect::<Vec<_>>(),
                "more": more,
            }),
        );
    }
    if arguments.dry_run || go.is_empty() {
        output::line(&format!("{} letter(s) may go.", go.len()))?;
    } else {
        output::line(&format!("{dropped} of {} letter(s) dropped.", go.len()))?;
    }
    for one in keep {
        let (id, why) = (&one.letter.message_id, kept(one).unwrap_or_default());
        output::line(&format!("kept {id} ({}): {why}", one.letter.said.code))?;
    }
    if more {
        output::line("There are more letters than were read (--limit): run it again afterwards.")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dlq::classify::Judgement;
    use crate::dlq::letter::tests::letter;

    #[test]
    fn what_may_have_taken_effect_is_kept_and_everything_else_may_go() {
        for (class, goes) in [
            (Class::AlreadyDone, true),
            (Class::Safe, true),
            (Class::Hopeless, true),
            (Class::Ambiguous, false),
        ] {
            let judged = Judged {
                letter: letter("{}", &[]),
                record: None,
                judgement: Judgement {
                    class,
                    why: String::new(),
                },
            };
            assert_eq!(kept(&judged).is_none(), goes, "{class:?}");
        }
    }
}
