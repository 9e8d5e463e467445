//! HubSpot's CRM: batch upserts of contacts, companies and deals with partial success; OAuth; two windows.
//!
//! Wire shapes: <https://developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/batch/upsert-contacts>
//! and <https://developers.hubspot.com/docs/api-reference/error-handling>; limits:
//! <https://developers.hubspot.com/docs/developer-tooling/platform/usage-guidelines>. Own assumptions are marked as such.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use http::Method;
use serde_json::{Map, Value, json};

use crate::form::Form;
use crate::limits::{Exceeded, Limit, Windows};
use crate::oauth::{Refused, Tokens};
use crate::vendor::{Call, Effect, Reply, Vendor, marker};

/// Accounts of the free and starter tiers: 100 calls per 10 seconds and app, 250,000 a day and account (usage
/// guidelines). The day ends at midnight there; here it slides, which is stricter.
static ROLLING: Limit = Limit {
    name: "ten_secondly_rolling",
    calls: 100,
    window: Duration::from_secs(10),
};
static DAILY: Limit = Limit {
    name: "daily",
    calls: 250_000,
    window: Duration::from_secs(24 * 60 * 60),
};
/// For tests: the day of an account whose refresh token holds `small-day`.
static SMALL_DAY: Limit = Limit {
    name: "daily",
    calls: 3,
    window: Duration::from_secs(24 * 60 * 60),
};

const TOKEN_PATH: &str = "/oauth/2026-03/token";

/// Access tokens live 30 minutes (developers.hubspot.com/changelog, "Expiration of OAuth access tokens is changing").
const TOKEN_LIFETIME: Duration = Duration::from_secs(30 * 60);

/// Inputs in one call (developers.hubspot.com/docs/api-reference/legacy/crm/objects/contacts/guide).
const INPUTS_MAX: usize = 100;

/// The state of the accounts.
pub(crate) struct HubSpot {
    tokens: Tokens,
    windows: Windows,
    records: Vec<Map<String, Value>>,
    /// Places in `records` by account, object, property and value.
    index: BTreeMap<[String; 4], usize>,
}

impl Default for HubSpot {
    fn default() -> Self {
        Self {
            tokens: Tokens::new(TOKEN_LIFETIME, None).lasting("pat-"),
            windows: Windows::default(),
            records: Vec::new(),
            index: BTreeMap::new(),
        }
    }
}

impl Vendor for HubSpot {
    fn name(&self) -> &'static str {
        "hubspot"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        if call.method == Method::POST && call.path == TOKEN_PATH {
            return None;
        }
        let category = match self.tokens.account(call) {
            Ok(_) if call.method == Method::POST && object(call).is_some() => return None,
            Ok(_) => return Some(error(404, "OBJECT_NOT_FOUND", "No such path.", &[])),
            Err(Refused::Expired) => "EXPIRED_AUTHENTICATION",
            Err(Refused::Missing | Refused::Unknown) => "INVALID_AUTHENTICATION",
        };
        Some(error(401, category, "Authentication failed.", &[]))
    }

    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)> {
        let Ok(account) = self.tokens.account(call) else {
            return Vec::new();
        };
        let day = if account.contains("small-day") {
            &SMALL_DAY
        } else {
            &DAILY
        };
        vec![(day, account.to_owned()), (&ROLLING, account.to_owned())]
    }

    fn throttled(&self, exceeded: &Exceeded) -> Reply {
        // Body as the usage guidelines show it. HubSpot gives no Retry-After.
        let policy = exceeded.limit.to_uppercase();
        let body = json!({
            "status": "error", "message": format!("You have reached your {} limit.", exceeded.limit),
            "errorType": "RATE_LIMIT", "correlationId": CORRELATION, "policyName": policy,
        });
        Reply::json(429, &body)
    }

    fn execute(&mut self, call: &Call) -> Reply {
        if call.path == TOKEN_PATH {
            return self.token(call);
        }
        let account = self.tokens.account(call).unwrap_or_default().to_owned();
        let object = object(call).unwrap_or_default();
        let done = inputs(call).and_then(|inputs| self.upsert(&account, object, &inputs));
        let reply = done.unwrap_or_else(|refusal| refusal);
        // Admitted already; this one only counts, for the headers.
        let limit = [(&ROLLING, account)];
        self.windows.admit(&limit, call.now).ok();
        let left = self.windows.left(&ROLLING, &limit[0].1, call.now);
        reply
            .with("X-HubSpot-RateLimit-Max", ROLLING.calls.to_string())
            .with("X-HubSpot-RateLimit-Remaining", left.to_string())
            .with("X-HubSpot-RateLimit-Interval-Milliseconds", "10000")
    }

    fn broken(&self, status: u16) -> Reply {
        error(status, "INTERNAL_ERROR", "A fault on command.", &[])
    }
}

/// HubSpot gives each error one; nothing depends on it.
const CORRELATION: &str = "aeb5f871-7f07-4993-9211-075dc63e7cbf";

impl HubSpot {
    fn token(&mut self, call: &Call) -> Reply {
        let form = Form::decode(&call.body);
        let is_client = ["client_id", "client_secret"]
            .iter()
            .all(|name| form.get(name).is_some());
        let pair = match form.get("grant_type") {
            Some("refresh_token") if is_client => self.tokens.exchange(&form, call.now),
            _ => None,
        };
        match pair {
            Some(pair) => Reply::json(
                200,
                &json!({
                    "token_type": "bearer", "access_token": pair.access, "refresh_token": pair.refresh,
                    "expires_in": TOKEN_LIFETIME.as_secs(),
                }),
            ),
            None => Reply::json(
                400,
                &json!({"error": "invalid_grant", "error_description": "refresh token is invalid, expired or revoked"}),
            ),
        }
    }

    fn upsert(&mut self, account: &str, object: &str, inputs: &[Input]) -> Result<Reply, Reply> {
        let mut seen = BTreeSet::new();
        for input in inputs {
            let is_unique = input.property == "email" && object == "contacts"
                || input.property.ends_with("_id")
                || input.property.ends_with("_code");
            // Own assumption on the names; that only unique properties serve is documented.
            if !is_unique {
                let message = "Unable to perform update/upsert by non-unique property";
                return Err(error(400, "VALIDATION_ERROR", message, &[]));
            }
            if !seen.insert(input.value.to_lowercase()) {
                let message = "Duplicate IDs found in batch input";
                return Err(error(400, "VALIDATION_ERROR", message, &[]));
            }
        }
        // Partial success is not to be had by `email` (own assumption, from the guide's words on it): nothing is written
        // where one of them is wrong.
        let by_email = inputs.iter().filter(|input| input.property == "email");
        if let Some(cause) = by_email.filter_map(Input::fault).next() {
            return Err(error(400, "VALIDATION_ERROR", "Bad values", &[cause]));
        }
        let (mut results, mut errors, mut effects) = (Vec::new(), Vec::new(), Vec::new());
        for input in inputs {
            match input.fault() {
                Some((code, name)) => errors.push(input.error(code, name)),
                None => {
                    let (result, effect) = self.write(account, object, input);
                    results.push(result);
                    effects.extend(effect);
                }
            }
        }
        // Nobody is promised an order, and so nobody gets one.
        results.reverse();
        let at = "2026-11-22T10:00:00.123Z";
        let mut body =
            json!({"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at});
        let status = if errors.is_empty() { 200 } else { 207 };
        if status == 207 {
            body["numErrors"] = errors.len().into();
            body["errors"] = errors.into();
        }
        Ok(effects
            .into_iter()
            .fold(Reply::json(status, &body), Reply::causing))
    }

    /// The record, and the effect where something came of it.
    fn write(&mut self, account: &str, object: &str, input: &Input) -> (Value, Option<Effect>) {
        let key = |property: &str, value: &str| {
            [account, object, property, &value.trim().to_lowercase()].map(str::to_owned)
        };
        let mut wanted = input.properties.clone();
        wanted.insert(input.property.clone(), input.value.clone().into());
        let known = self.index.get(&key(&input.property, &input.value)).copied();
        let place = known.unwrap_or(self.records.len());
        if known.is_none() {
            self.records.push(Map::new());
        }
        let id = (151 + place).to_string();
        let record = &mut self.records[place];
        let before = record.clone();
        record.extend(wanted);
        let is_change = *record != before;
        for property in [input.property.as_str(), "email"] {
            if let Some(value) = record.get(property).and_then(Value::as_str) {
                self.index.insert(key(property, value), place);
            }
        }
        let at = "2026-11-22T10:00:00.123Z";
        let mut result = json!({
            "id": id, "new": known.is_none(), "properties": record, "createdAt": at, "updatedAt": at,
            "archived": false,
        });
        if let Some(trace) = &input.trace {
            result["objectWriteTraceId"] = trace.as_str().into();
        }
        let effect = is_change.then(|| Effect {
            marker: marker(&Value::from(input.properties.clone())),
            vendor_key: None,
            object_id: id,
        });
        (result, effect)
    }
}

/// One input of a batch.
struct Input {
    property: String,
    value: String,
    properties: Map<String, Value>,
    trace: Option<String>,
}

impl Input {
    /// Code and property of what is wrong with the values. Own assumptions, but for the codes' names.
    fn fault(&self) -> Option<(&'static str, &'static str)> {
        let email = self.properties.get("email").and_then(Value::as_str);
        let email = email.or((self.property == "email").then_some(self.value.as_str()));
        if email.is_some_and(|email| !email.contains('@')) {
            return Some(("INVALID_EMAIL", "email"));
        }
        let is_unknown = |name: &String| name.starts_with("unknown");
        if self.properties.keys().any(is_unknown) {
            return Some(("PROPERTY_DOESNT_EXIST", "unknown"));
        }
        None
    }

    fn error(&self, code: &str, name: &str) -> Value {
        let mut error = json!({
            "status": "error", "category": "VALIDATION_ERROR", "message": "Property values were not valid",
            "errors": [{"message": "The value was not valid", "code": code, "in": name}], "context": {},
        });
        if let Some(trace) = &self.trace {
            error["context"]["objectWriteTraceId"] = json!([trace]);
        }
        error
    }
}

/// The object type of an upsert's path.
fn object(call: &Call) -> Option<&str> {
    let path = call.path.strip_prefix("/crm/v3/objects/")?;
    let object = path.strip_suffix("/batch/upsert")?;
    ["contacts", "companies", "deals"]
        .contains(&object)
        .then_some(object)
}

/// The inputs, or a refusal of the whole call.
fn inputs(call: &Call) -> Result<Vec<Input>, Reply> {
    let refusal = |message: &str| error(400, "VALIDATION_ERROR", message, &[]);
    let media_type = call.header("content-type").unwrap_or_default();
    if !media_type.starts_with("application/json") {
        return Err(error(
            415,
            "VALIDATION_ERROR",
            "Unsupported media type",
            &[],
        ));
    }
    let body: Value =
        serde_json::from_slice(&call.body).map_err(|_| refusal("Invalid input JSON"))?;
    let inputs = body["inputs"]
        .as_array()
        .filter(|inputs| !inputs.is_empty());
    let inputs = inputs.ok_or_else(|| refusal("inputs must not be empty"))?;
    if inputs.len() > INPUTS_MAX {
        return Err(refusal("inputs must hold at most 100 elements"));
    }
    let read = |input: &Value| {
        let text = |name: &str| Some(input[name].as_str()?.to_owned());
        let properties = input["properties"].as_object()?.clone();
        let is_text = properties.values().all(Value::is_string);
        is_text.then_some(Input {
            property: text("idProperty")?,
            value: text("id")?,
            properties,
            trace: text("objectWriteTraceId"),
        })
    };
    let inputs = inputs.iter().map(read).collect::<Option<_>>();
    inputs.ok_or_else(|| refusal("an input needs id, idProperty and properties of text"))
}

fn error(status: u16, category: &str, message: &str, causes: &[(&str, &str)]) -> Reply {
    let causes: Vec<_> = causes
        .iter()
        .map(|(code, name)| json!({"message": "The value was not valid", "code": code, "in": name}))
        .collect();
    let body = json!({
        "status": "error", "category": category, "message": message, "correlationId": CORRELATION,
        "errors": causes,
    });
    Reply::json(status, &body)
}
