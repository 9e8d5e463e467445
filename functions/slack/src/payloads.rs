//! The canonical payloads: what producers send, what the lane checks, and what Slack gets.

use causeway::provider::{Json, Payload, Text, Whole, Wire};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// <https://docs.slack.dev/reference/methods/chat.postMessage>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostMessage {
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
pub(crate) struct UpdateMessage {
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

/// <https://docs.slack.dev/reference/methods/chat.postEphemeral>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PostEphemeral {
    channel: Text<1, 64>,
    /// Who sees it: a member of the channel.
    user: Text<1, 32>,
    text: Text<1, 40_000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<Vec<Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<Text<1, 32>>,
}

impl Payload for PostEphemeral {
    fn wire(&self) -> Wire {
        Wire::post("/api/chat.postEphemeral").json(self)
    }
}

/// <https://docs.slack.dev/reference/methods/chat.scheduleMessage>
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ScheduleMessage {
    channel: Text<1, 64>,
    /// When, in seconds since the epoch: at most 120 days ahead. Ten digits reach to the year 2286.
    post_at: Whole<1, 9_999_999_999>,
    text: Text<1, 40_000>,
    #[serde(skip_serializing_if = "Option::is_none")]
    blocks: Option<Vec<Json>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    thread_ts: Option<Text<1, 32>>,
}

impl Payload for ScheduleMessage {
    fn wire(&self) -> Wire {
        Wire::post("/api/chat.scheduleMessage").json(self)
    }
}
