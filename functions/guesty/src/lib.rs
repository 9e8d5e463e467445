#![doc = include_str!("../README.md")]

mod payloads;

use std::time::Duration;

use causeway::Timestamp;
use causeway::limiter::signal::left;
use causeway::limiter::{Limit, Signals};
use causeway::provider::{
    Answer, Auth, Found, Grant, Json, KeyPlace, Lookup, Operation, Provider, Safety, Spec,
    TokenBudget, TokenScheme, Verdict, Wire,
};

use payloads::{CreateGuest, CreateReservation, SendMessage};

/// Vacation rentals: reservations, guests and messages to them.
pub struct Guesty;

const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// "Up to five access tokens per API key within a 24-hour period. Each token remains valid for 24 hours."
/// <https://open-api-docs.guesty.com/reference/get-started>
const TOKEN: TokenScheme = TokenScheme {
    grant: Grant::ClientCredentials {
        scope: Some("open-api"),
    },
    budget: Some(TokenBudget::new(5, DAY)),
    lifetime: DAY,
    ..TokenScheme::client_credentials("/oauth2/token")
};

/// A reservation keeps our reference as its `originId`. How long the search takes to see a new one, Guesty does not
/// say: ours, not Guesty's.
const BY_ORIGIN: Safety = Safety::Lookup {
    place: Some(KeyPlace::Field("originId")),
    settle: MINUTE,
};

static SPEC: Spec = Spec {
    // "Shared across all API tokens" of an account: <https://open-api-docs.guesty.com/docs/rate-limits>
    limits: &[
        Limit::window("15/s", 15, Duration::from_secs(1), 8),
        Limit::window("120/min", 120, MINUTE, 30),
        Limit::window("5000/h", 5_000, Duration::from_secs(60 * 60), 500),
        Limit::concurrency("15 at once", 15),
    ],
    mappings: &[
        include_str!("../mappings/pms-guest.json"),
        include_str!("../mappings/pms-reservation.json"),
    ],
    ..Spec::new(
        "guesty",
        "https://open-api.guesty.com",
        Auth::Token(TOKEN),
        &[
            Operation::new::<CreateReservation>("reservations.create", BY_ORIGIN),
            // Nothing of ours is kept with these two, and doing them twice makes two.
            Operation::new::<CreateGuest>("guests.create", Safety::Unsafe),
            Operation::new::<SendMessage>("conversations.send_message", Safety::Unsafe),
        ],
    )
};

impl Provider for Guesty {
    fn spec(&self) -> &'static Spec {
        &SPEC
    }

    /// A reservation that the calendar or the terms do not allow is declined by a 401, as is a dead token. The search
    /// tells: a dead token cannot search, and where our own reservation holds the dates, it finds it. Only a 401 that
    /// names the scheme, as RFC 9110 (15.5.2) has it, is the token's without asking.
    fn classify(&self, operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        let body = answer.json::<Json>().unwrap_or_default();
        match answer.status {
            200..=299 => match id(&body) {
                None => Verdict::unwell(),
                id => Verdict::delivered(id),
            },
            401 if operation.safety == BY_ORIGIN && answer.header("www-authenticate").is_none() => {
                Verdict::exists(format!("declined, HTTP 401 code={}", code(&body)))
            }
            // A key that lacks a right is a good key: another token would be spent in vain. Guesty names no shape of its
            // errors; all that were seen are JSON objects.
            403 => Verdict::forbidden(body.is_object(), format!("HTTP 403 code={}", code(&body))),
            400 | 404 | 409 | 410 | 422 => {
                Verdict::rejected(format!("HTTP {} code={}", answer.status, code(&body)))
            }
            _ => Verdict::by_status(answer, now),
        }
    }

    fn signals(&self, _operation: &Operation, answer: &Answer, _now: Timestamp) -> Signals {
        let left = |limit, header| left(&answer.headers, limit, header);
        let windows = [
            left("15/s", "x-ratelimit-remaining-second"),
            left("120/min", "x-ratelimit-remaining-minute"),
            left("5000/h", "x-ratelimit-remaining-hour"),
        ];
        Signals {
            remaining: windows.into_iter().flatten().collect(),
            ..Signals::default()
        }
    }

    /// The search has no filter for the origin: it is asked for the listing's arrivals on that day, of those that came
    /// into being since we first sent ours, with five minutes for clocks that differ.
    /// <https://open-api-docs.guesty.com/reference/reservationsopenapicontroller_searchreservations>
    fn look_up(&self, operation: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        operation.safety.key_place()?;
        let field = |name: &str| lookup.payload[name].as_str().unwrap_or_default();
        let since = (lookup.first_sent - MINUTE * 5).to_string();
        let search = Wire::get("/v1/reservations-v3/search")
            .query("limit", "100")
            .query("filter%5BlistingId%5D", field("listingId"))
            .query("filter%5BcheckIn%5D%5Beq%5D", field("checkInDateLocalized"))
            .query("filter%5BcreatedAt%5D%5Bgte%5D", &since);
        Some(search)
    }

    /// Ours is the one that has our reference. One of which the origin is not told may be ours.
    fn found(&self, _operation: &Operation, lookup: &Lookup<'_>, answer: &Answer) -> Found {
        let body = answer.json::<Json>().unwrap_or_default();
        let (Some(results), Some(false)) = (
            body["results"].as_array(),
            body.pointer("/pagination/hasMore").and_then(Json::as_bool),
        ) else {
            return Found::Unclear;
        };
        let is_ours = |it: &&Json| it["originId"] == lookup.reference;
        match results.iter().find(is_ours) {
            Some(reservation) => Found::Hit {
                object_id: id(reservation),
            },
            None if results.iter().all(|it| it.get("originId").is_some()) => Found::Miss,
            None => Found::Unclear,
        }
    }
}

/// Reservations have a `reservationId`, guests an `_id`, messages one inside `data`.
fn id(body: &Json) -> Option<String> {
    let mut places = ["/reservationId", "/_id", "/data/_id"].into_iter();
    let id = places.find_map(|place| body.pointer(place)?.as_str());
    id.map(str::to_owned)
}

/// `{"error": {"code": …}}` where the error has one; the rest is words, which may quote the guest's data.
fn code(body: &Json) -> &str {
    let code = body.pointer("/error/code").and_then(Json::as_str);
    code.filter(|code| !code.contains(' ')).unwrap_or_default()
}
