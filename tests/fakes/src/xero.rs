//! Xero's accounting API: contacts and invoices with a status for each element; single-use refresh tokens; limits of a
//! minute and a day.
//!
//! Wire shapes: <https://developer.xero.com/documentation/api/accounting/requests-and-responses>; keys:
//! <https://developer.xero.com/documentation/guides/idempotent-requests/idempotency/>; limits:
//! <https://developer.xero.com/documentation/guides/oauth2/limits/>. Own assumptions are marked as such. The limit of 5
//! calls at once is left out: nobody here tells a fake that a call has ended.

mod books;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde_json::{Value, json};

use crate::form::Form;
use crate::limits::{Exceeded, Limit, Windows};
use crate::oauth::Tokens;
use crate::vendor::{Call, Reply, Vendor};
use books::{Books, Kind};

/// "Minute Limit: 60 calls per minute", for each tenant (limits page). Xero's windows are fixed; a sliding one is
/// stricter.
static MINUTE: Limit = Limit {
    name: "minute",
    calls: 60,
    window: Duration::from_secs(60),
};
/// "Daily Limit: 5000 calls per day", for each tenant (limits page).
static DAY: Limit = Limit {
    name: "day",
    calls: 5_000,
    window: DAY_LENGTH,
};
/// For tests: the day of a tenant whose id holds `small-day`.
static SMALL_DAY: Limit = Limit {
    name: "day",
    calls: 3,
    window: DAY_LENGTH,
};

const DAY_LENGTH: Duration = Duration::from_secs(24 * 60 * 60);

const TOKEN_PATH: &str = "/connect/token";

/// Access tokens live 30 minutes, and a used refresh token is taken again for 30 (developer.xero.com/faq/oauth2).
const HALF_HOUR: Duration = Duration::from_secs(30 * 60);

/// How long a key is remembered (idempotency page).
const KEY_LIFETIME: Duration = Duration::from_secs(6 * 60);

/// "128 character max" (xero_accounting.yaml in github.com/XeroAPI/Xero-OpenAPI).
const KEY_LENGTH_MAX: usize = 128;

/// The state of the organisations.
pub(crate) struct Xero {
    tokens: Tokens,
    windows: Windows,
    books: BTreeMap<String, Books>,
    /// Outcomes by app and key; here one account is one app.
    stored: BTreeMap<(String, String), Stored>,
}

struct Stored {
    request: (Method, String, Bytes),
    reply: Reply,
    at: Duration,
}

impl Default for Xero {
    fn default() -> Self {
        Self {
            tokens: Tokens::new(HALF_HOUR, Some(HALF_HOUR)),
            windows: Windows::default(),
            books: BTreeMap::new(),
            stored: BTreeMap::new(),
        }
    }
}

impl Vendor for Xero {
    fn name(&self) -> &'static str {
        "xero"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        if is_token_call(call) {
            return None;
        }
        if self.tokens.account(call).is_err() {
            return Some(problem(401, "Unauthorized", "TokenExpired: token expired"));
        }
        let tenant = self.tenant(call);
        if tenant.is_empty() || tenant.contains("unknown") {
            return Some(problem(403, "Forbidden", "AuthenticationUnsuccessful"));
        }
        let is_write = [Method::PUT, Method::POST].contains(&call.method);
        if !is_write || kind(call).is_none() {
            return Some(problem(404, "NotFound", "The resource was not found"));
        }
        None
    }

    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)> {
        if is_token_call(call) {
            return Vec::new();
        }
        self.limits_of(call).to_vec()
    }

    fn throttled(&self, exceeded: &Exceeded) -> Reply {
        let seconds = exceeded.retry_after.as_millis().div_ceil(1000).max(1);
        Reply::json(429, &Value::Null)
            .with("Retry-After", seconds.to_string())
            .with("X-Rate-Limit-Problem", exceeded.limit)
    }

    fn key(&self, call: &Call) -> Option<String> {
        let key = call.header("idempotency-key")?;
        (!is_token_call(call)).then(|| key.to_owned())
    }

    fn execute(&mut self, call: &Call) -> Reply {
        if is_token_call(call) {
            return self.token(call);
        }
        let limits = self.limits_of(call);
        // Admitted already; this one only counts, for the headers.
        self.windows.admit(&limits, call.now).ok();
        let left = limits.map(|(limit, scope)| self.windows.left(limit, &scope, call.now));
        let reply = self.answer(call);
        let names = ["X-MinLimit-Remaining", "X-DayLimit-Remaining"];
        let headers = names.into_iter().zip(left);
        headers.fold(reply, |reply, (name, left)| {
            reply.with(name, left.to_string())
        })
    }

    fn broken(&self, status: u16) -> Reply {
        let message = "An error occurred in Xero. (A fault on command.)";
        Reply::json(
            status,
            &json!({"ErrorNumber": 0, "Type": "InternalException", "Message": message}),
        )
    }

    /// "Internal errors are cached too."
    fn remember(&mut self, call: &Call, reply: Reply, worked: bool) -> Reply {
        if !worked && let Some(known) = self.replay(call) {
            return known;
        }
        self.store(call, &reply);
        reply
    }
}

/// How the accounts of custom connections start.
const CUSTOM: &str = "custom ";

impl Xero {
    fn limits_of(&self, call: &Call) -> [(&'static Limit, String); 2] {
        let tenant = self.tenant(call);
        let is_small = tenant.contains("small-day");
        let day = if is_small { &SMALL_DAY } else { &DAY };
        [(&MINUTE, tenant.clone()), (day, tenant)]
    }

    /// The organisation that a call is about: a custom connection has only one, and needs not name it.
    fn tenant(&self, call: &Call) -> String {
        let account = self.tokens.account(call).unwrap_or_default();
        match call.header("xero-tenant-id") {
            None if account.starts_with(CUSTOM) => account.to_owned(),
            named => named.unwrap_or_default().to_owned(),
        }
    }

    fn token(&mut self, call: &Call) -> Reply {
        let form = Form::decode(&call.body);
        let client = call.header("authorization").unwrap_or_default();
        if !client.starts_with("Basic ") {
            return Reply::json(400, &json!({"error": "invalid_client"}));
        }
        let pair = match form.get("grant_type") {
            Some("refresh_token") => self.tokens.exchange(&form, call.now),
            // A custom connection: its organisation is the client's only one.
            Some("client_credentials") => {
                let account = format!("{CUSTOM}{client}");
                let access = self.tokens.grant(&account, call.now, HALF_HOUR);
                let body = json!({"access_token": access, "token_type": "Bearer", "expires_in": HALF_HOUR.as_secs()});
                return Reply::json(200, &body);
            }
            _ => None,
        };
        match pair {
            Some(pair) => Reply::json(
                200,
                &json!({
                    "access_token": pair.access, "refresh_token": pair.refresh, "token_type": "Bearer",
                    "expires_in": HALF_HOUR.as_secs(), "scope": "offline_access accounting.contacts",
                }),
            ),
            None => Reply::json(400, &json!({"error": "invalid_grant"})),
        }
    }

    /// The stored answer where there is one, else the work, stored where it has a key.
    fn answer(&mut self, call: &Call) -> Reply {
        let key = self.key(call).unwrap_or_default();
        if key.chars().count() > KEY_LENGTH_MAX {
            return exception(0, "BadRequestException", "Idempotency Key is too long.");
        }
        if let Some(known) = self.replay(call) {
            return known;
        }
        let mut reply = self.work(call);
        if !key.is_empty() {
            for effect in &mut reply.effects {
                effect.vendor_key = Some(key.clone());
            }
            self.store(call, &reply);
        }
        reply
    }

    fn replay(&self, call: &Call) -> Option<Reply> {
        let stored = self.stored.get(&self.place(call)?)?;
        if call.now >= stored.at + KEY_LIFETIME {
            return None;
        }
        if stored.request != request(call) {
            let message = "Idempotency Key is used with a different request.";
            return Some(exception(0, "BadRequestException", message));
        }
        let reply = stored.reply.clone();
        Some(Reply {
            effects: Vec::new(),
            replayed: true,
            ..reply
        })
    }

    fn store(&mut self, call: &Call, reply: &Reply) {
        if let Some(place) = self.place(call) {
            let stored = Stored {
                request: request(call),
                reply: reply.clone(),
                at: call.now,
            };
            self.stored.insert(place, stored);
        }
    }

    fn place(&self, call: &Call) -> Option<(String, String)> {
        let account = self.tokens.account(call).ok()?;
        Some((account.to_owned(), self.key(call)?))
    }

    fn work(&mut self, call: &Call) -> Reply {
        let accept = call.header("accept").unwrap_or_default();
        if !accept.contains("application/json") {
            // Whoever does not ask for JSON gets XML.
            let body = Bytes::from_static(b"<Response><Status>OK</Status></Response>");
            return Reply {
                body,
                ..Reply::json(200, &Value::Null)
            };
        }
        let Some(kind) = kind(call) else {
            return exception(404, "NotFound", "No such endpoint");
        };
        let body = serde_json::from_slice::<Value>(&call.body).unwrap_or_default();
        let Some(elements) = body[kind.plural()].as_array().filter(|all| !all.is_empty()) else {
            return exception(
                14,
                "PostDataInvalidException",
                "JSON for post data was invalid",
            );
        };
        let creates_only = call.method == Method::PUT;
        let tenant = self.tenant(call);
        let books = self.books.entry(tenant).or_default();
        let written = elements
            .iter()
            .map(|one| books.write(kind, one, creates_only));
        let written: Vec<_> = written.collect();
        let is_bad = |element: &Value| element["StatusAttributeString"] == "ERROR";
        let summarised = call.parameter("summarizeErrors") != Some("false");
        if summarised && written.iter().any(|(element, _)| is_bad(element)) {
            return exception(10, "ValidationException", "A validation exception occurred");
        }
        let (elements, effects): (Vec<_>, Vec<_>) = written.into_iter().unzip();
        let body = json!({"Id": "e997d6d7-6dad-4458-beb8-d9c1bf7f2edf", "Status": "OK", kind.plural(): elements});
        let reply = Reply::json(200, &body);
        effects.into_iter().flatten().fold(reply, Reply::causing)
    }
}

fn is_token_call(call: &Call) -> bool {
    call.method == Method::POST && call.path == TOKEN_PATH
}

fn kind(call: &Call) -> Option<Kind> {
    match call.path.strip_prefix("/api.xro/2.0/")? {
        "Contacts" => Some(Kind::Contact),
        "Invoices" => Some(Kind::Invoice),
        _ => None,
    }
}

fn request(call: &Call) -> (Method, String, Bytes) {
    (call.method.clone(), call.path.clone(), call.body.clone())
}

fn exception(number: u32, kind: &str, message: &str) -> Reply {
    let body = json!({"ErrorNumber": number, "Type": kind, "Message": message});
    Reply::json(400, &body)
}

fn problem(status: u16, title: &str, detail: &str) -> Reply {
    let body = json!({"Type": null, "Title": title, "Status": status, "Detail": detail});
    Reply::json(status, &body)
}
