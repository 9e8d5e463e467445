//! What each lane does in the demo: a file for a vendor, and a line in [`PARTS`].
//!
//! A part says what an ordinary request looks like and where its effect carries the request's marker, what the vendor
//! turns down, and what goes wrong at the vendor. Everything else is the same for all.

mod cloudbeds;
mod guesty;
mod hubspot;
mod klaviyo;
mod seam;
mod shopify;
mod slack;
mod stripe;
mod twilio;
mod xero;

use causeway_fakes::faults::Fault;
use serde_json::Value;

/// The lanes that take part.
pub(crate) const PARTS: &[Part] = &[
    cloudbeds::PART,
    guesty::PART,
    hubspot::PART,
    klaviyo::PART,
    seam::PART,
    shopify::PART,
    slack::PART,
    stripe::PART,
    twilio::PART,
    xero::PART,
];

/// One lane's part.
#[derive(Debug)]
pub(crate) struct Part {
    /// The provider's name, such as `stripe`.
    pub provider: &'static str,
    /// A request that is to be delivered.
    pub ordinary: fn(Mark<'_>) -> Ask,
    /// Requests in good form that the payload's rules or the vendor turn down, and with which code.
    pub hopeless: &'static [Hopeless],
    /// What goes wrong in the middle of the load.
    pub trouble: Trouble,
    /// Most access tokens that a run may ask for, where the vendor counts them.
    pub tokens_max: Option<u64>,
}

/// Which request it is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Mark<'a> {
    /// What its effect must carry at the vendor, so that it can be told whose it is.
    pub marker: &'a str,
    /// A number of its own among the lane's requests.
    pub n: usize,
    /// Over how many channels, devices or the like the load spreads.
    pub spread: usize,
}

/// What a request asks for.
#[derive(Debug)]
pub(crate) struct Ask {
    pub operation: &'static str,
    pub payload: Value,
}

/// A request that cannot succeed, and the code that its letter must have.
#[derive(Debug)]
pub(crate) struct Hopeless {
    pub ask: fn(&str) -> Ask,
    pub code: &'static str,
}

/// The lane itself refuses it.
const fn invalid(ask: fn(&str) -> Ask) -> Hopeless {
    Hopeless {
        ask,
        code: "payload_invalid",
    }
}

/// The vendor refuses it.
const fn refused(ask: fn(&str) -> Ask) -> Hopeless {
    Hopeless {
        ask,
        code: "provider_rejected",
    }
}

/// What goes wrong at a vendor, and for how long.
#[derive(Debug)]
pub(crate) struct Trouble {
    pub faults: fn() -> Vec<Fault>,
    /// The part of the lane's load after which it begins, in percent: lanes that are through within seconds have their
    /// troubles from the first.
    pub begin_at: u64,
    pub for_s: u64,
    /// In words, for those who watch.
    pub said: &'static str,
}

impl Ask {
    fn new(operation: &'static str, payload: Value) -> Self {
        Self { operation, payload }
    }
}

/// The part of `provider`; a plan names none that has no part.
pub(crate) fn part(provider: &str) -> Option<&'static Part> {
    PARTS.iter().find(|part| part.provider == provider)
}

/// `text` with the mark by which the vendors' fakes tell whose effect it is.
fn marked(text: &str, marker: &str) -> String {
    format!("{text} [ref:{marker}]")
}

/// A number below `bound` that follows from the marker: FNV-1a (<http://www.isthe.com/chongo/tech/comp/fnv/>). Where
/// vendors tell things apart by their values, two requests with the same ones would be each other's business.
fn number(marker: &str, bound: u64) -> u64 {
    let mixed = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    marker.bytes().fold(0xcbf2_9ce4_8422_2325, mixed) % bound
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// A lane of the demo is whatever its pack says today.
    #[test]
    fn every_part_asks_for_what_its_pack_takes_and_knows_what_it_refuses() {
        for part in PARTS {
            let pack = causeway_ingest::catalogue::provider(part.provider);
            let spec = pack
                .map(causeway::provider::Provider::spec)
                .expect("a pack");
            let made = |ask: &Ask| {
                let operation = spec.operation(ask.operation).expect("an operation");
                operation.prepare(&ask.payload)
            };
            for n in 0..8 {
                let marker = format!("demo-{n}");
                let ask = (part.ordinary)(Mark {
                    marker: &marker,
                    n,
                    spread: 7,
                });
                assert!(made(&ask).is_ok(), "{}: {ask:?}", part.provider);
            }
            for hopeless in part.hopeless {
                let ask = (hopeless.ask)("hopeless-1");
                let is_lanes = hopeless.code == "payload_invalid";
                assert_eq!(made(&ask).is_err(), is_lanes, "{}: {ask:?}", part.provider);
            }
        }
    }

    #[test]
    fn every_part_marks_its_requests_and_is_played_once() {
        let mut providers = BTreeSet::new();
        for part in PARTS {
            assert!(providers.insert(part.provider), "{} twice", part.provider);
            let ask = |marker, n| {
                (part.ordinary)(Mark {
                    marker,
                    n,
                    spread: 7,
                })
                .payload
            };
            for n in 0..40 {
                let payload = ask("marker-1", n);
                assert!(payload.to_string().contains("marker-1"), "{payload}");
            }
            // Two requests lay claim to one key only where they differ.
            assert_ne!(ask("m", 0), ask("m", 1), "{}", part.provider);
            let shares: f64 = (part.trouble.faults)().iter().map(|one| one.share).sum();
            assert!(shares <= 1.0, "{}", part.provider);
        }
    }
}
