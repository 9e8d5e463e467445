//! What comes back, and what it means.

use std::time::Duration;

use causeway::provider::{Answer, Operation, Provider, Safety, Verdict};
use http::{HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use crate::fixture::{AnswerCase, Fixture, Mode};
use crate::guard::guard;
use crate::judge::{elements, verdict, verdicts};
use crate::{Breach, Line};

/// Stands in the vendor's prose, so that it is found wherever it turns up.
const MARKER_PROSE: &str = "Marker Prose ada@example.com";

/// Fields in which vendors write for people. They may quote what they refuse.
const PROSE: [&str; 7] = [
    "message",
    "error_message",
    "error_description",
    "description",
    "detail",
    "title",
    "warning",
];

/// A kind of answer that every operation's fixture shows, and what it must lead to.
struct Kind {
    name: &'static str,
    wanted: &'static str,
    is_kept: fn(&AnswerCase, &Verdict) -> bool,
}

const KINDS: [Kind; 5] = [
    Kind {
        name: "success",
        wanted: "delivered",
        is_kept: |_, verdict| matches!(verdict, Verdict::Delivered { .. }),
    },
    Kind {
        name: "validation_error",
        wanted: "rejected",
        is_kept: |_, verdict| matches!(verdict, Verdict::Rejected { .. }),
    },
    Kind {
        name: "throttle",
        wanted: "throttled",
        is_kept: |_, verdict| matches!(verdict, Verdict::Throttled { .. }),
    },
    Kind {
        name: "unauthorized",
        wanted: "unauthorized",
        is_kept: |_, verdict| *verdict == Verdict::Unauthorized,
    },
    Kind {
        name: "outage",
        wanted: "a 5xx that is ambiguous or to be retried, and counts against the provider's health",
        is_kept: |case, verdict| case.status >= 500 && verdict.is_fault(),
    },
];

const REPLAY: Kind = Kind {
    name: "replay",
    wanted: "delivered",
    is_kept: |_, verdict| matches!(verdict, Verdict::Delivered { .. }),
};

pub fn check(
    provider: &dyn Provider,
    operation: &'static Operation,
    fixture: &mut Fixture,
    mode: Mode,
    found: &mut Vec<Breach>,
) {
    let shown = fixture.clone();
    for (case, shown_case) in fixture.answers.iter_mut().zip(&shown.answers) {
        let place = format!("{}, answer `{}`", operation.name, case.name);
        source(case, &place, found);
        let answer = to_answer(case);
        let elements = elements(&shown, shown_case);
        let Some(verdicts) = guard(&place, found, || {
            verdicts(provider, operation, &elements, &answer)
        }) else {
            continue;
        };
        let texts: Vec<String> = verdicts.iter().map(text).collect();
        let text = texts.join(" | ");
        match (mode, &case.verdict) {
            (Mode::Bless, _) => case.verdict = Some(text),
            (Mode::Compare, Some(expected)) if *expected == text => {}
            (Mode::Compare, expected) => found.push(Breach::new(
                Line::Verdict,
                &place,
                format!(
                    "the fixture says `{}`, the code says `{text}`",
                    expected.as_deref().unwrap_or("nothing")
                ),
            )),
        }
        prose(provider, operation, &elements, case, &place, found);
        crate::signals::check(provider, operation, case, mode, &place, found);
    }
    kinds(provider, operation, fixture, found);
}

fn kinds(
    provider: &dyn Provider,
    operation: &'static Operation,
    fixture: &Fixture,
    found: &mut Vec<Breach>,
) {
    let is_keyed = matches!(operation.safety, Safety::Keyed { .. });
    for kind in KINDS.iter().chain(is_keyed.then_some(&REPLAY)) {
        let place = format!("{}, answer `{}`", operation.name, kind.name);
        let Some(case) = fixture.answers.iter().find(|case| case.name == kind.name) else {
            found.push(Breach::new(Line::Coverage, place, "there is none"));
            continue;
        };
        let (answer, elements) = (to_answer(case), elements(fixture, case));
        if let Some(verdict) = verdict(provider, operation, &elements, &answer, &place, found)
            && !(kind.is_kept)(case, &verdict)
        {
            found.push(Breach::new(
                Line::Meaning,
                place,
                format!(
                    "`{}` (HTTP {}) instead of {}",
                    text(&verdict),
                    case.status,
                    kind.wanted
                ),
            ));
        }
    }
}

pub fn source(case: &AnswerCase, place: &str, found: &mut Vec<Breach>) {
    let is_named =
        case.source.starts_with("https://") || case.source.starts_with("own knowledge: ");
    let is_dated = case.read.len() == 10
        && case.read.bytes().enumerate().all(|(at, byte)| {
            if at == 4 || at == 7 {
                byte == b'-'
            } else {
                byte.is_ascii_digit()
            }
        });
    if !is_named || !is_dated {
        found.push(Breach::new(
            Line::Source,
            place,
            format!("source `{}`, read `{}`", case.source, case.read),
        ));
    }
}

/// The same answer with a marker for the vendor's prose: the verdict must not hold it.
fn prose(
    provider: &dyn Provider,
    operation: &'static Operation,
    elements: &[&Value],
    case: &AnswerCase,
    place: &str,
    found: &mut Vec<Breach>,
) {
    let mut marked = case.clone();
    mark(&mut marked.body);
    let answer = to_answer(&marked);
    let judged = guard(place, found, || {
        verdicts(provider, operation, elements, &answer)
    });
    let kept = |verdict: &&Verdict| !format!("{verdict:?}").contains(MARKER_PROSE);
    for verdict in judged.iter().flatten().filter(|verdict| !kept(verdict)) {
        found.push(Breach::new(Line::ProseKept, place, text(verdict)));
    }
}

/// Fixtures are a few levels deep; the recursion follows them.
fn mark(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                if PROSE.contains(&name.as_str()) && value.is_string() {
                    *value = MARKER_PROSE.into();
                } else {
                    mark(value);
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(mark),
        _ => {}
    }
}

pub fn to_answer(case: &AnswerCase) -> Answer {
    let mut headers = HeaderMap::new();
    for (name, value) in &case.headers {
        if let (Ok(name), Ok(value)) = (
            HeaderName::try_from(name.as_str()),
            HeaderValue::try_from(value.as_str()),
        ) {
            headers.append(name, value);
        }
    }
    let body = match &case.body {
        Value::String(text) => text.clone(),
        json => json.to_string(),
    };
    Answer {
        status: case.status,
        headers,
        body: body.into(),
    }
}

/// A verdict in a line: `delivered cus_1`, `throttled 30s`, `ambiguous stored_error stuck`.
pub fn text(verdict: &Verdict) -> String {
    let hint =
        |after: &Option<Duration>| after.map_or_else(String::new, |after| format!(" {after:?}"));
    match verdict {
        Verdict::Delivered { object_id: None } => "delivered".to_owned(),
        Verdict::Delivered {
            object_id: Some(id),
        } => format!("delivered {id}"),
        Verdict::Rejected { detail } => format!("rejected {detail}"),
        Verdict::Throttled { after } => format!("throttled{}", hint(after)),
        Verdict::QuotaSpent { until } => format!("quota_spent {until}"),
        Verdict::Retry { code, after, fault } => {
            let fault = if *fault { " fault" } else { "" };
            format!("retry {code}{}{fault}", hint(after))
        }
        Verdict::Ambiguous {
            code,
            after,
            resend_helps,
            fault,
        } => {
            let way = if *resend_helps { "resend" } else { "stuck" };
            let fault = if *fault { "" } else { " no_fault" };
            format!("ambiguous {code} {way}{}{fault}", hint(after))
        }
        Verdict::Exists { detail } => format!("exists {detail}"),
        Verdict::KeyInUse => "key_in_use".to_owned(),
        Verdict::Unauthorized => "unauthorized".to_owned(),
        Verdict::Forbidden { detail } => format!("forbidden {detail}"),
        Verdict::Moved => "moved".to_owned(),
    }
}
