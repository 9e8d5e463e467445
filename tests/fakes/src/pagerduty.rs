//! PagerDuty's Events API v2: alerts by routing key and `dedup_key`; every refusal is a 400.
//!
//! Behaviour: <https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/02-Trigger-Events.md>; wire
//! shapes: <https://github.com/PagerDuty/api-schema/blob/main/reference/events-v2/openapiv3.json>. Own assumptions are
//! marked as such.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::limits::{Exceeded, Limit};
use crate::vendor::{Call, Effect, Reply, Vendor};

/// "Events - 120/min/integration key" (<https://community.pagerduty.com/forum/t/monitoring-api-rate-limiting/3318>);
/// the documentation gives no number.
static KEY: Limit = Limit {
    name: "integration key",
    calls: 120,
    window: Duration::from_secs(60),
};

/// "This is the 32 character Integration Key".
const KEY_LENGTH: usize = 32;

/// What became of an alert.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Triggered,
    Acknowledged,
    Resolved,
}

/// The alerts, by routing key and `dedup_key`.
#[derive(Default)]
pub(crate) struct Pagerduty {
    alerts: BTreeMap<(String, String), State>,
}

impl Vendor for Pagerduty {
    fn name(&self) -> &'static str {
        "pagerduty"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        if (&call.method, call.path.as_str()) != (&Method::POST, "/v2/enqueue") {
            return Some(Reply::json(404, &Value::Null));
        }
        let event = event(call);
        let key = text(&event, "routing_key");
        if key.chars().count() != KEY_LENGTH {
            // https://github.com/envato/pagerduty/issues/70
            return Some(invalid(
                "Length of 'routing_key' is incorrect (should be 32 characters)",
            ));
        }
        None
    }

    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)> {
        vec![(&KEY, text(&event(call), "routing_key").to_owned())]
    }

    fn throttled(&self, _exceeded: &Exceeded) -> Reply {
        // Neither body nor `Retry-After` is documented.
        Reply::json(429, &Value::Null)
    }

    fn execute(&mut self, call: &Call) -> Reply {
        let event = event(call);
        let dedup_key = text(&event, "dedup_key");
        let place = (text(&event, "routing_key").to_owned(), dedup_key.to_owned());
        let open = self
            .alerts
            .get(&place)
            .copied()
            .filter(|&state| state != State::Resolved);
        let next = match text(&event, "event_action") {
            "trigger" if text(&event["payload"], "summary").is_empty() => {
                return invalid("'payload.summary' is missing or blank"); // own assumption: the words
            }
            "trigger" => open.unwrap_or(State::Triggered),
            "acknowledge" if open.is_some() => State::Acknowledged,
            "resolve" if open.is_some() => State::Resolved,
            "acknowledge" | "resolve" => return accepted(dedup_key), // Accepted, and dropped.
            _ => return invalid("'event_action' is not an event action"), // own assumption: the words
        };
        let reply = accepted(dedup_key);
        if self.alerts.insert(place, next) == Some(next) {
            // One more entry in the open alert's log: nobody is told.
            return reply;
        }
        reply.causing(Effect {
            marker: marker(&event),
            vendor_key: None,
            object_id: dedup_key.to_owned(),
        })
    }

    fn broken(&self, status: u16) -> Reply {
        let body = json!({"status": "Unrecognized object", "message": "Event object format is unrecognized"});
        Reply::json(status, &body)
    }
}

fn event(call: &Call) -> Value {
    serde_json::from_slice(&call.body).unwrap_or_default()
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

fn accepted(dedup_key: &str) -> Reply {
    let body = json!({"status": "success", "message": "Event processed", "dedup_key": dedup_key});
    Reply::json(202, &body)
}

fn invalid(error: &str) -> Reply {
    let body =
        json!({"status": "invalid event", "message": "Event object is invalid", "errors": [error]});
    Reply::json(400, &body)
}

/// Where a caller leaves its reference: `… [ref:KEY]` in the summary, or at the end of the key of a follow-up.
fn marker(event: &Value) -> Option<String> {
    let words = [text(&event["payload"], "summary"), text(event, "dedup_key")];
    words.into_iter().find_map(|words| {
        let (_, rest) = words.rsplit_once("[ref:")?;
        Some(rest.split_once(']')?.0.to_owned())
    })
}
