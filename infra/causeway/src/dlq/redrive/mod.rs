//! `causeway dlq redrive`: letters back to their lane: a dry run, a canary, then the rest at the lane's own pace.
//!
//! A letter is sent to the lane's queue **and then** deleted, so that one of the two always exists. Killed between the
//! two, the letter comes back when its hold ends, and its copy and the next redrive's are one request to the ledger.

mod canary;
mod confirm;
mod mover;
mod pace;
mod plan;
mod print;

use clap::Args;

use super::classify::Class;
use super::letter::Letter;
use super::look::{self, Judged, dead_letters, judge, ledger, releasing};
use super::queue::DeadLetters;
use super::{Reading, fingerprint};
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
    /// Only letters of this code.
    #[arg(long)]
    code: Option<String>,
    /// Only letters of this cause: a fingerprint from `dlq list`.
    #[arg(long)]
    fingerprint: Option<String>,
    /// Only this letter: message id, request id, idempotency key, or provider#connection#key.
    #[arg(long)]
    letter: Option<String>,
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

impl Arguments {
    fn wants(&self, letter: &Letter) -> bool {
        let code = self
            .code
            .as_ref()
            .is_none_or(|code| *code == letter.said.code);
        let cause = self.fingerprint.as_ref();
        let cause = cause.is_none_or(|wanted| *wanted == fingerprint::of(letter));
        let named = self
            .letter
            .as_ref()
            .is_none_or(|wanted| letter.is_meant_by(wanted));
        code && cause && named
    }
}

/// Redrives.
///
/// # Errors
/// When AWS refuses before anything was moved, or there is no such lane.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
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
    let judged = read(arguments, stack, lane, letters).await?;
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
    if !arguments.yes && !confirm::confirm(letters, sends, deletes).await? {
        return Ok(Done::All);
    }
    tally.began = true;
    let mover = Mover::new(arguments, stack, lane, spec, pace, sends + deletes)?;
    mover.run(letters, &judged, &planned, tally).await
}

/// The letters that are wanted, judged; the others are released at once.
async fn read(
    arguments: &Arguments,
    stack: &Stack,
    lane: &Lane,
    letters: &mut DeadLetters,
) -> Result<Vec<Judged>, Error> {
    let spec = look::spec(lane)?;
    let read = letters.read(arguments.reading.limit(), |_| true).await?;
    let (wanted, others): (Vec<_>, Vec<_>) =
        read.into_iter().partition(|letter| arguments.wants(letter));
    let others: Vec<_> = others.iter().collect();
    letters.let_go(&others).await;
    judge(&ledger(stack)?, spec, wanted).await
}
