//! From a file or pipe to requests: JSON lines, or one JSON document.
//!
//! Requests stay texts. What is sent is what the producer wrote: a number that went through a double would be another
//! number, and the request another request.

use std::io::{self, BufRead};

use causeway::request::MAX_REQUEST_BYTES;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::error::Error;

/// Longest document that is not JSON lines: it is held in memory as a whole.
pub const MAX_DOCUMENT_BYTES: usize = 64 * 1024 * 1024;

/// One request, or what should have been one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    /// The line that it begins on, from 1.
    pub line: u64,
    /// Its JSON, or the rule that it breaks before anybody need look at it.
    pub text: Result<String, Broken>,
}

/// A request that cannot be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The word for programs, as ingest has it.
    pub code: &'static str,
    /// The rule.
    pub detail: String,
    /// What was read; nothing where it was too long to keep.
    pub text: Option<String>,
}

/// Reads requests one by one.
pub struct Items<R> {
    reader: R,
    line: u64,
    /// What was read in order to tell what it is.
    ahead: std::vec::IntoIter<Item>,
    /// Whether what follows is JSON lines; else all of it was read.
    goes_on: bool,
}

/// A list in ingest's own form.
#[derive(Deserialize)]
struct List<'a> {
    #[serde(borrow)]
    requests: Vec<&'a RawValue>,
}

impl<R: BufRead> Items<R> {
    /// Looks at the beginning: a first line that is a whole JSON object, but no list of requests, begins JSON lines.
    ///
    /// # Errors
    /// When nothing can be read, or a document is neither a request nor a list of them.
    pub fn new(reader: R) -> Result<Self, Error> {
        let mut items = Self {
            reader,
            line: 0,
            ahead: Vec::new().into_iter(),
            goes_on: true,
        };
        let Some((line, first)) = items.first_line()? else {
            return Err(Error::usage(
                "there is no request to send: the input is empty",
            ));
        };
        let Line::Text(first) = first else {
            items.ahead = vec![item(line, first)].into_iter();
            return Ok(items);
        };
        let is_object = first.starts_with('{') && is_json(&first);
        if is_object && serde_json::from_str::<List<'_>>(&first).is_err() {
            items.ahead = vec![item(line, Line::Text(first))].into_iter();
            return Ok(items);
        }
        let rest = items.rest()?;
        items.ahead = document(line, &format!("{first}\n{rest}"))?.into_iter();
        items.goes_on = false;
        Ok(items)
    }

    /// The next request; none at the end.
    ///
    /// # Errors
    /// When reading fails.
    pub fn read_next(&mut self) -> Result<Option<Item>, Error> {
        if let Some(item) = self.ahead.next() {
            return Ok(Some(item));
        }
        if !self.goes_on {
            return Ok(None);
        }
        let next = self.first_line()?;
        Ok(next.map(|(number, line)| item(number, line)))
    }

    /// The next line with something on it.
    fn first_line(&mut self) -> Result<Option<(u64, Line)>, Error> {
        loop {
            let Some(line) = read_line(&mut self.reader).map_err(failed)? else {
                return Ok(None);
            };
            self.line += 1;
            if !matches!(&line, Line::Text(text) if text.is_empty()) {
                return Ok(Some((self.line, line)));
            }
        }
    }

    fn rest(&mut self) -> Result<String, Error> {
        let mut rest = String::new();
        let mut bounded = io::Read::take(&mut self.reader, MAX_DOCUMENT_BYTES as u64 + 1);
        io::Read::read_to_string(&mut bounded, &mut rest).map_err(failed)?;
        if rest.len() > MAX_DOCUMENT_BYTES {
            let most = MAX_DOCUMENT_BYTES >> 20;
            return Err(
                Error::usage(format!("the document is longer than {most} MiB"))
                    .hint("write one request a line (JSON lines): these may be any number"),
            );
        }
        Ok(rest)
    }
}

/// A line without the space around it.
enum Line {
    Text(String),
    TooLong,
    NotUtf8,
}

/// One line, of which no more is kept than a request may have.
fn read_line(reader: &mut impl BufRead) -> io::Result<Option<Line>> {
    // The space around a request does not count.
    const KEPT_MAX: usize = 2 * MAX_REQUEST_BYTES;
    let mut kept = Vec::new();
    let mut length = 0;
    loop {
        let bytes = reader.fill_buf()?;
        if bytes.is_empty() && length == 0 {
            return Ok(None);
        }
        let end = bytes.iter().position(|byte| *byte == b'\n');
        let part = end.unwrap_or(bytes.len());
        length += part + 1;
        let room = KEPT_MAX.saturating_sub(kept.len()).min(part);
        kept.extend_from_slice(&bytes[..room]);
        let is_last = end.is_some() || bytes.is_empty();
        reader.consume(end.map_or(part, |end| end + 1));
        if is_last {
            break;
        }
    }
    Ok(Some(match String::from_utf8(kept) {
        _ if length > KEPT_MAX => Line::TooLong,
        Ok(text) => match text.trim() {
            long if long.len() > MAX_REQUEST_BYTES => Line::TooLong,
            text => Line::Text(text.to_owned()),
        },
        Err(_) => Line::NotUtf8,
    }))
}

fn item(line: u64, read: Line) -> Item {
    let broken = |code, detail: String, text| Err(Broken { code, detail, text });
    let text = match read {
        Line::Text(text) if is_json(&text) => Ok(text),
        Line::Text(text) => {
            let error = serde_json::from_str::<IgnoredAny>(&text).err();
            let at = error.map_or(0, |error| error.column());
            broken(
                "malformed_json",
                format!("the line is no JSON (column {at})"),
                Some(text),
            )
        }
        Line::NotUtf8 => broken("malformed_json", "the line is not UTF-8".to_owned(), None),
        Line::TooLong => broken("too_large", too_long(), None),
    };
    Item { line, text }
}

fn too_long() -> String {
    format!("a request has at most {MAX_REQUEST_BYTES} bytes")
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<IgnoredAny>(text).is_ok()
}

/// The requests of a document: the only one, the elements of an array, or those of `{"requests": […]}`.
fn document(first_line: u64, text: &str) -> Result<Vec<Item>, Error> {
    if let Ok(list) = serde_json::from_str::<List<'_>>(text) {
        return elements(first_line, text, &list.requests);
    }
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(text) {
        return elements(first_line, text, &list);
    }
    let one = serde_json::from_str::<&RawValue>(text).map_err(|error| {
        let (line, column) = (first_line + error.line() as u64 - 1, error.column());
        Error::usage(format!(
            "the input is no JSON: line {line}, column {column}"
        ))
        .hint("give one request, a list of requests, or one request a line (JSON lines)")
    })?;
    elements(first_line, text, &[one])
}

fn elements(first_line: u64, text: &str, found: &[&RawValue]) -> Result<Vec<Item>, Error> {
    if found.is_empty() {
        return Err(Error::usage(
            "there is no request to send: the list is empty",
        ));
    }
    let mut items = Vec::with_capacity(found.len());
    let (mut line, mut counted) = (first_line, 0);
    for element in found {
        // Borrowed from `text`, in its order.
        let at = element.get().as_ptr() as usize - text.as_ptr() as usize;
        line += text[counted..at]
            .bytes()
            .filter(|byte| *byte == b'\n')
            .count() as u64;
        counted = at;
        let text = match element.get() {
            long if long.len() > MAX_REQUEST_BYTES => Err(Broken {
                code: "too_large",
                detail: too_long(),
                text: Some(one_line(long)),
            }),
            text => Ok(one_line(text)),
        };
        items.push(Item { line, text });
    }
    Ok(items)
}

/// JSON on one line. A line's end inside a text is always escaped, so that any other is only space.
fn one_line(json: &str) -> String {
    json.replace(['\n', '\r'], " ")
}

fn failed(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::InvalidData => Error::usage("the input is not UTF-8"),
        _ => Error::io("read the requests")(error),
    }
}

#[cfg(test)]
mod tests;
