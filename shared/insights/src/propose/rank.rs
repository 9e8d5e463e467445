//! Every target field for a source field, the likeliest first: what schema matching is measured by.

use std::collections::BTreeMap;

use super::flatten::flatten;
use super::path::Path;
use super::score::Scores;
use super::{Source, Target};

/// One pair of fields, with its score.
#[derive(Clone, Debug, PartialEq)]
pub struct Ranked {
    /// The source field.
    pub source: Path,
    /// The target field.
    pub target: Path,
    /// How alike they are: 0 to 1.
    pub score: f64,
}

/// All pairs that have anything in common, the likeliest first, by the scores that [`propose`](super::propose) goes by.
pub fn rank(source: &Source, target: &Target) -> Vec<Ranked> {
    let targets = flatten(Some(&target.schema), &[]);
    let sources = flatten(source.schema.as_ref(), &source.samples);
    let scores = Scores::of(&targets, &sources, target);
    let mut ranked = Vec::new();
    for (from, given) in sources.leaves.iter().enumerate() {
        for (to, wanted) in targets.leaves.iter().enumerate() {
            let score = scores.score(to, from).score;
            if score > 0.0 {
                ranked.push(Ranked {
                    source: given.path.clone(),
                    target: wanted.path.clone(),
                    score,
                });
            }
        }
    }
    one_to_one(&mut ranked);
    ranked.sort_by(|a, b| {
        b.score
            .total_cmp(&a.score)
            .then_with(|| (&a.source, &a.target).cmp(&(&b.source, &b.target)))
    });
    ranked
}

/// What is left of a pair's score for each end that likes another one better: a column is one attribute, and an
/// attribute one column, in most cases.
const OUTDONE: f64 = 0.87;

fn one_to_one(ranked: &mut [Ranked]) {
    let mut best: [BTreeMap<Path, f64>; 2] = Default::default();
    for pair in ranked.iter() {
        for (side, path) in [&pair.source, &pair.target].into_iter().enumerate() {
            let most = best[side].entry(path.clone()).or_insert(0.0);
            *most = most.max(pair.score);
        }
    }
    for pair in ranked.iter_mut() {
        let ends = [best[0].get(&pair.source), best[1].get(&pair.target)];
        let outdone = ends
            .into_iter()
            .flatten()
            .filter(|most| **most > pair.score)
            .count();
        pair.score *= OUTDONE.powi(i32::try_from(outdone).unwrap_or(0));
    }
}
