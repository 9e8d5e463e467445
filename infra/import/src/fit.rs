//! Rows of a page that speak of operations which the pack does not have, or of fields which those do not have.

use std::collections::BTreeSet;
use std::fmt;

use serde_json::Value;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

use crate::error::{ImportError, Mistakes, hint, nearest};
use crate::old::Old;
use crate::select;
use causeway::pack::page::{Page, SafetyRow};
use causeway::pack::{OperationLine, Selectors};

/// The tables whose rows select operations, and the key that does it. `operation` is the import's affair.
const ROWS: [(&str, &str); 3] = [("limit", "only"), ("answer", "op"), ("batch", "for")];

/// A row that speaks of nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The page's line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
    /// The page names a document that was not imported yet, which may have what is missed.
    pub is_open: bool,
}

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.reason)
    }
}

/// Holds the rows of `page`, the text of a `provider.toml`, against the pack's `lines`: selectors in `limit`, `answer`
/// and `batch`, and the payload's fields that these and the lookups name.
///
/// # Errors
/// If the page is none, or the lines cannot be read.
pub fn misfits(page: &str, lines: &str) -> Result<Vec<Misfit>, ImportError> {
    let none = |error: toml::de::Error| ImportError::Page(Mistakes(vec![error.to_string()]));
    let read: Page = toml::from_str(page).map_err(none)?;
    let whole = DeValue::Table(DeTable::parse(page).map_err(none)?.into_inner());
    let old = Old::read(lines)?;
    let lines: Vec<&OperationLine> = old.all().collect();
    let is_imported = |alias: &String| lines.iter().any(|line| line.doc == *alias);
    let files = read.document.iter().flat_map(|it| it.files.keys());
    let mut fit = Fit {
        page,
        is_open: !files.into_iter().all(is_imported),
        lines: &lines,
        found: Vec::new(),
    };
    for (table, key) in ROWS {
        let rows = whole.get(table).and_then(|rows| rows.get_ref().as_array());
        for row in rows.into_iter().flat_map(|rows| rows.iter()) {
            fit.row(table, key, row);
        }
    }
    let lookups = whole.get("lookup").and_then(|all| all.get_ref().as_table());
    for (name, table) in lookups.into_iter().flatten() {
        let asks = |line: &OperationLine| {
            read.operation.iter().any(|row| {
                let own = |safety: &SafetyRow| matches!(safety, SafetyRow::Lookup { table, .. } if table == name.get_ref());
                row.safety.as_ref().is_some_and(own) && row.selectors.are(line)
            })
        };
        let subjects: Vec<_> = lines.iter().copied().filter(|line| asks(line)).collect();
        fit.fields(&format!("lookup `{}`", name.get_ref()), table, &subjects);
    }
    Ok(fit.found)
}

struct Fit<'a> {
    page: &'a str,
    is_open: bool,
    lines: &'a [&'a OperationLine],
    found: Vec<Misfit>,
}

impl Fit<'_> {
    fn add(&mut self, at: usize, reason: String, is_open: bool) {
        let before = self.page.get(..at).unwrap_or_default();
        let line = 1 + before.matches('\n').count();
        self.found.push(Misfit {
            line,
            reason,
            is_open,
        });
    }

    fn row(&mut self, table: &str, key: &str, row: &Spanned<DeValue<'_>>) {
        let name = row.get_ref().get("name");
        let name = name.and_then(|it| it.get_ref().as_str());
        let title = name.map_or_else(|| table.to_owned(), |name| format!("{table} `{name}`"));
        let Some(selectors) = row.get_ref().get(key) else {
            self.fields(&title, row, self.lines);
            return;
        };
        let mut subjects = Vec::new();
        for (at, text) in strings(selectors) {
            let Ok(alone) = serde_json::from_value::<Selectors>(Value::from(text)) else {
                continue;
            };
            let fitting = self.lines.iter().copied().filter(|line| alone.are(line));
            let before = subjects.len();
            subjects.extend(fitting);
            if subjects.len() == before {
                let near = hint(self.near(text).as_deref());
                let reason = format!("{title}, {key}: the pack has no operation `{text}`{near}");
                self.add(at, reason, self.is_open);
            }
        }
        self.fields(&title, row, &subjects);
    }

    /// What a selector may have meant.
    fn near(&self, selector: &str) -> Option<String> {
        let known = self.lines.iter().filter_map(|line| match &line.id {
            _ if select::is_route(selector) => Some(format!("{} {}", line.method, line.path)),
            id if selector.contains(':') => id.as_ref().map(|id| format!("{}:{id}", line.doc)),
            _ => Some(line.op.clone()),
        });
        let known: BTreeSet<String> = known.collect();
        nearest(selector, known.iter().map(String::as_str)).map(str::to_owned)
    }

    /// Fields of the payload that a row names and none of its operations has.
    fn fields(&mut self, title: &str, row: &Spanned<DeValue<'_>>, subjects: &[&OperationLine]) {
        if subjects.is_empty() {
            return;
        }
        for (at, text) in strings(row) {
            for pointer in pointers(text) {
                let missed = subjects.iter().map(|line| missed(&line.schema, pointer));
                let Some(missed) = missed.collect::<Option<Vec<_>>>() else {
                    continue;
                };
                let known = missed.iter().flatten().copied();
                let last = pointer.rsplit('/').next().unwrap_or_default();
                let near = hint(nearest(last, known));
                let of = match subjects {
                    [only] => format!("`{}` has no", only.op),
                    _ => format!("none of its {} operations has a", subjects.len()),
                };
                let reason = format!("{title}: {of} field `{pointer}` in its payload{near}");
                self.add(at, reason, false);
            }
        }
    }
}

/// All texts in a value and the names of its members, with where they stand.
fn strings<'v>(value: &'v Spanned<DeValue<'_>>) -> Vec<(usize, &'v str)> {
    match value.get_ref() {
        DeValue::String(text) => vec![(value.span().start, text)],
        DeValue::Array(items) => items.iter().flat_map(strings).collect(),
        DeValue::Table(fields) => {
            let field = fields.iter().flat_map(|(name, value)| {
                let own = (name.span().start, name.get_ref().as_ref());
                std::iter::once(own).chain(strings(value))
            });
            field.collect()
        }
        _ => Vec::new(),
    }
}

/// The payload's places that a text names, but for those with a value for where they are missing.
fn pointers(text: &str) -> Vec<&str> {
    let after = text.split("payload:").skip(1);
    let named = after.filter_map(|rest| {
        let end = rest.find(['}', '|', ' ', '"']).unwrap_or(rest.len());
        let (pointer, more) = rest.split_at(end);
        (pointer.starts_with('/') && !more.starts_with('|')).then_some(pointer)
    });
    named.collect()
}

/// The names that are known where `pointer` leads to none; none where it leads somewhere, or nobody knows.
fn missed<'s>(schema: &'s Value, pointer: &str) -> Option<Vec<&'s str>> {
    let mut at = schema;
    for step in pointer.split('/').skip(1) {
        let is_open = ["$ref", "anyOf", "allOf"]
            .iter()
            .any(|key| at.get(key).is_some());
        let properties = at.get("properties")?.as_object()?;
        match properties.get(step) {
            Some(inner) => at = inner,
            None if is_open || at.get("additionalProperties").is_some_and(Value::is_object) => {
                return None;
            }
            None => return Some(properties.keys().map(String::as_str).collect()),
        }
    }
    None
}
