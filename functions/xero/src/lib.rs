#![doc = include_str!("../README.md")]

mod answers;
mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::{Limit, Signals, signal};
use causeway::outcome::Code;
use causeway::provider::{
    Answer, Auth, Client, Grant, Json, KeyPlace, Operation, Provider, Safety, Spec, TokenScheme,
    Verdict,
};

use answers::{Answered, Element, Failed, over_limit};
use payloads::{NewContact, NewInvoice, NumberedContact, NumberedInvoice};

/// Accounting: contacts and sales invoices.
pub struct Xero;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// "Batch elements in bundles of up to 50": <https://developer.xero.com/documentation/guides/oauth2/limits/>
const MOST: usize = 50;

/// "Large inserts can take quite a while".
const PATIENCE: Duration = Duration::from_secs(25);

/// Xero remembers a key for 6 minutes; one is kept for clocks. Whether it looks the key up before it judges a call is
/// not said.
/// <https://developer.xero.com/documentation/guides/idempotent-requests/idempotency/>
const KEYED: Safety = Safety::Keyed {
    place: KeyPlace::Header("idempotency-key"),
    retention: Duration::from_secs(5 * 60),
    looks_up_first: false,
};

/// "You can retry refreshing your existing refresh token for a grace period of 30 minutes", else each works once:
/// <https://developer.xero.com/faq/oauth2>
const TOKEN: TokenScheme = TokenScheme {
    base_url: Some("https://identity.xero.com"),
    client: Client::Basic,
    grant: Grant::RefreshToken {
        rotating: true,
        grace: true,
    },
    ..TokenScheme::refresh_token("/connect/token", true)
};

/// A custom connection: "An access token can be requested using only the client_id and client_secret", and "the
/// xero-tenant-id header is not required", <https://developer.xero.com/faq/custom-integration>
const CUSTOM_CONNECTION: TokenScheme = TokenScheme {
    grant: Grant::ClientCredentials { scope: None },
    ..TOKEN
};

static SPEC: Spec = Spec {
    // Xero answers in XML where nobody asks for JSON.
    headers: &[("accept", "application/json")],
    // For each organisation: <https://developer.xero.com/documentation/guides/oauth2/limits/>. Apps of the free tier
    // have 1,000 calls a day; `X-DayLimit-Remaining` tells the lane.
    limits: &[
        Limit::concurrency("concurrent", 5),
        Limit::window("minute", 60, MINUTE, 20),
        Limit::window("day", 5_000, DAY, 2_500),
    ],
    mappings: &[include_str!("../mappings/storefront-invoice.json")],
    ..Spec::new(
        "xero",
        "https://api.xero.com",
        Auth::OneOf(&[
            Auth::All(&[
                Auth::Token(TOKEN),
                Auth::Header {
                    name: "xero-tenant-id",
                    field: "tenant_id",
                },
            ]),
            Auth::Token(CUSTOM_CONNECTION),
        ]),
        // PUT creates and refuses what is there; POST creates or updates what has the number.
        &[
            Operation::new::<NewContact>("contacts.create", KEYED),
            Operation::batch::<NumberedContact>("contacts.upsert", Safety::Natural, MOST)
                .timeout(PATIENCE),
            Operation::new::<NewInvoice>("invoices.create", KEYED),
            Operation::batch::<NumberedInvoice>("invoices.upsert", Safety::Natural, MOST)
                .timeout(PATIENCE),
        ],
    )
};

impl Provider for Xero {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// Of a call with one element.
    fn classify(&self, _operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        match elements(answer, now) {
            Ok(told) => Verdict::of_element(told.iter().filter_map(Element::verdict)),
            // What comes while the key is at work is not written; no other 409 is known of these calls.
            Err(_) if answer.status == 409 => Verdict::KeyInUse,
            Err(verdict) => verdict,
        }
    }

    /// Xero says no to single elements inside a 200, and names each by its number.
    fn classify_batch(
        &self,
        operation: &Operation,
        elements_sent: &[&Json],
        answer: &Answer,
        now: Timestamp,
    ) -> Vec<Verdict> {
        let told = match elements(answer, now) {
            Ok(told) => told,
            Err(whole) => return whole.of_whole(elements_sent.len()),
        };
        let of = |element: &&Json| {
            let number = operation.identity(element).ok().flatten();
            let number = number.unwrap_or_default();
            let named = told.iter().filter(|it| it.is(&number));
            Verdict::of_element(named.filter_map(Element::verdict))
        };
        elements_sent.iter().map(of).collect()
    }

    /// What is left of the minute and of the day. When they end, Xero does not say.
    fn signals(&self, _operation: &Operation, answer: &Answer, _now: Timestamp) -> Signals {
        let headers = &answer.headers;
        let minute = signal::left(headers, "minute", "x-minlimit-remaining");
        let day = signal::left(headers, "day", "x-daylimit-remaining");
        Signals {
            remaining: minute.into_iter().chain(day).collect(),
            ..Signals::default()
        }
    }
}

/// The elements that a 200 tells of, or what an answer of another kind means for the whole call.
fn elements(answer: &Answer, now: Timestamp) -> Result<Vec<Element>, Verdict> {
    if (200..=299).contains(&answer.status) {
        let answered = answer.json::<Answered>().ok_or_else(Verdict::unwell)?;
        return Ok(answered.elements);
    }
    let failed = answer.json::<Failed>().unwrap_or_default();
    Err(match answer.status {
        429 => over_limit(answer, now),
        400 if failed.is_key_mismatch() => Verdict::Ambiguous {
            code: Code::new("key_mismatch"),
            after: None,
            resend_helps: false,
            fault: false,
        },
        400 | 404 => Verdict::rejected(failed.to_string()),
        // The token works elsewhere, and lacks the scope of this: <https://github.com/XeroAPI/Xero-NetStandard/issues/97>,
        // <https://github.com/XeroAPI/xero-ruby-oauth2-app/issues/82>. A token that does not is "AuthenticationUnsuccessful"
        // or "TokenExpired".
        401 if failed.lacks_scope() => Verdict::forbidden(true, failed.to_string()),
        403 => Verdict::forbidden(failed.is_named(), failed.to_string()),
        _ => Verdict::by_status(answer, now),
    })
}
