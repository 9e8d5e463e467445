//! The vendor: answers as Stripe, Slack, HubSpot and Klaviyo do where all is well, and counts which request had an effect
//! how often. `tests/fakes` has vendors with limits and faults; here each answer costs as little as it can.

use std::collections::{BTreeSet, HashMap};

use http::StatusCode;
use serde_json::{Value, json};

/// What stands in every message's payload, followed by the message's number: by it an effect is told.
pub const MARK: &str = "order-";

/// Digits of that number.
pub const DIGITS: usize = 8;

/// Which request took effect, how often.
#[derive(Debug, Default)]
pub struct Effects {
    times: HashMap<String, u32>,
    /// Calls.
    pub calls: u64,
}

impl Effects {
    /// How many requests took effect.
    pub fn distinct(&self) -> usize {
        self.times.len()
    }

    /// Effects beyond the first of a request. Stripe's key would have stopped them; here nothing does.
    pub fn repeated(&self) -> u32 {
        self.times.values().map(|times| times - 1).sum()
    }

    /// Takes a call to `<provider>/<path>` and answers it.
    pub fn call(&mut self, provider: &str, path: &str, body: &[u8]) -> (StatusCode, String) {
        self.calls += 1;
        let text = String::from_utf8_lossy(body);
        let marks = marks(&text);
        for mark in &marks {
            *self.times.entry((*mark).to_owned()).or_default() += 1;
        }
        let mark = marks.first().copied().unwrap_or_default();
        match provider {
            "stripe" => (StatusCode::OK, customer(mark)),
            "slack" => (StatusCode::OK, message(mark)),
            "hubspot" => (StatusCode::OK, records(body)),
            "klaviyo" => (StatusCode::ACCEPTED, String::new()),
            _ => (StatusCode::NOT_FOUND, format!("no vendor at {path}")),
        }
    }
}

/// Each mark of a body, once.
fn marks(text: &str) -> BTreeSet<&str> {
    let marks = text.match_indices(MARK).filter_map(|(at, _)| {
        let mark = text.get(at..at + MARK.len() + DIGITS)?;
        let digits = &mark[MARK.len()..];
        digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then_some(mark)
    });
    marks.collect()
}

/// As long as Stripe's example of a customer: <https://docs.stripe.com/api/customers/object>
fn customer(mark: &str) -> String {
    json!({
        "id": format!("cus_{mark}"), "object": "customer", "address": null, "balance": 0, "created": 1_795_341_600,
        "currency": null, "default_source": null, "delinquent": false, "description": null, "email": null,
        "invoice_prefix": "0759376C", "invoice_settings": {"custom_fields": null, "default_payment_method": null,
        "footer": null, "rendering_options": null}, "livemode": false, "metadata": {"request": mark},
        "name": "Ada Example", "next_invoice_sequence": 1, "phone": null, "preferred_locales": [], "shipping": null,
        "tax_exempt": "none", "test_clock": null,
    })
    .to_string()
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage>
fn message(mark: &str) -> String {
    json!({
        "ok": true, "channel": "C123ABC456", "ts": "1503435956.000247",
        "message": {"text": mark, "username": "ecto1", "bot_id": "B123ABC456", "type": "message",
        "subtype": "bot_message", "ts": "1503435956.000247"},
    })
    .to_string()
}

/// Each element by the trace id that it came with:
/// <https://developers.hubspot.com/docs/api-reference/latest/crm/objects/contacts/batch/upsert-contacts>
fn records(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    let inputs = body["inputs"].as_array().into_iter().flatten();
    let results: Vec<Value> = inputs
        .map(|input| {
            json!({
                "id": format!("{}", 501), "new": true, "objectWriteTraceId": input["objectWriteTraceId"],
                "properties": input["properties"], "createdAt": "2026-11-30T12:00:00Z",
                "updatedAt": "2026-11-30T12:00:00Z", "archived": false,
            })
        })
        .collect();
    json!({"status": "COMPLETE", "results": results}).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_effect_is_counted_once_a_call_and_again_with_the_next() {
        let mut effects = Effects::default();
        let body = b"name=order-00000001&metadata[request]=order-00000001&x=order-12";
        effects.call("stripe", "/v1/customers", body);
        assert_eq!((effects.distinct(), effects.repeated()), (1, 0));
        effects.call("stripe", "/v1/customers", body);
        assert_eq!(
            (effects.distinct(), effects.repeated(), effects.calls),
            (1, 1, 2)
        );
    }
}
