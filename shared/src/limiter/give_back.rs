//! Tokens that were taken and not used: those of duplicates, or wasted by the refusal of another scope.

use super::state::{cost, micros};
use super::{Limit, LimitState, Taken};

impl LimitState {
    /// Gives back the last `unused` tokens of `taken`, whose `next` was written; `self` is what is stored now.
    /// `None` when nothing can come back: tokens that wrote nothing (drawn ahead, or of no limit) took nothing here. To be called at most once for a [`Taken`].
    ///
    /// A token comes back only as far as nobody was let in because of it. When no one took since, that is all
    /// of it. Otherwise it is bounded by the margin by which every later token came ahead of `tat`; and a token
    /// from before the last time the bucket was full has already lapsed. So the promise holds as if the tokens
    /// had never been taken; what does not come back is lost capacity, never a call too many.
    #[must_use]
    pub fn give_back(&self, limits: &[&Limit], taken: &Taken, unused: u32) -> Option<Self> {
        let written = taken.next.as_ref()?;
        let unused = (unused as usize).min(taken.grants.len());
        let first = *taken.grants.get(taken.grants.len() - unused)?;
        let untouched = written.takes == self.takes;
        let mut next = self.clone();
        for limit in limits {
            let Some(cell) = next.cells.get_mut(limit.name()) else {
                continue;
            };
            if micros(first) < cell.busy {
                continue;
            }
            let tokens = i64::try_from(unused).unwrap_or(i64::MAX);
            let whole = cost(limit, taken.share).saturating_mul(tokens);
            if untouched {
                cell.tat = cell.tat.saturating_sub(whole);
            } else {
                let part = cell.margin.map_or(whole, |margin| whole.min(margin));
                cell.tat = cell.tat.saturating_sub(part);
                cell.margin = cell.margin.map(|margin| margin - part);
            }
        }
        (next != *self).then_some(next)
    }
}
