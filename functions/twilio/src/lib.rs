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
            (401 | 408 | 429, _) => Verdict::by_status(answer, now),
            // Permission denied, account not active, no access: about the account. Every other code of a 403 is about
            // this request, and must not pause the connection.
            (403, Some(20003 | 20005 | 20006)) => Verdict::Unauthorized,
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
