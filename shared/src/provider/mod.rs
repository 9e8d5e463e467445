//! What a provider is: data, and one judgement.
//!
//! A provider crate is a unit struct, a static [`Spec`], a payload type per operation, and, where the vendor has
//! peculiarities, [`Provider::classify`].

mod auth;
mod fields;
mod payload;
mod placeholder;
mod secret;
mod spec;
mod token;
mod verdict;
mod wire;

pub use auth::{Auth, Part};
pub use fields::{Text, Whole};
pub use payload::{BatchPayload, Payload, PayloadError};
pub use placeholder::Placeholder;
pub use secret::{Secret, SecretError, Shown, Token};
pub use spec::{Catalogue, KeyPlace, Operation, Operations, Safety, Settling, Shape, Spec};
pub(crate) use spec::{DEFAULT_TIMEOUT, insert};
pub use token::{
    Client, Encoding, Grant, Granted, Refused, TokenAnswer, TokenBudget, TokenScheme, TokenWord,
};
pub(crate) use verdict::hint;
pub use verdict::{LONG_WAIT, Verdict};
pub use wire::{Answer, CONNECT_TIMEOUT, Host, MAX_ANSWER_BYTES, Wire, segment};

use http::{HeaderName, HeaderValue};

use crate::Timestamp;
use crate::limiter::Signals;

/// Any JSON, for the parts of a payload that are the vendor's business alone.
pub use serde_json::Value as Json;

/// What the vendor is asked for: what an earlier call may have made.
#[derive(Clone, Copy, Debug)]
pub struct Lookup<'a> {
    /// The operation's canonical payload.
    pub payload: &'a Json,
    /// What every call of this request carries where the operation has a [`KeyPlace`].
    pub reference: &'a str,
    /// When the request was first sent.
    pub first_sent: Timestamp,
    /// When it was last sent.
    pub last_sent: Timestamp,
}

/// What a vendor says when it is asked for what we may have made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// It is there.
    Hit {
        /// The vendor's id of it.
        object_id: Option<String>,
    },
    /// It is not there.
    Miss,
    /// Something of somebody else stands in its place: no call of this request took effect, and none will.
    Other {
        /// What stands there, in the vendor's words: codes and field names only, never values.
        detail: String,
    },
    /// The answer does not tell.
    Unclear,
}

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

    /// What `answer` means for each of `elements`, the canonical payloads that went in one call: one verdict an element,
    /// in their order. Only asked of [batch operations](Operation::batch), of calls with a single element too. Read the
    /// elements' fates off the answer by what names them there: vendors need not keep the order. An answer that names
    /// none is [of the whole](Verdict::of_whole).
    fn classify_batch(
        &self,
        operation: &Operation,
        elements: &[&Json],
        answer: &Answer,
        now: Timestamp,
    ) -> Vec<Verdict> {
        let verdict = self.classify(operation, answer, now);
        verdict.of_whole(elements.len())
    }

    /// What `answer`, a success or not, says about the vendor's limits: what is left until when
    /// (`X-RateLimit-Remaining`…), and what the call has cost. [`signal`](crate::limiter::signal) reads the usual
    /// dialects. A batch tells its limits once, and only what is news. By default nothing; the `Retry-After` of a
    /// refusal is heeded without it.
    fn signals(&self, operation: &Operation, answer: &Answer, now: Timestamp) -> Signals {
        let _ = (operation, answer, now);
        Signals::default()
    }

    /// `wire` with the provider's fixed headers and the credentials. Override it for a vendor that wants each call
    /// signed (HMAC, AWS SigV4): the body is complete by now, and `now` is for the signature's date.
    ///
    /// # Errors
    /// When the secret does not hold what the scheme needs.
    fn sign(&self, wire: Wire, shown: Shown<'_>, now: Timestamp) -> Result<Wire, SecretError> {
        let _ = now;
        self.spec().sign(wire, shown)
    }

    /// The call that asks for an access token; `rotated` is the refresh token that took the place of the secret's.
    /// Override it for an exchange that is signed, such as a JWT grant.
    ///
    /// # Errors
    /// When the secret does not hold what the scheme needs.
    fn token_call(
        &self,
        scheme: &TokenScheme,
        secret: &Secret,
        rotated: Option<&Token>,
        now: Timestamp,
    ) -> Result<Wire, SecretError> {
        let _ = now;
        scheme.call(secret, rotated)
    }

    /// The call that asks the vendor for what `operation` may have made. Needed for operations with
    /// [`Safety::Lookup`]; without it their ambiguous ends are for a person.
    fn look_up(&self, operation: &Operation, lookup: &Lookup<'_>) -> Option<Wire> {
        let _ = (operation, lookup);
        None
    }

    /// What the answer to [`look_up`](Self::look_up) says.
    fn found(&self, operation: &Operation, lookup: &Lookup<'_>, answer: &Answer) -> Found {
        let _ = (operation, lookup, answer);
        Found::Unclear
    }
}

impl Spec {
    /// `wire` as it goes out: with the idempotency key where the operation has a place for one, the provider's fixed
    /// headers, and the credentials.
    ///
    /// # Errors
    /// When the secret does not hold what the scheme needs.
    pub fn dress<'a>(
        &self,
        operation: &Operation,
        wire: Wire,
        vendor_key: &str,
        shown: impl Into<Shown<'a>>,
    ) -> Result<Wire, SecretError> {
        self.sign(operation.keyed(wire, vendor_key), shown)
    }

    /// `wire` with the provider's fixed headers, the credentials, and what its path takes from the secret.
    ///
    /// # Errors
    /// When the secret does not hold what the scheme or the path needs.
    pub fn sign<'a>(
        &self,
        mut wire: Wire,
        shown: impl Into<Shown<'a>>,
    ) -> Result<Wire, SecretError> {
        let shown = shown.into();
        wire.path = self.fill(wire.path, shown.secret)?;
        for (name, value) in self.headers {
            wire = wire.header(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        self.auth.apply(shown, &mut wire)?;
        let supplied = wire.supplied;
        supplied
            .iter()
            .try_for_each(|one| one.apply(shown, &mut wire))?;
        Ok(wire)
    }

    /// `template`, an address or a path, with what its placeholders stand for in `secret`.
    ///
    /// # Errors
    /// When the secret lacks a field, or holds something there that cannot stand in an address.
    pub fn fill(&self, template: String, secret: &Secret) -> Result<String, SecretError> {
        let mut placeholders = self.placeholders.iter();
        placeholders.try_fold(template, |text, placeholder| placeholder.fill(text, secret))
    }
}

impl Operation {
    /// `wire` with the idempotency key, where this operation has a place for one.
    pub fn keyed(&self, mut wire: Wire, vendor_key: &str) -> Wire {
        if let Some(place) = self.safety.key_place() {
            place.put(vendor_key, &mut wire);
        }
        wire
    }
}
