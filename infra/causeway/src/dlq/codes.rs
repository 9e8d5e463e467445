//! Every code that a dead letter can carry: what it means, whose move it is, what to do, whether a redrive can help.

mod every_lane;

use std::sync::LazyLock;

use causeway::pack::page::{AnswerRow, Who};
use causeway_ingest::catalogue;
use serde::Serialize;

use every_lane::EVERY_LANE;

/// Whose move it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Fault {
    /// Whoever made the request.
    Producer,
    /// The vendor.
    Vendor,
    /// Whoever runs the stack: connections, mappings, releases.
    Operator,
    /// The lane's own code.
    Lane,
    /// Nobody: a promise was kept.
    Nobody,
}

impl Fault {
    /// As people read it.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Producer => "the producer",
            Self::Vendor => "the vendor",
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
pub struct Explanation {
    /// The code.
    pub code: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Whose move it is.
    pub fault: Fault,
    /// What to do.
    pub action: &'static str,
    /// Whether a redrive can help.
    pub redrive: Redrive,
}

const fn explained(
    code: &'static str,
    fault: Fault,
    redrive: Redrive,
    meaning: &'static str,
    action: &'static str,
) -> Explanation {
    Explanation {
        code,
        meaning,
        fault,
        action,
        redrive,
    }
}

/// What `code` means on the lane of `provider`; the vendor's own meaning comes first.
///
/// This is the one place that explains. Whatever else may one day explain a letter takes what this says as its ground.
pub fn explain(provider: &str, code: &str) -> Option<&'static Explanation> {
    let named = |known: &&Explanation| known.code == code;
    of_vendor(provider).chain(EVERY_LANE).find(named)
}

/// Every code that the lane of `provider` may give.
pub fn all(provider: &str) -> impl Iterator<Item = &'static Explanation> {
    of_vendor(provider).chain(EVERY_LANE)
}

fn of_vendor(provider: &str) -> impl Iterator<Item = &'static Explanation> {
    let vendors = OF_VENDORS.iter().filter(move |(name, _)| *name == provider);
    vendors.map(|(_, known)| known)
}

/// Codes of single vendors, by provider: what the rows of its page say by which the lane itself judges.
static OF_VENDORS: LazyLock<Vec<(&'static str, Explanation)>> = LazyLock::new(|| {
    let packs = catalogue::packs().iter();
    let rows = packs.flat_map(|pack| {
        let page = pack.page();
        page.answer.iter().map(|row| (page.name.as_str(), row))
    });
    rows.filter_map(|(name, row)| Some((name, of_row(row)?)))
        .collect()
});

fn of_row(row: &'static AnswerRow) -> Option<Explanation> {
    let fault = match row.who? {
        Who::You => Fault::Producer,
        Who::Vendor => Fault::Vendor,
        Who::Account => Fault::Operator,
        Who::Causeway => Fault::Nobody,
    };
    Some(Explanation {
        code: row.code.as_deref()?,
        meaning: row.means.as_deref()?,
        fault,
        action: row.advice.as_deref()?,
        // What the vendor shows again for the same key, a redrive would only be shown again.
        redrive: match row.replayed {
            true => Redrive::AfterResolving,
            false => Redrive::Helps,
        },
    })
}

#[cfg(test)]
mod tests;
