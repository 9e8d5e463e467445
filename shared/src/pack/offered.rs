//! The operations of a pack, each read at its first use.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Mutex, PoisonError};

use super::build::{self, Known};
use super::line::OperationLine;
use super::raw;
use super::shape::nearest;
use super::source::{PackError, Source};
use crate::provider::{Catalogue, Operation};

/// The operations that were used so far: as many as the file has at most.
pub(super) struct Offered {
    pub(super) source: &'static Source,
    known: Mutex<BTreeMap<String, Option<&'static Known>>>,
}

/// Names that are no operation's are remembered up to here; a name comes from a producer.
const UNKNOWN_MAX: usize = 1_000;

impl Offered {
    pub(super) fn new(source: &'static Source) -> Self {
        let known = Mutex::default();
        Self { source, known }
    }

    /// What is known of an operation; none where the pack has no such operation, or its line cannot be read, which
    /// [`check`](Self::check) finds.
    pub(super) fn known(&self, name: &str) -> Option<&'static Known> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = known.get(name) {
            return *known;
        }
        let line = self.source.line("op", name);
        let read = match line {
            Some(line) => self.read(&line).ok(),
            None if name == raw::CALL => self.raw(),
            None => None,
        };
        let read: Option<&'static Known> = read.map(|known| &*Box::leak(Box::new(known)));
        if read.is_some() || known.len() < UNKNOWN_MAX {
            known.insert(name.to_owned(), read);
        }
        read
    }

    fn read(&self, line: &str) -> Result<Known, PackError> {
        let line: OperationLine = serde_json::from_str(line).map_err(|error| {
            let start: String = line.chars().take(60).collect();
            PackError(format!("operations.jsonl: {start}…: {error}"))
        })?;
        build::known(self.source, line)
    }

    /// The raw call, where the page allows it.
    fn raw(&self) -> Option<Known> {
        build::known(self.source, raw::line(&self.source.page)?).ok()
    }

    /// Reads every operation.
    pub(super) fn check(&self) -> Result<(), PackError> {
        let page = &self.source.page;
        if !page.raw.is_empty() && self.source.line("op", raw::CALL).is_some() {
            let rule = "it is an operation's name, so that the page cannot allow the raw call";
            return Err(PackError(format!("operation `{}`: {rule}", raw::CALL)));
        }
        let lines = self.source.operations();
        lines.iter().try_for_each(|line| self.read(line).map(drop))
    }
}

impl Catalogue for Offered {
    fn operation(&'static self, name: &str) -> Option<&'static Operation> {
        self.known(name).map(|known| &known.operation)
    }

    fn names(&self) -> Vec<String> {
        let mut names = self.source.names();
        if !self.source.page.raw.is_empty()
            && let Err(at) = names.binary_search_by(|name| name.as_str().cmp(raw::CALL))
        {
            names.insert(at, raw::CALL.to_owned());
        }
        names
    }

    fn nearest(&self, name: &str) -> Option<String> {
        let names = self.names();
        nearest(name, names.iter().map(String::as_str)).map(str::to_owned)
    }
}

impl fmt::Debug for Offered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.source.fmt(f)
    }
}
