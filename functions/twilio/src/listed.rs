//! Whether a listed message is the one that an earlier call may have made.

use std::time::Duration;

use causeway::Timestamp;
use causeway::provider::{Answer, Found, Json, Lookup, Wire};
use serde::Deserialize;

pub const MESSAGES: &str = "/2010-04-01/Accounts/{account_sid}/Messages.json";

/// How long after a call its message may come into being and into the list. Twilio says nothing; ours, well above the
/// 20 s after which a call has ended for us.
pub const SETTLE: Duration = Duration::from_secs(120);

/// How much earlier than we sent it Twilio may say that it was made: its dates are whole seconds, its clock its own.
const CLOCKS: Duration = Duration::from_secs(5);

/// Of at most 1,000 (<https://www.twilio.com/docs/messaging/api/message-resource>): 500 of a usual length fit into an
/// answer.
const PAGE: &str = "500";

/// Asks for all messages to the same number from the same sender. None where the answer could not tell: a number that
/// is not written as Twilio lists it, or no text to know it by. `DateSent` would leave out what still waits at
/// Twilio, and so proves nothing.
pub fn question(lookup: &Lookup<'_>) -> Option<Wire> {
    let text = |name| lookup.payload.get(name).and_then(Json::as_str);
    let to = text("To").filter(|to| is_as_listed(to))?;
    text("Body").filter(|body| !letters(body).is_empty())?;
    let wire = Wire::get(MESSAGES).query("To", to);
    // A messaging service chooses the sender later, and only it stands in the message until then.
    let wire = match (text("MessagingServiceSid"), text("From")) {
        (None, Some(from)) if is_as_listed(from) => wire.query("From", from),
        _ => wire,
    };
    Some(wire.query("PageSize", PAGE))
}

/// E.164, perhaps with a channel before it.
fn is_as_listed(address: &str) -> bool {
    let number = address
        .split_once(':')
        .map_or(address, |(_, number)| number);
    number.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len()) && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// A hit is the one message with our text that came into being while ours was sent; a miss is a complete list without
/// any. Two with our text, one whose text is hidden, or a list that goes on, do not tell.
pub fn found(lookup: &Lookup<'_>, answer: &Answer) -> Found {
    let Some(list) = answer.json::<List>().filter(|_| answer.status == 200) else {
        return Found::Unclear;
    };
    let ours = lookup.payload.get("Body").and_then(Json::as_str);
    let Some(ours) = ours.map(letters) else {
        return Found::Unclear;
    };
    let span = lookup.first_sent - CLOCKS..=lookup.last_sent + SETTLE;
    let mut candidates = Vec::new();
    for message in list.messages {
        let Ok(made) = Timestamp::parse_rfc2822(&message.date_created) else {
            return Found::Unclear;
        };
        if !span.contains(&made) || message.direction.as_deref() == Some("inbound") {
            continue;
        }
        match message.body.as_deref().map(letters) {
            Some(theirs) if theirs.strip_prefix(TRIAL).unwrap_or(&theirs) == ours => {
                candidates.push(message.sid);
            }
            Some(theirs) if !theirs.is_empty() && theirs != REDACTED => {}
            _ => return Found::Unclear,
        }
    }
    match (candidates.pop(), candidates.is_empty()) {
        (Some(sid), true) => Found::Hit {
            object_id: Some(sid),
        },
        (None, _) if list.next_page_uri.is_null() => Found::Miss,
        _ => Found::Unclear,
    }
}

/// The letters of what a trial account puts before each text
/// (<https://www.twilio.com/docs/usage/tutorials/how-to-use-your-free-trial-account>).
const TRIAL: &str = "sentfromyourtwiliotrialaccount";

/// What a hidden text may read (own knowledge); an empty one is taken for hidden too.
const REDACTED: &str = "redacted";

/// A messaging service may send other punctuation than was asked for ("smart encoding",
/// <https://www.twilio.com/docs/messaging/services/smart-encoding-char-list>).
fn letters(text: &str) -> String {
    let kept = text.chars().filter(|char| char.is_alphanumeric());
    kept.flat_map(char::to_lowercase).collect()
}

/// <https://www.twilio.com/docs/messaging/api/message-resource>, and for the pages
/// <https://www.twilio.com/docs/usage/twilios-response>
#[derive(Deserialize)]
struct List {
    messages: Vec<Message>,
    /// Null where this is all. Not an `Option`: an answer without it does not tell.
    next_page_uri: Json,
}

#[derive(Deserialize)]
struct Message {
    sid: String,
    body: Option<String>,
    direction: Option<String>,
    date_created: String,
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn path(payload: &Json) -> Option<String> {
        let (first_sent, last_sent) = (Timestamp::from_millis(0), Timestamp::from_millis(0));
        let reference = "reference";
        let lookup = Lookup {
            payload,
            reference,
            first_sent,
            last_sent,
        };
        Some(question(&lookup)?.path)
    }

    #[test]
    fn only_what_the_list_can_tell_is_asked() {
        for payload in [
            json!({"To": "+1 415 555 0123", "Body": "hi"}),
            json!({"To": "0415", "Body": "hi"}),
            json!({"To": "+14155550123"}),
            json!({"To": "+14155550123", "Body": "✅ !"}),
        ] {
            assert_eq!(path(&payload), None, "{payload}");
        }
    }

    #[test]
    fn sender_is_asked_for_where_it_is_known_as_twilio_lists_it() {
        let asked = |from: Json| path(&from).is_some_and(|path| path.contains("&From="));
        let number =
            json!({"To": "whatsapp:+14155550123", "From": "whatsapp:+14155550100", "Body": "hi"});
        assert!(asked(number));
        assert!(!asked(
            json!({"To": "+14155550123", "From": "CAUSEWAY", "Body": "hi"})
        ));
        let service = json!({"To": "+14155550123", "From": "+14155550100", "MessagingServiceSid": "MG", "Body": "hi"});
        assert!(!asked(service));
    }
}
