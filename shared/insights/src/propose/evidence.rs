//! What speaks for a pair of fields and against it, as numbers.

use super::convert::says_money;
use super::fit::Fit;
use super::names::Likeness;
use super::score::{Scores, alike_forms};
use super::vocabulary::NARROWING;

/// What is looked at of a pair.
#[derive(Clone, Copy, Debug)]
pub(super) enum Sign {
    Likeness,
    SameName,
    OwnTarget,
    OwnSource,
    AroundTarget,
    AroundSource,
    Head,
    Strange,
    Agreement,
    Description,
    FormAgrees,
    FormClash,
    TypeSame,
    TypeClash,
    PatternClash,
    ListClash,
    Others,
    OwnId,
    Object,
    Pieces,
    FromId,
    Api,
    TwiceId,
    Narrower,
    Wider,
    Made,
    Place,
    Listed,
    Required,
    Enumerated,
    TakesId,
    TooLong,
    CodeForProse,
    ProseForCode,
    Money,
    MoneyClash,
    Optional,
    Top,
    Bias,
    Coherent,
    Column,
    ColumnBest,
    RowMargin,
    Mutual,
    Siblings,
}

/// What each is called, and what it says, in the same order: log-odds a unit, as `make fit-insights` prints them, fitted
/// on all pairs of `tests/insights/pairs`.
const SIGNS: [(&str, f64); COUNT] = [
    ("likeness", 0.906),
    ("same_name", -0.327),
    ("own_target", 1.291),
    ("own_source", 0.146),
    ("around_target", 1.256),
    ("around_source", 0.426),
    ("head", 0.705),
    ("strange", -0.232),
    ("agreement", 5.006),
    ("description", 1.838),
    ("form_agrees", 0.563),
    ("form_clash", -1.861),
    ("type_same", 0.779),
    ("type_clash", 2.711),
    ("pattern_clash", 0.969),
    ("list_clash", -0.198),
    ("others", -0.635),
    ("own_id", -5.469),
    ("object", -1.942),
    ("pieces", -0.349),
    ("from_id", -1.042),
    ("api", -3.005),
    ("twice_id", -3.229),
    ("narrower", -0.976),
    ("wider", -0.425),
    ("made", 3.428),
    ("place", 0.123),
    ("listed", 0.523),
    ("required", 0.790),
    ("enumerated", -2.720),
    ("takes_id", -0.289),
    ("too_long", -1.436),
    ("code_for_prose", -0.019),
    ("prose_for_code", -1.099),
    ("money", -0.266),
    ("money_clash", -0.082),
    ("optional", -0.443),
    ("top", 0.246),
    ("bias", -5.746),
    ("coherent", 0.703),
    ("column", 3.647),
    ("column_best", -0.161),
    ("row_margin", -0.001),
    ("mutual", 2.167),
    ("siblings", 0.345),
];

/// How many there are.
pub const COUNT: usize = 45;

/// The numbers of one pair.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Evidence(pub [f64; COUNT]);

impl Evidence {
    pub(super) fn none() -> Self {
        Self([0.0; COUNT])
    }

    pub(super) fn set(&mut self, sign: Sign, value: f64) {
        self.0[sign as usize] = value;
    }

    pub(super) fn flag(&mut self, sign: Sign, is: bool) {
        self.set(sign, f64::from(u8::from(is)));
    }

    /// What the names say.
    pub(super) fn named(&mut self, likeness: &Likeness) {
        self.flag(Sign::SameName, likeness.same_name);
        self.set(Sign::Likeness, likeness.score);
        self.set(Sign::OwnTarget, likeness.own[0]);
        self.set(Sign::OwnSource, likeness.own[1]);
        self.set(Sign::AroundTarget, likeness.around[0]);
        self.set(Sign::AroundSource, likeness.around[1]);
        self.set(Sign::Head, likeness.head);
        self.set(Sign::Strange, likeness.strange as f64);
    }

    /// How what one has is not what the other takes.
    pub(super) fn fits(&mut self, fit: &Fit) {
        self.set(Sign::FormClash, fit.forms.ln());
        self.set(Sign::TypeClash, fit.types.ln());
        self.set(Sign::PatternClash, fit.pattern.ln());
        self.set(Sign::ListClash, fit.list.ln());
        for (sign, is) in ROLES.into_iter().zip(fit.roles) {
            self.flag(sign, is);
        }
    }
}

/// What says whose a field is, and what it is for, in the order of [`Fit::roles`].
const ROLES: [Sign; 7] = [
    Sign::Others,
    Sign::OwnId,
    Sign::Object,
    Sign::Pieces,
    Sign::FromId,
    Sign::Api,
    Sign::TwiceId,
];

/// What people read.
const PROSE: &[&str] = &[
    "name",
    "title",
    "description",
    "subject",
    "summary",
    "note",
    "message",
    "text",
    "label",
];

/// What programs read.
const CODES: &[&str] = &["code", "id", "key", "reference", "number", "sku", "handle"];

/// Whether the last of `words` is one of `among`: the last one says what a field is, the others which.
fn ends(words: &[String], among: &[&str]) -> bool {
    let last = words.last();
    last.is_some_and(|last| among.contains(&last.as_str()))
}

/// Whether a name says what narrows it down, and the other end does not: a tax amount is no amount.
fn narrows(own: &[String], other: &[String]) -> bool {
    own.iter()
        .any(|word| NARROWING.contains(&word.as_str()) && !other.contains(word))
}

impl Scores<'_> {
    /// What types, values and roles say, beyond how far they fit.
    pub(super) fn flags(&self, target: usize, source: usize, evidence: &mut Evidence) {
        let (wanted, given) = (&self.targets[target], &self.sources[source]);
        let (own, from) = (&self.own[0][target], &self.own[1][source]);
        let (to, form) = (self.form_of_target(target), self.form_of_source(source));
        let texts = || given.texts();
        let any = texts().next().is_some();
        let prose = any && texts().all(|text| text.trim().contains(' '));
        let is_code = |text: &str| {
            !text.contains(' ') && text.contains(|char: char| char.is_ascii_digit() || char == '_')
        };
        let code = any && texts().all(is_code);
        let longest = texts().map(|text| text.chars().count() as u64).max();
        let (want, give) = (wanted.kind.types, given.kind.types);
        let number = want.numeric() && !want.text;
        let truth = want.boolean && !want.text;
        let money = [says_money(own), says_money(from)];
        for (sign, is) in [
            (
                Sign::FormAgrees,
                alike_forms(to, form) && to.told().is_some(),
            ),
            (
                Sign::TypeSame,
                number && give.numeric() || truth && give.boolean,
            ),
            (Sign::Narrower, narrows(own, &self.said[1][source])),
            (Sign::Wider, narrows(from, &self.said[0][target])),
            (Sign::Required, wanted.required),
            (Sign::Enumerated, !wanted.allowed.is_empty()),
            (Sign::TakesId, ends(own, &["id"])),
            (
                Sign::TooLong,
                wanted.max_length.is_some_and(|most| longest > Some(most)),
            ),
            (Sign::CodeForProse, ends(own, PROSE) && code),
            (Sign::ProseForCode, ends(own, CODES) && prose),
            (Sign::Money, number && money[0] && money[1]),
            (Sign::MoneyClash, number && money[0] != money[1]),
            (Sign::Bias, true),
        ] {
            evidence.flag(sign, is);
        }
    }
}

/// What each sign of a pair says.
#[derive(Clone, Debug, PartialEq)]
pub struct Weights(pub [f64; COUNT]);

impl Default for Weights {
    fn default() -> Self {
        Self(SIGNS.map(|(_, weight)| weight))
    }
}

impl Weights {
    /// What the signs are called, in order.
    pub fn names() -> [&'static str; COUNT] {
        SIGNS.map(|(name, _)| name)
    }

    /// How likely each of `pairs` is the one that fills their target, where none of them may be, too.
    pub fn likely(&self, pairs: &[Evidence]) -> Vec<f64> {
        let said = |evidence: &Evidence| -> f64 {
            let said = self.0.iter().zip(evidence.0);
            said.map(|(weight, value)| weight * value).sum()
        };
        let said: Vec<f64> = pairs.iter().map(said).collect();
        // None of them says nothing: 0. What is largest is taken off, lest a power be too large.
        let most = said.iter().copied().fold(0.0, f64::max);
        let powers = said.iter().map(|said| (said - most).exp());
        let all = powers.clone().sum::<f64>() + (-most).exp();
        powers.map(|power| power / all).collect()
    }
}
