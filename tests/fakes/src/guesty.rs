//! Guesty's Open API: reservations with a calendar that declines by 401, guests, messages; five tokens a day; three
//! windows in headers.
//!
//! Wire shapes: the definitions behind <https://open-api-docs.guesty.com/reference>; tokens:
//! <https://open-api-docs.guesty.com/reference/get-started>; limits: <https://open-api-docs.guesty.com/docs/rate-limits>.
//! Bodies of errors are not documented there. Own assumptions are marked as such.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::form::Form;
use crate::limits::{Exceeded, Limit};
use crate::vendor::{Call, Effect, Ids, Reply, Vendor, marker};

const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

static SECOND_WINDOW: Limit = Limit {
    name: "15/s",
    calls: 15,
    window: Duration::from_secs(1),
};
static MINUTE_WINDOW: Limit = Limit {
    name: "120/min",
    calls: 120,
    window: Duration::from_secs(60),
};
static HOUR_WINDOW: Limit = Limit {
    name: "5000/h",
    calls: 5_000,
    window: HOUR,
};
/// Each window with the interval's name in the headers.
static WINDOWS: [(&Limit, &str, &str); 3] = [
    (
        &SECOND_WINDOW,
        "X-RateLimit-Limit-Second",
        "X-RateLimit-Remaining-Second",
    ),
    (
        &MINUTE_WINDOW,
        "X-RateLimit-Limit-Minute",
        "X-RateLimit-Remaining-Minute",
    ),
    (
        &HOUR_WINDOW,
        "X-RateLimit-Limit-Hour",
        "X-RateLimit-Remaining-Hour",
    ),
];

/// "Up to five access tokens per API key within a 24-hour period."
const TOKENS_A_DAY: usize = 5;

const TOKEN_PATH: &str = "/oauth2/token";
const RESERVATIONS: &str = "/v1/reservations-v3";
const SEARCH: &str = "/v1/reservations-v3/search";
const GUESTS: &str = "/v1/guests-crud";
const CONVERSATIONS: &str = "/v1/communication/conversations/";

/// When everything in the fake's world was made: later than any search asks for.
const CREATED_AT: &str = "2100-01-01T00:00:00.000Z";

/// The state of the accounts; a client's id says which.
#[derive(Default)]
pub(crate) struct Guesty {
    ids: Ids,
    /// Access tokens: the account, and when it was given out.
    tokens: BTreeMap<String, (String, Duration)>,
    /// Reservations by account.
    reservations: BTreeMap<String, Vec<Value>>,
    /// When calls were carried out, by account, for what the headers say is left.
    calls: BTreeMap<String, VecDeque<Duration>>,
}

impl Vendor for Guesty {
    fn name(&self) -> &'static str {
        "guesty"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        if is_token_call(call) {
            return None;
        }
        if self.account(call).is_none() {
            // Own assumption, as is the header.
            let reply = Reply::json(401, &json!({"message": "Unauthorized"}));
            return Some(reply.with("WWW-Authenticate", "Bearer"));
        }
        let is_known = match (&call.method, call.path.as_str()) {
            (&Method::POST, RESERVATIONS | GUESTS) | (&Method::GET, SEARCH) => true,
            (&Method::POST, path) => conversation(path).is_some(),
            _ => false,
        };
        (!is_known).then(|| refused(404, "NOT_FOUND"))
    }

    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)> {
        let Some(account) = self.account(call) else {
            return Vec::new();
        };
        let windows = WINDOWS.iter();
        windows
            .map(|(limit, ..)| (*limit, account.to_owned()))
            .collect()
    }

    fn throttled(&self, exceeded: &Exceeded) -> Reply {
        // Whole seconds, rounded up: coming back earlier would be refused again.
        let seconds = exceeded.retry_after.as_millis().div_ceil(1000).max(1);
        let mut reply = Reply::json(429, &json!({"message": "API rate limit exceeded"}));
        for (_, _, remaining) in WINDOWS
            .iter()
            .filter(|(limit, ..)| limit.name == exceeded.limit)
        {
            reply = reply.with(remaining, "0");
        }
        reply.with("Retry-After", seconds.to_string())
    }

    fn execute(&mut self, call: &Call) -> Reply {
        if is_token_call(call) {
            return self.token(call);
        }
        let account = self.account(call).unwrap_or_default().to_owned();
        let body: Value = serde_json::from_slice(&call.body).unwrap_or_default();
        let reply = match call.path.as_str() {
            SEARCH => self.search(call, &account),
            RESERVATIONS => self.reserve(&account, &body),
            GUESTS => self.create_guest(&body),
            path => self.send_message(conversation(path).unwrap_or_default(), &body),
        };
        self.with_windows(reply, account, call.now)
    }

    fn broken(&self, status: u16) -> Reply {
        Reply::json(status, &json!({"error": "Internal Server Error"}))
    }
}

impl Guesty {
    fn account(&self, call: &Call) -> Option<&str> {
        let (account, since) = self.tokens.get(call.bearer()?)?;
        (call.now < *since + DAY).then_some(account.as_str())
    }

    /// Errors as RFC 6749 (5.2) has them; what a sixth token of the day is answered is an own assumption.
    fn token(&mut self, call: &Call) -> Reply {
        let form = Form::decode(&call.body);
        let field = |name: &str| form.get(name).unwrap_or_default();
        if field("grant_type") != "client_credentials" || field("scope") != "open-api" {
            return Reply::json(400, &json!({"error": "invalid_request"}));
        }
        let (client, secret) = (field("client_id"), field("client_secret"));
        if client.is_empty() || secret.is_empty() || secret.contains("invalid") {
            return Reply::json(401, &json!({"error": "invalid_client"}));
        }
        let given = self.tokens.values();
        let today = given.filter(|(account, since)| account == client && call.now < *since + DAY);
        if today.count() >= TOKENS_A_DAY {
            return Reply::json(429, &json!({"error": "too_many_requests"}));
        }
        let token = self.ids.next("guesty_");
        let account = (client.to_owned(), call.now);
        self.tokens.insert(token.clone(), account);
        let body = json!({"token_type": "Bearer", "expires_in": DAY.as_secs(), "access_token": token,
            "scope": "open-api"});
        Reply::json(200, &body)
    }

    /// Declines by 401 where a reservation holds one of the nights.
    fn reserve(&mut self, account: &str, body: &Value) -> Reply {
        let text = |name: &str| body[name].as_str().unwrap_or_default();
        let (from, to) = (text("checkInDateLocalized"), text("checkOutDateLocalized"));
        let is_status = matches!(
            text("status"),
            "confirmed" | "reserved" | "awaiting_payment" | "inquiry"
        );
        let is_whole = !text("source").is_empty()
            && body["guestsCount"]
                .as_f64()
                .is_some_and(|count| count >= 1.0);
        if from.len() != 10 || to.len() != 10 || to <= from || !is_status || !is_whole {
            return refused(400, "VALIDATION_ERROR");
        }
        let listing = text("listingId");
        if listing.is_empty() || listing.contains("unknown") {
            return refused(404, "LISTING_NOT_FOUND");
        }
        let held = self.reservations.entry(account.to_owned()).or_default();
        let takes = |other: &Value| {
            let text = |name: &str| other[name].as_str().unwrap_or_default();
            text("listingId") == listing
                && text("status") != "inquiry"
                && text("checkInDateLocalized") < to
                && from < text("checkOutDateLocalized")
        };
        if body["ignoreCalendar"] != true && held.iter().any(takes) {
            // The status is documented, the body is an own assumption.
            return refused(401, "LISTING_CALENDAR_BLOCKED");
        }
        let id = self.ids.next("res_");
        let guest = body["guestId"].as_str().map(str::to_owned);
        let guest = guest.unwrap_or_else(|| self.ids.next("gst_"));
        let confirmation = body["confirmationCode"].as_str().map(str::to_owned);
        let reservation = json!({
            "reservationId": id, "quoteId": self.ids.next("quo_"), "status": text("status"), "guestId": guest,
            "confirmationCode": confirmation.unwrap_or_else(|| self.ids.next("GY-")), "numberOfGuests":
            {"numberOfAdults": body["guestsCount"]}, "creationTime": CREATED_AT, "reservedExpiresAt": CREATED_AT,
            "checkInDate": format!("{from}T15:00:00.000Z"), "checkOutDate": format!("{to}T10:00:00.000Z"),
            "unitTypeId": listing, "unitId": listing, "source": text("source"), "channel": text("source"),
            "guestsCount": body["guestsCount"], "creationInfo": {},
        });
        let mut kept = reservation.clone();
        for name in [
            "listingId",
            "checkInDateLocalized",
            "checkOutDateLocalized",
            "originId",
            "origin",
        ] {
            kept[name] = body[name].clone();
        }
        kept["createdAt"] = json!(CREATED_AT);
        held.push(kept);
        Reply::json(201, &reservation).causing(effect(body, id))
    }

    /// The filters that it knows are those of one listing's arrivals on a day, by time of creation.
    fn search(&self, call: &Call, account: &str) -> Reply {
        let filters = call
            .query
            .iter()
            .filter(|(name, _)| name.starts_with("filter"));
        let filters: Vec<_> = filters.collect();
        let held = self
            .reservations
            .get(account)
            .map_or(&[][..], Vec::as_slice);
        let mut found: Vec<&Value> = held.iter().collect();
        for (name, value) in filters {
            let text = |it: &Value, name: &str| it[name].as_str().unwrap_or_default().to_owned();
            match name.as_str() {
                "filter[listingId]" => found.retain(|it| text(it, "listingId") == *value),
                "filter[checkIn][eq]" => {
                    found.retain(|it| text(it, "checkInDateLocalized") == *value)
                }
                "filter[createdAt][gte]" => found.retain(|it| text(it, "createdAt") >= *value),
                _ => return refused(400, "UNSUPPORTED_FILTER"),
            }
        }
        let page = json!({"skip": 0, "limit": 100, "hasMore": found.len() > 100});
        found.truncate(100);
        Reply::json(200, &json!({"results": found, "pagination": page}))
    }

    /// Every call makes a guest.
    fn create_guest(&mut self, body: &Value) -> Reply {
        let is_named = |name: &str| body[name].as_str().is_some_and(|text| !text.is_empty());
        if !is_named("firstName") || !is_named("lastName") {
            return refused(400, "VALIDATION_ERROR");
        }
        let id = self.ids.next("gst_");
        let mut guest = body.clone();
        guest["_id"] = json!(id);
        Reply::json(201, &guest).causing(effect(body, id))
    }

    /// Every call sends a message.
    fn send_message(&mut self, conversation: &str, body: &Value) -> Reply {
        if conversation.contains("unknown") {
            return refused(404, "CONVERSATION_NOT_FOUND");
        }
        if !body["module"]["type"].is_string() || !body["body"].is_string() {
            return refused(400, "VALIDATION_ERROR");
        }
        let id = self.ids.next("msg_");
        let message = json!({"_id": id, "module": body["module"], "body": body["body"], "attachments": [],
            "conversationId": conversation, "createdAt": CREATED_AT, "isFromMigration": false, "__v": 0});
        Reply::json(200, &json!({"status": 200, "data": message})).causing(effect(body, id))
    }

    fn with_windows(&mut self, mut reply: Reply, account: String, now: Duration) -> Reply {
        let calls = self.calls.entry(account).or_default();
        while calls.front().is_some_and(|at| *at + HOUR <= now) {
            calls.pop_front();
        }
        calls.push_back(now);
        for (limit, name, remaining) in &WINDOWS {
            let used = calls
                .iter()
                .rev()
                .take_while(|at| **at + limit.window > now)
                .count();
            reply = reply.with(name, limit.calls.to_string());
            reply = reply.with(remaining, limit.calls.saturating_sub(used).to_string());
        }
        reply
    }
}

fn is_token_call(call: &Call) -> bool {
    call.method == Method::POST && call.path == TOKEN_PATH
}

fn conversation(path: &str) -> Option<&str> {
    path.strip_prefix(CONVERSATIONS)?
        .strip_suffix("/send-message")
}

fn effect(body: &Value, object_id: String) -> Effect {
    Effect {
        marker: marker(body),
        vendor_key: body["originId"].as_str().map(str::to_owned),
        object_id,
    }
}

/// The shape is seen in clients' tests, the codes are own assumptions.
fn refused(status: u16, code: &str) -> Reply {
    let error = json!({"code": code, "message": "words that may quote the guest"});
    Reply::json(status, &json!({ "error": error }))
}
