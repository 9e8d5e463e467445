//! Values of one list in those of another.

use serde_json::Value;

use super::conversion::Conversion;
use super::flatten::Leaf;
use super::score::means;
use super::words::{alike, words};

/// From here on two values' words mean the same.
const NEAR_ENOUGH: f64 = 0.58;

/// How a value of one list becomes one of another.
pub(super) fn listed(wanted: &Leaf, given: &Leaf) -> Vec<Conversion> {
    let values: Vec<&Value> = given
        .values()
        .iter()
        .filter(|value| value.is_string() || value.is_boolean() || value.is_number())
        .collect();
    let texts = || values.iter().filter_map(|value| value.as_str());
    if values.is_empty() || values.iter().all(|value| wanted.allowed.contains(value)) {
        return Vec::new();
    }
    let allows = |text: &str| {
        wanted
            .allowed
            .iter()
            .any(|allowed| allowed.as_str() == Some(text))
    };
    if texts().count() == values.len() {
        if texts().all(|text| allows(&text.to_lowercase())) {
            return vec![Conversion::Lower];
        }
        if texts().all(|text| allows(&text.to_uppercase())) {
            return vec![Conversion::Upper];
        }
    }
    let pair = |value: &&Value| {
        meant(&wanted.allowed, value).map(|meant| ((*value).clone(), meant.clone()))
    };
    vec![Conversion::Enum {
        pairs: values.iter().filter_map(pair).collect(),
    }]
}

/// The allowed value that `value` is, or means.
pub(super) fn meant<'v>(allowed: &'v [Value], value: &Value) -> Option<&'v Value> {
    let same = allowed.iter().find(|allowed| means(allowed, value));
    same.or_else(|| nearest(allowed, value))
        .or_else(|| initial(allowed, value))
}

/// Of a list of single letters, the one that the value, in English, begins with: `F` for `Mujer`.
fn initial<'v>(allowed: &'v [Value], value: &Value) -> Option<&'v Value> {
    let word = words(value.as_str()?).into_iter().next()?;
    let letter = word.chars().next()?;
    let is = |allowed: &&Value| {
        allowed.as_str().is_some_and(|text| {
            text.chars().count() == 1 && text.to_lowercase().starts_with(letter)
        })
    };
    let known = word.len() > 1;
    allowed.iter().find(is).filter(|_| known)
}

/// The allowed value whose words are most like the value's.
fn nearest<'v>(allowed: &'v [Value], value: &Value) -> Option<&'v Value> {
    let text = value.as_str()?;
    let said = words(text);
    let near = |allowed: &Value| -> f64 {
        let Some(other) = allowed.as_str() else {
            return 0.0;
        };
        let other = words(other);
        let met: f64 = said
            .iter()
            .map(|word| {
                other
                    .iter()
                    .map(|with| alike(word, with))
                    .fold(0.0, f64::max)
            })
            .sum();
        2.0 * met / (said.len() + other.len()).max(1) as f64
    };
    let best = allowed
        .iter()
        .map(|allowed| (near(allowed), allowed))
        .max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(near, _)| *near >= NEAR_ENOUGH)
        .map(|(_, allowed)| allowed)
}
