//! `causeway dlq`: read, explain, put back, settle and throw away dead letters.

mod classify;
mod confirm;
mod drop;
mod explain;
mod export;
mod fingerprint;
mod group;
mod letter;
mod list;
mod look;
mod queue;
mod redrive;
mod resolve;
mod selection;
mod show;
mod told;

use std::time::Duration;

use clap::{Args, Subcommand};

use crate::context::{Context, Done};
use crate::error::Error;

pub use classify::{Class, Judgement, classify};
pub use group::{Group, groups};
pub use letter::{Letter, Said};
pub use queue::{Counts, DeadLetters};
pub use resolve::by;

/// Dead letters: list, show, explain, export, redrive, resolve, drop.
///
/// Reading a letter hides it from others until the command ends; should it be killed, for two minutes (`--hold`).
/// Letters that others hold just then are not seen: the count of those in flight is told.
#[derive(Args, Debug)]
pub struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Letters, grouped by code and cause.
    List(list::Arguments),
    /// One letter: what its lane said of it, and what the ledger has.
    Show(show::Arguments),
    /// What a code means, whose move it is, what to do, and the exact next command.
    Explain(explain::Arguments),
    /// Write letters down, one line of JSON each.
    Export(export::Arguments),
    /// Put letters back on the lane's queue: dry run, canary, then paced.
    Redrive(redrive::Arguments),
    /// Say what became of a request that nobody else can tell of.
    Resolve(resolve::Arguments),
    /// Throw letters away that nobody will have carried out; a file and the ledger keep them.
    Drop(drop::Arguments),
}

/// How letters are read.
#[derive(Args, Clone, Debug)]
pub struct Reading {
    /// Most letters to read.
    #[arg(long, default_value_t = 1000, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Seconds for which letters stay hidden from others should this process be killed.
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u32).range(5..=3600))]
    hold: u32,
}

impl Reading {
    const fn limit(&self) -> usize {
        self.limit as usize
    }

    const fn hold(&self) -> Duration {
        Duration::from_secs(self.hold as u64)
    }
}

/// Runs a command. Ctrl-C ends it in order: what is held is released.
///
/// # Errors
/// When AWS refuses, or what was asked for is not there.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    match &arguments.command {
        Command::List(arguments) => list::run(arguments, context).await,
        Command::Show(arguments) => show::run(arguments, context).await,
        Command::Explain(arguments) => explain::run(arguments, context).await,
        Command::Export(arguments) => export::run(arguments, context).await,
        Command::Redrive(arguments) => redrive::run(arguments, context).await,
        Command::Resolve(arguments) => resolve::run(arguments, context).await,
        Command::Drop(arguments) => drop::run(arguments, context).await,
    }
}
