//! Slack's Web API: `chat.postMessage`, `chat.postEphemeral`, `chat.scheduleMessage` and `chat.update`; errors inside 200; a limit per channel.
//!
//! Wire shapes: <https://docs.slack.dev/reference/methods/chat.postMessage> and
//! <https://docs.slack.dev/reference/methods/chat.update>; limits: <https://docs.slack.dev/apis/web-api/rate-limits>.
//! Own assumptions are marked as such.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};

use crate::form::Form;
use crate::limits::{Exceeded, Limit};
use crate::oauth::{Refused, Tokens};
use crate::vendor::{Call, Effect, Reply, Vendor};

/// "chat.postMessage generally allows posting one message per second per channel", "short bursts >1
/// allowed" (docs.slack.dev/apis/web-api/rate-limits). How large a burst may be is not published; this
/// fake allows two more than the steady rate in 5 seconds. There is also a workspace-wide limit
/// of unpublished size, which is left out.
static CHANNEL: Limit = Limit {
    name: "channel",
    calls: 7,
    window: Duration::from_secs(5),
};
/// `chat.update` is a tier 3 method, 50 and more a minute for each method, app and workspace; "sporadic
/// bursts are welcome" (same page). Taken at its word.
static TIER_3: Limit = Limit {
    name: "chat.update",
    calls: 50,
    window: Duration::from_secs(60),
};

/// `chat.scheduleMessage` is a tier 3 method too, counted by itself.
static SCHEDULE: Limit = Limit {
    name: "chat.scheduleMessage",
    calls: 50,
    window: Duration::from_secs(60),
};
/// `chat.postEphemeral` is a tier 4 method: 100 and more a minute (same page).
static TIER_4: Limit = Limit {
    name: "chat.postEphemeral",
    calls: 100,
    window: Duration::from_secs(60),
};

/// Slack cuts texts above 40,000 characters (docs.slack.dev/changelog/2018-truncating-really-long-messages);
/// `msg_too_long` is the documented error.
const TEXT_LENGTH_MAX: usize = 40_000;

/// When the fake's world begins, seconds since the epoch (2026-01-01): a `ts` must not depend on the day of the run.
const EPOCH_S: u64 = 1_767_225_600;

/// With token rotation an access token lives twelve hours, and each refresh token works once
/// (docs.slack.dev/authentication/using-token-rotation).
const ROTATION: Duration = Duration::from_secs(12 * 60 * 60);

const TOKEN_PATH: &str = "/api/oauth.v2.access";

/// The state of the workspaces.
pub(crate) struct Slack {
    tokens: Tokens,
    /// Texts by channel and `ts`.
    messages: BTreeMap<(String, String), String>,
    /// Messages for one person and for later: nothing but their number is kept.
    others: u64,
}

impl Default for Slack {
    fn default() -> Self {
        Self {
            tokens: Tokens::new(ROTATION, Some(Duration::ZERO)),
            messages: BTreeMap::new(),
            others: 0,
        }
    }
}

impl Vendor for Slack {
    fn name(&self) -> &'static str {
        "slack"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        if call.path == TOKEN_PATH {
            return None;
        }
        let error = match call.bearer() {
            None | Some("") => "not_authed",
            Some(token) if token.contains("revoked") => "token_revoked",
            Some(token) if token.contains("inactive") => "account_inactive",
            Some(_) if self.tokens.account(call) == Err(Refused::Expired) => "token_expired",
            Some(token)
                if token.contains("invalid")
                    || !(token.starts_with("xox") || self.tokens.account(call).is_ok()) =>
            {
                "invalid_auth"
            }
            Some(_) => match (&call.method, call.path.as_str()) {
                (
                    &Method::POST,
                    "/api/chat.postMessage"
                    | "/api/chat.postEphemeral"
                    | "/api/chat.scheduleMessage"
                    | "/api/chat.update",
                ) => return None,
                _ => "unknown_method",
            },
        };
        Some(refusal(error))
    }

    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)> {
        let token = call.bearer().unwrap_or_default();
        match call.path.as_str() {
            TOKEN_PATH => return Vec::new(),
            "/api/chat.update" => return vec![(&TIER_3, token.to_owned())],
            "/api/chat.postEphemeral" => return vec![(&TIER_4, token.to_owned())],
            "/api/chat.scheduleMessage" => return vec![(&SCHEDULE, token.to_owned())],
            _ => {}
        }
        let channel = arguments(call)
            .ok()
            .and_then(|args| text(&args, "channel").map(str::to_owned));
        vec![(&CHANNEL, format!("{token} {}", channel.unwrap_or_default()))]
    }

    fn throttled(&self, exceeded: &Exceeded) -> Reply {
        // Whole seconds, rounded up: coming back earlier would be refused again.
        let seconds = exceeded.retry_after.as_millis().div_ceil(1000).max(1);
        Reply::json(429, &json!({"ok": false, "error": "ratelimited"}))
            .with("Retry-After", seconds.to_string())
    }

    fn execute(&mut self, call: &Call) -> Reply {
        if call.path == TOKEN_PATH {
            return self.token(call);
        }
        let done = arguments(call).and_then(|args| match call.path.as_str() {
            "/api/chat.update" => self.update(&args),
            "/api/chat.postEphemeral" => self.whisper(&args, call.now),
            "/api/chat.scheduleMessage" => self.schedule(&args, call.now),
            _ => self.post(&args, call.now),
        });
        done.unwrap_or_else(refusal)
    }

    fn broken(&self, status: u16) -> Reply {
        // "internal_error" and "service_unavailable" are in every method's list of errors.
        let error = if status == 503 {
            "service_unavailable"
        } else {
            "internal_error"
        };
        Reply::json(status, &json!({"ok": false, "error": error}))
    }
}

impl Slack {
    /// Refused inside a 200, as everything here; the word for a dead refresh token is from answers
    /// (github.com/slackapi/python-slack-sdk/issues/1242).
    fn token(&mut self, call: &Call) -> Reply {
        let form = Form::decode(&call.body);
        let client = call.header("authorization").unwrap_or_default();
        if !client.starts_with("Basic ") {
            return refusal("invalid_client_id");
        }
        let pair = match form.get("grant_type") {
            Some("refresh_token") => self.tokens.exchange(&form, call.now),
            _ => return refusal("invalid_grant_type"),
        };
        match pair {
            Some(pair) => Reply::json(
                200,
                &json!({
                    "ok": true, "access_token": pair.access, "refresh_token": pair.refresh,
                    "expires_in": ROTATION.as_secs(), "token_type": "bot",
                }),
            ),
            None => refusal("invalid_refresh_token"),
        }
    }

    fn post(&mut self, args: &Map<String, Value>, now: Duration) -> Result<Reply, &'static str> {
        let channel = known_channel(args)?;
        let words = message_text(args)?;
        // Microseconds after the dot tell messages of one second apart; a counter keeps them unique.
        let ts = format!("{}.{:06}", EPOCH_S + now.as_secs(), self.messages.len() + 1);
        self.messages
            .insert((channel.to_owned(), ts.clone()), words.to_owned());
        let message = json!({
            "type": "message", "subtype": "bot_message", "text": words, "ts": ts, "bot_id": "B0FAKEBOT",
            "metadata": args.get("metadata"),
        });
        let body = json!({"ok": true, "channel": channel, "ts": ts, "message": message});
        Ok(Reply::json(200, &body).causing(effect(args, words, &ts)))
    }

    fn whisper(&mut self, args: &Map<String, Value>, now: Duration) -> Result<Reply, &'static str> {
        known_channel(args)?;
        let user = text(args, "user").ok_or("invalid_arguments")?;
        if !user.starts_with(['U', 'W']) || user.contains("NOTMEMBER") {
            return Err("user_not_in_channel");
        }
        let words = message_text(args)?;
        self.others += 1;
        let ts = format!("{}.{:06}", EPOCH_S + now.as_secs(), self.others);
        let body = json!({"ok": true, "message_ts": ts});
        Ok(Reply::json(200, &body).causing(effect(args, words, &ts)))
    }

    /// How far ahead is not checked: this world's clock starts anew with each run.
    fn schedule(
        &mut self,
        args: &Map<String, Value>,
        now: Duration,
    ) -> Result<Reply, &'static str> {
        let channel = known_channel(args)?;
        let at = args.get("post_at").and_then(Value::as_u64);
        let at = at.ok_or("invalid_arguments")?;
        if at <= EPOCH_S + now.as_secs() {
            return Err("time_in_past");
        }
        let words = message_text(args)?;
        self.others += 1;
        let id = format!("Q{:010}", self.others);
        let message = json!({"type": "delayed_message", "subtype": "bot_message", "text": words, "bot_id": "B0FAKEBOT"});
        let body = json!({
            "ok": true, "channel": channel, "scheduled_message_id": id, "post_at": at, "message": message,
        });
        Ok(Reply::json(200, &body).causing(effect(args, words, &id)))
    }

    fn update(&mut self, args: &Map<String, Value>) -> Result<Reply, &'static str> {
        let channel = known_channel(args)?;
        let ts = text(args, "ts").ok_or("invalid_arguments")?;
        let words = message_text(args)?;
        let stored = self
            .messages
            .get_mut(&(channel.to_owned(), ts.to_owned()))
            .ok_or("message_not_found")?;
        let body = json!({"ok": true, "channel": channel, "ts": ts, "text": words, "message": {"type": "message", "text": words}});
        let reply = Reply::json(200, &body);
        // The same text again changes nothing that anyone could see.
        if stored == words {
            return Ok(reply);
        }
        words.clone_into(stored);
        Ok(reply.causing(effect(args, words, ts)))
    }
}

fn refusal(error: &'static str) -> Reply {
    Reply::json(200, &json!({"ok": false, "error": error}))
}

/// The arguments of a JSON call; the errors are from the list that all methods share.
fn arguments(call: &Call) -> Result<Map<String, Value>, &'static str> {
    if !call
        .header("content-type")
        .unwrap_or_default()
        .starts_with("application/json")
    {
        return Err("invalid_post_type");
    }
    match serde_json::from_slice(&call.body) {
        Ok(Value::Object(args)) => Ok(args),
        Ok(_) => Err("json_not_object"),
        Err(_) => Err("invalid_json"),
    }
}

fn text<'a>(args: &'a Map<String, Value>, name: &str) -> Option<&'a str> {
    args.get(name)?.as_str().filter(|text| !text.is_empty())
}

/// Ids of channels (C), direct messages (D) and groups (G) exist, except where the id itself says otherwise.
fn known_channel(args: &Map<String, Value>) -> Result<&str, &'static str> {
    let channel = text(args, "channel").ok_or("invalid_arguments")?;
    match channel {
        _ if channel.contains("UNKNOWN") => Err("channel_not_found"),
        _ if channel.contains("ARCHIVED") => Err("is_archived"),
        _ if channel.contains("NOTMEMBER") => Err("not_in_channel"),
        _ if channel.starts_with(['C', 'D', 'G']) => Ok(channel),
        _ => Err("channel_not_found"),
    }
}

fn message_text(args: &Map<String, Value>) -> Result<&str, &'static str> {
    let rich = ["blocks", "attachments"]
        .iter()
        .any(|name| args.get(*name).is_some_and(|value| !value.is_null()));
    match text(args, "text") {
        Some(words) if words.chars().count() > TEXT_LENGTH_MAX => Err("msg_too_long"),
        Some(words) => Ok(words),
        None if rich => Ok(""),
        None => Err("no_text"),
    }
}

/// Slack has no field for a caller's reference, so a marker rides in the text, `… [ref:KEY]`, or in
/// the message metadata as `event_payload.request` (<https://docs.slack.dev/messaging/message-metadata>).
fn effect(args: &Map<String, Value>, words: &str, ts: &str) -> Effect {
    let in_text = words
        .split_once("[ref:")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(marker, _)| marker);
    let in_metadata = args
        .get("metadata")
        .and_then(|metadata| metadata.pointer("/event_payload/request")?.as_str());
    Effect {
        marker: in_text.or(in_metadata).map(str::to_owned),
        vendor_key: None,
        object_id: ts.to_owned(),
    }
}
