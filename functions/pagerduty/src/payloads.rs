//! The three events, as producers send them: the vendor's own body without `routing_key` and `event_action`.
//!
//! Fields: <https://github.com/PagerDuty/developer-docs/blob/main/docs/events-API-v2/02-Trigger-Events.md>. 255 and 1,024 are the documentation's; texts and
//! lists without a documented bound get a generous one here.

use std::collections::BTreeMap;

use causeway::provider::{Json, Payload, Text, Wire};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What all events about one alert share; never to be used again once the alert is resolved.
type DedupKey = Text<1, 255>;

/// Opens an alert, or adds to the open one with the same key.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Trigger {
    dedup_key: DedupKey,
    payload: Problem,
    #[serde(skip_serializing_if = "Option::is_none")]
    client: Option<Text<1, 1024>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_url: Option<Text<1, 2048>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    links: Option<Vec<Link>>,
}

impl Payload for Trigger {
    fn wire(&self) -> Wire {
        event("trigger", self)
    }
}

/// Says that someone works on the alert.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Acknowledge {
    dedup_key: DedupKey,
}

impl Payload for Acknowledge {
    fn wire(&self) -> Wire {
        event("acknowledge", self)
    }
}

/// Says that the problem is gone.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolve {
    dedup_key: DedupKey,
}

impl Payload for Resolve {
    fn wire(&self) -> Wire {
        event("resolve", self)
    }
}

/// All three go to one place; `event_action` tells them apart.
fn event(event_action: &'static str, fields: &impl Serialize) -> Wire {
    #[derive(Serialize)]
    struct Event<'a, T> {
        event_action: &'static str,
        #[serde(flatten)]
        fields: &'a T,
    }
    Wire::post("/v2/enqueue").json(&Event {
        event_action,
        fields,
    })
}

/// What is wrong, and where: <https://support.pagerduty.com/main/docs/pd-cef>.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Problem {
    summary: Text<1, 1024>,
    source: Text<1, 1024>,
    severity: Severity,
    /// ISO 8601.
    #[serde(skip_serializing_if = "Option::is_none")]
    timestamp: Option<Text<1, 64>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    component: Option<Text<1, 1024>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    group: Option<Text<1, 1024>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    class: Option<Text<1, 1024>>,
    /// Whatever helps the person who is paged.
    #[serde(skip_serializing_if = "Option::is_none")]
    custom_details: Option<BTreeMap<String, Json>>,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum Severity {
    Critical,
    Error,
    Warning,
    Info,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Link {
    href: Text<1, 2048>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<Text<1, 1024>>,
}
