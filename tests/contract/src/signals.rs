//! What an answer says about the vendor's limits.

use causeway::limiter::Signals;
use causeway::provider::{Operation, Provider};

use crate::answers::to_answer;
use crate::fixture::{AnswerCase, Mode};
use crate::guard::guard;
use crate::{Breach, Line, NOW};

pub fn check(
    provider: &dyn Provider,
    operation: &'static Operation,
    case: &mut AnswerCase,
    mode: Mode,
    place: &str,
    found: &mut Vec<Breach>,
) {
    let answer = to_answer(case);
    let Some(signals) = guard(place, found, || provider.signals(operation, &answer, NOW)) else {
        return;
    };
    for left in &signals.remaining {
        let mut declared = provider.spec().limits_of(operation);
        if !declared.any(|limit| limit.name() == left.limit) {
            found.push(Breach::new(
                Line::Signals,
                place,
                format!("it speaks of limit `{}`, which is not declared", left.limit),
            ));
        }
    }
    let text = (signals != Signals::default()).then(|| text(&signals));
    if mode == Mode::Bless {
        case.signals = text;
    } else if case.signals != text {
        found.push(Breach::new(
            Line::Signals,
            place,
            format!(
                "the fixture says `{}`, the code says `{}`",
                case.signals.as_deref().unwrap_or("nothing"),
                text.as_deref().unwrap_or("nothing")
            ),
        ));
    }
}

/// Signals in a line: `blocked until 2026-11-22T12:00:30Z, 14 of 15/s until 2026-11-22T12:00:01Z, cost 10`.
fn text(signals: &Signals) -> String {
    let blocked = signals
        .blocked_until
        .map(|until| format!("blocked until {until}"));
    let remaining = signals.remaining.iter().map(|left| match left.reset {
        Some(reset) => format!("{} of {} until {reset}", left.left, left.limit),
        None => format!("{} of {}", left.left, left.limit),
    });
    let cost = signals.cost.map(|cost| format!("cost {cost}"));
    let parts: Vec<String> = blocked.into_iter().chain(remaining).chain(cost).collect();
    parts.join(", ")
}
