//! Explanations: what happened, who can change it, what happens next.
//!
//! [`explain`] makes two paragraphs of [`Facts`]: one for support people, one for engineers. The same facts make the same
//! text, every time; nothing that is not among them is said. What a code means comes from one table ([`entry`]): the
//! vendor's from the columns of the rows by which its answers are judged, ours from `every_lane.rs`.
//!
//! [`translation`] is what a language model may be asked for another language, and the check of what it answers.

mod codes;
mod command;
mod engineer;
mod every_lane;
mod facts;
mod look;
mod refusals;
mod support;
pub mod translation;
mod zone;

#[cfg(test)]
pub(crate) mod tests;

use causeway::pack::page::Page;
use serde::Serialize;

pub use codes::{Entry, Fault, NO_CODE, Redrive, entries, entry, of_row, refusal, refusals};
pub use command::{CommandLine, shell_word};
pub use engineer::word;
pub use facts::{Facts, Full, Lane, Seen, Stop};
pub use look::{LANE_FIELDS, look};
pub use zone::{UnknownZone, Zone};

/// What happened, who can change it, and what happens next, in whole English sentences.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    /// For support people.
    pub support: String,
    /// For engineers.
    pub engineer: String,
}

/// Explains where a request stands, with the times of `zone`.
#[must_use]
pub fn explain(facts: &Facts<'_>, zone: &Zone) -> Explanation {
    Explanation {
        support: support::paragraph(facts, zone),
        engineer: engineer::paragraph(facts, zone),
    }
}

/// Explains a code without a request: of `page`'s lane, or of any.
#[must_use]
pub fn explain_code(page: Option<&Page>, code: &str) -> Option<Explanation> {
    let known = entry(page, code)?;
    let title = page.map_or("the service", |page| &page.title);
    Some(of_entry(&known, title, None))
}

/// Explains a refusal of the API; `detail` is the problem's.
#[must_use]
pub fn explain_refusal(code: &str, detail: &str) -> Option<Explanation> {
    refusal(code).map(|known| of_entry(&known, "The service", Some(detail)))
}

fn of_entry(known: &Entry<'_>, title: &str, detail: Option<&str>) -> Explanation {
    Explanation {
        support: support::of_entry(known, title),
        engineer: engineer::of_entry(known, detail),
    }
}
