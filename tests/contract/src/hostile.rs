//! Answers that no vendor documents: what stands between it and us sends them all the same.

use bytes::Bytes;
use causeway::provider::{Answer, MAX_ANSWER_BYTES, Operation, Provider, Verdict};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::answers::{text, to_answer};
use crate::fixture::Fixture;
use crate::guard::guard;
use crate::judge::{elements, verdicts};
use crate::{Breach, Line, NOW};

/// Bodies that hold no answer, by name.
pub fn unreadable() -> Vec<(&'static str, Bytes)> {
    vec![
        ("an empty body", Bytes::new()),
        (
            "a gateway's HTML",
            "<html><head><title>502 Bad Gateway</title></head></html>".into(),
        ),
        (
            "JSON cut short",
            r#"{"id":"x","ok":true,"error":{"co"#.into(),
        ),
        ("1 MiB of garbage", vec![0xff; MAX_ANSWER_BYTES].into()),
        ("brackets without end", "[".repeat(100_000).into()),
    ]
}

/// Bodies that are JSON, of no shape that a vendor has.
fn misshapen() -> Vec<(&'static str, Bytes)> {
    vec![
        ("null", "null".into()),
        ("a list", "[]".into()),
        ("a text", r#""text""#.into()),
        ("a number", "17".into()),
        ("an empty object", "{}".into()),
        (
            "fields of other types",
            r#"{"id":17,"ok":"yes","ts":{},"error":[],"code":{},"message":7}"#.into(),
        ),
        ("an error of text", r#"{"error":"text"}"#.into()),
        ("an error of null", r#"{"ok":false,"error":null}"#.into()),
    ]
}

/// Hints that no vendor should give.
const HINTS: [&str; 6] = [
    "",
    "-1",
    "NaN",
    "1e999",
    "99999999999999999999",
    "Sun, 99 Foo 2026",
];

/// Headers in which vendors speak of their limits.
const HINT_HEADERS: [&str; 6] = [
    "retry-after",
    "ratelimit",
    "x-ratelimit-remaining",
    "x-ratelimit-reset",
    "x-rate-limit-remaining",
    "x-rate-limit-reset",
];

pub fn check(
    provider: &dyn Provider,
    fixtures: &[(&'static Operation, Fixture)],
    found: &mut Vec<Breach>,
) {
    let refuses_in_200 = refuses_in_200(provider, fixtures, found);
    for operation in fixtures.iter().map(|(operation, _)| *operation) {
        let elements = in_company(operation, fixtures);
        for (name, body) in unreadable() {
            let place = format!("{}, {name}", operation.name);
            let mut wrong = Vec::new();
            for status in 100..=599 {
                let answer = answer(status, body.clone());
                let Some(verdicts) = guard(&place, found, || {
                    provider.signals(operation, &answer, NOW);
                    verdicts(provider, operation, &elements, &answer)
                }) else {
                    break; // once is enough
                };
                let is_rash = |verdict: &&Verdict| !is_cautious(status, verdict, refuses_in_200);
                if let Some(verdict) = verdicts.iter().find(is_rash) {
                    wrong.push(format!("{status}: {}", text(verdict)));
                }
            }
            if let Some(first) = wrong.first() {
                found.push(Breach::new(
                    Line::Unreadable,
                    place,
                    format!("HTTP {first} ({} statuses)", wrong.len()),
                ));
            }
        }
        for (name, body) in misshapen() {
            let place = format!("{}, {name}", operation.name);
            for status in 100..=599 {
                let answer = answer(status, body.clone());
                let judged = guard(&place, found, || {
                    provider.signals(operation, &answer, NOW);
                    verdicts(provider, operation, &elements, &answer)
                });
                if judged.is_none() {
                    break;
                }
            }
        }
        hints(provider, operation, found);
    }
}

/// A call of `operation` with as many elements as its fixture has for one.
fn in_company<'a>(
    operation: &Operation,
    fixtures: &'a [(&'static Operation, Fixture)],
) -> Vec<&'a Value> {
    let mut shown = fixtures.iter().filter(|(of, _)| of.name == operation.name);
    let Some((_, fixture)) = shown.next() else {
        return Vec::new();
    };
    match fixture.batches.first() {
        Some(batch) => batch.payloads.iter().collect(),
        None => fixture
            .payloads
            .iter()
            .take(1)
            .map(|case| &case.payload)
            .collect(),
    }
}

/// Whether some answer of this provider is a 2xx and yet no success: then a 2xx alone proves nothing.
fn refuses_in_200(
    provider: &dyn Provider,
    fixtures: &[(&'static Operation, Fixture)],
    found: &mut Vec<Breach>,
) -> bool {
    fixtures.iter().any(|(operation, fixture)| {
        fixture
            .answers
            .iter()
            .filter(|case| (200..300).contains(&case.status))
            .any(|case| {
                let (answer, elements) = (to_answer(case), elements(fixture, case));
                let refused = |verdict: &Verdict| !matches!(verdict, Verdict::Delivered { .. });
                guard(operation.name, found, || {
                    verdicts(provider, operation, &elements, &answer)
                })
                .is_some_and(|verdicts| verdicts.iter().any(refused))
            })
    })
}

/// What an answer without a readable body may mean.
fn is_cautious(status: u16, verdict: &Verdict, refuses_in_200: bool) -> bool {
    let is_effect = matches!(verdict, Verdict::Delivered { .. });
    let is_refusal = matches!(verdict, Verdict::Rejected { .. } | Verdict::Exists { .. });
    match status {
        // "No Content" has nothing to read.
        204 => !is_refusal,
        200..=299 if refuses_in_200 => matches!(verdict, Verdict::Ambiguous { .. }),
        200..=299 => !is_refusal,
        429 => matches!(verdict, Verdict::Throttled { .. }),
        408 => matches!(verdict, Verdict::Ambiguous { .. }),
        400..=499 => !is_effect,
        _ => !is_effect && !is_refusal,
    }
}

fn hints(provider: &dyn Provider, operation: &'static Operation, found: &mut Vec<Breach>) {
    for hint in HINTS {
        for status in [200, 429, 503] {
            let mut answer = answer(status, "{}".into());
            for header in HINT_HEADERS {
                answer
                    .headers
                    .insert(header, HeaderValue::from_static(hint));
            }
            let place = format!("{}, Retry-After `{hint}`", operation.name);
            guard(&place, found, || {
                provider.signals(operation, &answer, NOW);
                provider.classify(operation, &answer, NOW)
            });
        }
    }
}

pub fn answer(status: u16, body: Bytes) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body,
    }
}
