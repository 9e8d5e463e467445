//! Fields choose: the likeliest pair first, each source field once, and again only where that is likelier than not.

use std::collections::BTreeSet;

use super::assign::Pair;
use super::flatten::Fields;
use super::virtuals::Origin;

/// From here on a field is filled. Chosen on cross-validated predictions: what is filled wrongly is seen and struck out,
/// what is missing must be found.
const LIKELY: f64 = 0.25;

/// The same for a field without which the payload is refused.
const LIKELY_REQUIRED: f64 = 0.2;

/// The same for a source field that goes elsewhere already.
const AGAIN: f64 = 0.5;

/// What a required field is ahead of others, when fields choose.
const NEEDED: f64 = 0.1;

/// The source field of each target field, of its `candidates`.
pub(super) fn choose(
    targets: &Fields,
    origins: &[Origin],
    candidates: &[Vec<Pair>],
) -> Vec<Option<usize>> {
    let mut offers: Vec<(f64, usize, &Pair)> = Vec::new();
    for (target, pairs) in candidates.iter().enumerate() {
        let ahead = if targets.leaves[target].required {
            NEEDED
        } else {
            0.0
        };
        offers.extend(pairs.iter().map(|pair| (pair.score + ahead, target, pair)));
    }
    offers.sort_by(|a, b| {
        let by_score = b.0.total_cmp(&a.0);
        by_score.then_with(|| (a.1, a.2.source).cmp(&(b.1, b.2.source)))
    });
    let mut chosen = vec![None; candidates.len()];
    let mut used: BTreeSet<usize> = BTreeSet::new();
    for (_, target, pair) in offers {
        let least = match targets.leaves[target].required {
            _ if used.contains(&pair.source) => AGAIN,
            true => LIKELY_REQUIRED,
            false => LIKELY,
        };
        // Once a full name is told as a whole, nobody asks for its words.
        let told = part_of(&origins[pair.source]).is_some_and(|whole| used.contains(&whole));
        if chosen[target].is_none() && pair.score >= least && !told {
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
