//! What a vendor's fake has to say; everything else (limits, faults, counting, HTTP) is done for it.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::limits::{Exceeded, Limit};
use crate::pack::Packed;
use crate::{guesty, hubspot, pagerduty, seam, shopify, slack, stripe, twilio, xero};

/// A vendor that is data: its pack's routes, and its behaviour.
macro_rules! packed {
    ($name:literal) => {
        Packed::boxed(
            $name,
            include_str!(concat!("../../../functions/", $name, "/provider.toml")),
            include_str!(concat!("../../../functions/", $name, "/operations.jsonl")),
            include_str!(concat!("../vendors/", $name, ".toml")),
        )
    };
}

/// Every vendor there is. Adding one is a line here, and a file: of TOML under `vendors/`, or of Rust.
pub const VENDORS: &[fn() -> Box<dyn Vendor>] = &[
    || packed!("adyen"),
    || packed!("cloudbeds"),
    || packed!("klaviyo"),
    || Box::new(guesty::Guesty::default()),
    || Box::new(hubspot::HubSpot::default()),
    || Box::new(pagerduty::Pagerduty::default()),
    || Box::new(seam::Seam::default()),
    || Box::new(shopify::Shopify::default()),
    || Box::new(slack::Slack::default()),
    || Box::new(stripe::Stripe::default()),
    || Box::new(twilio::Twilio::default()),
    || Box::new(xero::Xero::default()),
];

/// One vendor's fake: requests in, replies out.
///
/// A call passes [`refuse`](Vendor::refuse), the [`limits`](Vendor::limits), the check for a key
/// [in flight](Vendor::busy) and then [`execute`](Vendor::execute). That is Stripe's order, whose rate
/// limiter runs before its idempotency layer (<https://docs.stripe.com/error-low-level>).
pub trait Vendor: Send {
    /// The provider's name and the first segment of its URLs, such as `stripe`.
    fn name(&self) -> &'static str;

    /// Turns away whoever may not call, and calls to what does not exist. Such calls use up no limit.
    fn refuse(&self, call: &Call) -> Option<Reply>;

    /// The limits this call counts against, each with the scope it is counted in.
    fn limits(&self, call: &Call) -> Vec<(&'static Limit, String)>;

    /// The vendor's own throttling signal.
    fn throttled(&self, exceeded: &Exceeded) -> Reply;

    /// The idempotency key of the call, where the vendor honours one.
    fn key(&self, _call: &Call) -> Option<String> {
        None
    }

    /// The answer to a call whose key is in flight; only asked where [`key`](Vendor::key) gives one.
    fn busy(&self) -> Reply {
        Reply::json(409, &Value::Null)
    }

    /// Does the work: validation, replay, effect.
    fn execute(&mut self, call: &Call) -> Reply;

    /// A server error in the vendor's own shape.
    fn broken(&self, status: u16) -> Reply;

    /// Stores `reply`, an error, as the outcome of the call's key, where the vendor replays stored
    /// errors; `worked` says that the call did its work before things went wrong. Answers what the
    /// caller sees: where the key has an outcome already, that one.
    fn remember(&mut self, _call: &Call, reply: Reply, _worked: bool) -> Reply {
        reply
    }
}

/// A call as the vendor sees it: the prefix `/<provider>` is gone from the path.
#[derive(Debug, Clone)]
pub struct Call {
    /// The HTTP method.
    pub method: Method,
    /// The vendor's own path, such as `/v1/customers`, without the query.
    pub path: String,
    /// The query's parameters, decoded, in their order.
    pub query: Vec<(String, String)>,
    /// The request's headers.
    pub headers: HeaderMap,
    /// The request's body.
    pub body: Bytes,
    /// Time since the server started.
    pub now: Duration,
}

impl Call {
    /// A header as text; `None` when it is missing or no visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// The query's parameter of that name, where there is one: the first.
    pub fn parameter(&self, name: &str) -> Option<&str> {
        let mut found = self.query.iter().filter(|(key, _)| key == name);
        found.next().map(|(_, value)| value.as_str())
    }

    /// The bearer token, where the call carries one.
    pub fn bearer(&self) -> Option<&str> {
        self.header("authorization")?.strip_prefix("Bearer ")
    }
}

/// A vendor's answer, and what it did.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// Headers beyond content type and length.
    pub headers: Vec<(String, String)>,
    /// The body, JSON.
    pub body: Bytes,
    /// What came into being through this call: nothing, one thing, or as many as a batch made.
    pub effects: Vec<Effect>,
    /// Whether this is a stored answer given again.
    pub replayed: bool,
}

impl Reply {
    /// An answer with a JSON body and no effect.
    pub fn json(status: u16, body: &Value) -> Self {
        let body = Bytes::from(body.to_string());
        Self {
            status,
            headers: Vec::new(),
            body,
            effects: Vec::new(),
            replayed: false,
        }
    }

    /// The same answer with one more header.
    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// The same answer with one more effect to be counted.
    pub fn causing(mut self, effect: Effect) -> Self {
        self.effects.push(effect);
        self
    }
}

/// One thing that came into being at the vendor: a customer, a charge, a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Effect {
    /// The caller's own reference, read from where the vendor carries such data.
    pub marker: Option<String>,
    /// The vendor's idempotency key, where one was given.
    pub vendor_key: Option<String>,
    /// The vendor's id of the new object.
    pub object_id: String,
}

/// The caller's own reference where a vendor has no field for it: `… [ref:KEY]` in some text of `value`.
pub(crate) fn marker(value: &Value) -> Option<String> {
    let text = value.to_string();
    let (_, rest) = text.split_once("[ref:")?;
    let (marker, _) = rest.split_once(']')?;
    Some(marker.to_owned())
}

/// Ids in a vendor's shape from a counter: unlike each other, and the same in every run.
#[derive(Debug, Default)]
pub struct Ids(u64);

impl Ids {
    /// `prefix` and 14 letters or digits, as in Stripe's `cus_QXg1o8vcGmoR32`.
    pub fn next(&mut self, prefix: &str) -> String {
        const ALPHABET: &[u8; 62] =
            b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
        self.0 += 1;
        // Two mixed words: 14 digits of base 62 need 84 bits.
        let mut bits = u128::from(mix(self.0)) << 64 | u128::from(mix(!self.0));
        let mut id = String::from(prefix);
        for _ in 0..14 {
            id.push(char::from(
                ALPHABET[usize::try_from(bits % 62).unwrap_or(0)],
            ));
            bits /= 62;
        }
        id
    }
}

/// A well-mixed 64-bit hash of a counter: the finaliser of SplitMix64 (<https://prng.di.unimi.it/splitmix64.c>).
pub(crate) fn mix(n: u64) -> u64 {
    let z = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn ids_differ_and_are_the_same_in_every_run() {
        let mut ids = Ids::default();
        let first: BTreeSet<String> = (0..10_000).map(|_| ids.next("cus_")).collect();
        assert_eq!(first.len(), 10_000);
        assert!(first.contains(&Ids::default().next("cus_")));
    }

    #[test]
    fn every_vendor_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = VENDORS.iter().map(|new| new().name()).collect();
        assert_eq!(names.len(), VENDORS.len());
    }
}
