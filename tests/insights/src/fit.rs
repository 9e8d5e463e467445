//! The matcher's weights: fitted on pairs, and held against pairs that they never saw.
//!
//! A target field is a choice between its candidates and nothing (a multinomial logit). What is told of weights is told of
//! *cross-validated* ones: each source vendor's pairs are proposed by weights that were fitted on the other vendors' alone.

use std::collections::{BTreeMap, BTreeSet};

use causeway_insights::propose::{COUNT, Evidence, Path, Weights, observe};
use serde::Serialize;

use crate::pair::Pair;
use crate::pairs::{self, Summary, ends, plain, rights};

/// Steps of the descent: afterwards nothing changes that matters.
const STEPS: usize = 200;

/// How far weights are held back, in units of a standard deviation of their sign: a dozen values between 1 and 20 come to
/// the same.
const HELD_BACK: f64 = 5.0;

/// A target field of a pair.
struct Choice {
    pairs: Vec<Evidence>,
    /// Which of them are right; none where nothing is.
    right: Vec<bool>,
}

/// What vendor a pair's source is of: `01-shopify-order-to-…`.
fn vendor(pair: &Pair) -> &str {
    pair.name.split('-').nth(1).unwrap_or_default()
}

/// The choices of a pair, without those whose right answer is not among the candidates: nothing can be learnt of them.
fn choices(pair: &Pair) -> Vec<Choice> {
    let Ok((source, target)) = ends(pair) else {
        return Vec::new();
    };
    let named = |from: &[Path]| -> BTreeSet<String> {
        from.iter().map(|path| plain(&path.to_string())).collect()
    };
    let choices = observe(&source, &target).into_iter().filter_map(|seen| {
        let path = plain(&seen.target.to_string());
        let golden = pair.file.fields.iter().find(|it| plain(&it.target) == path);
        let rights = golden.map(rights).unwrap_or_default();
        let right: Vec<bool> = seen
            .pairs
            .iter()
            .map(|(from, _)| rights.contains(&named(from)))
            .collect();
        let lost = golden.is_some() && !right.contains(&true);
        let pairs = seen
            .pairs
            .into_iter()
            .map(|(_, evidence)| evidence)
            .collect();
        (!right.is_empty() && !lost).then_some(Choice { pairs, right })
    });
    choices.collect()
}

/// The weights that make the right choices of `pairs` likeliest.
pub fn fit(pairs: &[Pair]) -> Weights {
    let all: Vec<Vec<Choice>> = pairs.iter().map(choices).collect();
    descend(&all.iter().flatten().collect::<Vec<_>>())
}

/// Mean and standard deviation of each sign.
fn spread(choices: &[&Choice]) -> [(f64, f64); COUNT] {
    let rows = || choices.iter().flat_map(|choice| &choice.pairs);
    let count = rows().count().max(1) as f64;
    std::array::from_fn(|sign| {
        let mean = rows().map(|row| row.0[sign]).sum::<f64>() / count;
        let square = rows().map(|row| (row.0[sign] - mean).powi(2)).sum::<f64>() / count;
        // The sign that is always there says what the others leave.
        if square < 1e-12 {
            (0.0, 1.0)
        } else {
            (mean, square.sqrt())
        }
    })
}

/// Descends by Adam (<https://arxiv.org/abs/1412.6980>): no step has to be chosen for each sign.
fn descend(choices: &[&Choice]) -> Weights {
    let spread = spread(choices);
    let scaled: Vec<Vec<Evidence>> = choices
        .iter()
        .map(|choice| {
            let scale = |row: &Evidence| {
                Evidence(std::array::from_fn(|sign| {
                    (row.0[sign] - spread[sign].0) / spread[sign].1
                }))
            };
            choice.pairs.iter().map(scale).collect()
        })
        .collect();
    let (mut weights, mut mean, mut square) = (Weights([0.0; COUNT]), [0.0; COUNT], [0.0; COUNT]);
    for step in 1..=STEPS {
        let slope = slope(choices, &scaled, &weights);
        let pace = match step * 10 / STEPS {
            0..6 => 0.1,
            6..9 => 0.03,
            _ => 0.005,
        };
        for sign in 0..COUNT {
            mean[sign] = 0.9 * mean[sign] + 0.1 * slope[sign];
            square[sign] = 0.99 * square[sign] + 0.01 * slope[sign].powi(2);
            let power = i32::try_from(step).unwrap_or(i32::MAX);
            let ahead = mean[sign] / (1.0 - 0.9_f64.powi(power));
            let wide = square[sign] / (1.0 - 0.99_f64.powi(power));
            weights.0[sign] -= pace * ahead / (wide.sqrt() + 1e-8);
        }
    }
    unscaled(&weights, &spread)
}

/// How the loss changes with each weight.
fn slope(choices: &[&Choice], scaled: &[Vec<Evidence>], weights: &Weights) -> [f64; COUNT] {
    let mut slope: [f64; COUNT] = std::array::from_fn(|sign| HELD_BACK * weights.0[sign]);
    slope[bias()] = 0.0;
    for (choice, rows) in choices.iter().zip(scaled) {
        let likely = weights.likely(rows);
        let right = likely
            .iter()
            .zip(&choice.right)
            .filter(|(_, right)| **right);
        let all: f64 = right.map(|(likely, _)| likely).sum();
        for ((row, likely), right) in rows.iter().zip(&likely).zip(&choice.right) {
            let wanted = if *right { likely / all.max(1e-12) } else { 0.0 };
            let off = likely - wanted;
            slope
                .iter_mut()
                .zip(row.0)
                .for_each(|(slope, value)| *slope += off * value);
        }
    }
    slope
}

/// The sign that is always there.
fn bias() -> usize {
    let names = Weights::names();
    names.iter().position(|name| *name == "bias").unwrap_or(0)
}

/// Weights of signs as they are, from those of signs in units of their deviation from their mean.
fn unscaled(weights: &Weights, spread: &[(f64, f64); COUNT]) -> Weights {
    let mut plain = Weights(std::array::from_fn(|sign| weights.0[sign] / spread[sign].1));
    let shifts = plain.0.iter().zip(spread);
    let shift: f64 = shifts.map(|(weight, (mean, _))| weight * mean).sum();
    plain.0[bias()] -= shift;
    plain
}

/// How sure choices were, and how many of them were right.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Decile {
    /// Fields that were filled with a confidence of this tenth.
    pub filled: usize,
    /// Their mean confidence.
    pub said: f64,
    /// The share of them that the golden payloads fill likewise.
    pub right: f64,
}

/// What weights come to on pairs of vendors that they never saw.
#[derive(Debug)]
pub struct CrossValidated {
    /// All pairs, each by the weights of the other vendors.
    pub summary: Summary,
    /// Confidence against truth, by tenths.
    pub deciles: [Decile; 10],
}

/// Leaves one vendor out at a time.
pub fn cross_validated(pairs: &[Pair]) -> CrossValidated {
    let all: Vec<Vec<Choice>> = pairs.iter().map(choices).collect();
    let vendors: BTreeSet<&str> = pairs.iter().map(vendor).collect();
    let weights: BTreeMap<&str, Weights> = vendors
        .into_iter()
        .map(|left_out| {
            let others = pairs
                .iter()
                .zip(&all)
                .filter(|(pair, _)| vendor(pair) != left_out);
            let others: Vec<&Choice> = others.flat_map(|(_, choices)| choices).collect();
            (left_out, descend(&others))
        })
        .collect();
    let outcomes = pairs
        .iter()
        .map(|pair| pairs::one(pair, &weights[vendor(pair)]));
    let summary = pairs::sum(outcomes.collect());
    let mut deciles = [Decile::default(); 10];
    for (sure, right) in summary.outcomes.iter().flat_map(|outcome| &outcome.sure) {
        let decile = &mut deciles[((sure * 10.0) as usize).min(9)];
        decile.filled += 1;
        decile.said += sure;
        decile.right += f64::from(u8::from(*right));
    }
    for decile in &mut deciles {
        let filled = decile.filled.max(1) as f64;
        decile.said /= filled;
        decile.right /= filled;
    }
    CrossValidated { summary, deciles }
}
