//! `vendors`: holds lanes and fakes against what the vendors publish. `make test-vendors` calls it.

use std::io::{self, Write};
use std::process::ExitCode;

use causeway_vendors::report::Report;
use causeway_vendors::run::Run;
use causeway_vendors::{Error, vendor};
use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};

/// Exit status of a program that Ctrl-C ended, by convention of shells.
const INTERRUPTED: u8 = 130;

#[derive(Debug, Parser)]
#[command(
    name = "vendors",
    about = "Holds lanes and fakes against what the vendors publish"
)]
struct Cli {
    /// Only this vendor; may be given several times.
    #[arg(long)]
    only: Vec<String>,
    /// Install the tools, and check nothing.
    #[arg(long)]
    install: bool,
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    let runtime = match runtime {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("vendors: cannot start: {error}");
            return ExitCode::FAILURE;
        }
    };
    runtime.block_on(async {
        tokio::select! {
            // Dropping the other branch stops what it started.
            () = interrupted() => ExitCode::from(INTERRUPTED),
            code = run(&cli) => code,
        }
    })
}

async fn run(cli: &Cli) -> ExitCode {
    match checked(cli).await {
        Ok(None) => ExitCode::SUCCESS,
        Ok(Some(report)) => {
            let _ = io::stdout().write_all(report.text().as_bytes());
            if report.is_clean() {
                return ExitCode::SUCCESS;
            }
            ExitCode::FAILURE
        }
        Err(error) => {
            eprintln!("vendors: {}", error.text());
            ExitCode::FAILURE
        }
    }
}

async fn checked(cli: &Cli) -> Result<Option<Report>, Error> {
    let say = |text: &str| eprintln!("{text}");
    for name in &cli.only {
        vendor::named(name)?;
    }
    let run = Run::prepare(say).await?;
    if cli.install {
        return Ok(None);
    }
    run.check(&cli.only, say).await.map(Some)
}

async fn interrupted() {
    let Ok(mut term) = signal(SignalKind::terminate()) else {
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = term.recv() => {}
    }
}
