//! What may be asked of a model: names and types of the fields that are not sure, and never a value.

use serde::Serialize;

use super::Proposal;
use super::proposal::FieldProposal;

/// Surer than this, a field is no question.
pub const SURE: f64 = 0.9;

/// Most questions in one call: a prompt of some 8,000 tokens.
pub const MAX_QUESTIONS: usize = 60;

/// One field that is not sure, and what it could be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The target field, as its path is written.
    pub target: String,
    /// Its type.
    pub kind: String,
    /// Whether it must be filled.
    pub required: bool,
    /// The candidates, by number: the only answers there are, besides *none*.
    pub candidates: Vec<Offer>,
}

/// A candidate, by name and type.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Offer {
    /// The source fields, as their paths are written.
    pub from: Vec<String>,
    /// Their type.
    pub kind: String,
}

/// The fields of `proposal` that are not sure and have candidates, least sure of the required ones first; at most
/// [`MAX_QUESTIONS`].
pub fn questions(proposal: &Proposal) -> Vec<Question> {
    let unsure = |field: &&FieldProposal| field.confidence < SURE && !field.candidates.is_empty();
    let mut fields: Vec<&FieldProposal> = proposal.fields.iter().filter(unsure).collect();
    fields.sort_by(|a, b| {
        let by_need = b.required.cmp(&a.required);
        by_need.then(a.confidence.total_cmp(&b.confidence))
    });
    fields
        .into_iter()
        .take(MAX_QUESTIONS)
        .map(question)
        .collect()
}

fn question(field: &FieldProposal) -> Question {
    let offers = field.candidates.iter().map(|candidate| Offer {
        from: candidate.from.iter().map(ToString::to_string).collect(),
        kind: candidate.kind.clone(),
    });
    Question {
        target: field.target.to_string(),
        kind: field.kind.clone(),
        required: field.required,
        candidates: offers.collect(),
    }
}
