//! The vendors, as data: what they publish, what is known to differ, and which faults must be found.

mod slack;
mod stripe;

use causeway::provider::{Provider, Verdict};

use crate::Error;
use crate::relay::Lie;

/// Every vendor that publishes something to check against.
pub static VENDORS: &[&Vendor] = &[&stripe::VENDOR, &slack::VENDOR];

/// The vendor of this name.
///
/// # Errors
/// When there is nothing to check of such a vendor.
pub fn named(name: &str) -> Result<&'static Vendor, Error> {
    let mut vendors = VENDORS.iter();
    let found = vendors.find(|vendor| vendor.provider.spec().name == name);
    found
        .copied()
        .ok_or_else(|| Error::data(name, "no such vendor publishes anything to check against"))
}

/// A vendor.
pub struct Vendor {
    /// The lane.
    pub provider: &'static dyn Provider,
    /// A secret that the fake takes, as JSON text.
    pub secret: &'static str,
    /// Its OpenAPI document, where there is one.
    pub document: Option<Document>,
    /// Its Python SDK, where there is one.
    pub sdk: Option<Sdk>,
}

/// An OpenAPI document, and what to do with it.
pub struct Document {
    /// File name in the documents' folder.
    pub file: &'static str,
    /// Calls that the document does not have: the operation, `look up OPERATION` for its lookup.
    pub without: &'static [&'static str],
    /// Differences that are known and right.
    pub known: &'static [Known],
    /// Calls besides the fixtures', in this order, so that each operation succeeds once and refuses once.
    pub steps: &'static [Step],
    /// Requests that must be found wrong.
    pub probes: &'static [Probe],
    /// What the first step's answer is made into, and what must be found then.
    pub lies: &'static [(Lie, &'static str)],
}

/// A difference between document and fake that is known and right.
pub struct Known {
    /// The violation, word for word as [`Violation::text`](crate::prism::Violation::text) tells it.
    pub violation: &'static str,
    /// Why it is right, with its source.
    pub why: &'static str,
}

/// A call that must end in a certain way.
pub struct Step {
    /// What is asked for.
    pub operation: &'static str,
    /// Canonical payload as JSON text; `{made}` is the id that the last delivered step's answer gave.
    pub payload: &'static str,
    /// Credentials other than the vendor's own.
    pub secret: Option<&'static str>,
    /// How it ends, by the lane's judgement.
    pub end: End,
    /// How many are sent at once; one of them must end so.
    pub times: usize,
}

impl Step {
    /// One call with the vendor's own credentials.
    pub const fn new(operation: &'static str, payload: &'static str, end: End) -> Self {
        Self {
            operation,
            payload,
            secret: None,
            end,
            times: 1,
        }
    }

    /// With other credentials.
    pub const fn secret(mut self, secret: &'static str) -> Self {
        self.secret = Some(secret);
        self
    }

    /// So many at once.
    pub const fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }
}

/// How a step ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// It took effect.
    Delivered,
    /// It was refused for good.
    Rejected,
    /// It was refused by a limit.
    Throttled,
    /// The credentials were refused.
    Unauthorized,
    /// It is there already.
    Exists,
}

impl End {
    /// Whether `verdict` is this end.
    #[must_use]
    pub fn is(self, verdict: &Verdict) -> bool {
        match verdict {
            Verdict::Delivered { .. } => self == Self::Delivered,
            Verdict::Rejected { .. } => self == Self::Rejected,
            Verdict::Throttled { .. } => self == Self::Throttled,
            Verdict::Unauthorized => self == Self::Unauthorized,
            Verdict::Exists { .. } => self == Self::Exists,
            _ => false,
        }
    }
}

/// A request that no lane makes.
pub struct Probe {
    /// What is wrong with it.
    pub what: &'static str,
    /// The vendor's own path.
    pub path: &'static str,
    /// Media type of the body.
    pub media_type: &'static str,
    /// The body.
    pub body: &'static str,
    /// Part of the violation that must be found.
    pub found: &'static str,
}

/// A Python SDK, and the lies that it must notice.
pub struct Sdk {
    /// Script in `sdk/`.
    pub script: &'static str,
    /// What an answer is made into, and the script's check that must fail then.
    pub lies: &'static [(Lie, &'static str)],
}

pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const JSON: &str = "application/json; charset=utf-8";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lane::Lane;

    #[test]
    fn every_secret_and_every_step_is_one_that_the_lane_takes() {
        for vendor in VENDORS {
            let lane = Lane::new(vendor.provider, vendor.secret).expect("a secret");
            for step in vendor.document.iter().flat_map(|document| document.steps) {
                let payload = step.payload.replace("{made}", "1");
                let payload = serde_json::from_str(&payload).expect("JSON");
                let operation = lane.operation(step.operation).expect("an operation");
                let secret = step.secret.unwrap_or(vendor.secret);
                let lane = lane.with_secret(secret).expect("a secret");
                lane.wire(operation, &payload).expect("a call");
            }
        }
    }
}
