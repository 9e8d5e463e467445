//! Which operation a call is.

use std::collections::BTreeMap;

use causeway::pack::{OperationLine, Page};
use serde_json::Value;

use super::call::{Asked, fits};

/// The operations of a vendor, and where they are.
#[derive(Clone, Debug)]
pub struct Routes {
    operations: Vec<(String, OperationLine)>,
    hosts: Vec<String>,
    /// Prefixes by document, the usual one last.
    prefixes: BTreeMap<String, String>,
    usual: String,
    tokens: Vec<(String, Option<String>)>,
}

/// Files that name no operations.
#[derive(Debug, thiserror::Error)]
pub enum RoutesError {
    /// A line that is none.
    #[error("operations.jsonl:{line}: {source}")]
    Line {
        /// Which.
        line: usize,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The page cannot be read.
    #[error("provider.toml: {0}")]
    Page(String),
}

/// A call that is known.
pub(super) struct Route<'a> {
    pub line: &'a OperationLine,
    pub named: Vec<(String, String)>,
}

impl Routes {
    /// The operations of `operations.jsonl` at the address of `page`: nothing else of the page is read.
    ///
    /// # Errors
    /// When one of the files cannot be read.
    pub fn read(page: &str, operations: &str) -> Result<Self, RoutesError> {
        let page: Page =
            toml::from_str(page).map_err(|error| RoutesError::Page(error.to_string()))?;
        let mut lines = Vec::new();
        for (at, line) in operations.lines().enumerate() {
            if !line.starts_with("{\"op\"") {
                continue;
            }
            let line: OperationLine =
                serde_json::from_str(line).map_err(|source| RoutesError::Line {
                    line: at + 1,
                    source,
                })?;
            let own = page.address.prefix_of.get(&line.doc);
            let path = format!("{}{}", own.unwrap_or(&page.address.prefix), line.path);
            lines.push((path, line));
        }
        let shown = page.auth.iter().flat_map(|way| &way.show);
        let tokens = shown.filter_map(|show| match show {
            causeway::pack::page::Show::Token(token) => {
                Some((token.path.clone(), token.access_token.clone()))
            }
            _ => None,
        });
        Ok(Self {
            operations: lines,
            tokens: tokens.collect(),
            hosts: page.address.base_of.keys().cloned().collect(),
            prefixes: page.address.prefix_of.clone(),
            usual: page.address.prefix,
        })
    }

    /// The operations' lines, in their order.
    pub fn lines(&self) -> impl Iterator<Item = &OperationLine> {
        self.operations.iter().map(|(_, line)| line)
    }

    /// The operation of that name.
    #[must_use]
    pub fn line(&self, name: &str) -> Option<&OperationLine> {
        self.lines().find(|line| line.op == name)
    }

    /// The operation that a call is: of those whose route it fits the one that has most of it, whose fixed parts it
    /// has, and whose required parts are there.
    pub(super) fn of(&self, asked: &Asked) -> Option<Route<'_>> {
        let mut best: Option<((usize, usize, usize, bool), Route<'_>)> = None;
        for (path, line) in &self.operations {
            let is_there = line.method == asked.method.as_str() && self.is_host_of(line, asked);
            let Some((literal, named)) = is_there.then(|| fits(path, &asked.path)).flatten() else {
                continue;
            };
            let fixed = line.fixed.iter().filter(|(place, value)| {
                let there = asked.at(place, &named);
                there.is_some_and(|there| is_same(&there, value))
            });
            let fixed = fixed.count();
            if fixed < line.fixed.len() {
                continue;
            }
            let (given, all) = required(line, asked);
            let rank = (literal, fixed, given, all);
            if best.as_ref().is_none_or(|(have, _)| rank > *have) {
                best = Some((rank, Route { line, named }));
            }
        }
        best.map(|(_, route)| route)
    }

    fn is_host_of(&self, line: &OperationLine, asked: &Asked) -> bool {
        let own = self.hosts.iter().find(|alias| **alias == line.doc);
        own == asked.host.as_ref()
    }

    /// Where the answer to a call for a token has it; none where the call asks for none.
    pub(super) fn token(&self, asked: &Asked) -> Option<&str> {
        let found = self.tokens.iter().find(|(path, _)| *path == asked.path);
        found.map(|(_, at)| at.as_deref().unwrap_or("/access_token"))
    }

    /// A path of the vendor's documentation as it arrives: with every prefix that there is.
    pub(super) fn prefixed(&self, path: &str) -> Vec<String> {
        let mut all: Vec<String> = self.prefixes.values().cloned().collect();
        all.extend([self.usual.clone(), String::new()]);
        let mut all: Vec<String> = all.iter().map(|prefix| format!("{prefix}{path}")).collect();
        all.dedup();
        all
    }
}

/// How many of the operation's required fields of the body are there, and whether all are.
fn required(line: &OperationLine, asked: &Asked) -> (usize, bool) {
    let names = line.schema.get("required").and_then(Value::as_array);
    let names = names.into_iter().flatten().filter_map(Value::as_str);
    let in_body = names.filter(|name| !line.at.contains_key(*name) && !line.whole);
    let wrap = line.wrap.as_deref().unwrap_or_default();
    let fields = asked.body.pointer(wrap);
    let (mut given, mut all) = (0, true);
    for name in in_body {
        match fields.and_then(|fields| fields.get(name)) {
            Some(_) => given += 1,
            None => all = false,
        }
    }
    (given, all)
}

fn is_same(there: &Value, fixed: &Value) -> bool {
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    there == fixed || text(there) == text(fixed)
}

/// What names a thing: where it is, and what the vendor tells it by.
pub(super) fn identity(path: &str, names: &[Option<Value>]) -> String {
    let names = names
        .iter()
        .map(|name| name.clone().unwrap_or_default().to_string());
    [path.to_owned()]
        .into_iter()
        .chain(names)
        .collect::<Vec<_>>()
        .join(" ")
}
