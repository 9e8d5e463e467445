//! The bodies themselves, by kind.

use serde_json::{Value, json};

use super::{Expect, Mix, PROVIDERS, Request, body_hash};

/// Any time will do; a fixed one keeps the bodies the same in every run.
const CREATED_AT: &str = "2026-11-22T10:00:00Z";

/// Just above the design's 256 KiB for a request, well below what the queue takes.
const TOO_LARGE: usize = (256 << 10) + 512;

/// A request that is to be delivered.
pub(super) fn ordinary(run: &str, n: usize, mix: Mix) -> Request {
    let marker = format!("{run}demo-{n:05}");
    let to_slack = n % 20 >= 20 - mix.slack;
    // Stripe's three operations in the proportion of a shop's day.
    let (provider, operation, payload) = match n % 20 % 11 {
        _ if to_slack => (
            "slack",
            "chat.postMessage",
            message(&marker, &format!("C0DEMO{:03}", n % mix.channels)),
        ),
        0..=4 => ("stripe", "customers.create", customer(&marker, n)),
        5..=8 => (
            "stripe",
            "payment_intents.create",
            payment(&marker, "pm_card_visa"),
        ),
        _ => ("stripe", "refunds.create", refund(&marker)),
    };
    build(
        provider,
        &marker,
        &envelope(provider, operation, &marker, &payload),
        Expect::Delivered,
    )
}

/// A request in good form that cannot succeed: the payload, the vendor or the clock is against it.
pub(super) fn hopeless(run: &str, n: usize) -> Request {
    let marker = format!("{run}hopeless-{n:05}");
    let (provider, operation, payload, code) = match n % 8 {
        0 => (
            "stripe",
            "payment_intents.create",
            payment(&marker, "pm_card_chargeDeclined"),
            "provider_rejected",
        ),
        1 => (
            "slack",
            "chat.postMessage",
            message(&marker, "CUNKNOWN1"),
            "provider_rejected",
        ),
        2 => (
            "stripe",
            "customers.create",
            json!({"email": 5}),
            "payload_invalid",
        ),
        3 => (
            "slack",
            "chat.postMessage",
            json!({"text": format!("[ref:{marker}]")}),
            "payload_invalid",
        ),
        4 => (
            "stripe",
            "payment_intents.create",
            json!({"currency": "usd"}),
            "payload_invalid",
        ),
        5 => (
            "slack",
            "chat.postMessage",
            message(&marker, "CARCHIVED1"),
            "provider_rejected",
        ),
        6 => (
            "stripe",
            "customers.create",
            json!({"emial": "a@b.example"}),
            "payload_invalid",
        ),
        _ => (
            "stripe",
            "customers.create",
            customer(&marker, n),
            "deadline_exceeded",
        ),
    };
    let mut body = envelope(provider, operation, &marker, &payload);
    if code == "deadline_exceeded" {
        body["deadline"] = json!("2026-11-22T10:00:01Z");
    }
    build(provider, &marker, &body, Expect::Rejected(code))
}

/// Two requests that lay claim to one key.
pub(super) fn contested(run: &str, n: usize) -> [Request; 2] {
    let marker = format!("{run}contested-{n:05}");
    let customer =
        |name: &str| json!({"email": "a@b.example", "name": name, "metadata": {"request": marker}});
    ["Ada", "Grace"].map(|name| {
        let body = envelope("stripe", "customers.create", &marker, &customer(name));
        build("stripe", &marker, &body, Expect::Contested)
    })
}

/// A message that is no request at all.
pub(super) fn poison(run: &str, n: usize) -> Request {
    let marker = format!("{run}poison-{n:05}");
    let provider = PROVIDERS[n % 2];
    let (operation, payload) = match provider {
        "stripe" => ("customers.create", customer(&marker, n)),
        _ => ("chat.postMessage", message(&marker, "C0DEMO000")),
    };
    let good = envelope(provider, operation, &marker, &payload);
    let with = |field: &str, value: Value| {
        let mut body = good.clone();
        body[field] = value;
        body.to_string()
    };
    let (body, code) = match n / 2 % 9 {
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
        ..raw(provider, &marker, body, Expect::Rejected(code))
    }
}

fn envelope(provider: &str, operation: &str, key: &str, payload: &Value) -> Value {
    json!({
        "provider": provider, "operation": operation, "idempotency_key": key, "created_at": CREATED_AT,
        "payload": payload,
    })
}

fn build(provider: &'static str, marker: &str, body: &Value, expect: Expect) -> Request {
    raw(provider, marker, body.to_string(), expect)
}

fn raw(provider: &'static str, marker: &str, body: String, expect: Expect) -> Request {
    let pk = Some(format!("{provider}#default#{marker}"));
    Request {
        provider,
        pk,
        marker: marker.to_owned(),
        hash: body_hash(&body),
        body,
        copies: 1,
        expect,
    }
}

fn customer(marker: &str, n: usize) -> Value {
    json!({"email": format!("guest{n}@example.com"), "name": format!("Guest {n}"), "metadata": {"request": marker}})
}

fn payment(marker: &str, method: &str) -> Value {
    json!({
        "amount": 1999, "currency": "usd", "confirm": true, "payment_method": method,
        "metadata": {"request": marker},
    })
}

/// Of a payment intent that the fake knows as settled.
fn refund(marker: &str) -> Value {
    json!({"payment_intent": format!("pi_settled_{marker}"), "metadata": {"request": marker}})
}

fn message(marker: &str, channel: &str) -> Value {
    json!({"channel": channel, "text": format!("Order shipped. [ref:{marker}]")})
}
