//! `causeway top`: all lanes on one screen, alive.
//!
//! `model` decides, `view` draws; both are pure. `source` asks AWS and carries orders out, and `terminal` holds
//! the terminal. A source that fails never ends the screen: what was known stays, with its time and the error.

mod model;
mod run;
mod source;
mod terminal;
mod view;

pub(crate) use terminal::Screen;
pub(crate) use view::Palette;

use std::io::{self, IsTerminal};
use std::time::Duration;

use clap::Args;

use crate::context::{Context, Done};
use crate::error::Error;
use crate::stack::Stack;

/// Watch all lanes on one screen: rates, latency, breakers, limits, queues, dead letters; press ? for the keys.
///
/// Breakers, limits and queues are read every two seconds. Metrics cost $0.01 for 1,000 series read: 9 lanes every 30
/// seconds are $0.11 an hour. The selected lane's newest dead letters are looked at once a minute; each look raises
/// their receive counts, which changes nothing. Colours go with NO_COLOR=1.
#[derive(Args, Debug)]
pub struct Arguments {
    /// Seconds between two reads of the metrics.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(5..=3600), value_name = "SECONDS")]
    metrics_every: u64,
    /// Minutes that the metrics go back.
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u8).range(2..=60), value_name = "MINUTES")]
    minutes: u8,
}

/// Shows the screen until `q`.
///
/// # Errors
/// When there is no terminal, or the stack cannot be reached at the start.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    if context.global.json {
        return Err(Error::usage("`top` is a screen and has no --json")
            .hint("`causeway lanes --json` tells a program the same"));
    }
    if !io::stdout().is_terminal() || !io::stdin().is_terminal() {
        return Err(Error::usage("`top` needs a terminal, and this is none")
            .hint("`causeway lanes` prints one look at the lanes, `--json` for programs"));
    }
    let stack = Stack::connect(&context.global).await?;
    let every = Duration::from_secs(arguments.metrics_every);
    let minutes = usize::from(arguments.minutes);
    run::run(&stack, context, every, minutes).await
}
