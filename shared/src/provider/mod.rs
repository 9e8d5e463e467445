//! What a provider is: data, and one judgement.
//!
//! A provider crate is a unit struct, a static [`Spec`], a payload type per operation, and, where the vendor has
//! peculiarities, [`Provider::classify`].

mod auth;
mod fields;
mod payload;
mod spec;
mod verdict;
mod wire;

pub use auth::{Auth, Secret, SecretError};
pub use fields::{Text, Whole};
pub use payload::{Payload, PayloadError};
pub use spec::{KeyPlace, Operation, Safety, Settling, Spec};
pub use verdict::Verdict;
pub use wire::{Answer, MAX_ANSWER_BYTES, Wire};

use http::{HeaderName, HeaderValue};

use crate::Timestamp;

/// Any JSON, for the parts of a payload that are the vendor's business alone.
pub use serde_json::Value as Json;

/// One third-party API.
pub trait Provider: Send + Sync + 'static {
    /// Everything about the vendor that is data.
    fn spec(&self) -> &'static Spec;

    /// What `answer` means. Override it for what is peculiar about the vendor, and fall back to
    /// [`Verdict::by_status`] for the rest.
    fn classify(&self, operation: &Operation, answer: &Answer, now: Timestamp) -> Verdict {
        let _ = operation;
        Verdict::by_status(answer, now)
    }
}

impl Spec {
    /// `wire` as it goes out: with the provider's fixed headers, the idempotency key where the operation has a place
    /// for one, and the credentials.
    ///
    /// # Errors
    /// When the secret does not hold what the scheme needs.
    pub fn dress(
        &self,
        operation: &Operation,
        mut wire: Wire,
        vendor_key: &str,
        secret: &Secret,
    ) -> Result<Wire, SecretError> {
        for (name, value) in self.headers {
            wire = wire.header(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        if let Safety::Keyed { place, .. } = operation.safety {
            place.put(vendor_key, &mut wire);
        }
        self.auth.apply(secret, &mut wire)?;
        Ok(wire)
    }
}
