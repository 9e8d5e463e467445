//! What every vendor may be made to say by what stands before it, and how far a refusal reaches.

use causeway::provider::{Answer, Operation, Provider, Verdict};
use http::{HeaderMap, HeaderValue};
use serde_json::Value;

use crate::answers::text;
use crate::fixture::Fixture;
use crate::guard::guard;
use crate::judge::{elements, verdicts};
use crate::{Breach, Line};

/// A gateway's page, which is in no vendor's error shape.
const PAGE: &str = "<html><head><title>Sorry</title></head></html>";

/// A refusal that no table names, with the status of it, and what it must not come to.
struct Case {
    status: u16,
    wanted: &'static str,
    is_kept: fn(&Verdict) -> bool,
}

const fn moved(status: u16) -> Case {
    Case {
        status,
        wanted: "moved: the connection waits for its new address",
        is_kept: |verdict| *verdict == Verdict::Moved,
    }
}

const PAGES: [Case; 6] = [
    moved(301),
    moved(302),
    moved(307),
    moved(308),
    Case {
        status: 303,
        wanted: "ambiguous, and no fault",
        is_kept: |verdict| matches!(verdict, Verdict::Ambiguous { fault: false, .. }),
    },
    Case {
        status: 403,
        wanted: "to be retried, and a fault: nobody who knows the credentials has seen the call",
        is_kept: |verdict| matches!(verdict, Verdict::Retry { fault: true, .. }),
    },
];

/// Statuses that vendors refuse a call of several for because of one element.
const OF_THE_WHOLE: [u16; 7] = [400, 403, 404, 409, 413, 422, 423];

/// Seconds of a day: as long as a spent quota or a migration lasts.
const A_DAY: HeaderValue = HeaderValue::from_static("86400");

pub fn check(
    provider: &dyn Provider,
    operation: &'static Operation,
    fixture: &Fixture,
    found: &mut Vec<Breach>,
) {
    let shown = fixture.payloads.iter().find(|it| it.name == "full");
    let one: Vec<&Value> = shown.map(|it| &it.payload).into_iter().collect();
    let mut ask = |answer: &Answer, elements: &[&Value], place: &str| {
        guard(place, found, || {
            verdicts(provider, operation, elements, answer)
        })
    };
    let mut breaches = Vec::new();
    for case in PAGES {
        let place = format!("{}, a page with HTTP {}", operation.name, case.status);
        let told = ask(&answer(case.status, PAGE), &one, &place);
        for verdict in told.iter().flatten().filter(|it| !(case.is_kept)(it)) {
            let broken = format!("`{}` instead of {}", text(verdict), case.wanted);
            breaches.push(Breach::new(Line::Meaning, &place, broken));
        }
    }
    let place = format!("{}, HTTP 429 for a day", operation.name);
    let mut daily = answer(429, "{}");
    daily.headers.insert("retry-after", A_DAY);
    for verdict in ask(&daily, &one, &place).iter().flatten() {
        if !matches!(verdict, Verdict::QuotaSpent { .. }) {
            let broken = format!("`{}` instead of a parked connection", text(verdict));
            breaches.push(Breach::new(Line::Meaning, &place, broken));
        }
    }
    let several = fixture.answers.iter().find(|it| it.elements.len() > 1);
    for status in OF_THE_WHOLE {
        let Some(case) = several else { break };
        let place = format!("{}, several refused with HTTP {status}", operation.name);
        let together = elements(fixture, case);
        for verdict in ask(&answer(status, "{}"), &together, &place)
            .iter()
            .flatten()
        {
            if is_final(verdict) {
                let broken = format!("`{}`: all for one", text(verdict));
                breaches.push(Breach::new(Line::Batches, &place, broken));
            }
        }
    }
    found.extend(breaches);
}

const fn is_final(verdict: &Verdict) -> bool {
    matches!(
        verdict,
        Verdict::Rejected { .. } | Verdict::Exists { .. } | Verdict::Forbidden { .. }
    )
}

fn answer(status: u16, body: &'static str) -> Answer {
    Answer {
        status,
        headers: HeaderMap::new(),
        body: body.into(),
    }
}
