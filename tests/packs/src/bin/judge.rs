//! `judge`: vendors' own documents judge what the packs send, and the collection goes through the import.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use causeway_packs::collection::collection;
use causeway_packs::document::{self, Judged};
use causeway_packs::remade::remade;
use causeway_packs::summary;
use clap::Parser;

/// Judges packs by their vendors' documents.
#[derive(Debug, Parser)]
struct Args {
    /// Only this provider.
    #[arg(long)]
    only: Option<String>,
    /// Every so manyth operation.
    #[arg(long, default_value_t = 1)]
    step: usize,
    /// So many examples of a kind.
    #[arg(long, default_value_t = 8)]
    examples: usize,
    /// Where the summary goes; only whole runs write it.
    #[arg(long, default_value = "target/packs")]
    out: PathBuf,
    /// Import the whole collection, too.
    #[arg(long)]
    import: bool,
    /// Where the documents lie.
    #[arg(long, default_value = "../shared/providers/documents")]
    documents: PathBuf,
}

type Failure = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    match run(&Args::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            let _ = writeln!(io::stderr(), "judge: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(args: &Args) -> Result<(), Failure> {
    let functions = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../functions");
    let mut whole = Judged::default();
    let mut out = io::stdout().lock();
    let is_blessed = std::env::var_os("CAUSEWAY_BLESS").is_some();
    let mut stale = 0;
    for name in document::PACKS {
        if args.only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        for file in remade(&functions.join(name), &args.documents)? {
            let Some(difference) = file.difference() else {
                continue;
            };
            if is_blessed {
                fs::write(&file.path, &file.made)?;
            } else {
                stale += 1;
                writeln!(out, "{difference}")?;
            }
        }
        let judged = document::judge(&functions.join(name), &args.documents, args.step)?;
        let (operations, mutations, agree) =
            (judged.operations, judged.mutations, 100.0 * judged.agree());
        writeln!(
            out,
            "{name}: {operations} operations, {mutations} mutations, {agree:.2} % agreed"
        )?;
        whole.join(judged);
    }
    table(&mut out, &whole, args.examples)?;
    if args.only.is_none() && args.step <= 1 {
        let document = summary::Document {
            operations: whole.operations,
            mutations: whole.mutations,
            agree: whole.agree(),
        };
        summary::put(&args.out, Some("document"), &document)?;
    }
    if args.import {
        let all = collection(&args.documents)?;
        let share = 100.0 * all.writes_share();
        writeln!(
            out,
            "import: {} documents, {} packs, {} refused, {} of {} writes came through: {share:.1} %",
            all.documents, all.packs, all.refused, all.through, all.writes
        )?;
        let import = summary::Import {
            documents: all.documents,
            packs: all.packs,
            refused: all.refused,
            writes_share: all.writes_share(),
        };
        summary::put(&args.out, Some("import"), &import)?;
        for reason in &all.reasons {
            writeln!(out, "  {reason}")?;
        }
    }
    match stale {
        0 => Ok(()),
        _ => {
            Err("what is checked in is not what an import makes: CAUSEWAY_BLESS=1 writes it".into())
        }
    }
}

fn table(out: &mut impl Write, whole: &Judged, examples: usize) -> io::Result<()> {
    let (operations, mutations, agree) = (whole.operations, whole.mutations, 100.0 * whole.agree());
    writeln!(
        out,
        "all: {operations} operations, {mutations} mutations, {agree:.2} % agreed"
    )?;
    let beside = 100.0 * whole.agree_beside_the_page();
    writeln!(
        out,
        "     but for what pages mean to differ in: {beside:.2} % agreed"
    )?;
    for (kind, counted) in &whole.kinds {
        writeln!(out, "{:>6} {kind}", counted.count)?;
        for example in counted.examples.iter().take(examples) {
            writeln!(out, "         {example}")?;
        }
    }
    for (otherwise, count) in &whole.otherwise {
        writeln!(
            out,
            "{count:>6} operations: the page does otherwise: {otherwise:?}"
        )?;
    }
    writeln!(
        out,
        "{:>6} examples that the document does not take as they are",
        whole.examples.count
    )?;
    for example in whole.examples.examples.iter().take(examples) {
        writeln!(out, "         {example}")?;
    }
    for one in &whole.unjudged {
        writeln!(out, "       not judged: {one}")?;
    }
    Ok(())
}
