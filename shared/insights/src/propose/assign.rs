//! Which source field goes where: lists to lists first, then fields inside of what was brought together, by how likely
//! each is.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::choose;
use super::evidence::{Evidence, Sign, Weights};
use super::flatten::{Fields, Leaf};
use super::path::{Path, Step};
use super::proposal::{MAX_CANDIDATES, Reason};
use super::score::Scores;
use super::virtuals::Origin;
use super::words::{alike, words};

/// From here on lists are brought together.
const LIST: f64 = 0.3;

/// The same for a source list that goes elsewhere already.
const LIST_AGAIN: f64 = 0.37;

/// Below this, a pair is no candidate at all.
const CANDIDATE: f64 = 0.15;

/// How much likelier a field of a list's only element is than its names say: they speak of a list that is not there.
const ONLY_ELEMENT: f64 = 1.2;

/// A pair of fields, with how likely it is.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub source: usize,
    /// How alike they are; once all is known, how likely the source fills the target.
    pub score: f64,
    pub evidence: Evidence,
    pub reasons: Vec<Reason>,
}

/// What goes where.
pub(super) struct Assignment {
    /// The candidates of each target field, best first.
    pub candidates: Vec<Vec<Pair>>,
    /// The one that is taken.
    pub chosen: Vec<Option<usize>>,
    /// How likely nothing fills it.
    pub nothing: Vec<f64>,
}

/// The innermost list of objects that a field is in: a list of plain values is the field itself.
pub(super) fn outer_list(leaf: &Leaf) -> Option<Path> {
    Path::from(leaf.path.without_each().to_vec()).list()
}

/// The candidates of each target field, with all that is seen of them: alike first.
pub(super) fn candidates(
    targets: &Fields,
    sources: &Fields,
    origins: &[Origin],
    scores: &Scores<'_>,
) -> Vec<Vec<Pair>> {
    let table: Vec<Vec<Pair>> = (0..targets.leaves.len())
        .map(|target| {
            let pairs = (0..sources.leaves.len()).map(|source| {
                let judged = scores.score(target, source);
                Pair {
                    source,
                    score: judged.score * origins[source].share(),
                    evidence: judged.evidence,
                    reasons: judged.reasons,
                }
            });
            pairs.filter(is_candidate).collect()
        })
        .collect();
    let lists = lists(targets, sources, &table);
    let outer: [Vec<Option<Path>>; 2] =
        [targets, sources].map(|fields| fields.leaves.iter().map(outer_list).collect());
    let mut candidates: Vec<Vec<Pair>> = table;
    for (target, pairs) in candidates.iter_mut().enumerate() {
        let optional = optional(targets, &targets.leaves[target].path);
        for pair in pairs.iter_mut() {
            let (to, from) = (&outer[0][target], &outer[1][pair.source]);
            let alone = to.as_ref().is_some_and(|list| {
                !lists.contains_key(list) && targets.lists.get(list) == Some(&true)
            });
            // A list that must be there, and is nowhere in the source, has one element: the record itself.
            let place = match alone && from.is_none() {
                true => ONLY_ELEMENT,
                false => place(to, from, &lists),
            };
            let (want, give) = (
                targets.leaves[target].kind.listed,
                sources.leaves[pair.source].kind.listed,
            );
            let many = give || outer[1][pair.source].is_some() && outer[0][target].is_none();
            let made = origins[pair.source].share();
            pair.evidence.set(Sign::Place, place.ln());
            pair.evidence
                .flag(Sign::Listed, want != give && !(want && many));
            pair.evidence.set(Sign::Made, made.ln() * 10.0);
            pair.evidence.set(Sign::Optional, optional as f64);
            pair.evidence
                .flag(Sign::Top, targets.leaves[target].path.steps().len() == 1);
            pair.score *= match (want, give) {
                // A list, of what each element of another says.
                (true, _) if many => 1.0,
                _ if want == give => place,
                _ => place * 0.85,
            };
        }
        pairs.retain(is_candidate);
        pairs.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
    }
    observe(targets, sources, &mut candidates);
    candidates
}

/// What fills each target field, by `weights`.
pub(super) fn assign(
    origins: &[Origin],
    mut candidates: Vec<Vec<Pair>>,
    weights: &Weights,
) -> Assignment {
    let nothing = candidates
        .iter_mut()
        .map(|pairs| judge(pairs, weights))
        .collect();
    let chosen = choose(origins, &candidates);
    for (pairs, chosen) in candidates.iter_mut().zip(&chosen) {
        // What was taken stays among the candidates, however many were better and taken elsewhere.
        let place = chosen.and_then(|source| pairs.iter().position(|pair| pair.source == source));
        if let Some(place) = place {
            let taken = pairs.remove(place);
            pairs.insert(0, taken);
        }
        pairs.truncate(MAX_CANDIDATES);
    }
    Assignment {
        candidates,
        chosen,
        nothing,
    }
}

fn is_candidate(pair: &Pair) -> bool {
    pair.score >= CANDIDATE || pair.score > 0.0 && pair.evidence.0[Sign::FormAgrees as usize] > 0.0
}

/// Notes what the pairs around a pair say of it.
fn observe(targets: &Fields, sources: &Fields, candidates: &mut [Vec<Pair>]) {
    let coherent = coherent(targets, sources, candidates);
    let mut column = vec![[0.0_f64; 2]; sources.leaves.len()];
    for pair in candidates.iter().flatten() {
        let best = &mut column[pair.source];
        if pair.score > best[0] {
            *best = [pair.score, best[0]];
        } else if pair.score > best[1] {
            best[1] = pair.score;
        }
    }
    let mut groups: BTreeMap<Path, (f64, f64)> = BTreeMap::new();
    let best = |pairs: &[Pair]| pairs.first().map_or(0.0, |pair| pair.score);
    for (leaf, pairs) in targets.leaves.iter().zip(candidates.iter()) {
        let group = groups.entry(parent(&leaf.path)).or_default();
        *group = (group.0 + best(pairs), group.1 + 1.0);
    }
    for (target, (leaf, pairs)) in targets.leaves.iter().zip(candidates.iter_mut()).enumerate() {
        let own = best(pairs);
        let next = pairs.get(1).map_or(0.0, |pair| pair.score);
        let around = parent(&leaf.path);
        let group = groups.get(&around).copied().unwrap_or_default();
        for pair in pairs.iter_mut() {
            let rival = if pair.score >= own { next } else { own };
            let [most, second] = column[pair.source];
            let others = if pair.score >= most { second } else { most };
            let evidence = &mut pair.evidence;
            evidence.flag(Sign::Coherent, coherent.contains(&(target, pair.source)));
            evidence.set(Sign::Column, pair.score - others);
            evidence.flag(Sign::ColumnBest, pair.score >= most);
            evidence.set(Sign::RowMargin, pair.score - rival);
            evidence.flag(Sign::Mutual, pair.score >= most && pair.score >= own);
            evidence.set(Sign::Siblings, (group.0 - own) / (group.1 - 1.0).max(1.0));
        }
    }
}

/// How many of the objects and lists that a field is in need not be there.
fn optional(targets: &Fields, path: &Path) -> usize {
    let steps = path.without_each();
    (1..steps.len())
        .filter(|count| {
            let outer = path.first(*count);
            let needed = |held: &BTreeMap<Path, bool>| held.get(&outer) == Some(&true);
            matches!(steps.get(*count - 1), Some(Step::Key(_)))
                && !needed(&targets.objects)
                && targets.lists.get(&outer.each()) != Some(&true)
        })
        .count()
}

/// Makes how alike the pairs of one target are how likely each is, the likeliest first; how likely none is.
fn judge(pairs: &mut [Pair], weights: &Weights) -> f64 {
    let evidence: Vec<Evidence> = pairs.iter().map(|pair| pair.evidence).collect();
    let likely = weights.likely(&evidence);
    for (pair, likely) in pairs.iter_mut().zip(&likely) {
        pair.score = *likely;
    }
    pairs.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
    (1.0 - likely.iter().sum::<f64>()).clamp(0.0, 1.0)
}

/// What a field is in: its objects (an address in a contact is the contact's, too), and what the first word of its name
/// stands for, where an object is written flat (`customer_name`, `customer_email`).
fn surroundings(path: &Path) -> Vec<Path> {
    let mut outer = parent(path);
    let own = words(path.name());
    let mut found: Vec<Path> = Vec::new();
    if own.len() > 1 {
        found.extend(own.first().map(|first| outer.key(first)));
    }
    while !outer.steps().is_empty() {
        found.push(outer.clone());
        outer = parent(&outer);
    }
    found
}

/// Pairs whose source is in what most of the target's siblings come from.
fn coherent(
    targets: &Fields,
    sources: &Fields,
    candidates: &[Vec<Pair>],
) -> BTreeSet<(usize, usize)> {
    let mut groups: BTreeMap<Path, Vec<usize>> = BTreeMap::new();
    for (target, leaf) in targets.leaves.iter().enumerate() {
        for outer in surroundings(&leaf.path) {
            groups.entry(outer).or_default().push(target);
        }
    }
    let around: Vec<Vec<Path>> = sources
        .leaves
        .iter()
        .map(|leaf| surroundings(&leaf.path))
        .collect();
    let mut found: BTreeSet<(usize, usize)> = BTreeSet::new();
    for group in groups.values().filter(|group| group.len() > 1) {
        let mut votes: BTreeMap<Path, f64> = BTreeMap::new();
        for target in group {
            let mut best: BTreeMap<Path, f64> = BTreeMap::new();
            for pair in &candidates[*target] {
                for outer in &around[pair.source] {
                    let most = best.entry(outer.clone()).or_insert(0.0);
                    *most = most.max(pair.score);
                }
            }
            for (outer, score) in best {
                *votes.entry(outer).or_insert(0.0) += score * score;
            }
        }
        let best = votes.iter().max_by(|a, b| {
            a.1.total_cmp(b.1)
                .then(a.0.steps().len().cmp(&b.0.steps().len()))
                .then(b.0.cmp(a.0))
        });
        let Some((best, _)) = best else { continue };
        for target in group {
            for pair in &candidates[*target] {
                if around[pair.source].contains(best) {
                    found.insert((*target, pair.source));
                }
            }
        }
    }
    found
}

/// How far it fits that a target field in one list is filled from a source field in another.
fn place(target: &Option<Path>, source: &Option<Path>, lists: &BTreeMap<Path, Path>) -> f64 {
    match (target, source) {
        (None, None) => 1.0,
        // The first element's.
        (None, Some(_)) => 0.9,
        (Some(target), source) => match (lists.get(target), source) {
            (Some(given), Some(source)) if given == source => 1.0,
            // The same for each element.
            (Some(_), None) => 0.55,
            (Some(given), Some(source)) if given.below(source).is_some() => 0.6,
            (Some(given), Some(source)) if source.below(given).is_some() => 0.75,
            (Some(_), Some(_)) => 0.2,
            // A list of one.
            (None, None) => 0.92,
            (None, Some(_)) => 0.6,
        },
    }
}

/// Which target list is filled from which source list, the likeliest first, those inside of others after them.
fn lists(targets: &Fields, sources: &Fields, table: &[Vec<Pair>]) -> BTreeMap<Path, Path> {
    let group = |fields: &Fields| -> BTreeMap<Path, Vec<usize>> {
        let mut groups: BTreeMap<Path, Vec<usize>> = BTreeMap::new();
        for (index, leaf) in fields.leaves.iter().enumerate() {
            if let Some(list) = outer_list(leaf) {
                groups.entry(list).or_default().push(index);
            }
        }
        groups
    };
    let (wanted, given) = (group(targets), group(sources));
    let mut pairs: Vec<(f64, &Path, &Path)> = Vec::new();
    for (target, target_leaves) in &wanted {
        for (source, source_leaves) in &given {
            let likely = list_score(target, target_leaves, source, source_leaves, table);
            if likely >= LIST {
                pairs.push((likely, target, source));
            }
        }
    }
    pairs.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(b.1)).then(a.2.cmp(b.2)));
    let mut found: BTreeMap<Path, Path> = BTreeMap::new();
    let mut taken: BTreeSet<&Path> = BTreeSet::new();
    let deepest = wanted.keys().map(depth).max().unwrap_or(0);
    for level in 1..=deepest {
        for (likely, target, source) in pairs.iter().filter(|(_, target, _)| depth(target) == level)
        {
            let outer = |list: &Path| Path::from(list.without_each().to_vec()).list();
            let fits = match (outer(target), outer(source)) {
                (None, None) => true,
                (Some(target), Some(source)) => found.get(&target) == Some(&source),
                // Lists of lists are flattened, lists in one object's place are not made up.
                (None, Some(_)) => true,
                (Some(target), None) => !found.contains_key(&target),
            };
            let again = taken.contains(source);
            if fits && !found.contains_key(*target) && (!again || *likely >= LIST_AGAIN) {
                found.insert((*target).clone(), (*source).clone());
                taken.insert(source);
            }
        }
    }
    found
}

fn depth(list: &Path) -> usize {
    list.steps()
        .iter()
        .filter(|step| **step == Step::Each)
        .count()
}

/// How likely a source list is what a target list takes: by what both are called, and by the best pairs inside.
fn list_score(
    target: &Path,
    target_leaves: &[usize],
    source: &Path,
    source_leaves: &[usize],
    table: &[Vec<Pair>],
) -> f64 {
    let mut best: Vec<f64> = target_leaves
        .iter()
        .map(|target| {
            let inside = table[*target]
                .iter()
                .filter(|pair| source_leaves.contains(&pair.source));
            inside.map(|pair| pair.score).fold(0.0, f64::max)
        })
        .collect();
    best.sort_by(|a, b| b.total_cmp(a));
    let counted = best.len().min(source_leaves.len()).clamp(1, 4);
    let inside = best.iter().take(counted).sum::<f64>() / counted as f64;
    let (wanted, given) = (words(target.name()), words(source.name()));
    let near = |word: &String| {
        given
            .iter()
            .map(|other| alike(word, other))
            .fold(0.0, f64::max)
    };
    let name = wanted.iter().map(near).fold(0.0, f64::max);
    0.55 * inside + 0.45 * name
}

/// What a field is in.
pub(super) fn parent(path: &Path) -> Path {
    let steps = path.without_each();
    Path::from(steps[..steps.len().saturating_sub(1)].to_vec())
}
