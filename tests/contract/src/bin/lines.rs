//! `lines`: how long each provider is, as a table. `make lines` calls it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use causeway_contract::LINES;
use causeway_contract::neighbours::{self, Lines, Source, lines};

fn main() -> io::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "provider      lib.rs  of it code  other files  of it code"
    )?;
    let mut is_good = true;
    for source in neighbours::sources(&root)? {
        is_good &= row(&mut out, &source)?;
    }
    let (least, most) = LINES;
    writeln!(
        out,
        "\nlib.rs has at least {least} lines, and at most {most} of code: neither blank nor comments. Tests, fixtures, \
         schemas and main.rs do not count."
    )?;
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn row(out: &mut impl Write, source: &Source) -> io::Result<bool> {
    let (mut lib, mut other) = (Lines::default(), Lines::default());
    for (name, text) in &source.files {
        let sum = if name == "lib.rs" {
            &mut lib
        } else {
            &mut other
        };
        let lines = lines(text);
        *sum = Lines {
            all: sum.all + lines.all,
            code: sum.code + lines.code,
        };
    }
    let is_good = lib.all >= LINES.0 && lib.code <= LINES.1;
    let mark = if is_good { "" } else { "  <-" };
    writeln!(
        out,
        "{:<12} {:>7} {:>11} {:>12} {:>11}{mark}",
        source.name, lib.all, lib.code, other.all, other.code
    )?;
    Ok(is_good)
}
