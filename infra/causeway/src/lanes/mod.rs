//! `causeway lanes`: how every lane stands, its event source, its release and its end.

mod drain;
mod held;
mod limits;
mod look;
mod prune;
mod release;
mod retire;
mod source;
mod table;

use std::time::Duration;

use causeway::clock::{Clock, SystemClock};
use causeway::request::Name;
use clap::{Args, Subcommand};

use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};
use crate::stack::Stack;
use crate::watch::{Screen, WATCH_MAX};

pub use limits::{Fullest, fullest};
pub use look::{LaneView, Look, Queued, Warned, look};
pub use source::{Source, Switched, sources, switch};

/// Show how every lane stands: breaker, limits, queue, dead letters, event source, paused connections, warnings.
///
/// READY messages wait to be received, HIDDEN ones are under way or were put off, DELAYED ones were sent again to be
/// put off; the numbers are SQS's and approximate. LIMIT is the fullest of the lane's rate limits. Exit status 3: some
/// of it could not be read.
#[derive(Args, Debug)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Arguments {
    #[command(subcommand)]
    action: Option<Action>,
    /// Show it again and again, until Ctrl-C or for twelve hours.
    #[arg(long)]
    watch: bool,
    /// With --watch: seconds between two looks.
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=3600), value_name = "SECONDS")]
    every: u64,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Turn a lane's event source on, at the lane's own concurrency.
    ///
    /// The gatekeeper does so by itself within a minute whenever the lane's breaker lets calls through; this does not
    /// wait for it. While the breaker is open, the gatekeeper turns the source off again.
    Enable(One),
    /// Turn a lane's event source off, until the gatekeeper's next minute.
    ///
    /// The gatekeeper puts the source back within a minute. To stop a lane for longer, force its breaker open.
    Disable(One),
    Prune(prune::Arguments),
    Releases(release::Releases),
    Release(release::Release),
    Rollback(release::Rollback),
    Drain(drain::Arguments),
    Retire(retire::Arguments),
}

#[derive(Args, Debug)]
struct One {
    /// The lane's provider.
    #[arg(value_parser = crate::target::name)]
    provider: Name,
}

/// Runs the command.
///
/// # Errors
/// When AWS cannot be reached; what single lanes lack is shown beside the others.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    match &arguments.action {
        Some(Action::Enable(one)) => turn(one, true, context).await,
        Some(Action::Disable(one)) => turn(one, false, context).await,
        Some(Action::Prune(arguments)) => prune::run(arguments, context).await,
        Some(Action::Releases(_)) => release::show(context).await,
        Some(Action::Release(arguments)) => release::release(arguments, context).await,
        Some(Action::Rollback(arguments)) => release::rollback(arguments, context).await,
        Some(Action::Drain(arguments)) => drain::run(arguments, context).await,
        Some(Action::Retire(arguments)) => retire::run(arguments, context).await,
        None if arguments.watch => watch(arguments, context).await,
        None => show(context).await,
    }
}

async fn show(context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let look = look(&stack, context.now().at).await?;
    if context.global.json {
        output::json(Kind::Lanes, &look)?;
    } else {
        output::line(&table::table(&look, &context.now()))?;
    }
    for problem in &look.problems {
        eprintln!("{problem}");
    }
    Ok(if look.problems.is_empty() {
        Done::All
    } else {
        Done::InPart
    })
}

async fn watch(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let screen = Screen::default();
    let end = SystemClock.now() + WATCH_MAX;
    loop {
        let look = look(&stack, context.now().at).await?;
        if context.global.json {
            output::json_line(Kind::Lanes, &look)?;
        } else {
            let now = context.now();
            let mut text = format!("{}  {}\n\n", stack.name, now.date(now.at));
            text += &table::table(&look, &now);
            for problem in &look.problems {
                text += &format!("\n{problem}");
            }
            screen.show(&text)?;
        }
        if SystemClock.now() >= end {
            return Ok(Done::All);
        }
        tokio::time::sleep(Duration::from_secs(arguments.every)).await;
    }
}

async fn turn(one: &One, on: bool, context: &Context) -> Result<Done, Error> {
    let stack = Stack::connect(&context.global).await?;
    let lane = stack.lane(one.provider.as_str())?;
    let switched = switch(&stack, lane, on, context.now().at).await?;
    if context.global.json {
        output::json(Kind::Switched, &switched)?;
    } else {
        output::line(&switched.sentence())?;
    }
    if let Some(warning) = &switched.warning {
        eprintln!("{warning}");
    }
    Ok(Done::All)
}
