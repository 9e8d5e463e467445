//! Calls that carry several requests: what goes out, and whose answer is whose.

use causeway::provider::{Operation, Provider, Verdict};
use serde_json::Value;

use crate::answers::{text, to_answer};
use crate::fixture::{Fixture, Mode};
use crate::guard::guard;
use crate::judge::{elements, verdicts};
use crate::{Breach, Line, requests};

pub fn check(
    provider: &dyn Provider,
    operation: &'static Operation,
    fixture: &mut Fixture,
    mode: Mode,
    found: &mut Vec<Breach>,
) {
    if operation.most_in_a_call() < 2 {
        if !fixture.batches.is_empty() {
            let broken = "it shows batches, and calls carry one request";
            found.push(Breach::new(Line::Batches, operation.name, broken));
        }
        return;
    }
    let several = |payloads: &[Value]| payloads.len() > 1;
    if !fixture.batches.iter().any(|case| several(&case.payloads))
        || !fixture.answers.iter().any(|case| several(&case.elements))
    {
        let broken = "no batch of several payloads, or no answer for several elements";
        found.push(Breach::new(Line::Batches, operation.name, broken));
    }
    for case in &mut fixture.batches {
        let place = format!("{}, batch `{}`", operation.name, case.name);
        let payloads: Vec<&Value> = case.payloads.iter().collect();
        requests::check_one(
            provider,
            operation,
            &payloads,
            &mut case.request,
            mode,
            &place,
            found,
        );
    }
    for case in &fixture.answers {
        let place = format!("{}, answer `{}`", operation.name, case.name);
        let elements = elements(fixture, case);
        order(provider, operation, case, &elements, &place, found);
        if let Some(stranger) = stranger(operation, fixture, &elements) {
            let mut with = elements.clone();
            with.push(stranger);
            company(provider, operation, case, &with, &place, found);
        }
    }
}

/// A verdict belongs to an element, wherever in the call it stood.
fn order(
    provider: &dyn Provider,
    operation: &Operation,
    case: &crate::fixture::AnswerCase,
    elements: &[&Value],
    place: &str,
    found: &mut Vec<Breach>,
) {
    let answer = to_answer(case);
    let reversed: Vec<&Value> = elements.iter().rev().copied().collect();
    let Some((forwards, mut backwards)) = guard(place, found, || {
        (
            verdicts(provider, operation, elements, &answer),
            verdicts(provider, operation, &reversed, &answer),
        )
    }) else {
        return;
    };
    backwards.reverse();
    if forwards.len() != elements.len() {
        let broken = format!("{} verdicts on {} elements", forwards.len(), elements.len());
        found.push(Breach::new(Line::Batches, place, broken));
    } else if forwards != backwards {
        let broken = "the verdicts go by the elements' places in the call";
        found.push(Breach::new(Line::Batches, place, broken));
    }
}

/// An element that the answer does not name is neither delivered nor, for another one's fault, rejected.
fn company(
    provider: &dyn Provider,
    operation: &Operation,
    case: &crate::fixture::AnswerCase,
    with: &[&Value],
    place: &str,
    found: &mut Vec<Breach>,
) {
    let answer = to_answer(case);
    let judged = guard(place, found, || {
        verdicts(provider, operation, with, &answer)
    });
    let Some(last) = judged.and_then(|mut verdicts| verdicts.pop()) else {
        return;
    };
    if matches!(
        last,
        Verdict::Delivered { .. }
            | Verdict::Rejected { .. }
            | Verdict::Exists { .. }
            | Verdict::Forbidden { .. }
    ) {
        let broken = format!(
            "an element that the answer does not name is `{}`",
            text(&last)
        );
        found.push(Breach::new(Line::Batches, place, broken));
    }
}

/// A payload of another identity than all of `elements`.
fn stranger<'a>(
    operation: &Operation,
    fixture: &'a Fixture,
    elements: &[&Value],
) -> Option<&'a Value> {
    let identity = |payload: &Value| operation.identity(payload).ok().flatten();
    let known: Vec<_> = elements.iter().map(|element| identity(element)).collect();
    let mut payloads = fixture.batches.iter().flat_map(|case| &case.payloads);
    payloads.find(|payload| !known.contains(&identity(payload)))
}
