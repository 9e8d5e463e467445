//! `lines`: how long each provider is, as a table. `make lines` calls it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;

use causeway_contract::LINES;
use causeway_contract::neighbours::{self, Length};

fn main() -> io::Result<ExitCode> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let sources = neighbours::sources(&root)?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "provider      lib.rs  other files  together  of it code"
    )?;
    let mut is_good = true;
    for length in sources.iter().map(neighbours::length) {
        is_good &= row(&mut out, &length)?;
    }
    let (least, most) = LINES;
    writeln!(
        out,
        "\nlib.rs measures {least} to {most} lines, any other file no more; tests, fixtures and main.rs left out."
    )?;
    Ok(if is_good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn row(out: &mut impl Write, length: &Length) -> io::Result<bool> {
    let of = |wanted: &str| {
        let mut files = length.files.iter().filter(|(name, _)| name == wanted);
        files.next().map_or(0, |(_, lines)| *lines)
    };
    let all: usize = length.files.iter().map(|(_, lines)| lines).sum();
    let lib = of("lib.rs");
    let is_good = (LINES.0..=LINES.1).contains(&lib)
        && length.files.iter().all(|(_, lines)| *lines <= LINES.1);
    let (name, other, code) = (&length.name, all - lib, length.code);
    let mark = if is_good { "" } else { "  <-" };
    writeln!(
        out,
        "{name:<12} {lib:>7} {other:>12} {all:>9} {code:>11}{mark}"
    )?;
    Ok(is_good)
}
