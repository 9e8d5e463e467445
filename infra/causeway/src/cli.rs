//! The command line: which subcommand is what, and what the process answers its shell. Nothing imports it.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::context::{Context, Done, Global};
use crate::error::Error;
use crate::{
    breaker, completions, connection, deploy, dlq, doctor, lanes, map, provider, providers,
    requests, send, status, top, when,
};

/// Everything was done.
const DONE: u8 = 0;
/// Something failed: AWS refused, or what was asked for is not there.
const FAILED: u8 = 1;
/// The command was called wrongly, or its input is bad; clap's own status as well.
const USAGE: u8 = 2;
/// Some of it was done: items were refused, or a breaker stopped the rest.
const IN_PART: u8 = 3;
/// Ended by Ctrl-C, by convention of shells.
const INTERRUPTED: u8 = 130;

/// Runs third-party integrations' lanes: send, watch, break, mend.
///
/// Exit status: 0 done, 1 failed, 2 wrong usage or bad input, 3 done in part, 130 interrupted.
#[derive(Debug, Parser)]
#[command(name = "causeway", bin_name = "causeway", version = causeway_ingest::RELEASE)]
struct Cli {
    #[command(flatten)]
    global: Global,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Send(send::Arguments),
    Status(status::Arguments),
    Requests(requests::Arguments),
    Unknown(requests::UnknownArguments),
    Lanes(lanes::Arguments),
    Top(top::Arguments),
    Breaker(breaker::Arguments),
    Connection(connection::Arguments),
    Deploy(deploy::Arguments),
    Dlq(dlq::Arguments),
    Doctor(doctor::Arguments),
    Map(map::Arguments),
    Provider(provider::Arguments),
    Providers(providers::Arguments),
    Completions(completions::Arguments),
}

/// Runs the command that the process was called with.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let offset = when::local_offset();
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("causeway: cannot start: {error}");
            return ExitCode::from(FAILED);
        }
    };
    let context = Context {
        global: cli.global,
        offset,
    };
    let code = runtime.block_on(async {
        if let Command::Dlq(arguments) = &cli.command {
            // It hears Ctrl-C itself: letters that it holds are released first.
            return exit_status(dlq::run(arguments, &context).await);
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => INTERRUPTED,
            done = run(&cli.command, &context) => exit_status(done),
        }
    });
    ExitCode::from(code)
}

async fn run(command: &Command, context: &Context) -> Result<Done, Error> {
    match command {
        Command::Send(arguments) => send::run(arguments, context).await,
        Command::Status(arguments) => status::run(arguments, context).await,
        Command::Requests(arguments) => requests::run(arguments, context).await,
        Command::Unknown(arguments) => requests::run_unknown(arguments, context).await,
        Command::Lanes(arguments) => lanes::run(arguments, context).await,
        Command::Top(arguments) => top::run(arguments, context).await,
        Command::Breaker(arguments) => breaker::run(arguments, context).await,
        Command::Connection(arguments) => connection::run(arguments, context).await,
        Command::Deploy(arguments) => deploy::run(arguments, context).await,
        Command::Dlq(arguments) => dlq::run(arguments, context).await,
        Command::Doctor(arguments) => doctor::run(arguments, context).await,
        Command::Map(arguments) => map::run(arguments, context).await,
        Command::Provider(arguments) => provider::run(arguments, context),
        Command::Providers(arguments) => providers::run(arguments, context),
        Command::Completions(arguments) => completions::run(arguments, Cli::command()),
    }
}

fn exit_status(done: Result<Done, Error>) -> u8 {
    match done {
        Ok(Done::All) => DONE,
        Ok(Done::InPart) => IN_PART,
        Ok(Done::Interrupted) => INTERRUPTED,
        Err(error) => {
            eprintln!("causeway: {error}");
            if error.is_usage() { USAGE } else { FAILED }
        }
    }
}
