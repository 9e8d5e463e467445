//! Results on standard output: tables for people, JSON for programs.

use std::fmt::Write as _;
use std::io::{self, Write};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use serde::Serialize;

use crate::error::Error;
use crate::text::shown;

/// Writes a line of a result.
///
/// # Errors
/// When standard output is gone, other than by the reader's own choice.
pub fn line(text: &str) -> Result<(), Error> {
    written(&shown(text))
}

/// [`shown`] for JSON, which has its own way to spell control characters, and uses it below U+0020 only.
fn json_shown(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_control() && c != '\n' {
            // A control character has four hexadecimal digits at most.
            let _ = write!(safe, "\\u{:04x}", u32::from(c));
        } else {
            safe.push(c);
        }
    }
    safe
}

fn written(text: &str) -> Result<(), Error> {
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
    written(&json_shown(&text))
}

/// Writes a result as one line of JSON, for results that follow each other.
///
/// # Errors
/// When standard output is gone.
pub fn json_line(result: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string(result)
        .map_err(|error| Error::new(format!("cannot write the result as JSON: {error}")))?;
    written(&json_shown(&text))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_stays_json_and_means_the_same() {
        let value = serde_json::json!({"detail": "a\u{1b}[2J\u{9b}31m\u{7f}\n€"});
        let pretty = serde_json::to_string_pretty(&value).expect("JSON");
        let safe = json_shown(&pretty);
        assert!(
            !safe.contains(|c: char| c.is_control() && c != '\n'),
            "{safe}"
        );
        let again: serde_json::Value = serde_json::from_str(&safe).expect("JSON");
        assert_eq!(again, value);
    }
}
