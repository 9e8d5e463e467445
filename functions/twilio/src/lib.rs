#![doc = include_str!("../README.md")]

mod listed;
mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::Limit;
use causeway::outcome::code;
use causeway::provider::{
    Answer, Auth, Found, Lookup, Operation, Part, Placeholder, Provider, Safety, Spec, TokenScheme,
    Verdict, Wire,
};
use serde::Deserialize;

use listed::SETTLE;
use payloads::{CreateCall, CreateFromContent, CreateMessage};

/// Text messages and calls.
pub struct Twilio;

/// "Send again after the rolling 24-hour window resets", of which nobody says when it began; one call an hour finds it.
/// <https://www.twilio.com/docs/api/errors/63038>
const FULL_DAY: Duration = Duration::from_secs(60 * 60);

/// How long a sender's full queue gets before the next try. Ours: Twilio says "wait" without a number.
const FULL_QUEUE: Duration = Duration::from_secs(60);

/// An OAuth app of the account: a token of an hour for the client alone.
/// <https://www.twilio.com/docs/iam/oauth-apps/oauth-access-token>
const OAUTH_APP: TokenScheme = TokenScheme {
    base_url: Some("https://oauth.twilio.com"),
    ..TokenScheme::client_credentials("/v2/token")
};

static SPEC: Spec = Spec {
    placeholders: &[Placeholder::id("account_sid", 34)],
    // Twilio counts calls at once and publishes no number: <https://www.twilio.com/docs/api/errors/20429>. Ours, for
    // an account that others use too.
    limits: &[Limit::concurrency("at once", 20)],
    ..Spec::new(
        "twilio",
        "https://api.twilio.com",
        Auth::OneOf(&[
            // <https://www.twilio.com/docs/iam/api-keys>
            Auth::Basic {
                user: Part::Field("key_sid"),
                password: Part::Field("key_secret"),
            },
            Auth::Token(OAUTH_APP),
        ]),
        &[
            // There is no idempotency key, and no field for a reference; the list of messages shows whom, what and when.
            Operation::new::<CreateMessage>(
                "messages.create",
                Safety::Lookup {
                    place: None,
                    settle: SETTLE,
                },
            ),
            // The list shows what Twilio wrote, which nobody here knows.
            Operation::new::<CreateFromContent>("messages.createFromContent", Safety::Unsafe),
            // Listed calls do not show what they say: another request's call to the same person looks the same.
            Operation::new::<CreateCall>("calls.create", Safety::Unsafe),
        ],
    )
};

impl Provider for Twilio {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Twilio's own codes decide: a 403 may be about the number, and a sender's full queue is no rejection.
    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        let code = answer.json::<Refusal>().map(|refusal| refusal.code);
        match (answer.status, code) {
            (200..=299, _) => match answer.json::<Made>() {
                Some(made) => Verdict::delivered(Some(made.sid)),
                None => Verdict::unwell(),
            },
            // "This 'From' number has exceeded the maximum number of queued messages": nothing was queued.
            (400..=499, Some(21611)) => Verdict::Retry {
                code: code::RATE_LIMITED,
                after: Some(FULL_QUEUE),
                fault: false,
            },
            // The account's messages of a day, in whatever status: <https://www.twilio.com/docs/api/errors/63038>
            (400..=499, Some(63038)) => Verdict::parked(answer, now, FULL_DAY),
            // The account is not active: <https://www.twilio.com/docs/api/errors/20005>
            (403, Some(20005)) => Verdict::Unauthorized,
            // 21000 to 21999 are about messages and numbers, such as a region that is not enabled
            // (<https://www.twilio.com/docs/api/errors/21408>). The rest is about what the key may do: one "that does not
            // include permission for the resource or endpoint" is no bad key, <https://www.twilio.com/docs/api/errors/403>.
            (403, Some(code)) if !(21_000..22_000).contains(&code) => {
                Verdict::forbidden(true, format!("code={code}"))
            }
            (401 | 408 | 421 | 423 | 425 | 429, _) => Verdict::by_status(answer, now),
            (400..=499, Some(code)) => Verdict::rejected(format!("code={code}")),
            _ => Verdict::by_status(answer, now),
        }
    }

    fn look_up(&self, operation: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        (operation.name == "messages.create").then(|| listed::question(lookup))?
    }

    fn found(&self, _operation: &Operation, lookup: &Lookup<'_>, answer: &Answer) -> Found {
        listed::found(lookup, answer)
    }
}

/// What was made: <https://www.twilio.com/docs/messaging/api/message-resource>
#[derive(Deserialize)]
struct Made {
    sid: String,
}

/// <https://www.twilio.com/docs/usage/twilios-response>
#[derive(Deserialize)]
struct Refusal {
    code: u32,
}
