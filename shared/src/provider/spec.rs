//! Everything about a vendor that is data.

use std::time::Duration;

use http::HeaderName;
use schemars::Schema;
use serde_json::{Map, Value};

use super::{
    Auth, BatchPayload, CONNECT_TIMEOUT, Host, Payload, PayloadError, Placeholder, Wire, payload,
};
use crate::Timestamp;
use crate::breaker::BreakerSpec;
use crate::form;
use crate::limiter::Limit;
use crate::retry::RetrySpec;

/// A vendor, as data. Start from [`Spec::new`] and name what differs.
#[derive(Debug)]
pub struct Spec {
    /// The provider's name in requests, keys, secrets and metrics: `[a-z0-9-]{1,64}`.
    pub name: &'static str,
    /// Scheme and host of the vendor's API, without a trailing slash; `{name}` is one of the
    /// [`placeholders`](Self::placeholders).
    pub base_url: &'static str,
    /// What base URL and paths take from the connection's secret.
    pub placeholders: &'static [Placeholder],
    /// Headers that every call carries: lower-case name, value.
    pub headers: &'static [(&'static str, &'static str)],
    /// How credentials are shown.
    pub auth: Auth,
    /// What some calls take from the secret beside the credentials.
    pub supplied: &'static [Auth],
    /// Limits that every operation draws on.
    pub limits: &'static [Limit],
    /// When the circuit opens, and whose circuit it is.
    pub breaker: BreakerSpec,
    /// How failed attempts are repeated.
    pub retry: RetrySpec,
    /// Whether payloads with fields that no schema names are refused. A vendor whose document is older than its API lets
    /// them through.
    pub refuses_unknown_fields: bool,
    /// Raised with what the operations take: [`Post::revision`](crate::queue::Post::revision). 0 where nobody counts.
    pub revision: u32,
    /// What can be done.
    pub operations: Operations,
    /// Ready-made mapping documents, `include_str!("../mappings/….json")` each.
    pub mappings: &'static [&'static str],
}

impl Spec {
    /// A vendor with the defaults: no limits, no fixed headers, the breaker and retry policy of every lane.
    pub const fn new(
        name: &'static str,
        base_url: &'static str,
        auth: Auth,
        operations: &'static [Operation],
    ) -> Self {
        Self {
            name,
            base_url,
            placeholders: &[],
            headers: &[],
            auth,
            supplied: &[],
            limits: &[],
            breaker: BreakerSpec::DEFAULT,
            retry: RetrySpec::DEFAULT,
            refuses_unknown_fields: true,
            revision: 0,
            operations: Operations::Listed(operations),
            mappings: &[],
        }
    }

    /// The operation of that name.
    pub fn operation(&self, name: &str) -> Option<&'static Operation> {
        self.operations.named(name)
    }

    /// The fields that a connection's secret has: one list for each way of connecting an account.
    pub fn secret_fields(&self) -> Vec<Vec<&'static str>> {
        let mut ways = self.auth.ways();
        for fields in &mut ways {
            fields.extend(self.placeholders.iter().map(Placeholder::field));
            fields.extend(self.supplied.iter().flat_map(Auth::fields));
            fields.sort_unstable();
            fields.dedup();
        }
        ways
    }

    /// Where a call to `host` goes when the provider is called at `base_url`: to the host itself, or, where something
    /// stands in for the vendor, to `<base_url>/-/<alias>`.
    pub fn address(&self, base_url: &str, host: Option<&Host>) -> String {
        match host {
            None => base_url.to_owned(),
            Some(host) if base_url == self.base_url => host.base_url.to_owned(),
            Some(host) => format!("{base_url}/-/{}", host.alias),
        }
    }

    /// All limits that a call of `operation` draws on.
    pub fn limits_of(&self, operation: &Operation) -> impl Iterator<Item = &'static Limit> + use<> {
        self.limits.iter().chain(operation.limits)
    }
}

/// What a vendor can be asked to do.
#[derive(Clone, Copy)]
pub enum Operations {
    /// All of them.
    Listed(&'static [Operation]),
    /// Made when they are asked for.
    Found(&'static dyn Catalogue),
}

/// Where operations are found by name.
pub trait Catalogue: Send + Sync {
    /// The operation of that name.
    fn operation(&'static self, name: &str) -> Option<&'static Operation>;
    /// The names of all, in order.
    fn names(&self) -> Vec<String>;
    /// The name that is most like `name`, where one is.
    fn nearest(&self, name: &str) -> Option<String>;
}

/// Operations whose names a message lists.
const LISTED_MAX: usize = 20;

impl Operations {
    /// The operation of that name.
    pub fn named(&self, name: &str) -> Option<&'static Operation> {
        match self {
            Self::Listed(all) => all.iter().find(|operation| operation.name == name),
            Self::Found(catalogue) => catalogue.operation(name),
        }
    }

    /// All of them, each made if it was not yet: not for lanes, which use a few.
    pub fn iter(&self) -> impl Iterator<Item = &'static Operation> + use<> {
        let all: Vec<&'static Operation> = match self {
            Self::Listed(all) => all.iter().collect(),
            Self::Found(catalogue) => {
                let names = catalogue.names();
                names
                    .iter()
                    .filter_map(|name| catalogue.operation(name))
                    .collect()
            }
        };
        all.into_iter()
    }

    /// The names of all.
    pub fn names(&self) -> Vec<String> {
        match self {
            Self::Listed(all) => all
                .iter()
                .map(|operation| operation.name.to_owned())
                .collect(),
            Self::Found(catalogue) => catalogue.names(),
        }
    }

    /// What is said to who asks for an operation that there is none of.
    pub fn unknown(&self, name: &str) -> String {
        let names = self.names();
        if names.len() <= LISTED_MAX {
            return format!("must be one of {}", names.join(", "));
        }
        let near = match self {
            Self::Listed(_) => None,
            Self::Found(catalogue) => catalogue.nearest(name),
        };
        match near {
            Some(near) => format!(
                "must be one of {} operations; the nearest is `{near}`",
                names.len()
            ),
            None => format!("must be one of {} operations", names.len()),
        }
    }
}

impl std::fmt::Debug for Operations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

/// One thing that the vendor can be asked to do.
pub struct Operation {
    /// Its name in requests.
    pub name: &'static str,
    /// What an ambiguous end means.
    pub safety: Safety,
    /// Limits of this operation alone, on top of the provider's.
    pub limits: &'static [Limit],
    /// What a call reserves of limits [in cost](Limit::in_cost), in the vendor's units.
    pub cost: u32,
    /// Longest wait for the vendor's complete answer.
    pub timeout: Duration,
    /// How many requests one call may carry.
    pub(crate) most: usize,
    /// From payloads to calls.
    pub(crate) shape: &'static dyn Shape,
}

/// What an operation's payloads look like, and the calls that they mean.
pub trait Shape: Send + Sync {
    /// What is wrong with `payload`: nothing, or at most `most` errors.
    fn check(&self, payload: &Value, most: usize) -> Vec<PayloadError>;

    /// The one call that carries out all of `payloads`: several only where the operation's calls carry several.
    ///
    /// # Errors
    /// When one of them does not have the operation's shape: field and rule.
    fn prepare(&self, payloads: &[&Value]) -> Result<Wire, PayloadError>;

    /// The JSON Schema of a payload, complete in itself.
    fn schema(&self) -> Schema;

    /// What the vendor takes an element of a batch for; none where calls carry one request each.
    ///
    /// # Errors
    /// When the payload does not have the operation's shape: field and rule.
    fn identity(&self, payload: &Value) -> Result<Option<String>, PayloadError> {
        let _ = payload;
        Ok(None)
    }
}

/// Vendors' own gateways give up after 30 s or less; 20 s leaves a 60 s function room for two calls.
pub(crate) const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

impl Operation {
    /// An operation whose canonical payload is `P`.
    pub const fn new<P: Payload + 'static>(name: &'static str, safety: Safety) -> Self {
        Self {
            name,
            safety,
            limits: &[],
            cost: 1,
            timeout: DEFAULT_TIMEOUT,
            most: 1,
            shape: payload::One::<P>::SHAPE,
        }
    }

    /// An operation whose calls carry up to `most` requests each, of canonical payload `P`. What the answer means for
    /// each of them, [`Provider::classify_batch`](super::Provider::classify_batch) says.
    ///
    /// # Panics
    /// At compile time, when `most` is below 2, or when an element is not safe by itself: the queue hands a request out
    /// again in other company, so that a key which names one call guards nothing. It must be [`Safety::Natural`].
    pub const fn batch<P: BatchPayload + 'static>(
        name: &'static str,
        safety: Safety,
        most: usize,
    ) -> Self {
        assert!(most >= 2, "a batch has room for two");
        assert!(
            matches!(safety, Safety::Natural),
            "each element must be safe by itself"
        );
        Self {
            name,
            safety,
            limits: &[],
            cost: 1,
            timeout: DEFAULT_TIMEOUT,
            most,
            shape: payload::Several::<P>::SHAPE,
        }
    }

    /// With limits of its own.
    pub const fn limits(mut self, limits: &'static [Limit]) -> Self {
        self.limits = limits;
        self
    }

    /// With a cost other than 1: what a call reserves where a limit counts [costs](Limit::in_cost). Reserve what a usual
    /// call takes; what the answer says ([`Signals::cost`](crate::limiter::Signals::cost)) corrects it, and without
    /// such a word it is what was spent.
    pub const fn cost(mut self, reserve: u32) -> Self {
        self.cost = reserve;
        self
    }

    /// With another longest wait.
    ///
    /// # Panics
    /// (When used in a constant: does not compile.) Unless it is longer than [`CONNECT_TIMEOUT`]: a vendor that cannot be
    /// reached would look like one that took the call and never answered.
    pub const fn timeout(mut self, timeout: Duration) -> Self {
        assert!(
            timeout.as_millis() > CONNECT_TIMEOUT.as_millis(),
            "an answer takes longer than a connection"
        );
        self.timeout = timeout;
        self
    }

    /// The call that carries out `payload`.
    ///
    /// # Errors
    /// When the payload does not have the operation's shape: field and rule.
    pub fn prepare(&self, payload: &Value) -> Result<Wire, PayloadError> {
        self.shape.prepare(&[payload])
    }

    /// What is wrong with `payload`: nothing, or at most `most` errors.
    pub fn check(&self, payload: &Value, most: usize) -> Vec<PayloadError> {
        self.shape.check(payload, most)
    }

    /// How many requests one call may carry.
    pub fn most_in_a_call(&self) -> usize {
        self.most
    }

    /// What the vendor takes an element of a batch for: two with the same identity never go in one call. None where
    /// calls carry one request each.
    ///
    /// # Errors
    /// When the payload does not have the operation's shape: field and rule.
    pub fn identity(&self, payload: &Value) -> Result<Option<String>, PayloadError> {
        self.shape.identity(payload)
    }

    /// The one call that carries out all of `payloads`.
    ///
    /// # Errors
    /// When one of them does not have the operation's shape, or there are several and a call carries only one.
    pub fn prepare_batch(&self, payloads: &[&Value]) -> Result<Wire, PayloadError> {
        if payloads.len() > 1 && self.most == 1 {
            return Err(PayloadError {
                path: "payload".to_owned(),
                rule: "a call of this operation carries one request".to_owned(),
            });
        }
        self.shape.prepare(payloads)
    }

    /// The JSON Schema of the canonical payload, as producers see it.
    pub fn schema(&self) -> Schema {
        self.shape.schema()
    }
}

impl std::fmt::Debug for Operation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:?})", self.name, self.safety)
    }
}

/// What may be done when nobody knows whether a call took effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// The vendor honours an idempotency key for `retention`: send again with the same key.
    Keyed {
        /// Where the key stands.
        place: KeyPlace,
        /// How long the vendor remembers it, counted from the first sending.
        retention: Duration,
        /// Whether the vendor documents that it looks the key up before it judges the call, so that a refusal says of
        /// earlier sends, too, that they had no effect.
        looks_up_first: bool,
    },
    /// Repeating it changes nothing (PUT, upsert by external id, delete): send again.
    Natural,
    /// The vendor can be asked for it ([`Provider::look_up`](super::Provider::look_up)): what is found is done, and
    /// what is not found for `settle` after the last sending never was.
    Lookup {
        /// Where our reference stands in the call; none where the vendor has no place for one, and the payload itself
        /// must tell.
        place: Option<KeyPlace>,
        /// How long the vendor may take to show what it has done.
        settle: Duration,
    },
    /// None of these: it is never sent again.
    Unsafe,
}

/// Where a vendor wants its idempotency key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a header of this lower-case name.
    Header(&'static str),
    /// In a parameter of the query.
    Query(&'static str),
    /// In a top-level field of this name in a body.
    Field(&'static str),
    /// In a field inside a body, by the names of the objects and lists that it is in and its own, as in a GraphQL call's
    /// variables.
    Inside(&'static [&'static str]),
}

impl KeyPlace {
    /// Puts `key` into `wire`.
    pub fn put(self, key: &str, wire: &mut Wire) {
        match self {
            Self::Header(name) => {
                if let Ok(value) = key.try_into() {
                    wire.headers.insert(HeaderName::from_static(name), value);
                }
            }
            Self::Query(name) => wire.add_query(name, key),
            Self::Field(name) => put_inside(&[name], key, wire),
            Self::Inside(names) => put_inside(names, key, wire),
        }
    }
}

/// Puts `text` into the body's field that `names` lead to, and makes what is missing on the way: a call without its key or
/// reference could not be told from one that was never made.
fn put_inside(names: &[&str], text: &str, wire: &mut Wire) {
    let is_form = wire
        .headers
        .get(http::header::CONTENT_TYPE)
        .is_some_and(|media| {
            let form = b"application/x-www-form-urlencoded";
            media.as_bytes().starts_with(form)
        });
    if is_form {
        let name = names.iter().enumerate().map(|(at, name)| match at {
            0 => form::encode_text(name),
            _ => format!("[{}]", form::encode_text(name)),
        });
        let mark = if wire.body.is_empty() { "" } else { "&" };
        let body = String::from_utf8_lossy(&wire.body).into_owned();
        let name: String = name.collect();
        wire.body = format!("{body}{mark}{name}={}", form::encode_text(text)).into();
        return;
    }
    let mut body: Value = serde_json::from_slice(&wire.body).unwrap_or_default();
    insert(&mut body, names, text.into());
    wire.body = body.to_string().into();
}

/// Puts `value` inside `body`, and makes the objects and lists on the way; a number names an element of a list.
pub(crate) fn insert(body: &mut Value, names: &[impl AsRef<str>], value: Value) {
    let Some((name, rest)) = names.split_first() else {
        *body = value;
        return;
    };
    let name = name.as_ref();
    let is_empty = body.is_null() || body.as_object().is_some_and(Map::is_empty);
    let next = match (name.parse::<usize>(), &mut *body) {
        (Ok(at), Value::Array(items)) => {
            if items.len() <= at {
                items.push(Value::Null);
            }
            let last = items.len() - 1;
            &mut items[at.min(last)]
        }
        (Ok(0), _) if is_empty => {
            *body = Value::Array(vec![Value::Null]);
            &mut body[0]
        }
        (_, Value::Object(fields)) => fields.entry(name).or_insert(Value::Null),
        _ => {
            *body = Value::Object(Map::new());
            &mut body[name]
        }
    };
    insert(next, rest, value);
}

/// How an ambiguous end is settled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settling {
    /// Send it again.
    Resend,
    /// Ask the vendor for it, and send it again if it was never done.
    LookUp,
    /// A person must look.
    Unknown,
}

impl Safety {
    /// Where calls carry our key or reference, if they do.
    pub const fn key_place(self) -> Option<KeyPlace> {
        match self {
            Self::Keyed { place, .. } => Some(place),
            Self::Lookup { place, .. } => place,
            Self::Natural | Self::Unsafe => None,
        }
    }

    /// How an ambiguous end is settled at `at`, when the request was first sent at `first_sent`.
    pub fn settling(self, first_sent: Option<Timestamp>, at: Timestamp) -> Settling {
        match self {
            Self::Natural => Settling::Resend,
            Self::Lookup { .. } => Settling::LookUp,
            Self::Keyed { retention, .. } => match first_sent {
                Some(first) if at.since(first) >= retention => Settling::Unknown,
                _ => Settling::Resend,
            },
            Self::Unsafe => Settling::Unknown,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_key_inside_a_body_stands_beside_what_is_there() {
        let place = KeyPlace::Inside(&["variables", "order", "reference"]);
        let put = |body: &Value| {
            let mut wire = Wire::post("/").json(body);
            place.put("cw-1", &mut wire);
            serde_json::from_slice::<Value>(&wire.body).expect("JSON")
        };
        let full = json!({"query": "q", "variables": {"order": {"note": "n"}}});
        let order = json!({"note": "n", "reference": "cw-1"});
        assert_eq!(put(&full)["variables"]["order"], order);
        // Without it the vendor could not be asked for what was made.
        let bare = json!({"query": "q"});
        assert_eq!(put(&bare)["variables"]["order"]["reference"], "cw-1");
    }

    #[test]
    fn a_key_stands_in_an_element_of_a_list_and_in_a_form() {
        let mut wire = Wire::post("/").json(&json!({"Quotes": [{"Date": "d"}]}));
        KeyPlace::Inside(&["Quotes", "0", "Reference"]).put("cw-1", &mut wire);
        assert_eq!(wire.body, r#"{"Quotes":[{"Date":"d","Reference":"cw-1"}]}"#);
        let mut wire = Wire::post("/").form(&json!({"To": "a b"}), form::Arrays::Repeated);
        KeyPlace::Field("Reference").put("cw 1", &mut wire);
        assert_eq!(wire.body, "To=a+b&Reference=cw+1");
    }

    #[test]
    fn a_key_settles_only_while_the_vendor_remembers_it() {
        let keyed = Safety::Keyed {
            place: KeyPlace::Header("idempotency-key"),
            retention: Duration::from_secs(60),
            looks_up_first: true,
        };
        let sent = Timestamp::from_millis(0);
        assert_eq!(
            keyed.settling(Some(sent), sent + Duration::from_secs(59)),
            Settling::Resend
        );
        assert_eq!(
            keyed.settling(Some(sent), sent + Duration::from_secs(60)),
            Settling::Unknown
        );
        assert_eq!(keyed.settling(None, sent), Settling::Resend);
        assert_eq!(Safety::Unsafe.settling(None, sent), Settling::Unknown);
        assert_eq!(Safety::Natural.settling(None, sent), Settling::Resend);
    }
}
