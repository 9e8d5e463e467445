//! A pack's two files in memory.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use regex_lite::Regex;
use serde_json::Value;

use super::Page;
use super::line::SchemaLine;
use super::lines::{self, Lines};
use super::page::Class;
use super::shape::{Definitions, nearest};

/// A page or a line that is none. The text names line, field and rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct PackError(pub(super) String);

/// The files, and the schemas and patterns that were read so far: they grow with the operations that are used, to what
/// the file holds at most.
pub(super) struct Source {
    pub(super) page: Page,
    pub(super) least: Class,
    lines: Box<dyn Lines>,
    schemas: Mutex<BTreeMap<String, Option<&'static Value>>>,
    patterns: Mutex<BTreeMap<String, Option<Regex>>>,
}

impl Source {
    pub(super) fn new(page: &str, lines: Box<dyn Lines>, least: Class) -> Result<Self, PackError> {
        let page = toml::from_str(page).map_err(|error| told(page, &error))?;
        Ok(Self {
            page,
            least,
            lines,
            schemas: Mutex::default(),
            patterns: Mutex::default(),
        })
    }

    /// The line of that kind and name.
    pub(super) fn line(&self, kind: &str, name: &str) -> Option<String> {
        lines::find(&*self.lines, kind, name)
    }

    /// All lines of operations, for tools and tests.
    pub(super) fn operations(&self) -> Vec<String> {
        let whole = self.lines.whole();
        let lines = whole.lines().filter(|line| line.starts_with("{\"op\":"));
        lines.map(str::to_owned).collect()
    }

    /// The names of all operations.
    pub(super) fn names(&self) -> Vec<String> {
        lines::names(&self.lines.whole()).collect()
    }
}

/// Line, field and rule; of a field that there is not, the nearest that there is.
fn told(page: &str, error: &toml::de::Error) -> PackError {
    let at = error.span().map_or(0, |span| span.start.min(page.len()));
    let before = page.as_bytes()[..at].iter().filter(|&&byte| byte == b'\n');
    let line = before.count() + 1;
    let message = error.message().trim_end();
    let unknown = message.split_once('`').and_then(|(kind, rest)| {
        let is_name = kind.starts_with("unknown field") || kind.starts_with("unknown variant");
        let (name, known) = rest.split_once('`').filter(|_| is_name)?;
        nearest(name, known.split('`').skip(1).step_by(2))
    });
    let near = unknown.map(|near| format!("; the nearest is `{near}`"));
    PackError(format!(
        "line {line}: {message}{}",
        near.unwrap_or_default()
    ))
}

/// Of a pack that stays.
impl Definitions for &'static Source {
    fn schema(&self, name: &str) -> Option<&'static Value> {
        let mut schemas = self.schemas.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(schema) = schemas.get(name) {
            return *schema;
        }
        let read = || -> Option<&'static Value> {
            let line: SchemaLine = serde_json::from_str(&self.line("schema", name)?).ok()?;
            Some(Box::leak(Box::new(line.is)))
        };
        let read = read();
        schemas.insert(name.to_owned(), read);
        read
    }

    fn pattern(&self, text: &str) -> Option<Regex> {
        let mut patterns = self.patterns.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(pattern) = patterns.get(text) {
            return pattern.clone();
        }
        let pattern = Regex::new(text).ok();
        patterns.insert(text.to_owned(), pattern.clone());
        pattern
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "pack of {}", self.page.name)
    }
}
