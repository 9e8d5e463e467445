//! Slack. The document was converted from the one that Slack has published: methods with JSON bodies.

use super::{Document, JSON, Probe, Sdk, Vendor};
use crate::relay::Lie;
use crate::steps::{End, Step};

pub(super) static VENDOR: Vendor = Vendor {
    name: "slack",
    secret: r#"{"bot_token": "xoxb-vendors"}"#,
    document: Some(Document {
        file: "slack.json",
        without: &["chat.postEphemeral", "chat.scheduleMessage"],
        known: &[],
        steps: &[
            Step::new(
                "chat.postMessage",
                r#"{"channel": "C0VENDORS", "text": "Order 1712 is paid", "unfurl_links": false,
                    "blocks": [{"type": "divider"}]}"#,
                End::Delivered,
            ),
            Step::new(
                "chat.update",
                r#"{"channel": "C0VENDORS", "ts": "{made}", "text": "Order 1712 is paid and packed"}"#,
                End::Delivered,
            ),
            Step::new(
                "chat.postMessage",
                r#"{"channel": "C0UNKNOWN", "text": "hi"}"#,
                End::Rejected,
            ),
            Step::new(
                "chat.update",
                r#"{"channel": "C0VENDORS", "ts": "1.2", "text": "hi"}"#,
                End::Rejected,
            ),
            Step::new(
                "chat.postMessage",
                r#"{"channel": "C0VENDORS", "text": "hi"}"#,
                End::Unauthorized,
            )
            .secret(r#"{"bot_token": "xoxb-invalid"}"#),
            // One a second and channel, and short bursts.
            Step::new(
                "chat.postMessage",
                r#"{"channel": "C0BUSY", "text": "hi"}"#,
                End::Throttled,
            )
            .times(20),
        ],
        probes: &[
            Probe {
                what: "a number for a text",
                path: "/api/chat.postMessage",
                media_type: JSON,
                body: r#"{"channel": 7, "text": "hi"}"#,
                found: "request.body.channel: Request body property channel must be string",
            },
            Probe {
                what: "a missing field",
                path: "/api/chat.update",
                media_type: JSON,
                body: r#"{"channel": "C0VENDORS", "text": "hi"}"#,
                found: "request.body: Request body must have required property 'ts'",
            },
            Probe {
                what: "a misspelt name",
                path: "/api/chat.postMessage",
                media_type: JSON,
                body: r#"{"channel": "C0VENDORS", "txet": "hi"}"#,
                found: "request.body.txet: not in the document",
            },
            Probe {
                what: "a path that does not exist",
                path: "/api/chat.postMessages",
                media_type: JSON,
                body: "{}",
                found: "request: Selected route not found",
            },
        ],
        lies: &[
            (
                Lie::Without("/ok"),
                "response.body: Response body must have required property 'ok'",
            ),
            (
                Lie::With("/ts", "\"today\""),
                "response.body.ts: Response body property ts must match pattern",
            ),
            (Lie::Status(201), "Unable to match the returned status code"),
        ],
    }),
    peer: None,
    sdk: Some(Sdk {
        script: "check_slack.py",
        lies: &[
            (Lie::Without("/ts"), "create"),
            (Lie::With("/ok", "false"), "create"),
            (Lie::With("/ok", "true"), "validation error"),
            (Lie::With("/error", "\"fatal_error\""), "auth error"),
            (Lie::Status(200), "throttle"),
        ],
    }),
};
