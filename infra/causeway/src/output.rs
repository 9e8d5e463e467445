//! Results on standard output: tables for people, JSON for programs.

use std::fmt::Write as _;
use std::io::{self, Write};

use clap::ValueEnum;
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

/// Version of all JSON that the command prints. A field that goes, or means something else, is a new version; further
/// fields and kinds are none.
pub const VERSION: u32 = 1;

/// What a JSON result is about; `docs/command.md` has a section for each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ValueEnum)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum Kind {
    /// `alarms`
    Alarms,
    /// `breaker open` and `close`
    BreakerChange,
    /// `breaker show`
    Breakers,
    /// `dlq explain`, of the codes in a queue
    CodeCounts,
    /// `dlq explain`, of codes
    Codes,
    /// `connection show`
    Connection,
    /// `connection add`
    ConnectionAdded,
    /// `connection test`
    ConnectionTest,
    /// `connection list`
    Connections,
    /// `deploy check`
    DeployCheck,
    /// `lanes drain`
    Drain,
    /// `dlq drop`
    Dropped,
    /// `dlq explain`, of letters
    ExplainedLetters,
    /// `dlq export`, a line
    ExportedLetter,
    /// `doctor`
    Findings,
    /// `provider import`
    Import,
    /// `lanes`
    Lanes,
    /// `dlq list`
    LetterGroups,
    /// `dlq show`
    Letters,
    /// `logs`, a line
    LogLine,
    /// `map put`, `diff` and `rollback`
    Mapping,
    /// `map test`
    MappingTrials,
    /// `providers PROVIDER OPERATION`
    Operation,
    /// `providers --search`
    Operations,
    /// `provider check`
    PackCheck,
    /// `map propose`
    Proposal,
    /// `providers PROVIDER`
    Provider,
    /// `providers`
    Providers,
    /// `lanes prune`
    Prune,
    /// `dlq redrive --dry-run`
    RedrivePlan,
    /// `dlq redrive`
    Redriven,
    /// `lanes release` and `rollback`
    Release,
    /// `lanes releases`
    Releases,
    /// `status`
    Request,
    /// `requests list` and `unknown list`
    Requests,
    /// `dlq resolve`
    Resolved,
    /// `connection resume`
    Resumed,
    /// `lanes retire`
    Retire,
    /// `send`, a line
    Sent,
    /// `lanes enable` and `disable`
    Switched,
}

/// What every JSON document of the command is.
#[derive(Serialize)]
struct Envelope<'a, T> {
    version: u32,
    kind: Kind,
    result: &'a T,
}

/// A command that failed, for programs.
#[derive(Serialize)]
struct Failure<'a> {
    version: u32,
    error: Told<'a>,
}

#[derive(Serialize)]
struct Told<'a> {
    message: &'a str,
    hint: Option<&'a str>,
    exit_status: u8,
}

/// Writes a result as one JSON document: version, kind and the result itself.
///
/// # Errors
/// When standard output is gone.
pub fn json(kind: Kind, result: &impl Serialize) -> Result<(), Error> {
    document(&Envelope {
        version: VERSION,
        kind,
        result,
    })
}

/// Writes a result as one line of JSON, for results that follow each other.
///
/// # Errors
/// When standard output is gone.
pub fn json_line(kind: Kind, result: &impl Serialize) -> Result<(), Error> {
    written(&text(kind, result)?)
}

/// That line.
///
/// # Errors
/// When the result cannot be JSON.
pub fn text(kind: Kind, result: &impl Serialize) -> Result<String, Error> {
    let line = serde_json::to_string(&Envelope {
        version: VERSION,
        kind,
        result,
    });
    Ok(json_shown(&line.map_err(|error| unwritable(&error))?))
}

/// Writes a JSON document that is somebody else's format (a JSON Schema, a mapping) as it is.
///
/// # Errors
/// When standard output is gone.
pub fn document(document: &impl Serialize) -> Result<(), Error> {
    let text = serde_json::to_string_pretty(document).map_err(|error| unwritable(&error))?;
    written(&json_shown(&text))
}

/// Writes what failed as one line of JSON, after the lines of results that there may be.
pub fn json_error(message: &str, hint: Option<&str>, exit_status: u8) {
    let error = Told {
        message,
        hint,
        exit_status,
    };
    let failure = serde_json::to_string(&Failure {
        version: VERSION,
        error,
    });
    if let Ok(text) = failure {
        // The exit status says so as well: nobody is left to tell.
        let _ = written(&json_shown(&text));
    }
}

fn unwritable(error: &serde_json::Error) -> Error {
    Error::new(format!("cannot write the result as JSON: {error}"))
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
