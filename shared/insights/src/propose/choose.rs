//! Fields choose: the likeliest pair first.

use std::collections::BTreeSet;

use super::assign::Pair;
use super::virtuals::Origin;

/// From here on a field is filled, required or not, and whether or not its source field goes elsewhere as well: the
/// likelihoods know both. Chosen on cross-validated predictions of the pairs in `tests/insights`: at 0.25, one pair in
/// eleven more misses a golden value, and 0.07 more of what is filled is right; below 0.1 nothing is won. What is
/// filled wrongly is seen, told as doubtful and struck out; what is missing must be found.
const LIKELY: f64 = 0.12;

/// The source field of each target field, of its `candidates`.
pub(super) fn choose(origins: &[Origin], candidates: &[Vec<Pair>]) -> Vec<Option<usize>> {
    let offers = candidates.iter().enumerate();
    let offers = offers.flat_map(|(target, pairs)| pairs.iter().map(move |pair| (target, pair)));
    let mut offers: Vec<(usize, &Pair)> = offers.filter(|(_, it)| it.score >= LIKELY).collect();
    offers.sort_by(|a, b| {
        let by_score = b.1.score.total_cmp(&a.1.score);
        by_score.then_with(|| (a.0, a.1.source).cmp(&(b.0, b.1.source)))
    });
    let mut chosen = vec![None; candidates.len()];
    let mut used: BTreeSet<usize> = BTreeSet::new();
    for (target, pair) in offers {
        // Once a full name is told as a whole, nobody asks for its words.
        let told = part_of(&origins[pair.source]).is_some_and(|whole| used.contains(&whole));
        if chosen[target].is_none() && !told {
            chosen[target] = Some(pair.source);
            used.insert(pair.source);
        }
    }
    chosen
}

/// The full name that a part is of.
fn part_of(origin: &Origin) -> Option<usize> {
    match origin {
        Origin::FirstWord(whole) | Origin::OtherWords(whole) => Some(*whole),
        _ => None,
    }
}
