//! Asking the vendor for what an earlier call may have made.

use std::time::Duration;

use causeway::provider::{Found, Lookup, Operation, Provider, Safety};
use serde_json::Value;

use crate::answers::{source, to_answer};
use crate::fixture::{Fixture, Mode};
use crate::guard::guard;
use crate::hostile::unreadable;
use crate::{Breach, Line, NOW, VENDOR_KEY, requests};

/// When the suite's request was first and last sent, before its answers arrive.
const SENT: (Duration, Duration) = (Duration::from_secs(120), Duration::from_secs(60));

/// Answers that every lookup's fixture shows, and what they must say.
type Kind = (&'static str, fn(&Found) -> bool);
const KINDS: [Kind; 3] = [
    ("hit", |found| matches!(found, Found::Hit { .. })),
    ("miss", |found| *found == Found::Miss),
    ("outage", |found| *found == Found::Unclear),
];

pub fn check(
    provider: &dyn Provider,
    operation: &'static Operation,
    fixture: &mut Fixture,
    mode: Mode,
    found: &mut Vec<Breach>,
) {
    let place = format!("{}, lookup", operation.name);
    let is_lookup = matches!(operation.safety, Safety::Lookup { .. });
    let full = fixture.payloads.iter().find(|case| case.name == "full");
    let payload = full.map_or(Value::Null, |case| case.payload.clone());
    let lookup = Lookup {
        payload: &payload,
        reference: VENDOR_KEY,
        first_sent: NOW - SENT.0,
        last_sent: NOW - SENT.1,
    };
    let wire = guard(&place, found, || provider.look_up(operation, &lookup)).flatten();
    let (wire, shown) = match (is_lookup, wire, &mut fixture.lookup) {
        (false, None, None) => return,
        (true, Some(wire), Some(shown)) => (wire, shown),
        (..) => {
            let broken = "an operation has a lookup in its safety, its code and its fixture, or in none of them";
            found.push(Breach::new(Line::Lookup, place, broken));
            return;
        }
    };
    requests::check_wire(provider, wire, &mut shown.request, mode, &place, found);
    for (name, body) in unreadable() {
        let answer = crate::hostile::answer(200, body);
        let told = guard(&place, found, || {
            provider.found(operation, &lookup, &answer)
        });
        if told.is_some_and(|told| told != Found::Unclear) {
            let broken = format!("{name} in a 200 says something");
            found.push(Breach::new(Line::Lookup, &place, broken));
        }
    }
    for case in &mut shown.answers {
        let place = format!("{}, lookup's answer `{}`", operation.name, case.name);
        source(case, &place, found);
        let answer = to_answer(case);
        let Some(told) = guard(&place, found, || {
            provider.found(operation, &lookup, &answer)
        }) else {
            continue;
        };
        let kind = KINDS.iter().find(|(name, _)| *name == case.name);
        if kind.is_some_and(|(_, is_kept)| !is_kept(&told)) {
            found.push(Breach::new(Line::Lookup, &place, text(&told)));
        }
        match (mode, &case.verdict) {
            (Mode::Bless, _) => case.verdict = Some(text(&told)),
            (Mode::Compare, Some(expected)) if *expected == text(&told) => {}
            (Mode::Compare, expected) => {
                let expected = expected.as_deref().unwrap_or("nothing");
                let broken = format!(
                    "the fixture says `{expected}`, the code says `{}`",
                    text(&told)
                );
                found.push(Breach::new(Line::Lookup, &place, broken));
            }
        }
    }
    for (name, _) in KINDS {
        if !shown.answers.iter().any(|case| case.name == name) {
            let broken = format!("there is no answer `{name}`");
            found.push(Breach::new(Line::Lookup, &place, broken));
        }
    }
}

/// What was found, in a line.
fn text(found: &Found) -> String {
    match found {
        Found::Hit { object_id } => format!("hit {}", object_id.as_deref().unwrap_or_default()),
        Found::Miss => "miss".to_owned(),
        Found::Other { detail } => format!("other {detail}"),
        Found::Unclear => "unclear".to_owned(),
    }
}
