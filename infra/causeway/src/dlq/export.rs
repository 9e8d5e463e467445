//! `causeway dlq export`: letters as they are, one line of JSON each.

use std::fs::OpenOptions;
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::{Value, json};

use super::Reading;
use super::look::{self, Judged, dead_letters, record_json, releasing};
use super::selection::{self, Selection};
use crate::context::{Context, Done};
use crate::error::Error;
use crate::output::{self, Kind};

/// Write letters down, one line of JSON each, their bodies included; they stay where they are.
///
/// A line holds everything that SQS has of a letter and the ledger of its request. Bodies may hold personal data: a file
/// is made for its owner alone, and none is overwritten. Exit status 3: there are more letters than were read.
#[derive(Args, Debug)]
pub struct Arguments {
    /// The lane.
    provider: String,
    #[command(flatten)]
    selection: Selection,
    /// The file to write to, which must not exist; standard output otherwise.
    #[arg(long, value_name = "FILE")]
    to: Option<PathBuf>,
    #[command(flatten)]
    reading: Reading,
}

/// Exports.
///
/// # Errors
/// When AWS refuses, there is no such lane, or the file cannot be written.
pub async fn run(arguments: &Arguments, context: &Context) -> Result<Done, Error> {
    let stack = look::connect(context).await?;
    let lane = stack.lane(&arguments.provider)?;
    let mut letters = dead_letters(&stack, lane, &arguments.reading);
    releasing(&mut letters, async |letters| {
        let (selection, reading) = (&arguments.selection, &arguments.reading);
        let judged = selection::read(selection, reading, &stack, lane, letters).await?;
        match &arguments.to {
            None => {
                for one in &judged {
                    output::json_line(Kind::ExportedLetter, &line(one))?;
                }
            }
            Some(file) => {
                write(file, &judged)?;
                eprintln!("{} letter(s) in {}", judged.len(), file.display());
            }
        }
        if letters.is_cut() {
            eprintln!("There are more letters than were read (--limit).");
            return Ok(Done::InPart);
        }
        Ok(Done::All)
    })
    .await
}

/// Writes `letters` to a new file of its owner alone, down to the disk.
///
/// # Errors
/// When there is such a file already, or it cannot be written.
pub fn write(file: &Path, letters: &[Judged]) -> Result<(), Error> {
    let failed = || Error::io(format!("write {}", file.display()));
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut to = BufWriter::new(options.open(file).map_err(failed())?);
    for letter in letters {
        let text = output::text(Kind::ExportedLetter, &line(letter))?;
        writeln!(to, "{text}").map_err(failed())?;
    }
    let written = to
        .into_inner()
        .map_err(|error| failed()(error.into_error()))?;
    written.sync_all().map_err(failed())
}

/// Everything that is known of a letter.
fn line(judged: &Judged) -> Value {
    let letter = &judged.letter;
    json!({
        "message_id": letter.message_id,
        "sent_at": letter.sent_at.to_string(),
        "receives": letter.receives,
        "group_id": letter.group_id,
        "trace_header": letter.trace_header,
        "said": letter.said,
        "key": letter.pk(),
        "redrive": judged.judgement,
        "ledger": judged.record.as_ref().map(record_json),
        "body": letter.body,
    })
}
