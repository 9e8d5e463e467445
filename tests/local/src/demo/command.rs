//! `local demo`: options in, exit status out.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Args;

use super::{DemoError, Options, Summary, on_a_stack};
use crate::stack::{Progress, root};

/// Exit status when ledger, queues and vendors do not agree.
const DISAGREES: u8 = 1;
/// Exit status of a self-check that found exactly what it had put there. Not zero: the result is wrong on purpose.
const SELF_CHECK_NOTICED: u8 = 3;

/// A realistic load through a local stack, with a provider that fails in the middle, and a check of every request.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Messages to be sent, exact copies included.
    #[arg(long, default_value_t = Options::default().messages, value_parser = messages)]
    messages: usize,
    /// No provider fails.
    #[arg(long)]
    no_outage: bool,
    /// Afterwards inject one duplicate effect and delete one message: exits with 3 when exactly these were noticed.
    #[arg(long)]
    self_check: bool,
    /// Name of the stack, to keep it apart from others.
    #[arg(long, default_value = "demo-run")]
    name: String,
}

/// Carries `local demo` out. Dropping the future stops what it started.
pub async fn command(arguments: &Arguments, progress: Progress) -> ExitCode {
    let options = Options {
        messages: arguments.messages,
        outage: !arguments.no_outage,
        self_check: arguments.self_check,
        summary: root().join("target/demo/summary.json"),
    };
    match on_a_stack(&arguments.name, &options, progress).await {
        Ok(summary) => verdict(&options, &summary),
        Err(error) => {
            let error = match &error {
                DemoError::Local(inner) => inner.report(),
                other => other.to_string(),
            };
            eprintln!("local: {error}");
            ExitCode::FAILURE
        }
    }
}

fn verdict(options: &Options, summary: &Summary) -> ExitCode {
    say(&format!("Summary: {}", options.summary.display()));
    match (options.self_check, summary.agrees) {
        (false, true) => ExitCode::SUCCESS,
        (true, false) if summary.self_check_noticed() => {
            say(
                "Self-check: the verification noticed the two changes that were made, and nothing else.",
            );
            ExitCode::from(SELF_CHECK_NOTICED)
        }
        _ => ExitCode::from(DISAGREES),
    }
}

/// A closed pipe is the reader's choice and changes nothing about the result.
fn say(what: &str) {
    let _ = writeln!(io::stdout(), "{what}");
}

/// Fewer would not hold every kind of request; more would outlast the run's bound.
fn messages(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(count) if (300..=20_000).contains(&count) => Ok(count),
        _ => Err("a number from 300 to 20000".to_owned()),
    }
}
