//! Twilio's REST API: messages and calls are made, messages are listed; neither key nor reference.
//!
//! Wire shapes: <https://www.twilio.com/docs/messaging/api/message-resource>,
//! <https://www.twilio.com/docs/voice/api/call-resource> and <https://www.twilio.com/docs/usage/twilios-response>;
//! numbers that are refused: <https://www.twilio.com/docs/iam/test-credentials>. Own assumptions are marked as such.

mod list;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::Method;
use serde_json::json;

use crate::form::{Form, pairs};
use crate::limits::{Exceeded, Limit};
use crate::oauth::Tokens;
use crate::vendor::{Call, Effect, Reply, Vendor, mix};
use list::Message;

/// Twilio limits the calls at once (<https://www.twilio.com/docs/api/errors/20429>), and nobody here tells a fake that
/// a call has ended. For tests: an account whose SID ends in `0429` is allowed this much instead.
static SMALL: Limit = Limit {
    name: "small account",
    calls: 5,
    window: Duration::from_secs(10),
};

const ACCOUNTS: &str = "/2010-04-01/Accounts/";

/// Of OAuth apps (twilio.com/docs/iam/oauth-apps/oauth-access-token), and how long such a token lives.
const TOKEN_PATH: &str = "/v2/token";
const TOKEN_LIFETIME: Duration = Duration::from_secs(60 * 60);

/// "The text content of the message": 21617 from the next character on
/// (<https://www.twilio.com/docs/api/errors/21617>).
const BODY_LENGTH_MAX: usize = 1_600;

/// <https://www.twilio.com/docs/api/errors/21623>
const MEDIA_MAX: usize = 10;

/// A code of Twilio's, the HTTP status that it comes with, and the message.
type Refusal = (u32, u16, &'static str);

/// The state of the accounts.
pub(crate) struct Twilio {
    /// When this world began, since the epoch. Dates are true here, unlike in the other fakes: a caller who asks for
    /// what an earlier call has made knows it by its date.
    began: Duration,
    tokens: Tokens,
    messages: Vec<Message>,
    made: u64,
}

impl Default for Twilio {
    fn default() -> Self {
        let began = SystemTime::now().duration_since(UNIX_EPOCH);
        Self {
            began: began.unwrap_or_default(),
            tokens: Tokens::new(TOKEN_LIFETIME, None),
            messages: Vec::new(),
            made: 0,
        }
    }
}

impl Vendor for Twilio {
    fn name(&self) -> &'static str {
        "twilio"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        if is_token_call(call) {
            return None;
        }
        let known = account_and_resource(&call.path).filter(|(account, _)| is_sid(account, "AC"));
        let Some((account, _)) = known else {
            return Some(refusal((
                20404,
                404,
                "The requested resource was not found",
            )));
        };
        match credentials(call) {
            None if self.tokens.account(call).is_ok() => None,
            Some((user, password))
                if (user == account || is_sid(&user, "SK")) && !password.contains("invalid") =>
            {
                None
            }
            _ => Some(refusal((20003, 401, "Authenticate"))),
        }
    }

    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)> {
        let account = account_and_resource(&call.path).map(|(account, _)| account);
        let small = account.filter(|account| account.ends_with("0429"));
        small
            .map(|account| (&SMALL, account.to_owned()))
            .into_iter()
            .collect()
    }

    fn throttled(&self, _exceeded: &Exceeded) -> Reply {
        refusal((20429, 429, "Too Many Requests"))
    }

    fn execute(&mut self, call: &Call) -> Reply {
        if is_token_call(call) {
            return self.token(call);
        }
        let (account, resource) = account_and_resource(&call.path).unwrap_or_default();
        let sid = resource
            .strip_prefix("Messages/")
            .and_then(|rest| rest.strip_suffix(".json"));
        let done = match (&call.method, resource, sid) {
            (&Method::POST, "Messages.json", _) => self.send(account, call),
            (&Method::POST, "Calls.json", _) => self.dial(account, call),
            (&Method::GET, "Messages.json", _) => {
                Ok(list::page(&self.messages, account, call, self.began))
            }
            (&Method::GET, _, Some(sid)) => {
                let mut messages = self.messages.iter();
                let found = messages.find(|message| message.is(account, sid));
                let shown = found.map(|message| message.show(self.began, call.now));
                shown.map(|body| Reply::json(200, &body)).ok_or((
                    20404,
                    404,
                    "The requested resource was not found",
                ))
            }
            _ => Err((20404, 404, "The requested resource was not found")),
        };
        done.unwrap_or_else(refusal)
    }

    fn broken(&self, status: u16) -> Reply {
        // The codes are an assumption.
        let (code, message) = match status {
            503 => (20503, "Service is unavailable. Please try again"),
            _ => (20500, "Internal server error"),
        };
        refusal((code, status, message))
    }
}

fn is_token_call(call: &Call) -> bool {
    call.method == Method::POST && call.path == TOKEN_PATH
}

impl Twilio {
    /// What a wrong secret is answered is RFC 6749's word: own assumption.
    fn token(&mut self, call: &Call) -> Reply {
        let form = Form::decode(&call.body);
        let client = form.get("client_id");
        let secret = form.get("client_secret");
        let is_good = secret.is_some_and(|secret| !secret.contains("invalid"))
            && form.get("grant_type") == Some("client_credentials");
        match client.filter(|_| is_good) {
            Some(client) => {
                let access = self.tokens.grant(client, call.now, TOKEN_LIFETIME);
                let body = json!({"access_token": access, "token_type": "Bearer",
                    "expires_in": TOKEN_LIFETIME.as_secs()});
                Reply::json(200, &body)
            }
            None => Reply::json(401, &json!({"error": "invalid_client"})),
        }
    }

    fn send(&mut self, account: &str, call: &Call) -> Result<Reply, Refusal> {
        let form = pairs(&call.body);
        let to = receiver(&form)?;
        let from = value(&form, "From");
        let service = value(&form, "MessagingServiceSid");
        if from.is_none() && service.is_none() {
            return Err((21603, 400, "A 'From' phone number is required."));
        }
        if let Some(from) = from {
            sender(from)?;
        }
        let body = value(&form, "Body");
        let media = form.iter().filter(|(name, _)| name == "MediaUrl").count();
        let template = value(&form, "ContentSid");
        match body {
            None if media == 0 && template.is_none() => {
                return Err((21602, 400, "Message body is required."));
            }
            Some(body) if body.chars().count() > BODY_LENGTH_MAX => {
                return Err((
                    21617,
                    400,
                    "The concatenated message body exceeds the 1600 character limit",
                ));
            }
            _ if media > MEDIA_MAX => {
                return Err((21623, 400, "Number of media files exceeds allowed limit"));
            }
            _ => {}
        }
        let variables = value(&form, "ContentVariables");
        let message = Message {
            account: account.to_owned(),
            sid: self.sid(if media > 0 { "MM" } else { "SM" }),
            to: to.to_owned(),
            from: from.map(str::to_owned),
            service: service.map(str::to_owned),
            // What a template says is not known here: its variables stand for it.
            body: body.or(variables).unwrap_or_default().to_owned(),
            media,
            at: call.now,
        };
        let effect = effect(&message.body, &message.sid);
        let reply = Reply::json(201, &message.show(self.began, call.now)).causing(effect);
        self.messages.push(message);
        Ok(reply)
    }

    fn dial(&mut self, account: &str, call: &Call) -> Result<Reply, Refusal> {
        let form = pairs(&call.body);
        let to = match value(&form, "To") {
            Some(to) if to.starts_with("client:") || to.starts_with("sip:") => to,
            _ => receiver(&form)?,
        };
        let from = value(&form, "From").ok_or((21213, 400, "'From' parameter is required."))?;
        sender(from)?;
        let says = ["Twiml", "Url", "ApplicationSid"].map(|name| value(&form, name));
        let says: Vec<&str> = says.into_iter().flatten().collect();
        if says.is_empty() {
            return Err((21205, 400, "Url parameter is required."));
        }
        let sid = self.sid("CA");
        let body = json!({
            "account_sid": account, "annotation": null, "answered_by": null, "api_version": "2010-04-01",
            "caller_name": null, "date_created": null, "date_updated": null, "direction": "outbound-api",
            "duration": null, "end_time": null, "forwarded_from": null, "from": from, "group_sid": null,
            "parent_call_sid": null, "phone_number_sid": null, "price": null, "price_unit": "USD", "queue_time": "0",
            "sid": sid, "start_time": null, "status": "queued", "to": to, "trunk_sid": null,
            "uri": format!("{ACCOUNTS}{account}/Calls/{sid}.json"),
        });
        Ok(Reply::json(201, &body).causing(effect(&says.join(" "), &sid)))
    }

    /// Two letters and 32 hex digits, the same in every run.
    fn sid(&mut self, prefix: &str) -> String {
        self.made += 1;
        format!("{prefix}{:016x}{:016x}", mix(self.made), mix(!self.made))
    }
}

/// `AC…` and what follows it in a path.
fn account_and_resource(path: &str) -> Option<(&str, &str)> {
    path.strip_prefix(ACCOUNTS)?.split_once('/')
}

fn is_sid(text: &str, prefix: &str) -> bool {
    let digits = text.strip_prefix(prefix).unwrap_or_default();
    digits.len() == 32 && digits.bytes().all(|byte| byte.is_ascii_hexdigit())
}

fn credentials(call: &Call) -> Option<(String, String)> {
    let encoded = call.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64.decode(encoded).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}

/// The first parameter of that name; an empty one counts as not given (an assumption).
fn value<'a>(form: &'a [(String, String)], name: &str) -> Option<&'a str> {
    let found = form.iter().find(|(have, _)| have == name);
    found
        .map(|(_, value)| value.as_str())
        .filter(|value| !value.is_empty())
}

fn receiver(form: &[(String, String)]) -> Result<&str, Refusal> {
    let to = value(form, "To").ok_or((21604, 400, "A 'To' phone number is required."))?;
    match to {
        "+15005550001" => Err((21211, 400, "Invalid 'To' Phone Number")),
        "+15005550002" => Err((
            21612,
            400,
            "The 'To' number cannot be reached from the 'From' number",
        )),
        "+15005550003" => Err((21408, 403, "Permission has not been enabled for the region")),
        "+15005550004" => Err((21610, 400, "Attempt to send to unsubscribed recipient")),
        "+15005550009" => Err((21614, 400, "'To' number is not a valid mobile number")),
        _ if is_number(to) => Ok(to),
        _ => Err((21211, 400, "Invalid 'To' Phone Number")),
    }
}

fn sender(from: &str) -> Result<(), Refusal> {
    match from {
        "+15005550001" => Err((21212, 400, "Invalid 'From' Phone Number")),
        "+15005550007" => Err((
            21606,
            400,
            "The 'From' number is not a message-capable number of this account",
        )),
        "+15005550008" => Err((
            21611,
            400,
            "This 'From' number has exceeded the maximum number of queued messages",
        )),
        _ => Ok(()),
    }
}

/// E.164, perhaps with a channel before it.
fn is_number(address: &str) -> bool {
    let number = address.rsplit(':').next().unwrap_or(address);
    let digits = number.strip_prefix('+').unwrap_or_default();
    (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
}

fn refusal((code, status, message): Refusal) -> Reply {
    let more_info = format!("https://www.twilio.com/docs/errors/{code}");
    let body = json!({"code": code, "message": message, "more_info": more_info, "status": status});
    Reply::json(status, &body)
}

/// Twilio has no field for a caller's reference, so a marker rides in what is said: `… [ref:KEY]`.
fn effect(says: &str, sid: &str) -> Effect {
    let marker = says
        .split_once("[ref:")
        .and_then(|(_, rest)| rest.split_once(']'))
        .map(|(marker, _)| marker.to_owned());
    let object_id = sid.to_owned();
    Effect {
        marker,
        vendor_key: None,
        object_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sids_are_two_letters_and_32_hex_digits() {
        let mut twilio = Twilio::default();
        let (first, second) = (twilio.sid("SM"), twilio.sid("SM"));
        assert!(is_sid(&first, "SM") && is_sid(&second, "SM"));
        assert_ne!(first, second);
    }
}
