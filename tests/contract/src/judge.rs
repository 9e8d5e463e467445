//! What the provider makes of an answer, whether its calls carry one request or several.

use causeway::provider::{Answer, Operation, Provider, Verdict};
use serde_json::Value;

use crate::fixture::{AnswerCase, Fixture};
use crate::guard::guard;
use crate::{Breach, NOW};

/// The verdicts on an answer to a call with `elements`: one an element where they go together, else one.
pub fn verdicts(
    provider: &dyn Provider,
    operation: &Operation,
    elements: &[&Value],
    answer: &Answer,
) -> Vec<Verdict> {
    if operation.most_in_a_call() > 1 {
        provider.classify_batch(operation, elements, answer, NOW)
    } else {
        vec![provider.classify(operation, answer, NOW)]
    }
}

/// What stood in the call that `case` answers: what it says, or else the full payload.
pub fn elements<'a>(fixture: &'a Fixture, case: &'a AnswerCase) -> Vec<&'a Value> {
    if !case.elements.is_empty() {
        return case.elements.iter().collect();
    }
    let full = fixture
        .payloads
        .iter()
        .find(|payload| payload.name == "full");
    full.map(|payload| &payload.payload).into_iter().collect()
}

/// The one verdict on an answer to a call with one request; none after a panic, which is noted.
pub fn verdict(
    provider: &dyn Provider,
    operation: &Operation,
    elements: &[&Value],
    answer: &Answer,
    place: &str,
    found: &mut Vec<Breach>,
) -> Option<Verdict> {
    let judged = guard(place, found, || {
        verdicts(provider, operation, elements, answer)
    });
    judged?.into_iter().next()
}
