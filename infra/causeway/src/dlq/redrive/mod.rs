//! `causeway dlq redrive`: letters back to their lane: a dry run, a canary, then the rest at the lane's own pace.
//!
//! A letter is sent to the lane's queue **and then** deleted, so that one of the two always exists. Killed between the
//! two, the letter comes back when its hold ends, and its copy and the next redrive's are one request to the ledger.

mod canary;
mod mover;
mod pace;
mod plan;
mod print;

use clap::Args;

use super::Reading;
use super::classify::Class;
use super::confirm::confirm;
use super::look::{self, dead_letters, releasing};
use super::queue::DeadLetters;
use super::selection::{self, Selection};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output;
use crate::stack::{Lane, Stack};
use mover::{Mover, Tally};

/// Put letters back on the lane's queue: dry run, canary, then paced.
///
/// Letters whose requests took effect are deleted. Of each cause one letter goes ahead, then four, and the rest only when
/// these were delivered. Between steps the circuit breaker is looked at: unless it is closed, the redrive stops. Exit
/// status 3 says that it stopped early or that letters were refused; what did not go is in the queue as before.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane.
    provider: String,
    #[command(flatten)]
    selection: Selection,
    /// Letters a second; otherwise half of what the slowest of the lane's limits allows.
    #[arg(long)]
    rate: Option<f64>,
    /// Send letters of this class, too: ambiguous or hopeless.
    #[arg(long, value_enum)]
    include: Vec<Class>,
    /// Seconds to wait for each step of the canary to end.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(1..=3600))]
    canary_wait: u32,
    /// Show what would be done, and do nothing.
    #[arg(long)]
    dry_run: bool,
    /// Do it without asking.
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    reading: Reading,
}

/// Redrives.
///
/// # Errors
/// When AWS refuses before anything was moved, or there is no such lane.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = look::connect(context).await?;
    let lane = stack.lane(&arguments.provider)?;
    let mut tally = Tally::default();
    let mut letters = dead_letters(&stack, lane, &arguments.reading);
    let done = releasing(&mut letters, async |letters| {
        redrive(arguments, context, &stack, lane, letters, &mut tally).await
    })
    .await;
    if tally.began {
        // Also after Ctrl-C: a person wants to know how far it came.
        print::summary(context, lane, &tally)?;
    }
    done
}

async fn redrive(
    arguments: &Arguments,
    context: &Context,
    stack: &Stack,
    lane: &Lane,
    letters: &mut DeadLetters,
    tally: &mut Tally,
) -> Result<Done, Error> {
    let spec = look::spec(lane)?;
    let counts = letters.counts().await?;
    let judged = selection::read(
        &arguments.selection,
        &arguments.reading,
        stack,
        lane,
        letters,
    )
    .await?;
    let planned = plan::plan(&lane.provider, &judged, &arguments.include);
    let places = planned.iter().flat_map(|planned| &planned.send);
    let mut operations: Vec<_> = places
        .filter_map(|place| spec.operation(judged[*place].letter.operation()?))
        .collect();
    operations.sort_by_key(|operation| operation.name);
    operations.dedup_by_key(|operation| operation.name);
    let sends = planned.iter().map(|planned| planned.send.len()).sum();
    let pace = pace::pace(spec, &operations, sends, arguments.rate)?;
    let deletes: usize = planned.iter().map(|planned| planned.delete.len()).sum();
    let is_all = arguments.dry_run || sends + deletes == 0;
    print::plan(context, lane, counts, &planned, &judged, pace, is_all)?;
    if letters.is_cut() && !context.global.json {
        output::line("There are more letters than were read (--limit): run it again afterwards.")?;
    }
    if is_all {
        return Ok(Done::All);
    }
    let question = format!("Send {sends} letter(s) again and delete {deletes}?");
    if !arguments.yes && !confirm(letters, &question).await? {
        return Ok(Done::All);
    }
    tally.began = true;
    let mover = Mover::new(arguments, stack, lane, spec, pace, sends + deletes)?;
    mover.run(letters, &judged, &planned, tally).await
}
