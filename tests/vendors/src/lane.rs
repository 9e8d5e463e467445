//! A lane's calls, made by the lane's own code: payload to call, key and credentials, HTTP client, judgement.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use causeway::clock::{Clock, SystemClock};
use causeway::http_client::{HttpClient, ReqwestClient};
use causeway::provider::{
    Answer, Found, Json, Lookup, Operation, Provider, Secret, Shown, Verdict, Wire,
};

use crate::Error;
use crate::fixture::{self, Case};

/// Longest wait for an answer: everything is on this machine.
const CALL_MAX: Duration = Duration::from_secs(20);

/// One connection of a provider.
pub struct Lane {
    provider: &'static dyn Provider,
    secret: Secret,
    client: ReqwestClient,
    keys: AtomicUsize,
}

impl Lane {
    /// A connection with this secret, given as JSON text.
    ///
    /// # Errors
    /// When it is no secret, or there is no HTTP client.
    pub fn new(provider: &'static dyn Provider, secret: &str) -> Result<Self, Error> {
        let name = provider.spec().name;
        let secret = Secret::parse(secret).map_err(|error| Error::data(name, error))?;
        let client = ReqwestClient::new().map_err(|error| Error::data(name, error))?;
        Ok(Self {
            provider,
            secret,
            client,
            keys: AtomicUsize::new(0),
        })
    }

    /// The same connection with other credentials.
    ///
    /// # Errors
    /// When `secret` is none.
    pub fn with_secret(&self, secret: &str) -> Result<Self, Error> {
        Self::new(self.provider, secret)
    }

    /// An operation by its name.
    ///
    /// # Errors
    /// When the provider has none of that name.
    pub fn operation(&self, name: &str) -> Result<&'static Operation, Error> {
        let spec = self.provider.spec();
        spec.operation(name)
            .ok_or_else(|| Error::data(spec.name, format!("there is no operation `{name}`")))
    }

    /// The payloads of all its wire fixtures.
    ///
    /// # Errors
    /// When a fixture cannot be read.
    pub fn cases(&self) -> Result<Vec<Case>, Error> {
        fixture::cases(self.provider.spec())
    }

    /// The operations that have wire fixtures.
    ///
    /// # Errors
    /// When their folder cannot be read.
    pub fn operations(&self) -> Result<Vec<&'static Operation>, Error> {
        fixture::operations(self.provider.spec())
    }

    /// The call that carries out `payload`, with a key of its own.
    ///
    /// # Errors
    /// When the payload does not fit the operation, or the secret not the provider.
    pub fn wire(&self, operation: &Operation, payload: &Json) -> Result<Wire, Error> {
        let wire = operation
            .prepare(payload)
            .map_err(|error| Error::data(operation.name, error))?;
        let number = self.keys.fetch_add(1, Ordering::Relaxed);
        // As long as a real one.
        self.signed(operation.keyed(wire, &format!("cw-{number:040}")))
    }

    /// The call that asks for what `payload` may have made a moment ago.
    ///
    /// # Errors
    /// When the secret does not fit the provider.
    pub fn look_up(&self, operation: &Operation, payload: &Json) -> Result<Option<Wire>, Error> {
        let wire = self.provider.look_up(operation, &lookup(payload));
        wire.map(|wire| self.signed(wire)).transpose()
    }

    /// `wire` with fixed headers and credentials.
    ///
    /// # Errors
    /// When the secret does not fit the provider.
    pub fn signed(&self, wire: Wire) -> Result<Wire, Error> {
        let shown = Shown {
            secret: &self.secret,
            token: None,
        };
        self.provider
            .sign(wire, shown, SystemClock.now())
            .map_err(|error| Error::data(self.provider.spec().name, error))
    }

    /// What an answer means.
    #[must_use]
    pub fn classify(&self, operation: &Operation, answer: &Answer) -> Verdict {
        let now = SystemClock.now();
        self.provider.classify(operation, answer, now)
    }

    /// What the answer to a [lookup](Self::look_up) says.
    #[must_use]
    pub fn found(&self, operation: &Operation, payload: &Json, answer: &Answer) -> Found {
        self.provider.found(operation, &lookup(payload), answer)
    }

    /// Sends a call to the vendor that is at `base_url`.
    ///
    /// # Errors
    /// When there is no complete answer.
    pub async fn send(&self, base_url: &str, wire: &Wire) -> Result<Answer, Error> {
        let answer = self.client.call(base_url, wire, CALL_MAX).await;
        answer.map_err(|source| Error::Call {
            call: format!("{} {wire:?}", self.provider.spec().name),
            source,
        })
    }
}

/// The question about a request that was sent just now.
fn lookup(payload: &Json) -> Lookup<'_> {
    let now = SystemClock.now();
    Lookup {
        payload,
        reference: "cw-0123456789abcdef0123456789abcdef01234567",
        first_sent: now,
        last_sent: now,
    }
}
