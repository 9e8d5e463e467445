//! Which source field goes where: lists to lists first, then fields inside of what was brought together; each source
//! field once, unless two targets both clearly mean it.

use std::collections::{BTreeMap, BTreeSet};

use super::choose::{AGAIN, choose};
use super::flatten::{Fields, Leaf};
use super::path::{Path, Step};
use super::proposal::{MAX_CANDIDATES, Reason};
use super::score::Scores;
use super::virtuals::Origin;
use super::words::{alike, words};

/// From here on lists are brought together.
const LIST: f64 = 0.3;

/// Below this, a pair is no candidate at all.
const CANDIDATE: f64 = 0.15;

/// What is left of the doubt about a pair whose objects go together.
const COHERENT: f64 = 0.8;

/// A pair that is less likely than this is not helped by what is around it.
const SOUND: f64 = 0.45;

/// Up to this share of it, another one is clearly worse.
pub(super) const CLEARLY: f64 = 0.88;

/// What is left of the doubt about a pair that both ends like best.
const PREFERRED: f64 = 0.72;

/// How much likelier a field of a list's only element is than its names say: they speak of a list that is not there.
const ONLY_ELEMENT: f64 = 1.2;

/// A pair of fields, with how likely it is.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub source: usize,
    pub score: f64,
    pub reasons: Vec<Reason>,
    /// Whether the target is narrower than the source.
    pub narrower: bool,
    /// Whether the target is in something that the source does not speak of.
    pub strange: bool,
}

/// What goes where.
pub(super) struct Assignment {
    /// The candidates of each target field, best first.
    pub candidates: Vec<Vec<Pair>>,
    /// The one that is taken.
    pub chosen: Vec<Option<usize>>,
}

/// The innermost list of objects that a field is in: a list of plain values is the field itself.
pub(super) fn outer_list(leaf: &Leaf) -> Option<Path> {
    Path::from(leaf.path.without_each().to_vec()).list()
}

pub(super) fn assign(
    targets: &Fields,
    sources: &Fields,
    origins: &[Origin],
    scores: &Scores<'_>,
) -> Assignment {
    let table: Vec<Vec<Pair>> = (0..targets.leaves.len())
        .map(|target| {
            let pairs = (0..sources.leaves.len()).map(|source| {
                let judged = scores.score(target, source);
                Pair {
                    source,
                    score: judged.score * origins[source].share(),
                    reasons: judged.reasons,
                    narrower: judged.narrower,
                    strange: judged.strange,
                }
            });
            pairs.filter(|pair| pair.score >= CANDIDATE).collect()
        })
        .collect();
    let lists = lists(targets, sources, &table);
    let outer: [Vec<Option<Path>>; 2] =
        [targets, sources].map(|fields| fields.leaves.iter().map(outer_list).collect());
    let mut candidates: Vec<Vec<Pair>> = table;
    for (target, pairs) in candidates.iter_mut().enumerate() {
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
            pair.score *= match (want, give) {
                // A list, of what each element of another says.
                (true, _) if many => 1.0,
                _ if want == give => place,
                _ => place * 0.85,
            };
        }
        pairs.retain(|pair| pair.score >= CANDIDATE);
        pairs.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
    }
    cohere(targets, sources, &mut candidates);
    prefer(sources, &mut candidates);
    let chosen = choose(targets, origins, &mut candidates);
    for (pairs, chosen) in candidates.iter_mut().zip(&chosen) {
        // What was taken stays among the candidates, however many were better and taken elsewhere.
        let place = chosen.and_then(|source| pairs.iter().position(|pair| pair.source == source));
        if let Some(place) = place {
            let taken = pairs.remove(place);
            pairs.insert(0, taken);
        }
        pairs.truncate(MAX_CANDIDATES);
    }
    Assignment { candidates, chosen }
}

/// Fields of one object come from one object: where most of an address is somebody's, all of it is.
fn cohere(targets: &Fields, sources: &Fields, candidates: &mut [Vec<Pair>]) {
    let mut groups: BTreeMap<Path, Vec<usize>> = BTreeMap::new();
    for (target, leaf) in targets.leaves.iter().enumerate() {
        let mut outer = parent(&leaf.path);
        // An address in a contact is the contact's, too.
        while !outer.steps().is_empty() {
            groups.entry(outer.clone()).or_default().push(target);
            outer = parent(&outer);
        }
    }
    let mut factors: BTreeMap<(usize, usize), f64> = BTreeMap::new();
    for group in groups.values().filter(|group| group.len() > 1) {
        let mut votes: BTreeMap<Path, f64> = BTreeMap::new();
        for target in group {
            let mut best: BTreeMap<Path, f64> = BTreeMap::new();
            for pair in &candidates[*target] {
                let mut outer = parent(&sources.leaves[pair.source].path);
                while !outer.steps().is_empty() {
                    let most = best.entry(outer.clone()).or_insert(0.0);
                    *most = most.max(pair.score);
                    outer = parent(&outer);
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
                if sources.leaves[pair.source].path.below(best).is_some() {
                    factors.insert((*target, pair.source), COHERENT);
                }
            }
        }
    }
    for (target, pairs) in candidates.iter_mut().enumerate() {
        for pair in pairs.iter_mut() {
            let factor = factors
                .get(&(target, pair.source))
                .filter(|_| pair.score >= SOUND);
            if let Some(factor) = factor {
                pair.score = 1.0 - (1.0 - pair.score) * factor;
            }
        }
        pairs.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.source.cmp(&b.source)));
    }
}

/// Two fields that each like best, and nothing else nearly as well, are meant for one another, however little both say.
fn prefer(sources: &Fields, candidates: &mut [Vec<Pair>]) {
    let mut best = vec![0.0_f64; sources.leaves.len()];
    for pair in candidates.iter().flatten() {
        best[pair.source] = best[pair.source].max(pair.score);
    }
    for pairs in candidates.iter_mut() {
        let next = pairs.get(1).map_or(0.0, |pair| pair.score);
        if let Some(first) = pairs.first_mut()
            && next <= first.score * CLEARLY
            && first.score >= best[first.source] * CLEARLY
        {
            first.score = 1.0 - (1.0 - first.score) * PREFERRED;
        }
    }
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
            if fits && !found.contains_key(*target) && (!again || *likely >= LIST / AGAIN) {
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
