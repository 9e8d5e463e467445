#![doc = include_str!("../README.md")]

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::{Limit, ScopeKey};
use causeway::provider::{
    Answer, Auth, Json, Operation, Payload, Provider, Safety, Spec, Text, Verdict, Wire,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Team messages: post and update.
pub struct Slack;

const MINUTE: Duration = Duration::from_secs(60);

// <https://docs.slack.dev/apis/web-api/rate-limits>
static SPEC: Spec = Spec {
    mappings: &[
        include_str!("../mappings/pms-reservation.json"),
        include_str!("../mappings/storefront-order.json"),
    ],
    ..Spec::new(
        "slack",
        "https://slack.com",
        Auth::Bearer { field: "bot_token" },
        &[
            // There is no idempotency key, and posting twice makes two messages.
            Operation::new::<PostMessage>("chat.postMessage", Safety::Unsafe).limits(&[
                // "No more than one message per second per channel"; a fifth more apart, since nothing pays for clocks.
                Limit::paced("channel", Duration::from_millis(1200))
                    .scoped(ScopeKey::Field("channel")),
                // "Several hundred messages per minute" for a workspace: Slack gives no number. Ours, not Slack's.
                Limit::window("workspace", 600, MINUTE, 100),
            ]),
            // Writing the same text again changes nothing. Tier 3: 50 and more a minute.
            Operation::new::<UpdateMessage>("chat.update", Safety::Natural)
                .limits(&[Limit::window("tier_3", 50, MINUTE, 20).scoped(ScopeKey::Operation)]),
        ],
    )
};

impl Provider for Slack {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Slack says no inside a 200.
    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        if !(200..=299).contains(&answer.status) {
            return Verdict::by_status(answer, now);
        }
        match answer.json::<Reply>() {
            Some(Reply { ok: true, ts, .. }) => Verdict::delivered(ts),
            Some(Reply {
                ok: false, error, ..
            }) => refused(error.as_deref().unwrap_or("unnamed_error"), answer, now),
            None => Verdict::unwell(),
        }
    }
}

fn refused(error: &str, answer: &Answer, now: Timestamp) -> Verdict {
    match error {
        "ratelimited" | "rate_limited" => Verdict::throttled(answer, now),
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            Verdict::Unauthorized
        }
        // "It's possible some aspect of the operation succeeded before the error was raised."
        "fatal_error" | "internal_error" | "request_timeout" | "service_unavailable" => {
            Verdict::unwell()
        }
        _ => Verdict::rejected(format!("error={error}")),
    }
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage>
#[derive(Deserialize)]
struct Reply {
    ok: bool,
    ts: Option<String>,
    error: Option<String>,
}

/// <https://docs.slack.dev/reference/methods/chat.postMessage>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct PostMessage {
    /// Channel, group or direct message.
    channel: Text<1, 64>,
    /// The message, or what notifications show where there are blocks.
    text: Text<1, 40_000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<Vec<Json>>,
    /// The message that this one answers.
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<Text<1, 32>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    unfurl_links: Option<bool>,
}

impl Payload for PostMessage {
    fn wire(&self) -> Wire {
        Wire::post("/api/chat.postMessage").json(self)
    }
}

/// <https://docs.slack.dev/reference/methods/chat.update>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct UpdateMessage {
    channel: Text<1, 64>,
    /// Which message.
    ts: Text<1, 32>,
    text: Text<1, 40_000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<Vec<Json>>,
}

impl Payload for UpdateMessage {
    fn wire(&self) -> Wire {
        Wire::post("/api/chat.update").json(self)
    }
}
