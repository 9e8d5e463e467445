//! A proposal's lines for people: what fills a field, how sure that is, and why.

use causeway_insights::propose::{Candidate, FieldProposal};

/// What fills a field, in words.
pub(super) fn filled_by(field: &FieldProposal) -> String {
    match (field.chosen(), field.candidates.first()) {
        (Some(candidate), _) => told(candidate),
        (None, Some(_)) => "unmapped".to_owned(),
        (None, None) => "nothing like it".to_owned(),
    }
}

/// Source fields and conversions.
pub(super) fn told(candidate: &Candidate) -> String {
    let from = candidate.from.iter().map(ToString::to_string);
    let from = from.collect::<Vec<_>>().join(" + ");
    let conversions = candidate.conversions.iter().map(ToString::to_string);
    let parts = [from].into_iter().chain(conversions);
    let parts: Vec<String> = parts.filter(|part| !part.is_empty()).collect();
    parts.join(", ")
}

/// How sure the choice is; nothing where there was none.
pub(super) fn sure(field: &FieldProposal) -> String {
    match field.candidates.is_empty() {
        true => String::new(),
        false => confidence(field.confidence),
    }
}

/// As a percentage.
pub(super) fn confidence(share: f64) -> String {
    format!("{:.0} %", share * 100.0)
}

/// Why, in words.
pub(super) fn reasons(candidate: &Candidate) -> String {
    let reasons = candidate.reasons.iter().map(ToString::to_string);
    reasons.collect::<Vec<_>>().join("; ")
}
