//! Everything about a vendor that is data.

use std::time::Duration;

use http::HeaderName;
use schemars::Schema;
use serde_json::Value;

use super::{
    Auth, BatchPayload, CONNECT_TIMEOUT, Payload, PayloadError, Placeholder, Wire, payload,
};
use crate::Timestamp;
use crate::breaker::BreakerSpec;
use crate::bugs::{self, Bug};
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
    /// Limits that every operation draws on.
    pub limits: &'static [Limit],
    /// When the circuit opens, and whose circuit it is.
    pub breaker: BreakerSpec,
    /// How failed attempts are repeated.
    pub retry: RetrySpec,
    /// What can be done.
    pub operations: &'static [Operation],
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
            limits: &[],
            breaker: BreakerSpec::DEFAULT,
            retry: RetrySpec::DEFAULT,
            operations,
            mappings: &[],
        }
    }

    /// The operation of that name.
    pub fn operation(&self, name: &str) -> Option<&'static Operation> {
        self.operations
            .iter()
            .find(|operation| operation.name == name)
    }

    /// The fields that a connection's secret has: one list for each way of connecting an account.
    pub fn secret_fields(&self) -> Vec<Vec<&'static str>> {
        let mut ways = self.auth.ways();
        for fields in &mut ways {
            fields.extend(self.placeholders.iter().map(Placeholder::field));
            fields.sort_unstable();
            fields.dedup();
        }
        ways
    }

    /// All limits that a call of `operation` draws on.
    pub fn limits_of(&self, operation: &Operation) -> impl Iterator<Item = &'static Limit> + use<> {
        self.limits.iter().chain(operation.limits)
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
    prepare: fn(&Value) -> Result<Wire, PayloadError>,
    schema: fn() -> Schema,
    batch: Option<Batch>,
}

/// How several requests go in one call.
struct Batch {
    most: usize,
    identity: fn(&Value) -> Result<String, PayloadError>,
    prepare: fn(&[&Value]) -> Result<Wire, PayloadError>,
}

/// Vendors' own gateways give up after 30 s or less; 20 s leaves a 60 s function room for two calls.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(20);

impl Operation {
    /// An operation whose canonical payload is `P`.
    pub const fn new<P: Payload>(name: &'static str, safety: Safety) -> Self {
        Self {
            name,
            safety,
            limits: &[],
            cost: 1,
            timeout: DEFAULT_TIMEOUT,
            prepare: payload::parse::<P>,
            schema: || schemars::schema_for!(P),
            batch: None,
        }
    }

    /// An operation whose calls carry up to `most` requests each, of canonical payload `P`. What the answer means for
    /// each of them, [`Provider::classify_batch`](super::Provider::classify_batch) says.
    ///
    /// # Panics
    /// At compile time, when `most` is below 2, or when an element is not safe by itself: the queue hands a request out
    /// again in other company, so that a key which names one call guards nothing. It must be [`Safety::Natural`].
    pub const fn batch<P: BatchPayload>(name: &'static str, safety: Safety, most: usize) -> Self {
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
            prepare: payload::parse_element::<P>,
            schema: || schemars::schema_for!(P),
            batch: Some(Batch {
                most,
                identity: payload::identity::<P>,
                prepare: payload::parse_batch::<P>,
            }),
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
        (self.prepare)(payload)
    }

    /// How many requests one call may carry.
    pub fn most_in_a_call(&self) -> usize {
        self.batch.as_ref().map_or(1, |batch| batch.most)
    }

    /// What the vendor takes an element of a batch for: two with the same identity never go in one call. None where
    /// calls carry one request each.
    ///
    /// # Errors
    /// When the payload does not have the operation's shape: field and rule.
    pub fn identity(&self, payload: &Value) -> Result<Option<String>, PayloadError> {
        let identity = self.batch.as_ref().map(|batch| (batch.identity)(payload));
        identity.transpose()
    }

    /// The one call that carries out all of `payloads`.
    ///
    /// # Errors
    /// When one of them does not have the operation's shape, or there are several and a call carries only one.
    pub fn prepare_batch(&self, payloads: &[&Value]) -> Result<Wire, PayloadError> {
        match (&self.batch, payloads) {
            (Some(batch), _) => (batch.prepare)(payloads),
            (None, [payload]) => self.prepare(payload),
            (None, _) => Err(PayloadError {
                path: "payload".to_owned(),
                rule: "a call of this operation carries one request".to_owned(),
            }),
        }
    }

    /// The JSON Schema of the canonical payload, as producers see it.
    pub fn schema(&self) -> Schema {
        (self.schema)()
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
    /// In a top-level field of this name in a JSON body.
    Field(&'static str),
    /// In a field inside a JSON body, by the names of the objects that it is in and its own, as in a GraphQL call's
    /// variables. A call whose body lacks one of the objects goes without.
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
            Self::Field(name) => put_inside(&[], name, key, wire),
            Self::Inside([objects @ .., name]) => put_inside(objects, name, key, wire),
            Self::Inside([]) => {}
        }
    }
}

fn put_inside(objects: &[&str], name: &str, key: &str, wire: &mut Wire) {
    let Ok(mut body) = serde_json::from_slice::<Value>(&wire.body) else {
        return;
    };
    let mut names = objects.iter();
    let object = names.try_fold(&mut body, |at, name| at.get_mut(*name));
    if let Some(Value::Object(fields)) = object {
        fields.insert(name.to_owned(), key.into());
        wire.body = body.to_string().into();
    }
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
                Some(_) if bugs::is(Bug::IgnoreRetention) => Settling::Resend,
                Some(first) if at.since(first) >= retention => Settling::Unknown,
                _ => Settling::Resend,
            },
            Self::Unsafe if bugs::is(Bug::ResendUnsafe) => Settling::Resend,
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
        let other = json!({"variables": {"order": 1}});
        assert_eq!(put(&other), other);
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
