//! Why pack and document do not agree about a payload: found by trial, not by hand.

use std::collections::BTreeMap;

use causeway::pack::page::{OperationRow, Strictness};
use causeway::pack::{OperationLine, Page};

use super::court::{Complaint, Court, CourtError, Judge};
use super::file::DocumentFile;
use super::mutate::Mutation;
use super::request::Request;
use super::schema::Relaxed;

/// What is left out on trial where only the document refuses, and what it is called.
const LEFT_OUT: [(Relaxed, &str); 12] = [
    (
        Relaxed::NullsBesideReferences,
        "null, where `nullable` stands beside a reference",
    ),
    (
        Relaxed::Enums,
        "a list of values that the pack does not hold",
    ),
    (
        Relaxed::OtherFormats,
        "e-mail and web addresses are held loosely",
    ),
    (
        Relaxed::OneOf,
        "alternatives that overlap: `oneOf` is read as `anyOf`",
    ),
    (
        Relaxed::Patterns,
        "a pattern that packs' expressions cannot say",
    ),
    (
        Relaxed::Formats,
        "dates, times and UUIDs are held otherwise",
    ),
    (
        Relaxed::BesideFields,
        "alternatives beside fields stay open",
    ),
    (Relaxed::Not, "`not` is left open"),
    (Relaxed::Bounds, "a bound that the pack does not hold"),
    (
        Relaxed::Required,
        "a field must be given, and the pack does not ask for it",
    ),
    (
        Relaxed::Closed,
        "fields that the document knows are all there are",
    ),
    (Relaxed::Alternatives, "alternatives stay open"),
];

/// What is added on trial where only the pack refuses.
const ADDED: [(Relaxed, &str); 2] = [
    (
        Relaxed::Kinds,
        "what has fields is an object, and what has items a list, though the document does not say so",
    ),
    (
        Relaxed::Nulls,
        "null beside a list of values without it, or without a type",
    ),
];

/// A document in all the ways in which it is tried.
#[derive(Debug)]
pub struct Trials<'a> {
    file: &'a DocumentFile,
    courts: BTreeMap<Relaxed, Court>,
}

impl<'a> Trials<'a> {
    /// None yet.
    #[must_use]
    pub const fn new(file: &'a DocumentFile) -> Self {
        Self {
            file,
            courts: BTreeMap::new(),
        }
    }

    fn judge(
        &mut self,
        relaxed: Relaxed,
        line: &OperationLine,
    ) -> Result<Option<Judge>, CourtError> {
        if !self.courts.contains_key(&relaxed) {
            self.courts
                .insert(relaxed, Court::new(self.file, &[relaxed])?);
        }
        match self.courts.get(&relaxed) {
            Some(court) => court.judge(self.file, line),
            None => Ok(None),
        }
    }

    /// Why only the document refuses `request`.
    ///
    /// # Errors
    /// When a schema is none.
    pub fn left_out(
        &mut self,
        page: &Page,
        line: &OperationLine,
        request: &Request,
        complaints: &[Complaint],
    ) -> Result<Option<&'static str>, CourtError> {
        let patched = |complaint: &Complaint| {
            let inner = line
                .wrap
                .as_deref()
                .and_then(|wrap| complaint.pointer.strip_prefix(wrap));
            let field = inner
                .unwrap_or(&complaint.pointer)
                .split('/')
                .nth(1)
                .unwrap_or_default();
            let mut rows = rows(page, line);
            complaint.place.is_none()
                && rows.any(|row| row.patch.iter().flatten().any(|(name, _)| name == field))
        };
        if !complaints.is_empty() && complaints.iter().all(patched) {
            return Ok(Some("the page: `patch` says otherwise of a field"));
        }
        let warns = page
            .document
            .as_ref()
            .is_some_and(|document| document.enums == Strictness::Warn);
        for (relaxed, why) in LEFT_OUT {
            let judge = self.judge(relaxed, line)?;
            if judge.is_some_and(|judge| judge.complaints(request).is_empty()) {
                return Ok(Some(match relaxed {
                    Relaxed::Enums if warns => {
                        "the page: values that an old document does not know go through"
                    }
                    _ => why,
                }));
            }
        }
        Ok(None)
    }

    /// Why only the pack refuses.
    ///
    /// # Errors
    /// When a schema is none.
    pub fn added(
        &mut self,
        page: &Page,
        line: &OperationLine,
        request: &Request,
        mutation: &Mutation,
    ) -> Result<Option<&'static str>, CourtError> {
        let field = mutation.pointer.split('/').nth(1).unwrap_or_default();
        for row in rows(page, line) {
            if row.patch.iter().flatten().any(|(name, _)| name == field) {
                return Ok(Some("the page: `patch` says more of a field"));
            }
            if row.require.iter().flatten().any(|name| name == field) {
                return Ok(Some("the page: `require` asks for a field"));
            }
        }
        for (relaxed, why) in ADDED {
            let judge = self.judge(relaxed, line)?;
            if judge.is_some_and(|judge| !judge.complaints(request).is_empty()) {
                return Ok(Some(why));
            }
        }
        Ok(None)
    }
}

/// The page's rows about an operation.
fn rows<'a>(page: &'a Page, line: &'a OperationLine) -> impl Iterator<Item = &'a OperationRow> {
    let own = move |row: &&OperationRow| {
        row.selectors.are(line) && row.name.as_ref().is_none_or(|name| *name == line.op)
    };
    page.operation.iter().filter(own)
}
