//! Field mapping: a mapping document proposed for a source and an operation.
//!
//! [`propose`] takes what a producer sends (a JSON Schema, samples, or both) and what an operation takes, and says for
//! each field of the payload which source field fills it, how it is converted, how sure that is and why. What fits
//! nothing stays unmapped. [`Proposal::document`] is the mapping document, `Proposal::try_out` (feature `trial`) what it makes of the
//! samples. A person or a model may choose otherwise, among the candidates; what a model may be asked is
//! [`questions`], which hold names and types and never a value.
//!
//! No clock, no randomness, bounded work: the same input gives the same document, byte for byte.

mod assign;
mod blank;
mod choose;
mod conversion;
mod convert;
mod document;
mod enums;
mod evidence;
mod fit;
mod flatten;
mod forms;
mod infer;
mod names;
mod path;
mod proposal;
mod question;
mod rank;
mod render;
mod score;
mod seen;
mod shapes;
mod source;
#[cfg(test)]
mod tests;
mod tree;
mod virtuals;
mod vocabulary;
mod words;
mod write;

pub use conversion::{Conversion, Currency, TimeForm};
pub use document::MAX_EXAMPLES;
#[cfg(feature = "trial")]
pub use document::TryError;
pub use evidence::{COUNT, Evidence, Weights};
pub use flatten::{MAX_DEPTH, MAX_FIELDS};
pub use path::{Path, Step};
pub use proposal::{
    Candidate, ChoiceError, FieldProposal, MAX_CANDIDATES, Proposal, Reason, Verdict,
};
pub use question::{MAX_QUESTIONS, Offer, Question, SURE, questions};
pub use rank::{Ranked, rank};
pub use source::{MAX_BYTES, MAX_SAMPLES, ProposeError, Source, Target};

use assign::{Pair, assign, candidates};
use convert::Way;
use flatten::{Leaf, flatten};
use score::Scores;

/// What fills each field of the payload that `target` takes, of what `source` has.
///
/// # Errors
/// When one of the two has no fields.
pub fn propose(source: &Source, target: &Target) -> Result<Proposal, ProposeError> {
    propose_by(source, target, &Weights::default())
}

/// The same by other weights: what the default ones are worth is told by weights that never saw a pair.
///
/// # Errors
/// As [`propose`].
pub fn propose_by(
    source: &Source,
    target: &Target,
    weights: &Weights,
) -> Result<Proposal, ProposeError> {
    let targets = flatten(Some(&target.schema), &[]);
    let mut sources = flatten(source.schema.as_ref(), &source.samples);
    for (fields, what) in [(&targets, "the operation"), (&sources, "the source")] {
        if fields
            .leaves
            .iter()
            .all(|leaf| leaf.path.steps().is_empty())
        {
            return Err(ProposeError::NoFields(what.to_owned()));
        }
    }
    let plain = sources.leaves.len();
    let origins = virtuals::extend(&mut sources);
    let scores = Scores::of(&targets, &sources, target);
    let found = candidates(&targets, &sources, &origins, &scores);
    let assignment = assign(&origins, found, weights);
    let way = Way {
        targets: &targets,
        sources: &sources,
        origins: &origins,
        scores: &scores,
    };
    let ranked = targets
        .leaves
        .iter()
        .enumerate()
        .zip(assignment.candidates.into_iter().zip(&assignment.chosen))
        .zip(assignment.nothing);
    let fields = ranked.map(|(((target, leaf), (pairs, chosen)), nothing)| {
        let choice = chosen.and_then(|source| pairs.iter().position(|pair| pair.source == source));
        let candidates: Vec<Candidate> = pairs
            .into_iter()
            .map(|pair| candidate(&way, target, pair))
            .collect();
        field(leaf, candidates, choice, nothing)
    });
    let mut proposal = Proposal {
        provider: target.provider.clone(),
        operation: target.operation.clone(),
        fields: fields.collect(),
        unused: Vec::new(),
        cut: targets.cut || sources.cut,
        plain,
        source: source.clone(),
        #[cfg(feature = "trial")]
        target: target.clone(),
        targets,
        sources,
    };
    proposal.count_unused();
    Ok(proposal)
}

fn candidate(way: &Way<'_>, target: usize, pair: Pair) -> Candidate {
    let (from, conversions) = way.of(target, pair.source);
    let mut reasons = pair.reasons;
    if from.len() > 1 {
        reasons.push(Reason::Together);
    }
    Candidate {
        from,
        kind: way.sources.leaves[pair.source].kind.to_string(),
        conversions,
        confidence: pair.score.clamp(0.0, 1.0),
        reasons,
    }
}

fn field(
    leaf: &Leaf,
    candidates: Vec<Candidate>,
    choice: Option<usize>,
    nothing: f64,
) -> FieldProposal {
    let only = match leaf.allowed.as_slice() {
        [only] if leaf.required && choice.is_none() => Some(only),
        _ => None,
    };
    if let Some(only) = only {
        let constant = Candidate {
            from: Vec::new(),
            kind: leaf.kind.to_string(),
            conversions: vec![Conversion::Constant {
                value: only.clone(),
            }],
            confidence: 1.0,
            reasons: vec![Reason::OnlyValue],
        };
        return FieldProposal {
            target: leaf.path.clone(),
            kind: leaf.kind.to_string(),
            required: leaf.required,
            candidates: vec![constant],
            choice: Some(0),
            confidence: 1.0,
        };
    }
    let taken = choice.and_then(|choice| candidates.get(choice));
    let confidence = taken.map_or(nothing, |taken| taken.confidence);
    FieldProposal {
        target: leaf.path.clone(),
        kind: leaf.kind.to_string(),
        required: leaf.required,
        candidates,
        choice,
        confidence,
    }
}

/// A target field, and what is seen of each pair that it may be filled by: what weights are fitted on.
#[derive(Clone, Debug)]
pub struct Observed {
    /// Where it is in the payload.
    pub target: Path,
    /// The source fields of each pair, and its numbers.
    pub pairs: Vec<(Vec<Path>, Evidence)>,
}

/// What is seen of the pairs of each target field, before anything is chosen.
pub fn observe(source: &Source, target: &Target) -> Vec<Observed> {
    let targets = flatten(Some(&target.schema), &[]);
    let mut sources = flatten(source.schema.as_ref(), &source.samples);
    let origins = virtuals::extend(&mut sources);
    let scores = Scores::of(&targets, &sources, target);
    let found = candidates(&targets, &sources, &origins, &scores);
    let way = Way {
        targets: &targets,
        sources: &sources,
        origins: &origins,
        scores: &scores,
    };
    let observed = targets.leaves.iter().enumerate().zip(found);
    let observed = observed.map(|((target, leaf), pairs)| Observed {
        target: leaf.path.clone(),
        pairs: pairs
            .iter()
            .map(|pair| (way.of(target, pair.source).0, pair.evidence))
            .collect(),
    });
    observed.collect()
}
