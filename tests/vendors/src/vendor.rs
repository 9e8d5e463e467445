//! The vendors, as data: what they publish, what is known to differ, and which faults must be found.

mod seam;
mod slack;
mod stripe;
mod twilio;

use causeway::provider::Provider;

use crate::Error;
use crate::relay::Lie;
use crate::steps::Step;

/// Every vendor that publishes something to check against.
pub static VENDORS: &[&Vendor] = &[
    &stripe::VENDOR,
    &twilio::VENDOR,
    &slack::VENDOR,
    &seam::VENDOR,
];

/// The vendor of this name.
///
/// # Errors
/// When there is nothing to check of such a vendor.
pub fn named(name: &str) -> Result<&'static Vendor, Error> {
    let mut vendors = VENDORS.iter();
    let found = vendors.find(|vendor| vendor.name == name);
    found
        .copied()
        .ok_or_else(|| Error::data(name, "no such vendor publishes anything to check against"))
}

impl Vendor {
    /// The lane's provider.
    ///
    /// # Errors
    /// When no pack has the vendor's name.
    pub fn provider(&self) -> Result<&'static dyn Provider, Error> {
        let provider = causeway_ingest::catalogue::provider(self.name);
        provider.ok_or_else(|| Error::data(self.name, "no pack has this name"))
    }
}

/// A vendor.
pub struct Vendor {
    /// Its name.
    pub name: &'static str,
    /// A secret that the fake takes, as JSON text.
    pub secret: &'static str,
    /// Its OpenAPI document, where there is one.
    pub document: Option<Document>,
    /// Its own fake, where it publishes one.
    pub peer: Option<Peer>,
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
    /// Statuses of the answers that may have it; any where none is named.
    pub statuses: &'static [u16],
    /// Why it is right, with its source.
    pub why: &'static str,
}

impl Known {
    /// Whether this is about such a violation.
    #[must_use]
    pub fn covers(&self, status: u16, violation: &str) -> bool {
        let is_status = self.statuses.is_empty() || self.statuses.contains(&status);
        is_status && self.violation == violation
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

/// A fake that the vendor itself publishes, for Node.
pub struct Peer {
    /// Its script, from `node_modules` on; it takes its port from the environment's `PORT`.
    pub script: &'static str,
    /// The script's arguments.
    pub arguments: &'static [&'static str],
    /// A secret that it takes, as JSON text.
    pub secret: &'static str,
    /// What `{place}` in the steps stands for there, and at our fake.
    pub places: [&'static str; 2],
    /// Calls whose ends must be the same at both fakes.
    pub steps: &'static [Step],
    /// What answers are made into: each must make a step end otherwise.
    pub lies: &'static [Lie],
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
            let documents = vendor.document.iter();
            let peers = vendor.peer.iter();
            let of_documents = documents.flat_map(|document| document.steps);
            let of_peers = peers.flat_map(|peer| peer.steps);
            let lane =
                Lane::new(vendor.provider().expect("a pack"), vendor.secret).expect("a secret");
            for step in of_documents.chain(of_peers) {
                step.prepare(&lane, "1", "1").expect("a call");
            }
        }
    }
}
