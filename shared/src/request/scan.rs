//! What serde_json lets pass in silence, found on the raw text: keys given twice and numbers that get rounded.
//!
//! One pass over text whose syntax serde_json has already accepted; nothing is decoded but keys with escapes.

use std::borrow::Cow;
use std::collections::HashSet;

use super::number::is_exact;
use super::path::{Segment, show_path};
use super::{DecodeError, MAX_DEPTH};

/// Longest number in an error, in characters (all ASCII).
const MAX_NUMBER_CHARS: usize = 40;

/// Finds the first duplicate key or inexact number of `text`, or the first level that is nested too deep.
pub(super) fn scan(text: &str) -> Result<(), DecodeError> {
    let mut scanner = Scanner { text, at: 0 };
    scanner.value(0).map_err(Offence::into_error)
}

enum Problem {
    Syntax(usize),
    TooDeep,
    Duplicate,
    Inexact(String),
}

struct Offence<'a> {
    problem: Problem,
    /// From the inside out: every level on the way back adds its own.
    path: Vec<Segment<'a>>,
}

impl<'a> Offence<'a> {
    fn inside(mut self, segment: Segment<'a>) -> Self {
        self.path.push(segment);
        self
    }

    fn into_error(self) -> DecodeError {
        let path = show_path(self.path.iter().rev());
        match self.problem {
            Problem::Syntax(at) => DecodeError::Malformed {
                problem: format!("no JSON at byte {at}"),
            },
            Problem::TooDeep => DecodeError::TooDeep,
            Problem::Duplicate => DecodeError::DuplicateField { path },
            Problem::Inexact(number) => {
                let path = if path.is_empty() {
                    "the body".to_owned()
                } else {
                    path
                };
                DecodeError::NumberNotExact { path, number }
            }
        }
    }
}

impl From<Problem> for Offence<'_> {
    fn from(problem: Problem) -> Self {
        Self {
            problem,
            path: Vec::new(),
        }
    }
}

struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Recursion ends at [`MAX_DEPTH`] levels; every call consumes at least a byte or fails.
    fn value(&mut self, depth: usize) -> Result<(), Offence<'a>> {
        match self.next_byte() {
            Some(b'{' | b'[') if depth == MAX_DEPTH => Err(Problem::TooDeep.into()),
            Some(b'{') => self.object(depth + 1),
            Some(b'[') => self.array(depth + 1),
            Some(b'"') => self.string().map(|_| ()),
            Some(b'-' | b'0'..=b'9') => self.number(),
            Some(b't' | b'f' | b'n') => {
                self.take_while(|byte| byte.is_ascii_lowercase());
                Ok(())
            }
            _ => Err(self.syntax()),
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), Offence<'a>> {
        let mut seen: HashSet<Cow<'a, str>> = HashSet::new();
        self.at += 1;
        if self.next_byte() == Some(b'}') {
            self.at += 1;
            return Ok(());
        }
        loop {
            let key = self.key()?;
            if !seen.insert(key.clone()) {
                return Err(Offence::from(Problem::Duplicate).inside(Segment::Key(key)));
            }
            self.expect(b':')?;
            self.value(depth)
                .map_err(|offence| offence.inside(Segment::Key(key)))?;
            if self.ends(b'}')? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), Offence<'a>> {
        self.at += 1;
        if self.next_byte() == Some(b']') {
            self.at += 1;
            return Ok(());
        }
        let mut index = 0;
        loop {
            self.value(depth)
                .map_err(|offence| offence.inside(Segment::Index(index)))?;
            if self.ends(b']')? {
                return Ok(());
            }
            index += 1;
        }
    }

    /// The next key as it reads, so that `"\u0061"` is `"a"`.
    fn key(&mut self) -> Result<Cow<'a, str>, Offence<'a>> {
        if self.next_byte() != Some(b'"') {
            return Err(self.syntax());
        }
        let quoted = self.string()?;
        if quoted.contains('\\') {
            return serde_json::from_str(quoted)
                .map(Cow::Owned)
                .map_err(|_| self.syntax());
        }
        Ok(Cow::Borrowed(quoted.trim_matches('"')))
    }

    /// A string with its quotes.
    fn string(&mut self) -> Result<&'a str, Offence<'a>> {
        let start = self.at;
        self.at += 1;
        loop {
            self.take_while(|byte| byte != b'"' && byte != b'\\');
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return self.text.get(start..self.at).ok_or_else(|| self.syntax());
                }
                Some(_) => self.at += 2,
                None => return Err(self.syntax()),
            }
        }
    }

    fn number(&mut self) -> Result<(), Offence<'a>> {
        let start = self.at;
        self.take_while(|byte| {
            byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E')
        });
        let text = self.text.get(start..self.at).unwrap_or_default();
        if is_exact(text) {
            return Ok(());
        }
        let shown = match text.get(..MAX_NUMBER_CHARS) {
            Some(head) if text.len() > MAX_NUMBER_CHARS => format!("{head}…"),
            _ => text.to_owned(),
        };
        Err(Problem::Inexact(shown).into())
    }

    /// After a member or an item: whether `close` follows, or else a comma.
    fn ends(&mut self, close: u8) -> Result<bool, Offence<'a>> {
        let next = self.next_byte();
        if next == Some(close) || next == Some(b',') {
            self.at += 1;
            return Ok(next == Some(close));
        }
        Err(self.syntax())
    }

    fn expect(&mut self, byte: u8) -> Result<(), Offence<'a>> {
        if self.next_byte() != Some(byte) {
            return Err(self.syntax());
        }
        self.at += 1;
        Ok(())
    }

    /// The next byte that is no white space, not consumed.
    fn next_byte(&mut self) -> Option<u8> {
        self.take_while(|byte| matches!(byte, b' ' | b'\n' | b'\r' | b'\t'));
        self.peek()
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn take_while(&mut self, matches: impl Fn(u8) -> bool) {
        while self.peek().is_some_and(&matches) {
            self.at += 1;
        }
    }

    fn syntax(&self) -> Offence<'a> {
        Problem::Syntax(self.at.min(self.text.len())).into()
    }
}

#[cfg(test)]
mod tests;
