//! Every code that a request, a dead letter or a refusal can carry: what it means, whose move it is, what to do, whether
//! a redrive can help. One table for all that explains; the vendors' own meanings are the columns of the rows by which
//! their answers are judged.

use causeway::pack::page::{AnswerRow, Meaning, Page, Who};
use serde::Serialize;

use super::every_lane::EVERY_LANE;
use super::refusals::REFUSALS;

/// The code of a letter that no lane wrote: the queue's own redrive policy moved the message, or a person put it there.
pub const NO_CODE: &str = "no_code";

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Whoever made the request.
    Producer,
    /// The vendor.
    Vendor,
    /// Whoever administers the account at the vendor.
    Account,
    /// Whoever runs the stack: connections, mappings, releases.
    Operator,
    /// The lane's own code.
    Lane,
    /// Nobody: a promise was kept, or it goes on by itself.
    Nobody,
}

impl Fault {
    /// As engineers read it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Producer => "the producer",
            Self::Vendor => "the vendor",
            Self::Account => "whoever administers the account at the vendor",
            Self::Operator => "whoever runs the stack",
            Self::Lane => "the lane's code",
            Self::Nobody => "nobody",
        }
    }
}

/// Whether a redrive can help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Redrive {
    /// As soon as the cause is over.
    Helps,
    /// Once something was mended.
    AfterMending,
    /// Once somebody has said what became of it.
    AfterResolving,
    /// It asks the vendor or sends the same key again, where that can tell; else a person must say what became of it.
    Settles,
    /// Never: the same end for sure.
    Never,
}

impl Redrive {
    /// As people read it.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Helps => "helps, as soon as the cause is over",
            Self::AfterMending => "helps once the cause is mended",
            Self::AfterResolving => "only after `dlq resolve`",
            Self::Settles => {
                "asks the vendor, or sends the same key again, where that can tell; else after `dlq resolve`"
            }
            Self::Never => "cannot help: the same end for sure",
        }
    }
}

/// A code, explained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Entry<'a> {
    /// The code.
    pub code: &'a str,
    /// What it means.
    pub meaning: &'a str,
    /// Whose move it is.
    pub fault: Fault,
    /// What to do.
    pub action: &'a str,
    /// Whether a redrive can help.
    pub redrive: Redrive,
    /// What it means, for support people: without jargon, `{vendor}` for the vendor's name.
    #[serde(skip)]
    pub plain: &'a str,
    /// What to do, for support people; likewise.
    #[serde(skip)]
    pub remedy: &'a str,
}

pub(super) const fn explained(
    code: &'static str,
    fault: Fault,
    redrive: Redrive,
    meaning: &'static str,
    action: &'static str,
    plain: &'static str,
    remedy: &'static str,
) -> Entry<'static> {
    Entry {
        code,
        meaning,
        fault,
        action,
        redrive,
        plain,
        remedy,
    }
}

/// What `code` means on the lane of `page`; the vendor's own meaning comes first.
#[must_use]
pub fn entry<'a>(page: Option<&'a Page>, code: &str) -> Option<Entry<'a>> {
    let of_vendor = page.and_then(|page| of_vendor(page).find(|known| known.code == code));
    of_vendor.or_else(|| EVERY_LANE.iter().find(|known| known.code == code).copied())
}

/// Every code that the lane of `page` may give.
pub fn entries(page: Option<&Page>) -> impl Iterator<Item = Entry<'_>> {
    let of_vendor = page.into_iter().flat_map(of_vendor);
    of_vendor.chain(EVERY_LANE.iter().copied())
}

/// What a refusal of the API means: its own codes, and those that a lane would have given later.
#[must_use]
pub fn refusal(code: &str) -> Option<Entry<'static>> {
    let all = REFUSALS.iter().chain(EVERY_LANE);
    all.copied().find(|known| known.code == code)
}

/// The codes that only the API's refusals carry.
pub fn refusals() -> impl Iterator<Item = Entry<'static>> {
    REFUSALS.iter().copied()
}

/// What the rows of a page say that have codes of their own.
fn of_vendor(page: &Page) -> impl Iterator<Item = Entry<'_>> {
    let coded = |row| of_row(row).filter(|known| !known.code.is_empty());
    page.answer.iter().filter_map(coded)
}

/// What a row says, under its own code where it has one; none where it has no words for people, which a test finds.
#[must_use]
pub fn of_row(row: &AnswerRow) -> Option<Entry<'_>> {
    let fault = match row.who? {
        Who::You => Fault::Producer,
        Who::Vendor => Fault::Vendor,
        Who::Account => Fault::Account,
        Who::Causeway => Fault::Nobody,
    };
    let (meaning, action) = (row.means.as_deref()?, row.advice.as_deref()?);
    Some(Entry {
        code: row.code.as_deref().unwrap_or_default(),
        meaning,
        fault,
        action,
        // What the vendor shows again for the same key, a redrive would only be shown again.
        redrive: match row.is {
            _ if row.replayed => Redrive::AfterResolving,
            Meaning::Rejected => Redrive::AfterMending,
            Meaning::Exists => Redrive::Never,
            _ => Redrive::Helps,
        },
        plain: meaning,
        remedy: action,
    })
}
