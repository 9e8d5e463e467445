//! The bodies themselves, by kind.

use serde_json::{Value, json};

use super::{Expect, Request, body_hash};
use crate::demo::lanes::{Ask, Mark, Part};

/// Any time will do; a fixed one keeps the bodies the same in every run.
const CREATED_AT: &str = "2026-11-22T10:00:00Z";

/// Just above the design's 256 KiB for a request, well below what the queue takes.
const TOO_LARGE: usize = (256 << 10) + 512;

/// A request that is to be delivered.
pub(super) fn ordinary(run: &str, part: &Part, n: usize, spread: usize) -> Request {
    let marker = format!("{run}demo-{}-{n:05}", part.provider);
    let mark = Mark {
        marker: &marker,
        n,
        spread,
    };
    let body = envelope(part, &marker, (part.ordinary)(mark));
    build(part, &marker, &body, Expect::Delivered)
}

/// A request in good form that cannot succeed: the payload, the vendor or the clock is against it.
pub(super) fn hopeless(run: &str, part: &Part, n: usize, spread: usize) -> Request {
    let marker = format!("{run}hopeless-{}-{n:05}", part.provider);
    let kind = n % (part.hopeless.len() + 1);
    if let Some(hopeless) = part.hopeless.get(kind) {
        let body = envelope(part, &marker, (hopeless.ask)(&marker));
        return build(part, &marker, &body, Expect::Rejected(hopeless.code));
    }
    let mark = Mark {
        marker: &marker,
        n,
        spread,
    };
    let mut body = envelope(part, &marker, (part.ordinary)(mark));
    body["deadline"] = json!("2026-11-22T10:00:01Z");
    build(part, &marker, &body, Expect::Rejected("deadline_exceeded"))
}

/// Two requests that lay claim to one key.
pub(super) fn contested(run: &str, part: &Part, n: usize, spread: usize) -> [Request; 2] {
    let marker = format!("{run}contested-{}-{n:05}", part.provider);
    [0, 1].map(|n| {
        let mark = Mark {
            marker: &marker,
            n,
            spread,
        };
        let body = envelope(part, &marker, (part.ordinary)(mark));
        build(part, &marker, &body, Expect::Contested)
    })
}

/// A message that is no request at all.
pub(super) fn poison(run: &str, part: &Part, n: usize, spread: usize) -> Request {
    let marker = format!("{run}poison-{}-{n:05}", part.provider);
    let mark = Mark {
        marker: &marker,
        n,
        spread,
    };
    let good = envelope(part, &marker, (part.ordinary)(mark));
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let (body, code) = match n % POISONS {
        0 => {
            let mut body = good.to_string();
            body.truncate(body.len() - 2);
            (body, "malformed_json")
        }
        1 => (with("colour", json!("red")), "unknown_field"),
        2 => (with("created_at", json!("yesterday")), "invalid_field"),
        3 => (
            with("operation", json!("customers.teleport")),
            "unknown_operation",
        ),
        4 => (with("provider", json!("acme")), "unknown_provider"),
        5 => (
            good.to_string()
                .replacen('{', "{\"connection\":\"a\",\"connection\":\"b\",", 1),
            "duplicate_field",
        ),
        6 => {
            let mut body = good.clone();
            body["payload"]["amount"] = json!(9_007_199_254_740_993_u64);
            (body.to_string(), "number_not_exact")
        }
        7 => {
            let mut body = good.clone();
            body.as_object_mut()
                .map(|fields| fields.remove("operation"));
            (body.to_string(), "missing_field")
        }
        _ => (
            with(
                "payload",
                json!({"text": "x".repeat(TOO_LARGE), "marker": marker}),
            ),
            "request_too_large",
        ),
    };
    // Only the lane could say which key it reads from such a body, so the check goes by the body's hash.
    Request {
        pk: None,
        ..raw(part, &marker, body, Expect::Rejected(code))
    }
}

/// Kinds of poison.
const POISONS: usize = 9;

fn envelope(part: &Part, key: &str, ask: Ask) -> Value {
    json!({
        "provider": part.provider, "operation": ask.operation, "idempotency_key": key, "created_at": CREATED_AT,
        "payload": ask.payload,
    })
}

fn build(part: &Part, marker: &str, body: &Value, expect: Expect) -> Request {
    raw(part, marker, body.to_string(), expect)
}

fn raw(part: &Part, marker: &str, body: String, expect: Expect) -> Request {
    let provider = part.provider;
    let pk = Some(format!("{provider}#default#{marker}"));
    Request {
        provider,
        pk,
        marker: marker.to_owned(),
        hash: body_hash(&body),
        body,
        copies: 1,
        expect,
        event: None,
    }
}
