//! The import itself: documents and a page in, lines and a report out.

use std::collections::{BTreeMap, BTreeSet};

use crate::document::{Document, Facts};
use crate::error::{ImportError, Mistakes, hint, nearest};
use crate::flat::{Refusal, Writer};
use crate::names;
use crate::old::Old;
use crate::open::open_points;
use crate::refs::Documents;
use crate::report::Report;
use crate::route::{LeftOut, Route, routes};
use crate::rules::Rules;
use crate::schema::{SCHEMAS_MAX, Schemas};
use crate::select::{self, Subject};
use crate::share;
use causeway::pack::page::{OperationRow, Page};
use causeway::pack::{OperationLine, SchemaLine};

/// The most documents of one import: Google's have 12, Adyen's 34.
const DOCUMENTS_MAX: usize = 256;
/// The most writing calls: Microsoft's have the most that are known, some 10,000.
const ROUTES_MAX: usize = 50_000;
/// The most operations that `each` makes of one call.
const EACH_MAX: usize = 64;

/// What an import made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Imported {
    /// `operations.jsonl`, sorted bytewise.
    pub lines: String,
    /// What came through, what did not, and what is open.
    pub report: Report,
    /// What the documents say of themselves, for `NOTICE`.
    pub facts: Vec<Facts>,
}

/// One operation that is to be made.
struct Planned<'p> {
    route: usize,
    name: String,
    row: Option<&'p OperationRow>,
    each: BTreeMap<String, String>,
    subject: Subject,
    /// A person wrote an operation of that name, which stays.
    by_hand: bool,
}

/// Makes the lines of a pack from `documents`: each the page's alias, the file's name for messages, and its bytes.
/// `old` is the last import's `operations.jsonl`, whose names stay.
///
/// # Errors
/// If a document cannot be read, the page names what the documents do not have, no operation comes through, or it would
/// take too much. Calls that cannot be held are no error: they stand in the report.
pub fn import(
    documents: &[(String, String, Vec<u8>)],
    page: &Page,
    old: Option<&str>,
) -> Result<Imported, ImportError> {
    let old = Old::read(old.unwrap_or_default())?;
    let mut documents: Vec<_> = documents.iter().collect();
    documents.sort_by(|a, b| a.0.cmp(&b.0));
    let first = documents.first().map(|it| it.1.clone()).unwrap_or_default();
    if documents.len() > DOCUMENTS_MAX {
        return Err(too_much(first, "documents", DOCUMENTS_MAX));
    }
    let (docs, refused) = read_all(&documents, &old)?;
    let mut mistakes = Vec::new();
    let rules = Rules::new(page, &mut mistakes);
    let mut report = Report {
        by_hand: old.hand.len(),
        documents: docs.0.iter().map(|it| it.facts.clone()).collect(),
        open: refused,
        ..Report::default()
    };
    let mut all = Vec::new();
    for doc in 0..docs.0.len() {
        let (routes, left_out) = routes(&docs, doc);
        all.extend(routes);
        report.left_out.extend(left_out);
    }
    if all.len() > ROUTES_MAX {
        return Err(too_much(first, "writing calls", ROUTES_MAX));
    }
    report.writes = all.len() + report.left_out.len();
    let aliases: Vec<&str> = docs.0.iter().map(|it| it.alias.as_str()).collect();
    let given = given_names(page, &old);
    let base = names::names(&all, &aliases, &old.operations, &given);
    let hand: BTreeSet<&str> = old.hand.iter().map(|line| line.op.as_str()).collect();
    let planned = plan(page, &all, &base, (&aliases, &hand), &mut mistakes);
    report
        .open
        .extend(planned.iter().filter(|it| it.by_hand).map(by_hand));
    unknown_selectors(page, &planned, &old, &mut mistakes, &mut report);
    let mut schemas = Schemas::new(&docs, rules.strict(), rules.enums());
    let mut lines = Vec::new();
    let mut through = BTreeSet::new();
    let before: BTreeMap<&str, &OperationLine> = old
        .operations
        .iter()
        .map(|line| (line.op.as_str(), line))
        .collect();
    for it in planned.iter().filter(|it| !it.by_hand) {
        let Some(route) = all.get(it.route) else {
            continue;
        };
        let subject = it.subject.named(&it.name);
        let mut change = rules.change(&subject, it.row);
        change.each.clone_from(&it.each);
        let mut writer = Writer {
            rules: &rules,
            schemas: &mut schemas,
        };
        let old = before.get(it.name.as_str()).copied();
        match writer.line(&it.name, subject.doc(), route, &change, old) {
            Ok(line) => {
                through.insert(it.route);
                lines.push(line);
            }
            Err(Refusal::LeftOut(reason)) => {
                report.left_out.push(left_out(route, subject.doc(), reason))
            }
            Err(Refusal::Page(mistake)) => mistakes.push(mistake),
        }
        if schemas.is_too_much() {
            return Err(too_much(first, "schemas", SCHEMAS_MAX));
        }
    }
    if !mistakes.is_empty() {
        return Err(ImportError::Page(Mistakes(mistakes)));
    }
    if lines.is_empty() && old.hand.is_empty() {
        return Err(nothing(&report));
    }
    report.routes = through.len();
    report.operations = lines.len();
    report.left_out.sort();
    let kept = old.schemas_of_hand();
    let known = schemas.finish();
    report.losses = schemas.losses;
    let mut shared = share::share(
        &mut lines,
        known,
        &old.operations,
        &old.schemas,
        &aliases,
        &kept,
    );
    report.schemas = shared.len();
    let by_hand = kept.iter().filter_map(|name| {
        let is = old.schemas.get(name)?.clone();
        Some(SchemaLine {
            schema: name.clone(),
            is,
        })
    });
    shared.extend(by_hand);
    lines.extend(old.hand.iter().cloned());
    report.open.extend(open_points(page, &docs, &lines, &all));
    Ok(Imported {
        lines: text(&lines, &shared),
        facts: report.documents.clone(),
        report,
    })
}

/// Reads the documents. Beside lines by hand one that cannot be read is only said.
fn read_all(
    documents: &[&(String, String, Vec<u8>)],
    old: &Old,
) -> Result<(Documents, Vec<String>), ImportError> {
    let (mut read, mut refused) = (Vec::new(), Vec::new());
    for (alias, file, bytes) in documents {
        match Document::read(alias, file, bytes) {
            Ok(document) => read.push(document),
            Err(error) if !old.hand.is_empty() => refused.push(error.to_string()),
            Err(error) => return Err(error),
        }
    }
    Ok((Documents(read), refused))
}

fn too_much(file: String, what: &'static str, limit: usize) -> ImportError {
    ImportError::TooMuch { file, what, limit }
}

fn left_out(route: &Route<'_>, doc: &str, reason: String) -> LeftOut {
    LeftOut {
        doc: doc.to_owned(),
        route: format!("{} {}", route.method, route.written),
        id: route.id.map(str::to_owned),
        reason,
    }
}

fn nothing(report: &Report) -> ImportError {
    let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
    for it in &report.left_out {
        *reasons.entry(&it.reason).or_default() += 1;
    }
    let mut reasons: Vec<_> = reasons
        .iter()
        .map(|(reason, count)| format!("{count} calls: {reason}"))
        .collect();
    if reasons.is_empty() {
        reasons.push("the documents have reading calls only".to_owned());
    }
    ImportError::Nothing(Mistakes(reasons))
}

/// Names that the page and lines by hand give away.
fn given_names(page: &Page, old: &Old) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = old.hand.iter().map(|line| line.op.clone()).collect();
    for row in page.operation.iter().filter(|row| row.name.is_some()) {
        names.extend(expanded(row, "").into_iter().map(|(name, _)| name));
    }
    names
}

/// The operations that a row makes of one call: their names, and the values of `each`.
fn expanded(row: &OperationRow, base: &str) -> Vec<(String, BTreeMap<String, String>)> {
    let mut all = vec![BTreeMap::new()];
    for (field, values) in row.each.iter().flatten() {
        let more = all.iter().flat_map(|before: &BTreeMap<String, String>| {
            values.iter().map(move |value| {
                let mut each = before.clone();
                each.insert(field.clone(), value.clone());
                each
            })
        });
        all = more.take(EACH_MAX).collect();
    }
    let named = all.into_iter().map(|each| {
        let mut name = row.name.clone().unwrap_or_else(|| {
            let fields = each.keys().map(|field| format!(".{{{field}}}"));
            format!("{base}{}", fields.collect::<String>())
        });
        for (field, value) in &each {
            name = name.replace(&format!("{{{field}}}"), value);
        }
        (name, each)
    });
    named.collect()
}

fn plan<'p>(
    page: &'p Page,
    routes: &[Route<'_>],
    base: &[String],
    (aliases, hand): (&[&str], &BTreeSet<&str>),
    mistakes: &mut Vec<String>,
) -> Vec<Planned<'p>> {
    let mut planned = Vec::new();
    let mut taken: BTreeMap<String, String> = BTreeMap::new();
    for (at, (route, base)) in routes.iter().zip(base).enumerate() {
        let doc = aliases.get(route.doc).copied().unwrap_or_default();
        let subject = Subject::new(
            base,
            doc,
            route.id,
            route.method,
            &route.path,
            &route.written,
        );
        let makers = page.operation.iter().filter(|row| select::makes(row));
        let makers = makers.filter(|row| select::fits(&row.selectors, &subject));
        let mut made: Vec<_> = makers
            .flat_map(|row| {
                expanded(row, base)
                    .into_iter()
                    .map(move |(name, each)| (name, Some(row), each))
            })
            .collect();
        if made.is_empty() {
            made.push((base.clone(), None, BTreeMap::new()));
        }
        for (name, row, each) in made {
            let call = format!("{} {}", route.method, route.written);
            if !names::is_name(&name) {
                mistakes.push(format!(
                    "`{name}` ({call}) is no name: letters, digits, `.`, `_`, `-`, at most 64"
                ));
            } else if let Some(other) = taken.insert(name.clone(), call.clone()) {
                mistakes.push(format!("`{name}` is given to {other} and to {call}"));
            } else {
                let subject = subject.clone();
                let by_hand = hand.contains(name.as_str());
                planned.push(Planned {
                    route: at,
                    name,
                    row,
                    each,
                    subject,
                    by_hand,
                });
            }
        }
    }
    planned
}

fn by_hand(it: &Planned<'_>) -> String {
    let (name, written) = (&it.name, it.subject.written());
    format!("`{name}` is written by hand: what the document says of {written} is not used")
}

/// Rows that speak of nothing: a mistake where they name one operation, else an open point.
fn unknown_selectors(
    page: &Page,
    planned: &[Planned<'_>],
    old: &Old,
    mistakes: &mut Vec<String>,
    report: &mut Report,
) {
    for (at, selector, alone) in select::of_page(page) {
        let row = page.operation.get(at);
        // A row that makes an operation names the document's call; any other the operation as it is called afterwards.
        let fits = |it: &Planned<'_>| match row {
            Some(row) if select::makes(row) => {
                it.row.is_some_and(|own| std::ptr::eq(own, row))
                    && select::fits(&alone, &it.subject)
            }
            _ => select::fits(&alone, &it.subject.named(&it.name)),
        };
        if planned.iter().any(fits) || old.hand.iter().any(|line| alone.are(line)) {
            continue;
        }
        let left_out = |it: &&LeftOut| {
            let by_id = it
                .id
                .as_ref()
                .is_some_and(|id| format!("{}:{id}", it.doc) == selector);
            by_id || it.route == selector
        };
        let reason = report.left_out.iter().find(left_out);
        let reason = reason.map(|it| format!("; it was left out: {}", it.reason));
        let near = reason.unwrap_or_else(|| hint(near(&selector, planned).as_deref()));
        let sentence =
            format!("operation for `{selector}`: the documents have no such operation{near}");
        if select::is_exact(&selector) {
            mistakes.push(sentence);
        } else {
            report.open.push(sentence);
        }
    }
}

/// What the selector may have meant.
fn near(selector: &str, planned: &[Planned<'_>]) -> Option<String> {
    let known = planned.iter().filter_map(|it| {
        let line = it.subject.line()?;
        if select::is_route(selector) {
            return Some(format!("{} {}", line.method, it.subject.written()));
        }
        if selector.contains(':') {
            return Some(format!("{}:{}", line.doc, line.id.as_ref()?));
        }
        Some(it.name.clone())
    });
    let known: BTreeSet<String> = known.collect();
    nearest(selector, known.iter().map(String::as_str)).map(str::to_owned)
}

/// All lines, sorted.
fn text(operations: &[OperationLine], schemas: &[SchemaLine]) -> String {
    let operations = operations
        .iter()
        .filter_map(|line| serde_json::to_string(line).ok());
    let schemas = schemas
        .iter()
        .filter_map(|line| serde_json::to_string(line).ok());
    let mut lines: Vec<String> = operations.chain(schemas).collect();
    lines.sort();
    lines
        .iter()
        .flat_map(|line| [line.as_str(), "\n"])
        .collect()
}
