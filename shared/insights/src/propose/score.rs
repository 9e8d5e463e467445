//! How likely a source field is what a target field takes: names, types, values and descriptions, as one number.

use std::collections::{BTreeMap, BTreeSet};

use regex_lite::Regex;
use serde_json::Value;

use super::Target;
use super::evidence::{Evidence, Sign};
use super::flatten::{Fields, Leaf};
use super::forms::{Form, forms};
use super::names::Names;
use super::proposal::Reason;
use super::words::{alike, words};

/// What values that agree entirely make up for names that do not.
const VALUES: f64 = 0.65;

/// The same for descriptions.
const DESCRIPTIONS: f64 = 0.25;

/// Values of a field that are compared by their spelling: more are no list of a few words.
const MAX_SPELLED: usize = 25;

/// From here on names are alike enough that it is worth comparing the spelling of values.
const CLOSE: f64 = 0.15;

/// Below this, neither names nor values say anything.
const UNLIKE: f64 = 0.1;

/// What is left of a score for each level of the target's parents that the source does not speak of.
const STRANGE: f64 = 0.85;

/// Values of one field that are held against those of another.
const MAX_COMPARED: usize = 100;

/// Words of an operation's name that say what is done, not to what.
const VERBS: &[&str] = &[
    "created", "updated", "add", "post", "put", "get", "send", "upsert", "deleted", "push",
    "trigger", "or", "to",
];

/// What an operation's payload is of.
fn about(operation: &str) -> Vec<String> {
    words(operation)
        .into_iter()
        .filter(|word| !VERBS.contains(&word.as_str()))
        .collect()
}

fn own(leaves: &[Leaf]) -> Vec<Vec<String>> {
    leaves.iter().map(|leaf| words(leaf.path.name())).collect()
}

fn said(leaves: &[Leaf]) -> Vec<Vec<String>> {
    leaves
        .iter()
        .map(|leaf| leaf.path.keys().flat_map(words).collect())
        .collect()
}

/// A side of a comparison, with what is worked out once a field.
pub(super) struct Side {
    pub(super) forms: Vec<Form>,
    /// The texts of each field's values, in small letters and digits only.
    values: Vec<BTreeSet<String>>,
    descriptions: Vec<Vec<String>>,
}

impl Side {
    fn of(leaves: &[Leaf]) -> Self {
        let texts = |leaf: &Leaf| -> BTreeSet<String> {
            leaf.texts()
                .take(MAX_COMPARED)
                .map(normal)
                .filter(|text| !text.is_empty())
                .collect()
        };
        Self {
            forms: forms(leaves),
            values: leaves.iter().map(texts).collect(),
            descriptions: leaves.iter().map(|leaf| words(&leaf.description)).collect(),
        }
    }
}

/// A value as it is compared: `Not-Hispanic` is `nothispanic`.
pub(super) fn normal(text: &str) -> String {
    text.chars()
        .filter(|char| char.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect()
}

/// One pair of fields, judged.
#[derive(Clone, Debug)]
pub(super) struct Score {
    /// 0 to 1.
    pub score: f64,
    pub reasons: Vec<Reason>,
    pub evidence: Evidence,
}

/// All pairs of fields of two sides.
pub(super) struct Scores<'f> {
    pub(super) targets: &'f [Leaf],
    pub(super) sources: &'f [Leaf],
    names: Names,
    pub(super) target: Side,
    pub(super) source: Side,
    /// In how many target fields a value is allowed: `yes` says nothing.
    common: BTreeMap<String, usize>,
    pub(super) patterns: Vec<Option<Regex>>,
    pub(super) provider: String,
    /// The words of each field's own name, of targets and of sources.
    pub(super) own: [Vec<Vec<String>>; 2],
    /// All words of each field's path, of targets and of sources.
    pub(super) said: [Vec<Vec<String>>; 2],
}

impl<'f> Scores<'f> {
    pub fn of(targets: &'f Fields, sources: &'f Fields, wanted: &Target) -> Self {
        let target = Side::of(&targets.leaves);
        let mut common: BTreeMap<String, usize> = BTreeMap::new();
        for value in target.values.iter().flatten() {
            *common.entry(value.clone()).or_default() += 1;
        }
        let pattern = |leaf: &Leaf| {
            leaf.pattern
                .as_deref()
                .and_then(|pattern| Regex::new(pattern).ok())
        };
        Self {
            patterns: targets.leaves.iter().map(pattern).collect(),
            targets: &targets.leaves,
            sources: &sources.leaves,
            names: Names::of(&targets.leaves, &sources.leaves, &about(&wanted.operation)),
            provider: normal(&wanted.provider),
            own: [own(&targets.leaves), own(&sources.leaves)],
            said: [said(&targets.leaves), said(&sources.leaves)],
            source: Side::of(&sources.leaves),
            target,
            common,
        }
    }

    pub fn form_of_target(&self, target: usize) -> &Form {
        &self.target.forms[target]
    }

    pub fn form_of_source(&self, source: usize) -> &Form {
        &self.source.forms[source]
    }

    /// How likely source field `source` is what target field `target` takes.
    pub fn score(&self, target: usize, source: usize) -> Score {
        let likeness = self.names.likeness(target, source);
        let agreed = self.agreement(target, source, likeness.score >= CLOSE);
        let nothing = Score {
            score: 0.0,
            reasons: Vec::new(),
            evidence: Evidence::none(),
        };
        let (wanted, given) = (&self.target.forms[target], &self.source.forms[source]);
        let form_agrees = alike_forms(wanted, given) && wanted.told().is_some();
        if likeness.score < UNLIKE && agreed < UNLIKE && !form_agrees {
            return nothing;
        }
        let parts = self.fit(target, source);
        let fit = parts.share() * STRANGE.powi(i32::try_from(likeness.strange).unwrap_or(i32::MAX));
        if fit == 0.0 {
            return nothing;
        }
        let mut reasons = Vec::new();
        match likeness.same_name {
            true => reasons.push(Reason::SameName),
            false if !likeness.words.is_empty() => {
                let told = likeness
                    .words
                    .iter()
                    .map(|word| self.names.word(*word).to_owned());
                reasons.push(Reason::Words(told.collect()));
            }
            false => {}
        }
        if likeness.parents {
            reasons.push(Reason::Parent);
        }
        let mut doubt = 1.0 - likeness.score;
        if agreed > 0.3 {
            reasons.push(Reason::Values);
        }
        doubt *= 1.0 - VALUES * agreed;
        let described = self.description(target, source);
        if described > 0.3 {
            reasons.push(Reason::Description);
        }
        doubt *= 1.0 - DESCRIPTIONS * described;
        let (wanted, given) = (&self.target.forms[target], &self.source.forms[source]);
        if let Some(told) = wanted.told().filter(|_| alike_forms(wanted, given)) {
            reasons.push(Reason::Format(told.to_owned()));
            doubt *= 0.85;
        }
        let mut evidence = Evidence::none();
        for (sign, value) in [(Sign::Agreement, agreed), (Sign::Description, described)] {
            evidence.set(sign, value);
        }
        evidence.named(&likeness);
        evidence.fits(&parts);
        self.flags(target, source, &mut evidence);
        Score {
            score: (1.0 - doubt) * fit,
            reasons,
            evidence,
        }
    }

    /// How far the values of both are the same, the rare ones above all.
    fn agreement(&self, target: usize, source: usize, close: bool) -> f64 {
        let (wanted, given) = (&self.target.values[target], &self.source.values[source]);
        if wanted.is_empty() || given.is_empty() {
            return 0.0;
        }
        let fields = self.targets.len() as f64;
        let says = |value: &String| {
            let count = self.common.get(value).copied().unwrap_or(1) as f64;
            ((1.0 + fields / count).ln() / (1.0 + fields).ln()).clamp(0.1, 1.0)
        };
        let met: f64 = given
            .iter()
            .filter(|value| wanted.contains(*value))
            .map(says)
            .sum();
        let mut met = met;
        if close && given.len() <= MAX_SPELLED && wanted.len() <= MAX_COMPARED {
            let others = given.iter().filter(|value| !wanted.contains(*value));
            met += others
                .map(|value| {
                    wanted
                        .iter()
                        .map(|other| spelled_alike(value, other))
                        .fold(0.0, f64::max)
                })
                .sum::<f64>();
        }
        // Against how many there are: as if each said all.
        met / given.len() as f64
    }

    fn description(&self, target: usize, source: usize) -> f64 {
        let (wanted, given) = (
            &self.target.descriptions[target],
            &self.source.descriptions[source],
        );
        let near = |told: &[String], name: &[String]| {
            let met = name
                .iter()
                .filter(|word| told.iter().any(|told| alike(told, word) >= 0.9))
                .count();
            if name.is_empty() {
                0.0
            } else {
                met as f64 / name.len() as f64
            }
        };
        let (target_name, source_name) = (&self.own[0][target], &self.own[1][source]);
        match (wanted.is_empty(), given.is_empty()) {
            (true, true) => 0.0,
            (false, false) => near(wanted, given),
            (true, false) => near(given, target_name),
            (false, true) => near(wanted, source_name),
        }
    }
}

/// How far two values are one, spelled otherwise: `pT2` and `T2`, `head` and `Head of pancreas`.
fn spelled_alike(a: &str, b: &str) -> f64 {
    let (shorter, longer) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if longer.get(1..) == Some(shorter) || shorter.len() >= 4 && longer.contains(shorter) {
        return 0.75;
    }
    let near = strsim::jaro_winkler(a, b);
    if shorter.len() >= 5 && near >= 0.92 {
        0.8
    } else {
        0.0
    }
}

/// Whether both are times, or both phones, and so on.
pub(super) fn alike_forms(a: &Form, b: &Form) -> bool {
    matches!((a, b), (Form::Time(_), Form::Time(_))) || a == b
}

/// Whether a value is one that the list allows, whatever its spelling.
pub(super) fn means(allowed: &Value, value: &Value) -> bool {
    match (allowed.as_str(), value.as_str()) {
        (Some(allowed), Some(value)) => normal(allowed) == normal(value),
        _ => allowed == value,
    }
}
