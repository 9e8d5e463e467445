//! Fields choose: the surest pair first, each source field once, and again only where that makes sense.

use std::collections::{BTreeMap, BTreeSet, BinaryHeap};

use super::assign::{CLEARLY, Pair, parent};
use super::flatten::Fields;
use super::path::Path;
use super::virtuals::Origin;

/// From here on a pair is more likely right than wrong.
const LIKELY: f64 = 0.40;

/// The same for a field in something that the source does not speak of, and that nothing else fills.
const LIKELY_STRANGE: f64 = 0.6;

/// The same for a field without which the payload is refused: a wrong proposal is seen, a missing one must be found.
const LIKELY_REQUIRED: f64 = 0.34;

/// What is left of a score when the source field already goes elsewhere.
pub(super) const AGAIN: f64 = 0.82;

/// What a required field is ahead of others, when fields choose.
const NEEDED: f64 = 0.15;

/// From here on a source field fills another target in a place that nothing else fills.
const SURE_AGAIN: f64 = 0.7;

/// The surest pair first: a pair that both ends like best is never given up for another (a stable matching, since both
/// ends rank by the same score). A source field that goes elsewhere already is offered again for less: at the top, beside
/// what is filled anyway, or where it is sure, so that nothing is told twice in a place that nobody spoke of.
pub(super) fn choose(
    targets: &Fields,
    origins: &[Origin],
    candidates: &mut [Vec<Pair>],
) -> Vec<Option<usize>> {
    let mut waiting: BinaryHeap<Offer> = BinaryHeap::new();
    for (target, pairs) in candidates.iter().enumerate() {
        let required = targets.leaves[target].required;
        let offer = |pair: &Pair| Offer {
            score: pair.score,
            target,
            source: pair.source,
            again: false,
            narrower: pair.narrower,
            strange: pair.strange,
            required,
        };
        waiting.extend(pairs.iter().map(offer));
    }
    let mut choice = Choice::of(targets, origins, candidates.len());
    // Each pair comes up twice at most.
    while let Some(offer) = waiting.pop() {
        match choice.judge(&offer) {
            Verdict::Never => {}
            Verdict::ForLess => waiting.push(Offer {
                score: offer.score * AGAIN,
                again: true,
                ..offer
            }),
            Verdict::Later => choice.late(offer),
            Verdict::Now => {
                choice.take(&offer);
                let mut pairs = candidates[offer.target].iter_mut();
                if let Some(pair) = pairs.find(|pair| pair.source == offer.source) {
                    pair.score = offer.score;
                }
            }
        }
    }
    choice.finish()
}

/// What becomes of an offer.
enum Verdict {
    Never,
    /// The source field is used: for less, once its turn comes again.
    ForLess,
    /// When it is known what is filled.
    Later,
    Now,
}

/// What is chosen so far.
struct Choice<'f> {
    targets: &'f Fields,
    origins: &'f [Origin],
    chosen: Vec<Option<usize>>,
    used: BTreeSet<(usize, bool)>,
    /// Objects that are there: they must be, or something in them is filled.
    filled: BTreeSet<Path>,
    late: Vec<Offer>,
    /// The best late offer of a target: nothing clearly worse takes its place.
    best_late: BTreeMap<usize, f64>,
    /// Targets that are surely filled: from a field of their own, or clearly from another's.
    sure: BTreeSet<usize>,
}

impl<'f> Choice<'f> {
    fn of(targets: &'f Fields, origins: &'f [Origin], count: usize) -> Self {
        let containers = targets.lists.iter().chain(&targets.objects);
        let needed = containers.filter(|(_, required)| **required);
        let mut filled: BTreeSet<Path> = needed
            .map(|(path, _)| Path::from(path.without_each().to_vec()))
            .collect();
        filled.insert(Path::root());
        Self {
            targets,
            origins,
            chosen: vec![None; count],
            used: BTreeSet::new(),
            filled,
            late: Vec::new(),
            best_late: BTreeMap::new(),
            sure: BTreeSet::new(),
        }
    }

    fn judge(&self, offer: &Offer) -> Verdict {
        let origin = &self.origins[offer.source];
        let least = match (offer.required, offer.strange && !self.is_there(offer)) {
            (true, _) => LIKELY_REQUIRED,
            (_, true) => LIKELY_STRANGE,
            _ => LIKELY,
        };
        let better = self
            .best_late
            .get(&offer.target)
            .is_some_and(|late| late * CLEARLY >= offer.score);
        let whole = part_of(origin).is_some_and(|whole| self.used.contains(&(whole, false)));
        if self.chosen[offer.target].is_some() || offer.score < least || better || whole {
            return Verdict::Never;
        }
        if !offer.again && self.used.contains(&uses(origin, offer.source)) {
            return match offer.narrower {
                true => Verdict::Never,
                false => Verdict::ForLess,
            };
        }
        match offer.again && !offer.required && !self.is_there(offer) {
            true => Verdict::Later,
            false => Verdict::Now,
        }
    }

    fn take(&mut self, offer: &Offer) {
        self.chosen[offer.target] = Some(offer.source);
        self.note(offer);
        self.filled
            .insert(parent(&self.targets.leaves[offer.target].path));
        self.used
            .insert(uses(&self.origins[offer.source], offer.source));
    }

    fn late(&mut self, offer: Offer) {
        let best = self.best_late.entry(offer.target).or_insert(0.0);
        *best = best.max(offer.score);
        self.late.push(offer);
    }

    /// Whether what the target is in, or what that is in short of the whole payload, is filled.
    fn is_there(&self, offer: &Offer) -> bool {
        let around = parent(&self.targets.leaves[offer.target].path);
        let outer = parent(&around);
        self.filled.contains(&around) || outer != Path::root() && self.filled.contains(&outer)
    }

    fn finish(mut self) -> Vec<Option<usize>> {
        for offer in std::mem::take(&mut self.late) {
            let there = self.is_there(&offer) || offer.score >= SURE_AGAIN;
            if self.chosen[offer.target].is_none() && there {
                self.chosen[offer.target] = Some(offer.source);
                self.note(&offer);
            }
        }
        self.drop_echoes();
        self.chosen
    }

    fn note(&mut self, offer: &Offer) {
        if !offer.again || offer.score >= SURE_AGAIN {
            self.sure.insert(offer.target);
        }
    }

    /// Takes back what fills an optional part of the payload from nothing but fields that went elsewhere: it would tell
    /// the same once more, in a place that nobody spoke of.
    fn drop_echoes(&mut self) {
        let mut parts: BTreeMap<Path, Vec<usize>> = BTreeMap::new();
        for (target, leaf) in self.targets.leaves.iter().enumerate() {
            if self.chosen[target].is_some() && parent(&leaf.path) != Path::root() {
                parts.entry(leaf.path.first(1)).or_default().push(target);
            }
        }
        for (part, targets) in parts {
            let needed = |containers: &BTreeMap<Path, bool>, path: &Path| {
                containers.get(path) == Some(&true)
            };
            let needed =
                needed(&self.targets.objects, &part) || needed(&self.targets.lists, &part.each());
            if !needed && !targets.iter().any(|target| self.sure.contains(target)) {
                targets
                    .into_iter()
                    .for_each(|target| self.chosen[target] = None);
            }
        }
    }
}

/// A pair that waits for its turn.
#[derive(Clone, Copy, PartialEq)]
struct Offer {
    score: f64,
    target: usize,
    source: usize,
    /// Whether the source field goes elsewhere already.
    again: bool,
    /// Whether the payload is refused without it.
    required: bool,
    /// Whether the target is narrower than the source: once it went where it belongs, it is not told as less again.
    narrower: bool,
    /// Whether the target is in something that the source does not speak of.
    strange: bool,
}

impl Offer {
    /// A field without which the payload is refused chooses before one that is only welcome.
    fn weight(&self) -> f64 {
        if self.required {
            self.score + NEEDED
        } else {
            self.score
        }
    }
}

impl Eq for Offer {}

impl Ord for Offer {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let by_score = self.weight().total_cmp(&other.weight());
        by_score.then_with(|| (other.target, other.source).cmp(&(self.target, self.source)))
    }
}

impl PartialOrd for Offer {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The full name that a part is of: once it is told as a whole, nobody asks for its words.
fn part_of(origin: &Origin) -> Option<usize> {
    match origin {
        Origin::FirstWord(whole) | Origin::OtherWords(whole) => Some(*whole),
        _ => None,
    }
}

/// What a pair uses up: a field of the source, or one that is made. A full name and its parts may both be wanted.
fn uses(origin: &Origin, source: usize) -> (usize, bool) {
    (source, *origin != Origin::Plain)
}
