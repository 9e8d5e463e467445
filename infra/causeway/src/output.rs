//! Results on standard output: tables for people, JSON for programs.

use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::error::Error;

/// Writes a line of a result.
///
/// # Errors
/// When standard output is gone, other than by the reader's own choice.
pub fn line(text: &str) -> Result<(), Error> {
    match writeln!(io::stdout().lock(), "{text}") {
        // `causeway … | head` has what it wanted.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other.map_err(Error::io("write the result")),
    }
}

/// Writes a result as one JSON document.
///
/// # Errors
/// When standard output is gone.
pub fn json(result: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(result)
        .map_err(|error| Error::new(format!("cannot write the result as JSON: {error}")))?;
    line(&text)
}

/// Writes a result as one line of JSON, for results that follow each other.
///
/// # Errors
/// When standard output is gone.
pub fn json_line(result: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(result)
        .map_err(|error| Error::new(format!("cannot write the result as JSON: {error}")))?;
    line(&text)
}

/// A table without lines, as wide as the terminal, with these headings.
#[must_use]
pub fn table(headings: &[&str]) -> Table {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Dynamic)
        .set_header(headings.to_vec());
    table
}
