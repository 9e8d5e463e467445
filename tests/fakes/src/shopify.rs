//! Shopify's GraphQL Admin API: `customerSet`, `productSet`, `orderCreate` and the search for orders; points in a bucket.
//!
//! Wire shapes: <https://shopify.dev/docs/api/admin-graphql>; points:
//! <https://shopify.dev/docs/apps/build/apis/graphql-admin/rate-limits>. No document of the API is published but what it
//! tells of itself, so this fake reads of a query the one root field that it knows, and the aliases. Own assumptions are
//! marked as such.

use std::collections::BTreeMap;
use std::time::Duration;

use http::Method;
use serde_json::{Value, json};

use crate::form::Form;
use crate::limits::{Exceeded, Limit};
use crate::oauth::Tokens;
use crate::vendor::{Call, Effect, Reply, Vendor};

/// The bucket of the smallest plan, as answers tell (`throttleStatus`): points that it holds.
const BUCKET: f64 = 2_000.0;
/// And what comes back each second (the page on rate limits).
const RESTORE_RATE: f64 = 100.0;
/// What a mutation costs (the same page).
const MUTATION: f64 = 10.0;
/// What the search for orders costs, of one order with its id: an object in a connection. Own assumption.
const SEARCH: f64 = 3.0;

const TOKEN_PATH: &str = "/admin/oauth/access_token";
/// Tokens of an organisation's own apps ("expires_in": 86399), and of public ones, whose old refresh token is taken again
/// for 30 days (shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens).
const DAY: Duration = Duration::from_secs(86_399);
const HOUR: Duration = Duration::from_secs(60 * 60);
const GRACE: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// The state of the shops; the token says which.
pub(crate) struct Shopify {
    tokens: Tokens,
    shops: BTreeMap<String, Shop>,
}

impl Default for Shopify {
    fn default() -> Self {
        Self {
            tokens: Tokens::new(HOUR, Some(GRACE)).lasting("shpat_"),
            shops: BTreeMap::new(),
        }
    }
}

#[derive(Default)]
struct Shop {
    /// Customers by email in lower case, products by handle, and orders by number: id and input.
    customers: BTreeMap<String, (String, Value)>,
    products: BTreeMap<String, (String, Value)>,
    orders: BTreeMap<usize, (String, Value)>,
    /// Points that were taken and have not come back, and when that was true.
    taken: f64,
    at: Duration,
}

impl Vendor for Shopify {
    fn name(&self) -> &'static str {
        "shopify"
    }

    fn refuse(&self, call: &Call) -> Option<Reply> {
        if is_token_call(call) {
            return None;
        }
        let Ok(account) = self.tokens.holder(token(call), call.now) else {
            let words =
                "[API] Invalid API key or access token (unrecognized login or wrong password)";
            return Some(Reply::json(401, &json!({ "errors": words })));
        };
        if account.contains("frozen") {
            return Some(Reply::json(402, &json!({"errors": "Payment Required"})));
        }
        let is_known = call.method == Method::POST
            && call.path.starts_with("/admin/api/")
            && call.path.ends_with("/graphql.json");
        (!is_known).then(|| Reply::json(404, &json!({"errors": "Not Found"})))
    }

    /// None that counts calls: a call's points are known once it was read.
    fn limits(&self, _call: &Call) -> Vec<(&'static Limit, String)> {
        Vec::new()
    }

    fn throttled(&self, _exceeded: &Exceeded) -> Reply {
        throttled(MUTATION, 0.0)
    }

    fn execute(&mut self, call: &Call) -> Reply {
        if is_token_call(call) {
            return self.token(call);
        }
        let Ok(body) = serde_json::from_slice::<Value>(&call.body) else {
            // Own assumption, as are the words of the next one.
            return Reply::json(
                400,
                &json!({"errors": {"query": "Required parameter missing or invalid"}}),
            );
        };
        let query = body["query"].as_str().unwrap_or_default();
        let Some(field) = Field::of(query) else {
            return refused(
                "undefinedField",
                "The query has no field that this fake knows",
            );
        };
        let holder = self.tokens.holder(token(call), call.now);
        let shop = self.shops.entry(holder.unwrap_or_default().to_owned());
        let shop = shop.or_default();
        let cost = field.cost();
        let Ok(left) = shop.take(cost, call.now) else {
            return throttled(cost, BUCKET - shop.taken);
        };
        let extensions = json!({ "cost": costs(cost, Some(cost), left) });
        let (result, effect) = match shop.carry_out(field, query, &body["variables"]) {
            Ok(done) => done,
            Err(reply) => return reply,
        };
        let data = json!({ alias(query, field.name()): result });
        let reply = Reply::json(200, &json!({ "data": data, "extensions": extensions }));
        effect.into_iter().fold(reply, Reply::causing)
    }

    fn broken(&self, status: u16) -> Reply {
        // A server error inside a 200 is this vendor's own way; the faults on command ask for a status.
        let error = json!({"message": "Internal error. Looks like something went wrong on our end.",
            "extensions": {"code": "INTERNAL_SERVER_ERROR", "requestId": "fault-on-command"}});
        Reply::json(status, &json!({ "errors": [error] }))
    }
}

/// What a query asks for.
#[derive(Clone, Copy)]
enum Field {
    CustomerSet,
    ProductSet,
    OrderCreate,
    Orders,
}

impl Field {
    fn of(query: &str) -> Option<Self> {
        let all = [
            Self::CustomerSet,
            Self::ProductSet,
            Self::OrderCreate,
            Self::Orders,
        ];
        all.into_iter()
            .find(|field| query.contains(&format!("{}(", field.name())))
    }

    const fn name(self) -> &'static str {
        match self {
            Self::CustomerSet => "customerSet",
            Self::ProductSet => "productSet",
            Self::OrderCreate => "orderCreate",
            Self::Orders => "orders",
        }
    }

    const fn cost(self) -> f64 {
        match self {
            Self::Orders => SEARCH,
            _ => MUTATION,
        }
    }
}

/// What a call comes to: the field's value, and what came into being.
type Done = Result<(Value, Option<Effect>), Reply>;

impl Shop {
    /// Takes points out of the bucket, or tells that they are not there.
    fn take(&mut self, cost: f64, now: Duration) -> Result<f64, ()> {
        let restored = now.saturating_sub(self.at).as_secs_f64() * RESTORE_RATE;
        self.taken = (self.taken - restored).max(0.0);
        self.at = now;
        if self.taken + cost > BUCKET {
            return Err(());
        }
        self.taken += cost;
        Ok(BUCKET - self.taken)
    }

    fn carry_out(&mut self, field: Field, query: &str, variables: &Value) -> Done {
        if matches!(field, Field::Orders) {
            return Ok((
                self.search(variables["query"].as_str().unwrap_or_default()),
                None,
            ));
        }
        // The names of variables are the caller's: this fake knows two.
        let Some(input) = variables.get("input").or(variables.get("order")) else {
            return Err(refused(
                "INVALID_VARIABLE",
                "Variable $input was provided invalid value",
            ));
        };
        let made = match field {
            Field::CustomerSet => self.set_customer(&variables["identifier"], input),
            Field::ProductSet => self.set_product(&variables["identifier"], input),
            _ => self.create_order(input),
        };
        let object = match field {
            Field::CustomerSet => "customer",
            Field::ProductSet => "product",
            _ => "order",
        };
        let object = alias(query, object);
        Ok(match made {
            Ok((id, is_news)) => {
                let effect = is_news.then(|| Effect {
                    marker: marker(input),
                    vendor_key: None,
                    object_id: id.clone(),
                });
                (json!({object: {"id": id}, "userErrors": []}), effect)
            }
            Err(UserError { code, field }) => {
                let message = "is invalid";
                let error = json!({"code": code, "field": field, "message": message});
                (json!({object: null, "userErrors": [error]}), None)
            }
        })
    }

    fn set_customer(&mut self, identifier: &Value, input: &Value) -> Made {
        let email = identifier["email"].as_str().unwrap_or_default();
        let email = email.to_lowercase();
        if !email.contains('@') {
            return Err(UserError::new("INVALID", &["input", "email"]));
        }
        let phone = input["phone"].as_str();
        let is_taken = |(known, (_, other)): (&String, &(String, Value))| {
            phone.is_some() && *known != email && other["phone"].as_str() == phone
        };
        if self.customers.iter().any(is_taken) {
            return Err(UserError::new("TAKEN", &["input", "phone"]));
        }
        Ok(upsert(&mut self.customers, email, "Customer", input))
    }

    fn set_product(&mut self, identifier: &Value, input: &Value) -> Made {
        let handle = identifier["handle"].as_str().unwrap_or_default();
        // "Product options must be given where there are variants": own assumption of the code.
        if input.get("variants").is_some() && input.get("productOptions").is_none() {
            return Err(UserError::new("PRODUCT_OPTIONS_INPUT_MISSING", &["input"]));
        }
        if handle.is_empty() || input["title"].as_str().is_none_or(str::is_empty) {
            return Err(UserError::new("INVALID_INPUT", &["input", "title"]));
        }
        let handle = handle.to_owned();
        Ok(upsert(&mut self.products, handle, "Product", input))
    }

    /// Every call makes an order: the shop takes no offence at a source identifier that it has seen.
    fn create_order(&mut self, input: &Value) -> Made {
        let lines = input["lineItems"].as_array().map_or(&[][..], Vec::as_slice);
        let sells = |line: &Value| {
            let variant = line["variantId"].as_str();
            let is_variant = |id: &str| id.starts_with("gid://shopify/ProductVariant/");
            let is_custom = line["title"].is_string() && line["priceSet"].is_object();
            variant.map_or(is_custom, is_variant)
        };
        if lines.is_empty() || !lines.iter().all(sells) {
            return Err(UserError::new("INVALID", &["order", "lineItems"]));
        }
        let id = id("Order", self.orders.len());
        let kept = (id.clone(), input.clone());
        self.orders.insert(self.orders.len(), kept);
        Ok((id, true))
    }

    fn search(&self, filter: &str) -> Value {
        let wanted = filter.strip_prefix("source_identifier:").unwrap_or("\0");
        let nodes = self.orders.values().filter_map(|(id, input)| {
            let source = input["sourceIdentifier"].as_str()?;
            (source == wanted).then(|| json!({"id": id, "sourceIdentifier": source}))
        });
        json!({ "nodes": nodes.collect::<Vec<_>>() })
    }
}

struct UserError {
    code: &'static str,
    field: &'static [&'static str],
}

impl UserError {
    const fn new(code: &'static str, field: &'static [&'static str]) -> Self {
        Self { code, field }
    }
}

/// The object's id, and whether anything is new about it.
type Made = Result<(String, bool), UserError>;

/// The same input again changes nothing that anyone could see.
fn upsert(
    kept: &mut BTreeMap<String, (String, Value)>,
    key: String,
    kind: &str,
    input: &Value,
) -> (String, bool) {
    let number = kept.len();
    let (id, stored) = kept
        .entry(key)
        .or_insert_with(|| (id(kind, number), Value::Null));
    let mut next = stored.clone();
    match (&mut next, input) {
        // "Omitted fields will not be updated."
        (Value::Object(old), Value::Object(new)) => {
            old.extend(
                new.iter()
                    .map(|(name, value)| (name.clone(), value.clone())),
            );
        }
        _ => next = input.clone(),
    }
    let is_news = next != *stored;
    *stored = next;
    (id.clone(), is_news)
}

fn id(kind: &str, number: usize) -> String {
    format!("gid://shopify/{kind}/{}", 1_000_001 + number)
}

fn token(call: &Call) -> Option<&str> {
    call.header("x-shopify-access-token")
}

fn is_token_call(call: &Call) -> bool {
    call.method == Method::POST && call.path == TOKEN_PATH
}

impl Shopify {
    /// Both encodings are taken: the documentation of the client's grant shows a form, Shopify's own library sends JSON.
    /// The words of refusals are RFC 6749's: own assumption.
    fn token(&mut self, call: &Call) -> Reply {
        let json = serde_json::from_slice::<Value>(&call.body).ok();
        let form = match json.as_ref().and_then(Value::as_object) {
            Some(fields) => Form::of(fields),
            None => Form::decode(&call.body),
        };
        let (client, secret) = (form.get("client_id"), form.get("client_secret"));
        let client = client.filter(|_| secret.is_some_and(|secret| !secret.contains("invalid")));
        let Some(client) = client else {
            return Reply::json(401, &json!({"error": "invalid_client"}));
        };
        match form.get("grant_type") {
            Some("client_credentials") => {
                let access = self.tokens.grant(client, call.now, DAY);
                let body = json!({"access_token": access, "scope": "write_orders", "expires_in": DAY.as_secs()});
                Reply::json(200, &body)
            }
            Some("refresh_token") => match self.tokens.exchange(&form, call.now) {
                Some(pair) => {
                    let body = json!({"access_token": pair.access, "expires_in": HOUR.as_secs(),
                        "refresh_token": pair.refresh});
                    Reply::json(200, &body)
                }
                None => Reply::json(400, &json!({"error": "invalid_grant"})),
            },
            _ => Reply::json(400, &json!({"error": "unsupported_grant_type"})),
        }
    }
}

/// What `field` is called in the answer: the word before its colon, or its own name.
fn alias(query: &str, field: &str) -> String {
    let words: Vec<&str> = query.split([' ', '\n', '(', '{', '}', ')']).collect();
    let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
    let aliases = words.windows(2).filter(|pair| pair[1] == field);
    let mut aliases = aliases.filter_map(|pair| pair[0].strip_suffix(':'));
    aliases.next().unwrap_or(field).to_owned()
}

fn costs(requested: f64, actual: Option<f64>, left: f64) -> Value {
    json!({"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus":
        {"maximumAvailable": BUCKET, "currentlyAvailable": left.floor(), "restoreRate": RESTORE_RATE}})
}

/// As recorded: <https://gist.github.com/lacom/56e3834834e250270062583f425274b9>. Of the two statuses that are told of
/// this is the one of the recorded answers' kind, 200.
fn throttled(requested: f64, left: f64) -> Reply {
    let extensions =
        json!({"code": "THROTTLED", "documentation": "https://shopify.dev/api/usage/rate-limits"});
    let error = json!({ "message": "Throttled", "extensions": extensions });
    let cost = costs(requested, None, left);
    Reply::json(
        200,
        &json!({ "errors": [error], "extensions": { "cost": cost } }),
    )
}

/// An error before anything was done: no `data`.
fn refused(code: &str, message: &str) -> Reply {
    let error = json!({"message": message, "extensions": { "code": code }});
    Reply::json(200, &json!({ "errors": [error] }))
}

/// A marker rides in the first text of the input that has one, a note or a title: `… [ref:KEY]`.
fn marker(input: &Value) -> Option<String> {
    let text = input.to_string();
    let (_, rest) = text.split_once("[ref:")?;
    let (marker, _) = rest.split_once(']')?;
    Some(marker.to_owned())
}
