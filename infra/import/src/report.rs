//! What an import has to say beside its lines.

use std::collections::BTreeMap;
use std::fmt;

use crate::document::Facts;
use crate::route::LeftOut;
use crate::schema::Losses;

/// What came through, what did not, and what is open.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Writing calls that the documents have.
    pub writes: usize,
    /// Operations written from them: variants of one call count each.
    pub operations: usize,
    /// Writing calls that at least one operation was made of.
    pub routes: usize,
    /// Lines that a person wrote, kept.
    pub by_hand: usize,
    /// Schemas in lines of their own.
    pub schemas: usize,
    /// Calls that were left out.
    pub left_out: Vec<LeftOut>,
    /// What schemas lost.
    pub losses: Losses,
    /// What a person has to decide.
    pub open: Vec<String>,
    /// What the documents say of themselves.
    pub documents: Vec<Facts>,
}

/// How many examples of one reason are shown.
const EXAMPLES: usize = 3;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            writes,
            operations,
            routes,
            by_hand,
            schemas,
            ..
        } = self;
        writeln!(
            f,
            "{operations} operations from {routes} of {writes} writing calls, {schemas} shared schemas"
        )?;
        if *by_hand > 0 {
            writeln!(f, "{by_hand} lines by hand kept")?;
        }
        let mut reasons: BTreeMap<&str, Vec<&LeftOut>> = BTreeMap::new();
        for it in &self.left_out {
            reasons.entry(&it.reason).or_default().push(it);
        }
        if !self.left_out.is_empty() {
            writeln!(f, "left out, {} calls:", self.left_out.len())?;
        }
        for (reason, all) in reasons {
            let examples: Vec<_> = all
                .iter()
                .take(EXAMPLES)
                .map(|it| it.route.as_str())
                .collect();
            writeln!(f, "  {:>5}  {reason}: {}", all.len(), examples.join(", "))?;
        }
        if !self.losses.counts.is_empty() {
            writeln!(f, "not held in schemas:")?;
        }
        for (what, count) in &self.losses.counts {
            writeln!(f, "  {count:>5}  {what}")?;
        }
        for reason in self.losses.unresolved.iter().take(EXAMPLES) {
            writeln!(f, "         {reason}")?;
        }
        if !self.open.is_empty() {
            writeln!(f, "open:")?;
        }
        self.open.iter().try_for_each(|it| writeln!(f, "  {it}"))
    }
}
