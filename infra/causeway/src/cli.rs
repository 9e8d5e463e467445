//! The command line: which subcommand is what, and what the process answers its shell. Nothing imports it.

use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::context::{Context, Done, Global};
use crate::error::Error;
use crate::{
    alarms, breaker, completions, connection, deploy, dlq, doctor, lanes, logs, map, output,
    provider, providers, requests, send, status, top, when,
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
    Alarms(alarms::Arguments),
    Logs(logs::Arguments),
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
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return misread(&error),
    };
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
    let json = context.global.json;
    let code = runtime.block_on(async {
        if let Command::Dlq(arguments) = &cli.command {
            // It hears Ctrl-C itself: letters that it holds are released first.
            return exit_status(dlq::run(arguments, &context).await, json);
        }
        tokio::select! {
            _ = tokio::signal::ctrl_c() => INTERRUPTED,
            done = run(&cli.command, &context) => exit_status(done, json),
        }
    });
    ExitCode::from(code)
}

async fn run(command: &Command, context: &Context) -> Result<Done, Error> {
    match command {
        Command::Alarms(arguments) => alarms::run(arguments, context).await,
        Command::Logs(arguments) => logs::run(arguments, context).await,
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

/// What clap says of a command line that is none, or of `--help`; for programs too where they asked for JSON.
fn misread(error: &clap::Error) -> ExitCode {
    let wants_json = std::env::args_os().any(|argument| argument == "--json");
    if wants_json && error.use_stderr() {
        let text = error.render().to_string();
        let what = text.split("\n\n").next().unwrap_or_default();
        output::json_error(what.trim_start_matches("error: ").trim(), None, USAGE);
    }
    // Where standard error is gone the exit status says enough.
    let _ = error.print();
    ExitCode::from(if error.use_stderr() { USAGE } else { DONE })
}

fn exit_status(done: Result<Done, Error>, json: bool) -> u8 {
    match done {
        Ok(Done::All) => DONE,
        Ok(Done::InPart) => IN_PART,
        Ok(Done::Interrupted) => INTERRUPTED,
        Err(error) => {
            let status = if error.is_usage() { USAGE } else { FAILED };
            if json {
                output::json_error(error.what(), error.advice(), status);
            }
            eprintln!("causeway: {error}");
            status
        }
    }
}

#[cfg(test)]
pub(crate) mod tests;
