#![doc = include_str!("../README.md")]

mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::{Limit, ScopeKey};
use causeway::provider::{
    Answer, Auth, Client, Operation, Provider, Safety, Spec, TokenScheme, TokenWord, Verdict,
};
use serde::Deserialize;

use payloads::{PostEphemeral, PostMessage, ScheduleMessage, UpdateMessage};

/// Team messages: now, later, for one person, and changed.
pub struct Slack;

const MINUTE: Duration = Duration::from_secs(60);

/// Apps with token rotation: tokens of 12 hours, "the refresh token is then revoked".
/// <https://docs.slack.dev/authentication/using-token-rotation>. The client's words are documented
/// (<https://docs.slack.dev/reference/methods/oauth.v2.access>, which also asks for HTTP Basic); that of a dead refresh
/// token is from answers (<https://github.com/slackapi/python-slack-sdk/issues/1242>).
const ROTATED: TokenScheme = TokenScheme {
    client: Client::Basic,
    words: &[
        TokenWord::dead_grant("invalid_refresh_token"),
        TokenWord::wrong_client("bad_client_secret"),
        TokenWord::wrong_client("invalid_client_id"),
    ],
    ..TokenScheme::refresh_token("/api/oauth.v2.access", true)
};

// <https://docs.slack.dev/apis/web-api/rate-limits>
static SPEC: Spec = Spec {
    mappings: &[
        include_str!("../mappings/pms-reservation.json"),
        include_str!("../mappings/storefront-order.json"),
    ],
    ..Spec::new(
        "slack",
        "https://slack.com",
        Auth::OneOf(&[Auth::Bearer { field: "bot_token" }, Auth::Token(ROTATED)]),
        &[
            // There is no idempotency key, and posting twice makes two messages.
            Operation::new::<PostMessage>("chat.postMessage", Safety::Unsafe).limits(&[
                // "No more than one message per second per channel"; a fifth more apart, since nothing pays for clocks.
                Limit::paced("channel", Duration::from_millis(1200))
                    .scoped(ScopeKey::Field("channel")),
                // "Several hundred messages per minute" for a workspace: Slack gives no number. Ours, not Slack's.
                Limit::window("workspace", 600, MINUTE, 100),
            ]),
            // Nobody can ask for one. Tier 4: 100 and more a minute.
            Operation::new::<PostEphemeral>("chat.postEphemeral", Safety::Unsafe)
                .limits(&[Limit::window("tier_4", 100, MINUTE, 40).scoped(ScopeKey::Operation)]),
            // The list of what is scheduled shows only what is still to come. Tier 3.
            Operation::new::<ScheduleMessage>("chat.scheduleMessage", Safety::Unsafe)
                .limits(&[Limit::window("tier_3", 50, MINUTE, 20).scoped(ScopeKey::Operation)]),
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
            Some(reply) if reply.ok => {
                let id = reply.ts.or(reply.message_ts);
                Verdict::delivered(id.or(reply.scheduled_message_id))
            }
            Some(reply) => refused(
                reply.error.as_deref().unwrap_or("unnamed_error"),
                answer,
                now,
            ),
            None => Verdict::unwell(),
        }
    }
}

/// How long a workspace is left alone that is being moved into an organisation: Slack says no time. Ours, not Slack's.
const MIGRATION: Duration = Duration::from_secs(60 * 60);

/// <https://docs.slack.dev/reference/methods/chat.postMessage#errors>
fn refused(error: &str, answer: &Answer, now: Timestamp) -> Verdict {
    match error {
        "ratelimited" | "rate_limited" => Verdict::throttled(answer, now),
        "invalid_auth" | "not_authed" | "account_inactive" | "token_revoked" | "token_expired" => {
            Verdict::Unauthorized
        }
        // The token is good, and may not do this.
        "missing_scope"
        | "not_allowed_token_type"
        | "access_denied"
        | "accesslimited"
        | "ekm_access_denied" => Verdict::forbidden(true, format!("error={error}")),
        // "Will not be available until migration is complete": the workspace, or the one channel.
        "org_login_required" | "team_added_to_org" => Verdict::parked(answer, now, MIGRATION),
        "external_channel_migrating" => Verdict::locked(answer, now),
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
    // What was made; each method has its own name for it.
    ts: Option<String>,
    message_ts: Option<String>,
    scheduled_message_id: Option<String>,
    error: Option<String>,
}
