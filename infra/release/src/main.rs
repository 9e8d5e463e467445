//! `release`: see the library.

use std::fs;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use causeway_release::error::Error;
use causeway_release::pack::{self, Built, LANE_ZIP_MAX};
use causeway_release::papers::papers;
use causeway_release::program::{Processor, Program};
use causeway_release::tree::{compiler, library_terms};
use clap::{Args, Parser, Subcommand};

/// Inspects what was built for AWS, and packs a release.
#[derive(Debug, Parser)]
#[command(name = "release")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Say what programs are, and fail where Lambda would not start one.
    Inspect {
        /// For which processor they should be.
        #[arg(long)]
        processor: Processor,
        /// The programs.
        #[arg(required = true)]
        programs: Vec<PathBuf>,
    },
    /// Zips, bills of materials, a manifest and checksums of what was built.
    Pack(Pack),
}

#[derive(Debug, Args)]
struct Pack {
    /// Where `sam build` has laid the functions.
    #[arg(long)]
    functions: PathBuf,
    /// For which processor.
    #[arg(long)]
    processor: Processor,
    /// The operators' command, `PLATFORM=PATH`; several times for several.
    #[arg(long = "command", value_parser = platform)]
    commands: Vec<(String, PathBuf)>,
    /// What the release is called: a tag or a commit.
    #[arg(long)]
    release: String,
    /// Where the files go; what lies there goes.
    #[arg(long)]
    out: PathBuf,
}

fn platform(text: &str) -> Result<(String, PathBuf), String> {
    let (target, path) = text.split_once('=').ok_or("PLATFORM=PATH is meant")?;
    Ok((target.to_owned(), path.into()))
}

fn main() -> ExitCode {
    let done = match Cli::parse().command {
        Command::Inspect {
            processor,
            programs,
        } => inspect(processor, &programs),
        Command::Pack(arguments) => pack(arguments),
    };
    match done {
        Ok(text) => {
            let _ = write!(std::io::stdout(), "{text}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "release: {error}");
            ExitCode::FAILURE
        }
    }
}

fn inspect(processor: Processor, programs: &[PathBuf]) -> Result<String, Error> {
    let (mut text, mut faults) = (String::new(), Vec::new());
    for path in programs {
        let bytes = fs::read(path).map_err(Error::of(path))?;
        let program = Program::inspect(&bytes, path)?;
        let name = path.display().to_string();
        text += &format!("{name}: {program}\n");
        let own = program.faults(processor);
        faults.extend(own.into_iter().map(|fault| (name.clone(), fault)));
    }
    if faults.is_empty() {
        return Ok(text);
    }
    let _ = write!(std::io::stdout(), "{text}");
    Err(Error::Unfit { faults })
}

fn pack(arguments: Pack) -> Result<String, Error> {
    let built = Built {
        // The repository: it is where this is run, as everything of `make` is.
        root: PathBuf::from("."),
        functions: arguments.functions,
        processor: arguments.processor,
        commands: arguments.commands.into_iter().collect(),
        release: arguments.release,
        version: env!("CARGO_PKG_VERSION").to_owned(),
        compiler: compiler()?,
        library: library_terms()?,
    };
    let papers = papers(
        &built.root,
        &built.subjects()?,
        &built.release,
        &built.compiler,
    )?;
    let manifest = pack::pack(&built, &papers, &arguments.out)?;
    let mut text = String::new();
    for (name, function) in &manifest.functions {
        let bytes = manifest.files[&function.file].bytes;
        text += &format!("{name}: {}, {bytes} bytes zipped\n", function.program);
    }
    let files = manifest.files.len();
    let out = arguments.out.display();
    Ok(text + &format!("{files} files in {out}; a lane's zip has at most {LANE_ZIP_MAX} bytes\n"))
}
