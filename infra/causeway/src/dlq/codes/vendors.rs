//! Codes of single vendors.

use super::Fault::{Producer, Vendor};
use super::Redrive::{AfterResolving, Helps};
use super::{Explanation, explained};

/// By provider.
pub const VENDORS: &[(&str, Explanation)] = &[
    (
        "hubspot",
        explained(
            "conflict",
            Vendor,
            Helps,
            "HubSpot refused the call because somebody else changed the same object at that moment (409).",
            "Nothing: it was repeated, and the retries ran out. Redrive it when the other writer is done.",
        ),
    ),
    (
        "stripe",
        explained(
            "conflict",
            Vendor,
            Helps,
            "Stripe refused the call because another one worked on the same object (409).",
            "Redrive it when the other writer is done.",
        ),
    ),
    (
        "stripe",
        explained(
            "stored_error",
            Vendor,
            AfterResolving,
            "Stripe answered 5xx, stored that answer under our key, and replays it: sending it again proves nothing.",
            "Look in Stripe's dashboard whether the object exists, then resolve the request.",
        ),
    ),
    (
        "stripe",
        explained(
            "key_mismatch",
            Producer,
            AfterResolving,
            "Stripe knows our key with other parameters: another payload went out under it.",
            "Look in Stripe's dashboard which of the two exists, then resolve the request.",
        ),
    ),
    (
        "xero",
        explained(
            "key_mismatch",
            Producer,
            AfterResolving,
            "Xero knows our key with another body: another payload went out under it.",
            "Look in Xero which of the two exists, then resolve the request.",
        ),
    ),
];
