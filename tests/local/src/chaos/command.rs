//! `local chaos`: options in, exit status out.

use std::process::ExitCode;

use clap::Args;

use super::{Options, on_a_stack};
use crate::demo::DemoError;
use crate::stack::{Progress, root};

/// Exit status when ledger, queues and vendors do not agree.
const DISAGREES: u8 = 1;

/// Kill the functions at random under load, round after round, and check every request.
#[derive(Debug, Args)]
pub struct Arguments {
    /// Rounds, one after the other on one stack.
    #[arg(long, default_value_t = 3, value_parser = clap::value_parser!(u8).range(1..=10))]
    rounds: u8,
    /// Distinct requests in each round; copies come on top.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u16).range(200..=10_000))]
    requests: u16,
    /// Processes to kill in each round from its beginning on.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(1..=200))]
    kills: u8,
    /// Processes to kill when the first messages of killed processes are back.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u8).range(0..=200))]
    late_kills: u8,
    /// Chooses moments and processes; the machine's own timing has its part in them, so that a seed is no replay.
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Name of the stack, to keep it apart from others.
    #[arg(long, default_value = "chaos")]
    name: String,
}

/// Carries `local chaos` out. Dropping the future stops what it started.
pub async fn command(arguments: &Arguments, progress: Progress) -> ExitCode {
    let options = Options {
        rounds: arguments.rounds.into(),
        requests: arguments.requests.into(),
        kills: arguments.kills.into(),
        late_kills: arguments.late_kills.into(),
        seed: arguments.seed,
        summary: root().join("target/chaos/summary.json"),
    };
    match on_a_stack(&arguments.name, &options, progress).await {
        Ok(summary) if summary.agrees => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(DISAGREES),
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
