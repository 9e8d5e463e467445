//! Subcommands of `local`.

use std::io::{self, Write};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use clap::{Parser, Subcommand};
use tokio::signal::unix::{SignalKind, signal};

use crate::stack::{self, Error, LocalStack, Processes, Progress, Tools, UpOptions, root};
use crate::{chaos, demo, outage};

/// Name of the stack that `up` and `down` mean, unless they are told another.
pub const DEMO: &str = "demo";

/// Sets of tools that benchmarks and checks need: `infra/tools/<name>.txt` lists one.
const OTHER_SETS: [&str; 3] = ["bench-python", "deny", "node"];

/// Exit status of a program that Ctrl-C ended, by convention of shells.
const INTERRUPTED: u8 = 130;

#[derive(Debug, Parser)]
#[command(name = "local", about = "Chores of the project on one machine")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Install the pinned tools into `.tools/`, if they are not there yet: the local stack's, or the sets that are named.
    Tools {
        /// What the local stack has no use for.
        #[arg(value_parser = OTHER_SETS)]
        sets: Vec<String>,
    },
    /// Deploy the stack on this machine and leave it running.
    Up {
        /// Name of the stack; stacks of different names run side by side.
        #[arg(long, default_value = DEMO)]
        name: String,
    },
    /// Stop a stack that `up` left running.
    Down {
        /// Name of the stack.
        #[arg(long, default_value = DEMO)]
        name: String,
    },
    /// Run a realistic load through a local stack and check every request.
    Demo(demo::Arguments),
    /// Kill the functions at random under load, and check every request.
    Chaos(chaos::Arguments),
    /// Let a vendor fail for minutes while thousands of messages wait, and check what that costs.
    Outage(outage::Arguments),
    /// Stop a stack once the process that holds the other end of standard input is gone.
    #[command(hide = true)]
    Guard {
        /// Name of the stack.
        #[arg(long)]
        name: String,
    },
    /// Make metrics of what a stack's functions log, as long as it is up.
    #[command(hide = true)]
    ForwardMetrics {
        /// Name of the stack.
        #[arg(long)]
        name: String,
    },
    /// Run the vendors' fakes on a loopback port until stopped.
    #[command(hide = true)]
    Fakes {
        /// Where to write the address they listen on.
        address_file: PathBuf,
    },
}

/// Runs the subcommand; a signal ends it, and all that it started, in order.
#[must_use]
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("local: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            // Dropping the other branch stops what it started.
            () = interrupted() => ExitCode::from(INTERRUPTED),
            code = run(cli.command) => code,
        }
    })
}

async fn run(command: Command) -> ExitCode {
    let done = match command {
        Command::Tools { sets } => tools(&sets).await,
        Command::Up { name } => up(&name).await,
        Command::Down { name } => down(&name),
        Command::Demo(arguments) => return demo::command(&arguments, plain_progress()).await,
        Command::Chaos(arguments) => return chaos::command(&arguments, plain_progress()).await,
        Command::Outage(arguments) => {
            return outage::command(&arguments, plain_progress()).await;
        }
        Command::Guard { name } => guard(&name).await,
        Command::ForwardMetrics { name } => forward_metrics(&name).await,
        Command::Fakes { address_file } => fakes(&address_file).await,
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("local: {}", error.report());
            ExitCode::FAILURE
        }
    }
}

/// Prints each step on a line of its own.
#[must_use]
pub fn plain_progress() -> Progress {
    Arc::new(|step| eprintln!("• {step}"))
}

async fn tools(sets: &[String]) -> Result<(), Error> {
    let processes = Processes::owned_by(&root().join(".tools"));
    let say = |step: &str| eprintln!("• {step}");
    if sets.is_empty() {
        Tools::install(&processes, say).await?;
    } else {
        let named = OTHER_SETS.into_iter();
        let named: Vec<_> = named
            .filter(|name| sets.iter().any(|set| set == name))
            .collect();
        Tools::install_sets(&processes, &named, say).await?;
    }
    Ok(())
}

async fn up(name: &str) -> Result<(), Error> {
    let _ = stack::down(name);
    let vendors = stack::Vendors::start_detached(name).await?;
    let stack = LocalStack::up(UpOptions {
        name: name.to_owned(),
        provider_base_url: vendors.base_url().to_owned(),
        parameters: Vec::new(),
        progress: plain_progress(),
    })
    .await?;
    let program = std::env::current_exe().map_err(Error::io("find this program"))?;
    stack.start_forwarding_metrics(&program, name)?;
    let environment = stack.write_environment_file().await?;
    say(&explain(name, &stack, &environment));
    vendors.leave_running();
    stack.leave_running();
    Ok(())
}

/// What a person wants to know who has the stack running in front of them.
fn explain(name: &str, stack: &LocalStack, environment: &Path) -> String {
    let mut text = format!("The stack runs at {}\n\n", stack.endpoint());
    for (output, value) in stack.outputs() {
        text += &format!("  {output:<20} {value}\n");
    }
    let vendors = stack.provider_base_url();
    let logs = stack.paths().stack().display();
    text += &format!("\nThe vendors' fakes:  {vendors}\nLogs:                {logs}\n");
    text += "\nSet a shell up for it:\n";
    for (variable, value) in stack::exports(stack) {
        // Quoted: the API's stage is called `$default`.
        text += &format!("  export {variable}='{value}'\n");
    }
    let programs = ["target/debug", ".tools/sam/bin"].map(|folder| root().join(folder));
    let [causeway, sam] = programs.map(|folder| folder.display().to_string());
    text += &format!("  export PATH={causeway}:{sam}:$PATH\n");
    text += EXPLORE;
    text += "With a container engine, on top of `sam build`:\n";
    text += "  sam local invoke StripeFunction --event infra/events/stripe.json \\\n";
    text += "    --docker-network host --parameter-overrides AwsEndpointUrl=$AWS_ENDPOINT_URL \\\n";
    text += &format!("    --env-vars {}\n", environment.display());
    text + &format!("\n`make demo-down` stops it (`local down --name {name}`).")
}

/// What to try, in an order that makes sense. README tells the whole story.
const EXPLORE: &str = r#"
Then look, send, break, mend (README: "A night on call"):
  causeway lanes                                   # every lane, its breaker, limits and queues
  causeway send infra/examples/stripe.json         # a request, by HTTP
  causeway status stripe runbook-check-1           # what became of it
  curl -s -X PUT $VENDORS_URL/_control/faults -d '{"provider":"stripe","faults":[{"mode":"error_503","share":1}]}'
  causeway top                                     # all of it live; ? for keys
  curl -s -X DELETE $VENDORS_URL/_control/faults/stripe
  sam logs --stack-name causeway --name StripeFunction
"#;

fn down(name: &str) -> Result<(), Error> {
    let stopped = stack::down(name);
    match (stopped.found, stopped.left) {
        (0, _) => say("Nothing was running."),
        (found, 0) => say(&format!("Stopped; {found} processes ended.")),
        (_, left) => return Err(Error::StillRunning { left }),
    }
    Ok(())
}

async fn guard(name: &str) -> Result<(), Error> {
    let nothing = &mut tokio::io::sink();
    let ended = tokio::io::copy(&mut tokio::io::stdin(), nothing).await;
    let _ = stack::down(name);
    ended.map(|_| ()).map_err(Error::io("wait for the tests"))
}

/// A closed pipe is the reader's choice and changes nothing about the result.
fn say(what: &str) {
    let _ = writeln!(io::stdout(), "{what}");
}

/// Runs beside a stack that somebody else holds: when this ends, the stack stays.
async fn forward_metrics(name: &str) -> Result<(), Error> {
    let stack = LocalStack::attach_beside(name).await?;
    stack.forward_metrics_forever().await
}

async fn fakes(address_file: &Path) -> Result<(), Error> {
    let any_port = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let server = causeway_fakes::Server::start(any_port)
        .await
        .map_err(Error::io("start the vendors' fakes"))?;
    // Written beside and renamed, so that a reader sees the whole address or none.
    let beside = address_file.with_extension("new");
    std::fs::write(&beside, server.base_url())
        .and_then(|()| std::fs::rename(&beside, address_file))
        .map_err(Error::io("write the fakes' address"))?;
    std::future::pending::<()>().await;
    Ok(())
}

/// Resolves when the user or the system wants this program to end.
async fn interrupted() {
    let signals = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
        signal(SignalKind::hangup()),
    );
    let (Ok(mut interrupt), Ok(mut terminate), Ok(mut hangup)) = signals else {
        return std::future::pending().await;
    };
    tokio::select! {
        _ = interrupt.recv() => {}
        _ = terminate.recv() => {}
        _ = hangup.recv() => {}
    }
}
