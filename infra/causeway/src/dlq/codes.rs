//! Every code that a dead letter can carry: what it means, whose move it is, what to do, whether a redrive can help.

mod every_lane;
mod vendors;

use serde::Serialize;

use every_lane::EVERY_LANE;
use vendors::VENDORS;

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
    let of_vendor = VENDORS
        .iter()
        .filter(|(name, _)| *name == provider)
        .map(|(_, known)| known);
    of_vendor.chain(EVERY_LANE).find(named)
}

/// Every code that the lane of `provider` may give.
pub fn all(provider: &str) -> impl Iterator<Item = &'static Explanation> {
    let of_vendor = VENDORS
        .iter()
        .filter(move |(name, _)| *name == provider)
        .map(|(_, known)| known);
    of_vendor.chain(EVERY_LANE)
}

#[cfg(test)]
mod tests;
