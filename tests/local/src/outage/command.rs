//! `local outage`: options in, exit status out.

use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{Options, Summary, on_a_stack};
use crate::demo::DemoError;
use crate::stack::{Progress, root};

/// An outage of minutes with thousands of messages waiting, on a local stack.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Requests that wait.
    #[arg(long, default_value_t = 5_000, value_parser = clap::value_parser!(u32).range(100..=20_000))]
    messages: u32,
    /// Minutes that the vendor fails; the third is the first that is counted.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(3..=60))]
    minutes: u32,
    /// Name of the stack, to keep it apart from others.
    #[arg(long, default_value = "outage")]
    name: String,
}

/// Carries `local outage` out. Dropping the future stops what it started.
pub async fn command(arguments: &Arguments, progress: Progress) -> ExitCode {
    let options = Options {
        messages: arguments.messages as usize,
        outage: Duration::from_secs(60 * u64::from(arguments.minutes)),
        summary: root().join("target/outage/summary.json"),
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
    // A closed pipe is the reader's choice and changes nothing about the result.
    let mut out = io::stdout().lock();
    let _ = writeln!(
        out,
        "{}",
        serde_json::to_string_pretty(summary).unwrap_or_default()
    );
    let _ = writeln!(out, "Summary: {}", options.summary.display());
    for broken in &summary.broken {
        let _ = writeln!(out, "NOT KEPT: {broken}");
    }
    if summary.kept() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
