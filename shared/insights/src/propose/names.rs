//! How alike two fields are by what they, and what they are in, are called.

use std::collections::{BTreeMap, BTreeSet};

use super::flatten::Leaf;
use super::vocabulary::{COMMON, WRAPPERS};
use super::words::{Weights, alike, words};

/// What a word of a parent says beside one of the field itself, by how far out the parent is: `guest.email` is an email
/// before it is a guest's.
const PARENTS: [f64; 4] = [0.45, 0.25, 0.15, 0.1];

/// The same where the field's own name says nothing by itself (`id`, `value`): its parent names it.
const NAMING_PARENT: f64 = 0.8;

/// What a word says that the whole payload is of: an invoice's number is its invoice number.
const IMPLIED: f64 = 0.4;

/// What is left of a word around a source field that the target does not say: where a field is says less than what it
/// is.
const AROUND: f64 = 0.4;

/// What the own name of a field says at least.
const LEAST_NAME: f64 = 0.5;

/// Below this, words have nothing to do with one another.
const UNLIKE: f64 = 0.4;

/// Names that need their parents.
pub(super) const BARE: &[&str] = &[
    "id",
    "value",
    "code",
    "name",
    "number",
    "type",
    "amount",
    "key",
    "description",
    "text",
    "content",
];

/// One word of a bag.
#[derive(Clone, Copy)]
struct Entry {
    word: usize,
    weight: f64,
    /// How far out: 0 is the field itself.
    level: usize,
}

/// The words of one field, with what each says.
pub(super) struct Bag {
    entries: Vec<Entry>,
    /// Levels of parents that have words.
    levels: usize,
    total: f64,
    /// Of that, what the field's own name has.
    own: f64,
    /// The last word of the field's own name.
    head: Option<usize>,
    name: String,
    raw: String,
}

impl Bag {
    fn share_of(&self, met: f64, all: f64) -> f64 {
        if all > 1e-9 {
            (met / all).min(1.0)
        } else {
            1.0
        }
    }
}

/// The names of both sides.
pub(super) struct Names {
    vocabulary: [Vec<String>; 2],
    pub targets: Vec<Bag>,
    pub sources: Vec<Bag>,
    /// How alike target word and source word are, row by row.
    alike: Vec<f64>,
}

/// How alike two fields' names are, and the target's words that say so.
pub(super) struct Likeness {
    pub score: f64,
    pub words: Vec<usize>,
    pub same_name: bool,
    /// Whether a parent's word was met.
    pub parents: bool,
    /// Levels of the target's parents of which no word was met.
    pub strange: usize,
    /// How much of the own name of each end was met, target first.
    pub own: [f64; 2],
    /// How much of what is around each end was met, target first; all of it where nothing is around.
    pub around: [f64; 2],
    /// How alike the last words of both names are: what the field is, where the others say which.
    pub head: f64,
}

impl Names {
    /// Of all fields of both sides. `about` is what the payload is of: words that its fields may leave out.
    pub fn of(targets: &[Leaf], sources: &[Leaf], about: &[String]) -> Self {
        let split = |leaves: &[Leaf]| -> Vec<Vec<Vec<String>>> {
            let keys = |leaf: &Leaf| leaf.path.keys().rev().map(words).collect();
            leaves.iter().map(keys).collect()
        };
        let (target_words, source_words) = (split(targets), split(sources));
        let own =
            |keys: &'_ [Vec<String>]| -> Vec<String> { keys.first().cloned().unwrap_or_default() };
        let weights = |side: &[Vec<Vec<String>>]| {
            let names: Vec<Vec<String>> = side.iter().map(|keys| own(keys)).collect();
            Weights::of(names.iter().map(Vec::as_slice))
        };
        let both = [weights(&target_words), weights(&source_words)];
        let mut interned: [Interned; 2] = Default::default();
        let mut bags = |side: usize, fields: &[Vec<Vec<String>>], leaves: &[Leaf]| -> Vec<Bag> {
            let fields = fields.iter().zip(leaves);
            fields
                .map(|(keys, leaf)| bag(keys, leaf, &both, about, &mut interned[side]))
                .collect()
        };
        let target_bags = bags(0, &target_words, targets);
        let source_bags = bags(1, &source_words, sources);
        let vocabulary = interned.map(|interned| interned.words);
        let rows = vocabulary[0].iter();
        let table =
            rows.flat_map(|target| vocabulary[1].iter().map(|source| alike(target, source)));
        Self {
            alike: table.collect(),
            vocabulary,
            targets: target_bags,
            sources: source_bags,
        }
    }

    /// How alike target field and source field are.
    pub fn likeness(&self, target: usize, source: usize) -> Likeness {
        let (target, source) = (&self.targets[target], &self.sources[source]);
        let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
        for (t, a) in target.entries.iter().enumerate() {
            for (s, b) in source.entries.iter().enumerate() {
                let alike = self.alike[a.word * self.vocabulary[1].len() + b.word];
                if alike > UNLIKE {
                    pairs.push((alike, t, s));
                }
            }
        }
        // The surest first; where two are as sure, the one that says more.
        let said =
            |(_, t, s): &(f64, usize, usize)| target.entries[*t].weight + source.entries[*s].weight;
        pairs.sort_by(|a, b| {
            b.0.total_cmp(&a.0)
                .then(said(b).total_cmp(&said(a)))
                .then(a.1.cmp(&b.1))
        });
        let (mut taken, mut words) = ((0_u64, 0_u64), Vec::new());
        let (mut met, mut levels, mut around) = (0.0, 0_u64, 0.0);
        let mut own = [0.0; 2];
        let mut outer = [0.0; 2];
        for pair in &pairs {
            let (alike, t, s) = *pair;
            if taken.0 & (1 << t) != 0 || taken.1 & (1 << s) != 0 {
                continue;
            }
            taken = (taken.0 | 1 << t, taken.1 | 1 << s);
            // What is only akin counts by the word that says less: an `id` is no reference because both say little.
            met += match alike >= 0.9 {
                true => alike * said(pair),
                false => alike * 2.0 * target.entries[t].weight.min(source.entries[s].weight),
            };
            if source.entries[s].level > 0 {
                around += source.entries[s].weight;
            }
            for (side, entry) in [target.entries[t], source.entries[s]].iter().enumerate() {
                match entry.level {
                    0 => own[side] += alike * entry.weight,
                    _ => outer[side] += alike * entry.weight,
                }
            }
            words.push(target.entries[t].word);
            levels |= 1 << target.entries[t].level;
        }
        let total =
            target.total + source.own + around + AROUND * (source.total - source.own - around);
        let same_name = !target.name.is_empty() && target.name == source.name;
        Likeness {
            // Names without a word (`$`) are the same, or not.
            score: match total > 0.0 {
                true => met / total,
                false => f64::from(u8::from(target.raw == source.raw)),
            },
            words,
            same_name,
            parents: levels > 1,
            own: [
                target.share_of(own[0], target.own),
                source.share_of(own[1], source.own),
            ],
            around: [
                target.share_of(outer[0], target.total - target.own),
                source.share_of(outer[1], source.total - source.own),
            ],
            head: match (target.head, source.head) {
                (Some(a), Some(b)) => self.alike[a * self.vocabulary[1].len() + b],
                _ => 0.0,
            },
            strange: target
                .levels
                .saturating_sub((levels >> 1).count_ones() as usize),
        }
    }

    /// A word of a [`Likeness`].
    pub fn word(&self, index: usize) -> &str {
        self.vocabulary[0].get(index).map_or("", String::as_str)
    }
}

#[derive(Default)]
struct Interned {
    words: Vec<String>,
    index: BTreeMap<String, usize>,
}

impl Interned {
    fn intern(&mut self, word: &str) -> usize {
        if let Some(index) = self.index.get(word) {
            return *index;
        }
        self.words.push(word.to_owned());
        self.index.insert(word.to_owned(), self.words.len() - 1);
        self.words.len() - 1
    }
}

/// Most words of a bag: a bit each.
const MAX_BAG: usize = 60;

fn bag(
    keys: &[Vec<String>],
    leaf: &Leaf,
    weights: &[Weights; 2],
    about: &[String],
    interned: &mut Interned,
) -> Bag {
    let mut entries: Vec<Entry> = Vec::new();
    let says_nothing =
        |word: &String| BARE.contains(&word.as_str()) || COMMON.contains(&word.as_str());
    let bare = keys.first().is_some_and(|own| own.iter().all(says_nothing));
    let wraps = |key: &&Vec<String>| key.iter().all(|word| WRAPPERS.contains(&word.as_str()));
    let outer = keys.iter().skip(1).filter(|key| !wraps(key));
    // `tax_ids.value`: the value is the tax id.
    let keys: Vec<&Vec<String>> = keys.iter().take(1).chain(outer).collect();
    let transparent = keys.len() > 1 && keys[0].iter().all(|word| word == "value");
    for (level, key) in keys.iter().skip(usize::from(transparent)).enumerate() {
        let share = match level.checked_sub(1) {
            None => 1.0,
            Some(0) if bare => NAMING_PARENT,
            Some(outer) => PARENTS.get(outer).copied().unwrap_or(0.0),
        };
        if share == 0.0 {
            break;
        }
        for word in *key {
            // `CustomerRef`, `billing_details`: what wraps, at the end of a parent's name.
            if level > 0
                && key.len() > 1
                && (WRAPPERS.contains(&word.as_str()) || word == "reference")
            {
                continue;
            }
            let id = interned.intern(word);
            if entries.len() >= MAX_BAG || entries.iter().any(|entry| entry.word == id) {
                continue;
            }
            let weight = f64::midpoint(weights[0].weight(word), weights[1].weight(word));
            let implied = if about.contains(word) { IMPLIED } else { 1.0 };
            entries.push(Entry {
                word: id,
                weight: weight * share * implied,
                level,
            });
        }
    }
    raise(&mut entries);
    let last = keys
        .get(usize::from(transparent))
        .and_then(|own| own.last());
    let levels: BTreeSet<usize> = entries
        .iter()
        .map(|entry| entry.level)
        .filter(|level| *level > 0)
        .collect();
    Bag {
        raw: leaf.path.name().to_owned(),
        levels: levels.len(),
        head: last.map(|word| interned.intern(word)),
        own: entries
            .iter()
            .filter(|entry| entry.level == 0)
            .map(|entry| entry.weight)
            .sum(),
        total: entries.iter().map(|entry| entry.weight).sum(),
        entries,
        name: keys
            .get(usize::from(transparent))
            .map(|own| own.join(" "))
            .filter(|name| !name.is_empty())
            .unwrap_or_else(|| leaf.path.name().to_owned()),
    }
}

/// A name that says little is all that there is.
fn raise(entries: &mut [Entry]) {
    let own = entries.iter().filter(|entry| entry.level == 0);
    let most = own.map(|entry| entry.weight).fold(0.0, f64::max);
    if most > 0.0 && most < LEAST_NAME {
        let own = entries.iter_mut().filter(|entry| entry.level == 0);
        own.for_each(|entry| entry.weight *= LEAST_NAME / most);
    }
}
