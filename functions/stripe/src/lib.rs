#![doc = include_str!("../README.md")]

mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::{Limit, ScopeKey};
use causeway::outcome::Code;
use causeway::provider::{Answer, Auth, KeyPlace, Operation, Provider, Safety, Spec, Verdict};
use serde::Deserialize;

use payloads::{CreateCustomer, CreatePaymentIntent, CreateRefund};

/// Payments: customers, payment intents and refunds.
pub struct Stripe;

/// "v1: keys can be removed after they are at least 24 hours old": an hour is kept for clocks and queues. "Subsequent
/// requests with the same key return the same result", so that a refusal speaks for the sends before it.
/// <https://docs.stripe.com/api/idempotent_requests>
const KEYED: Safety = Safety::Keyed {
    place: KeyPlace::Header("idempotency-key"),
    retention: Duration::from_secs(23 * 60 * 60),
    looks_up_first: true,
};

static SPEC: Spec = Spec {
    headers: &[("stripe-version", "2026-10-28.endive")],
    // 100/s an account in live mode, 25/s an endpoint: <https://docs.stripe.com/rate-limits>. The bursts let a
    // batch of ten start at once; what they take, the steady rates pay.
    limits: &[
        Limit::window("account", 100, Duration::from_secs(1), 60),
        Limit::window("endpoint", 25, Duration::from_secs(1), 14).scoped(ScopeKey::Operation),
    ],
    mappings: &[
        include_str!("../mappings/pms-balance.json"),
        include_str!("../mappings/pms-customer.json"),
    ],
    ..Spec::new(
        "stripe",
        "https://api.stripe.com",
        Auth::Bearer { field: "api_key" },
        &[
            Operation::new::<CreateCustomer>("customers.create", KEYED),
            Operation::new::<CreatePaymentIntent>("payment_intents.create", KEYED),
            Operation::new::<CreateRefund>("refunds.create", KEYED),
        ],
    )
};

impl Provider for Stripe {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Stripe stores the first answer to a key, a 500 too, and replays it: repeating such a call proves nothing.
    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        let error = answer
            .json::<Failed>()
            .map(|body| body.error)
            .unwrap_or_default();
        let is_stored = answer.header("idempotent-replayed") == Some("true")
            || answer.header("stripe-should-retry") == Some("false");
        match answer.status {
            500.. if is_stored => stuck(Code::new("stored_error"), true),
            409 if error.code == "idempotency_key_in_use" => Verdict::KeyInUse,
            409 => Verdict::Retry {
                code: Code::new("conflict"),
                after: None,
                fault: false,
            },
            // Another call holds the object, and no limit is near: <https://github.com/stripe/stripe-php/pull/718>
            429 if error.code == "lock_timeout" => Verdict::locked(answer, now),
            403 => Verdict::forbidden(!error.kind.is_empty(), error.to_string()),
            400 if error.kind == "idempotency_error" => stuck(Code::new("key_mismatch"), false),
            400 | 402 | 404 | 422 => Verdict::rejected(error.to_string()),
            _ => Verdict::by_status(answer, now),
        }
    }
}

/// It may have taken effect, and Stripe will not tell by way of the same key.
fn stuck(code: Code, fault: bool) -> Verdict {
    Verdict::Ambiguous {
        code,
        after: None,
        resend_helps: false,
        fault,
    }
}

/// <https://docs.stripe.com/api/errors>
#[derive(Deserialize)]
struct Failed {
    error: StripeError,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct StripeError {
    #[serde(rename = "type")]
    kind: String,
    code: String,
    param: String,
}

/// Type, code and parameter; Stripe's message may quote the customer's data.
impl std::fmt::Display for StripeError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "type={} code={} param={}",
            self.kind, self.code, self.param
        )
    }
}
