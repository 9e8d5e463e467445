//! What has to be done with a source field so that a target field takes it.

use serde_json::Value;

use super::assign::outer_list;
use super::conversion::{Conversion, Currency, TimeForm};
use super::enums::listed;
use super::flatten::{Fields, Leaf};
use super::forms::Form;
use super::path::Path;
use super::score::Scores;
use super::shapes::{is_comma_number, time_form};
use super::virtuals::Origin;
use super::words::words;

/// Words of what is an amount of money.
const MONEY: &[&str] = &[
    "amount", "price", "total", "subtotal", "tax", "discount", "fee", "balance", "cost", "payment",
    "refund", "deposit", "value", "paid",
];

/// A pair of fields to convert between.
pub(super) struct Way<'f> {
    pub targets: &'f Fields,
    pub sources: &'f Fields,
    pub origins: &'f [Origin],
    pub scores: &'f Scores<'f>,
}

impl Way<'_> {
    /// The source fields that fill `target`, and what is done with them.
    pub fn of(&self, target: usize, source: usize) -> (Vec<Path>, Vec<Conversion>) {
        let path = |index: &usize| self.sources.leaves[*index].path.clone();
        match &self.origins[source] {
            Origin::Joined(parts) => {
                let join = Conversion::Join {
                    separator: " ".to_owned(),
                };
                (
                    parts.iter().map(path).collect(),
                    self.wrapped(target, None, vec![join]),
                )
            }
            Origin::Sum(parts) => (parts.iter().map(path).collect(), vec![Conversion::Sum]),
            Origin::FirstWord(whole) => (
                vec![path(whole)],
                self.wrapped(target, Some(*whole), vec![Conversion::FirstName]),
            ),
            Origin::OtherWords(whole) => (
                vec![path(whole)],
                self.wrapped(target, Some(*whole), vec![Conversion::LastName]),
            ),
            Origin::Count(list) => (vec![list.each()], vec![Conversion::Count]),
            Origin::Plain => (vec![path(&source)], self.plain(target, source)),
        }
    }

    fn wrapped(
        &self,
        target: usize,
        source: Option<usize>,
        mut conversions: Vec<Conversion>,
    ) -> Vec<Conversion> {
        let in_list =
            source.is_some_and(|source| outer_list(&self.sources.leaves[source]).is_some());
        if in_list
            && outer_list(&self.targets.leaves[target]).is_none()
            && !self.targets.leaves[target].kind.listed
        {
            conversions.insert(0, Conversion::First);
        }
        if self.targets.leaves[target].kind.listed {
            conversions.push(Conversion::Wrap);
        }
        conversions
    }

    fn plain(&self, target: usize, source: usize) -> Vec<Conversion> {
        let (wanted, given) = (&self.targets.leaves[target], &self.sources.leaves[source]);
        let mut conversions = Vec::new();
        let many = given.kind.listed || outer_list(given).is_some() && outer_list(wanted).is_none();
        let joined = given.kind.listed
            && !wanted.kind.listed
            && wanted.kind.types.text
            && wanted.allowed.is_empty();
        if many && !wanted.kind.listed && !joined {
            conversions.push(Conversion::First);
        }
        conversions.extend(self.value(target, source));
        if joined {
            conversions.push(Conversion::Join {
                separator: between(given).to_owned(),
            });
        }
        if wanted.kind.listed && !many {
            conversions.push(match separator(given) {
                Some(separator) => Conversion::Split { separator },
                None => Conversion::Wrap,
            });
        }
        conversions
    }

    /// What is done with one value.
    fn value(&self, target: usize, source: usize) -> Vec<Conversion> {
        let (wanted, given) = (&self.targets.leaves[target], &self.sources.leaves[source]);
        let (want, give) = (wanted.kind.types, given.kind.types);
        let (form, from) = (
            self.scores.form_of_target(target),
            self.scores.form_of_source(source),
        );
        if let Form::Time(to) = form {
            return time(from, to, wanted, given);
        }
        if !wanted.allowed.is_empty() && want.text {
            return listed(wanted, given);
        }
        if *form == Form::Phone {
            return self.phone(source);
        }
        if want.boolean && !want.text && !give.boolean {
            return vec![Conversion::Boolean];
        }
        let numeric = want.numeric() && !want.text;
        let mut conversions = Vec::new();
        if numeric && give.text && !give.numeric() {
            let comma = given.texts().any(is_comma_number);
            conversions.push(if comma {
                Conversion::CommaNumber
            } else {
                Conversion::Number
            });
        }
        // An amount that is written as text is written with its fraction.
        let written =
            want.text && !want.numeric() && give.integer && self.is_minor_by_place(source);
        if written && is_money(wanted) && is_money(given) {
            return vec![Conversion::WrittenAmount {
                currency: self.currency(source),
            }];
        }
        if numeric && is_money(wanted) && is_money(given) {
            match (
                is_minor(wanted),
                is_minor(given) || want.number && self.is_minor_by_place(source),
            ) {
                (true, false) if is_decimal(given) => {
                    conversions.push(Conversion::MinorUnits {
                        currency: self.currency(source),
                    });
                    return conversions;
                }
                (false, true) => {
                    conversions.push(Conversion::MajorUnits {
                        currency: self.currency(source),
                    });
                    return conversions;
                }
                _ => {}
            }
        }
        let fraction = give.number
            || given
                .values()
                .iter()
                .any(|value| value.as_str().is_some_and(|text| text.contains('.')));
        if numeric && !want.number && fraction {
            conversions.push(Conversion::Whole);
        }
        if want.text
            && !want.numeric()
            && !want.boolean
            && !give.text
            && (give.numeric() || give.boolean)
        {
            conversions.push(Conversion::Text);
        }
        conversions
    }

    /// Whether whole amounts that have their currency beside them are counted in its smallest unit, as payment systems
    /// do: none of them has a fraction.
    fn is_minor_by_place(&self, source: usize) -> bool {
        let given = &self.sources.leaves[source];
        let types = given.kind.types;
        let values = || {
            given
                .seen
                .iter()
                .filter_map(Value::as_f64)
                .filter(|value| *value != 0.0)
        };
        let beside = |path: &Path| {
            let count = given.path.steps().len();
            path.steps().len() == count && path.first(count - 1) == given.path.first(count - 1)
        };
        let has_currency = matches!(self.currency(source), Currency::Field(path) if beside(&path));
        types.integer
            && !types.number
            && !types.text
            && has_currency
            && values().all(|value| value.abs() >= 100.0)
    }

    /// The field that says the currency of an amount: the nearest one.
    fn currency(&self, amount: usize) -> Currency {
        let nearest = self.nearest(amount, |index, _| {
            *self.scores.form_of_source(index) == Form::Currency
        });
        nearest.map_or(Currency::Unknown, |leaf| Currency::Field(leaf.path.clone()))
    }

    /// A national number, where a field beside it says of which country.
    fn phone(&self, source: usize) -> Vec<Conversion> {
        let given = &self.sources.leaves[source];
        if given.texts().all(|text| text.starts_with('+')) {
            return Vec::new();
        }
        let near = self.nearest(source, |index, leaf| {
            let named = *self.scores.form_of_source(index) == Form::Country;
            named && leaf.texts().next().is_some() && leaf.texts().all(|text| text.len() == 2)
        });
        match near {
            Some(leaf) => vec![Conversion::Phone {
                country: Some(leaf.path.clone()),
            }],
            None => Vec::new(),
        }
    }

    /// The field nearest to `source`, of those in its reach that are `wanted`.
    fn nearest(&self, source: usize, wanted: impl Fn(usize, &Leaf) -> bool) -> Option<&Leaf> {
        let at = &self.sources.leaves[source].path;
        let common = |path: &Path| {
            path.steps()
                .iter()
                .zip(at.steps())
                .take_while(|(a, b)| a == b)
                .count()
        };
        let reachable = |path: &Path| path.list().is_none_or(|list| at.below(&list).is_some());
        let leaves = self.sources.leaves.iter().zip(self.origins).enumerate();
        let found = leaves.filter(|(index, (leaf, origin))| {
            **origin == Origin::Plain && reachable(&leaf.path) && wanted(*index, leaf)
        });
        let nearest = found.max_by_key(|(index, (leaf, _))| {
            (
                common(&leaf.path),
                std::cmp::Reverse(leaf.path.steps().len()),
                std::cmp::Reverse(*index),
            )
        });
        nearest.map(|(_, (leaf, _))| leaf)
    }
}

/// What is put between the elements of a list that becomes one text: codes need no space.
fn between(given: &Leaf) -> &'static str {
    let spaced = given.texts().any(|text| text.contains(' '));
    if spaced || given.texts().next().is_none() {
        ", "
    } else {
        ","
    }
}

/// What stands between the parts of a text that is a list.
fn separator(given: &Leaf) -> Option<String> {
    let has = |separator: &str| given.texts().any(|text| text.contains(separator));
    [", ", ",", ";", "|"]
        .into_iter()
        .find(|separator| has(separator))
        .map(str::to_owned)
}

fn time(from: &Form, to: &TimeForm, wanted: &Leaf, given: &Leaf) -> Vec<Conversion> {
    let Form::Time(from) = from else {
        // Text that nobody has seen: as it comes.
        return Vec::new();
    };
    let from = time_form(given.values()).unwrap_or_else(|| from.clone());
    let millis = words(wanted.path.name())
        .iter()
        .any(|word| word == "millis" || word == "ms");
    let to = if millis && *to == TimeForm::Seconds {
        TimeForm::Millis
    } else {
        to.clone()
    };
    if from == to {
        Vec::new()
    } else {
        vec![Conversion::Time { from, to }]
    }
}

fn is_money(leaf: &Leaf) -> bool {
    says_money(&words(leaf.path.name()))
}

/// Whether a name's words are of an amount of money.
pub(super) fn says_money(words: &[String]) -> bool {
    words.iter().any(|word| MONEY.contains(&word.as_str()))
}

fn says_minor(leaf: &Leaf) -> bool {
    let told = words(leaf.path.name())
        .into_iter()
        .chain(words(&leaf.description));
    told.into_iter()
        .any(|word| word == "minor" || word == "smallest")
}

/// Whether an amount is counted in the currency's smallest unit.
fn is_minor(leaf: &Leaf) -> bool {
    let types = leaf.kind.types;
    says_minor(leaf) || types.integer && !types.number && leaf.seen.is_empty()
}

/// Whether an amount is, or may be, one with a fraction.
fn is_decimal(leaf: &Leaf) -> bool {
    let types = leaf.kind.types;
    !says_minor(leaf) && (types.number || types.text)
}
