//! What became of the requests: lines for programs, a summary for people, a file of those that are to be sent again.

use std::fs::File;
use std::io::{BufWriter, Write};

use super::end::{End, Refusal, Sent};
use crate::context::Done;
use crate::error::Error;
use crate::output::{self, Kind};

/// Refusals that are told one by one; the others are counted. All of them stand in `--json` and in `--rejects`.
const TOLD_MAX: u64 = 20;

/// Accepted requests that a person is told the keys of.
const KEYS_MAX: usize = 5;

/// Counts ends as they come.
pub struct Report {
    rejects: Option<BufWriter<File>>,
    json: bool,
    accepted: u64,
    refused: u64,
    /// The first accepted ones' keys and ids.
    keys: Vec<(String, String)>,
}

impl Report {
    /// Tells programs (`json`) or people; writes what was not accepted to `rejects`.
    #[must_use]
    pub fn new(rejects: Option<File>, json: bool) -> Self {
        Self {
            rejects: rejects.map(BufWriter::new),
            json,
            accepted: 0,
            refused: 0,
            keys: Vec::new(),
        }
    }

    /// Requests that ingest took.
    #[must_use]
    pub const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Those that it did not take, or that nobody knows of.
    #[must_use]
    pub const fn refused(&self) -> u64 {
        self.refused
    }

    /// Tells of some more.
    ///
    /// # Errors
    /// When standard output or the file of rejects cannot be written.
    pub fn add(&mut self, sent: Vec<Sent>) -> Result<(), Error> {
        for one in sent {
            if self.json {
                output::json_line(Kind::Sent, &one)?;
            }
            match one.end {
                End::Accepted {
                    id,
                    idempotency_key,
                } => {
                    self.accepted += 1;
                    if self.keys.len() <= KEYS_MAX {
                        self.keys.push((idempotency_key, id));
                    }
                }
                End::Refused(refusal) => {
                    self.refused += 1;
                    self.refuse(one.line, &refusal, one.text.as_deref())?;
                }
            }
        }
        Ok(())
    }

    fn refuse(&mut self, line: u64, refusal: &Refusal, text: Option<&str>) -> Result<(), Error> {
        if !self.json && self.refused <= TOLD_MAX {
            eprintln!("line {line}: {}", refusal.sentence());
        }
        if let (Some(rejects), Some(text)) = (&mut self.rejects, text) {
            writeln!(rejects, "{text}").map_err(Error::io("write --rejects"))?;
        }
        Ok(())
    }

    /// Says what all came to.
    ///
    /// # Errors
    /// When standard output or the file of rejects cannot be written.
    pub fn finish(mut self) -> Result<Done, Error> {
        if let Some(rejects) = &mut self.rejects {
            rejects.flush().map_err(Error::io("write --rejects"))?;
        }
        if !self.json {
            if self.refused > TOLD_MAX {
                eprintln!("and {} more", self.refused - TOLD_MAX);
            }
            for line in self.summary() {
                output::line(&line)?;
            }
        }
        Ok(if self.refused == 0 {
            Done::All
        } else {
            Done::InPart
        })
    }

    fn summary(&self) -> Vec<String> {
        let mut lines = Vec::new();
        if self.keys.len() <= KEYS_MAX {
            let keys = self.keys.iter();
            lines.extend(keys.map(|(key, id)| format!("key {key}  id {id}")));
        }
        lines.push(format!(
            "{} accepted, {} refused",
            self.accepted, self.refused
        ));
        lines
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn accepted(number: u64) -> Sent {
        Sent {
            line: number,
            end: End::Accepted {
                id: format!("id-{number}"),
                idempotency_key: format!("key-{number}"),
            },
            text: None,
        }
    }

    #[test]
    fn few_keys_are_told_and_many_are_counted() {
        let mut report = Report::new(None, false);
        report
            .add(vec![accepted(1), accepted(2)])
            .expect("nothing is written");
        let expected = [
            "key key-1  id id-1",
            "key key-2  id id-2",
            "2 accepted, 0 refused",
        ];
        assert_eq!(report.summary(), expected);
        report
            .add((3..=1000).map(accepted).collect())
            .expect("nothing is written");
        assert_eq!(report.summary(), ["1000 accepted, 0 refused"]);
        assert_eq!(report.finish().expect("nothing is written"), Done::All);
    }

    #[test]
    fn a_line_for_programs_names_the_line_and_the_key_or_the_rule() {
        let line = serde_json::to_value(accepted(7)).expect("JSON");
        let expected = serde_json::json!({"line": 7, "status": "accepted", "id": "id-7", "idempotency_key": "key-7"});
        assert_eq!(line, expected);
        let refusal = Refusal {
            code: "payload_invalid".to_owned(),
            detail: "payload.email: must be text".to_owned(),
            ..Refusal::default()
        };
        let refused = Sent {
            line: 8,
            end: End::Refused(refusal),
            text: Some("secret".to_owned()),
        };
        let line = serde_json::to_value(refused).expect("JSON");
        let expected = serde_json::json!({"line": 8, "status": "refused", "code": "payload_invalid",
            "detail": "payload.email: must be text", "retryable": false});
        assert_eq!(line, expected);
    }
}
