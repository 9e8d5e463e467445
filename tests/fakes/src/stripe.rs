//! Stripe, API v1: customers, payment intents, refunds; the replay of stored answers; two limits.
//!
//! Wire shapes: <https://docs.stripe.com/api/errors>; replay: <https://docs.stripe.com/api/idempotent_requests>
//! and <https://docs.stripe.com/error-low-level>; limits: <https://docs.stripe.com/rate-limits>.
//! Own assumptions are marked as such.

mod objects;

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::form::Form;
use crate::limits::{Exceeded, Limit};
use crate::vendor::{Call, Effect, Ids, Reply, Vendor};
use objects::Objects;

/// Live mode allows an account 100 calls a second, over all endpoints (docs.stripe.com/rate-limits).
static ACCOUNT_LIVE: Limit = Limit {
    name: "account",
    calls: 100,
    window: Duration::from_secs(1),
};
/// A sandbox (keys `sk_test_…`) is allowed 25 (docs.stripe.com/rate-limits).
static ACCOUNT_SANDBOX: Limit = Limit {
    name: "account",
    calls: 25,
    window: Duration::from_secs(1),
};
/// Each named operation has a limit of its own, 25 a second unless stated otherwise (docs.stripe.com/rate-limits).
static ENDPOINT: Limit = Limit {
    name: "endpoint",
    calls: 25,
    window: Duration::from_secs(1),
};

/// "Idempotency keys are up to 255 characters long" (docs.stripe.com/idempotency).
const KEY_LENGTH_MAX: usize = 255;

/// The state of the accounts.
#[derive(Default)]
pub(crate) struct Stripe {
    objects: Objects,
    requests: Ids,
    /// Outcomes by account and idempotency key. Stripe keeps them for at least 24 hours; no fake runs that long.
    stored: BTreeMap<(String, String), Stored>,
}

struct Stored {
    path: String,
    form: Form,
    reply: Reply,
    request_id: String,
}

impl Vendor for Stripe {
    fn name(&self) -> &'static str {
        "stripe"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        if let Some(refusal) = unauthorised(call) {
            return Some(refusal);
        }
        if endpoint(call).is_none() {
            let message = format!("Unrecognized request URL ({}: {}).", call.method, call.path);
            return Some(invalid(404, None, None, &message));
        }
        None
    }

    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)> {
        let account = account(call);
        let whole = if account.starts_with("sk_test_") {
            &ACCOUNT_SANDBOX
        } else {
            &ACCOUNT_LIVE
        };
        let endpoint = format!("{account} {}", endpoint(call).unwrap_or_default());
        vec![(whole, account), (&ENDPOINT, endpoint)]
    }

    fn throttled(&self, exceeded: &Exceeded) -> Reply {
        // The header and its values are from the rate limits page. Own assumption: no
        // Stripe-Should-Retry comes with it.
        let reason = if exceeded.limit == "endpoint" {
            "endpoint-rate"
        } else {
            "global-rate"
        };
        invalid(
            429,
            Some("rate_limit"),
            None,
            "Request rate limit exceeded.",
        )
        .with("Stripe-Rate-Limited-Reason", reason)
    }

    fn key(&self, call: &Call) -> Option<String> {
        let key = call
            .header("idempotency-key")
            .filter(|_| call.method == Method::POST)?;
        Some(key.to_owned())
    }

    fn busy(&self) -> Reply {
        let body = json!({"error": {
            "type": "idempotency_error",
            "code": "idempotency_key_in_use",
            "message": "There is currently another in-progress request using this Idempotent Key (that probably \
                means you submitted twice, and the other request is still going through). Please try again later.",
        }});
        Reply::json(409, &body).with("Stripe-Should-Retry", "true")
    }

    fn execute(&mut self, call: &Call) -> Reply {
        let form = Form::decode(&call.body);
        let request_id = self.requests.next("req_");
        let Some(key) = self.key(call) else {
            return self.answer(call, &form).with("Request-Id", request_id);
        };
        if key.chars().count() > KEY_LENGTH_MAX {
            return invalid(
                400,
                None,
                None,
                "Idempotency keys are up to 255 characters long.",
            )
            .with("Request-Id", request_id);
        }
        if let Some(stored) = self.stored.get(&(account(call), key.clone())) {
            return replay(stored, call, &form, &key).with("Request-Id", request_id);
        }
        let mut reply = self.answer(call, &form).with("Idempotency-Key", &key);
        for effect in &mut reply.effects {
            effect.vendor_key = Some(key.clone());
        }
        // "We save results only after the execution of an endpoint begins": what fails validation
        // (400, 404) leaves the key free, a declined card (402) does not.
        if reply.status == 200 || reply.status == 402 {
            self.store(call, form, reply.clone(), key, request_id.clone());
        }
        reply.with("Request-Id", request_id)
    }

    fn broken(&self, status: u16) -> Reply {
        let message = "An error occurred on our side. (A fault on command.)";
        Reply::json(
            status,
            &json!({"error": {"type": "api_error", "message": message}}),
        )
    }

    fn remember(&mut self, call: &Call, reply: Reply, worked: bool) -> Reply {
        let Some(key) = self.key(call) else {
            return reply;
        };
        let form = Form::decode(&call.body);
        if let Some(stored) = self
            .stored
            .get(&(account(call), key.clone()))
            .filter(|_| !worked)
        {
            return replay(stored, call, &form, &key);
        }
        // Own assumption: Stripe advises against a retry that would only replay; the SDKs' comment on
        // the header says "if doing so would be a no-op".
        let reply = reply.with("Stripe-Should-Retry", "false");
        let request_id = self.requests.next("req_");
        self.store(call, form, reply.clone(), key, request_id.clone());
        reply.with("Request-Id", request_id)
    }
}

impl Stripe {
    fn store(&mut self, call: &Call, form: Form, reply: Reply, key: String, request_id: String) {
        let reply = Reply {
            effects: Vec::new(),
            ..reply
        };
        let stored = Stored {
            path: call.path.clone(),
            form,
            reply,
            request_id,
        };
        self.stored.insert((account(call), key), stored);
    }

    fn answer(&mut self, call: &Call, form: &Form) -> Reply {
        let outcome = match endpoint(call) {
            Some("POST /v1/customers") => self.objects.create_customer(form, call.now),
            Some("POST /v1/payment_intents") => self.objects.create_payment_intent(form, call.now),
            Some("POST /v1/refunds") => self.objects.create_refund(form, call.now),
            Some("GET /v1/refunds") => Ok(self.objects.list_refunds()),
            _ => self
                .objects
                .customer(call.path.trim_start_matches("/v1/customers/")),
        };
        match outcome {
            Ok(made) => {
                let reply = Reply::json(200, &made.body);
                if !made.effect {
                    return reply;
                }
                // A business marker rides in the metadata, where Stripe keeps callers' own data.
                let marker = form.map("metadata").remove("request");
                reply.causing(Effect {
                    marker,
                    vendor_key: None,
                    object_id: made.id,
                })
            }
            Err(refusal) => refusal,
        }
    }
}

/// The named operation, as the limits count it.
fn endpoint(call: &Call) -> Option<&'static str> {
    match (&call.method, call.path.as_str()) {
        (&Method::POST, "/v1/customers") => Some("POST /v1/customers"),
        (&Method::POST, "/v1/payment_intents") => Some("POST /v1/payment_intents"),
        (&Method::POST, "/v1/refunds") => Some("POST /v1/refunds"),
        (&Method::GET, "/v1/refunds") => Some("GET /v1/refunds"),
        (&Method::GET, path)
            if path
                .strip_prefix("/v1/customers/")
                .is_some_and(|id| !id.contains('/')) =>
        {
            Some("GET /v1/customers/{id}")
        }
        _ => None,
    }
}

fn account(call: &Call) -> String {
    call.bearer().unwrap_or_default().to_owned()
}

/// Accepts secret and restricted keys; a key that says `invalid` is one that Stripe does not know.
fn unauthorised(call: &Call) -> Option<Reply> {
    let message = match call.bearer() {
        None => "You did not provide an API key. You need to provide your API key in the Authorization header, \
            using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
            .to_owned(),
        Some(key) if !(key.starts_with("sk_") || key.starts_with("rk_")) || key.contains("invalid") => {
            let end = key.char_indices().rev().nth(3).map_or(key, |(at, _)| &key[at..]);
            format!("Invalid API Key provided: {}****{end}", key.split('_').next().unwrap_or_default())
        }
        Some(_) => return None,
    };
    Some(invalid(401, None, None, &message))
}

/// Same key, same endpoint, same parameters: the stored answer. Anything else is an error, and changes nothing.
fn replay(stored: &Stored, call: &Call, form: &Form, key: &str) -> Reply {
    let only = if stored.path != call.path {
        format!(
            "for the same endpoint they were first used for ('{}')",
            stored.path
        )
    } else if stored.form != *form {
        "with the same parameters they were first used with".to_owned()
    } else {
        let mut reply = stored.reply.clone();
        reply.replayed = true;
        return reply
            .with("Idempotent-Replayed", "true")
            .with("Original-Request", &stored.request_id);
    };
    let message = format!(
        "Keys for idempotent requests can only be used {only}. Try using a key other than '{key}' if you meant \
         to execute a different request."
    );
    Reply::json(
        400,
        &json!({"error": {"type": "idempotency_error", "message": message}}),
    )
}

/// An `invalid_request_error`.
fn invalid(status: u16, code: Option<&str>, param: Option<&str>, message: &str) -> Reply {
    let mut error = json!({"type": "invalid_request_error", "message": message});
    if let Some(code) = code {
        error["code"] = Value::from(code);
        error["doc_url"] = Value::from(format!(
            "https://stripe.com/docs/error-codes/{}",
            code.replace('_', "-")
        ));
    }
    if let Some(param) = param {
        error["param"] = Value::from(param);
    }
    Reply::json(status, &json!({ "error": error }))
}
