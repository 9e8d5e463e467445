//! The fleet's credentials as one environment sees them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::settle::Unwritten;
use super::state::CredentialState;
use crate::cache::{Cache, FunctionMemory, Weigh};
use crate::lanes::{self, Known};
use crate::provider::{Provider, Secret, TokenScheme};
use crate::seams::Seams;
use crate::secrets::SecretsError;
use crate::{StoreError, Timestamp};

/// Connections' part of the function's memory: an eighth of 256 MB holds 10,000 of them with tokens of 2 KB, as JSON Web
/// Tokens have.
const MEMORY_PARTS: usize = 8;

/// How soon a call is tried again after the state was contended or changed under it.
pub(super) const SOON: Duration = Duration::from_secs(2);

/// What a connection's state holds elsewhere beside its tokens: prints, a lease's owner, a budget's instants.
const NAMES_BYTES: usize = 256;

/// One environment's view of its lane's credentials.
pub struct Credentials {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) seams: Seams,
    pub(super) base_url: String,
    pub(super) environment: String,
    seen: Cache<Seen>,
    updates: AtomicU64,
}

/// What this environment knows of one connection.
#[derive(Clone, Default)]
pub(super) struct Seen {
    pub(super) known: Option<(Known<CredentialState>, Timestamp)>,
    pub(super) checked_at: Option<Timestamp>,
    /// Held by whoever decides on it: the others of this environment wait for the token, not for its lease.
    pub(super) line: Arc<futures_util::lock::Mutex<()>>,
    /// When the vendor last let a call of each operation through.
    pub(super) allowed: HashMap<&'static str, Timestamp>,
    /// Ends of token calls that could not be stored yet.
    pub(super) unwritten: Vec<Unwritten>,
}

impl Weigh for Seen {
    fn bytes(&self) -> usize {
        let tokens = self
            .known
            .iter()
            .flat_map(|(known, _)| known.value.tokens());
        let tokens: usize = tokens.map(|token| token.reveal().len()).sum();
        size_of::<Self>() + size_of_val(&*self.line) + NAMES_BYTES + tokens
    }

    /// A token that is stored nowhere has no other copy, and those who stand in line must stand in one.
    fn must_stay(&self) -> bool {
        !self.unwritten.is_empty() || Arc::strong_count(&self.line) > 1
    }
}

impl Credentials {
    /// The view of `environment` on the connections of `provider`, whose token endpoints are called at `base_url`
    /// where that is not the vendor's own.
    pub fn new(
        provider: Arc<dyn Provider>,
        seams: Seams,
        base_url: String,
        environment: String,
    ) -> Self {
        Self {
            provider,
            seams,
            base_url,
            environment,
            seen: Cache::new(FunctionMemory::USUAL.part(MEMORY_PARTS)),
            updates: AtomicU64::new(0),
        }
    }

    /// In its part of `memory`.
    pub fn remembering(self, memory: FunctionMemory) -> Self {
        let seen = Cache::new(memory.part(MEMORY_PARTS));
        Self { seen, ..self }
    }

    pub(super) async fn fresh_secret(&self, connection: &str) -> Result<Secret, SecretsError> {
        let name = self.provider.spec().name;
        self.seams.secrets.forget(name, connection).await;
        self.seams.secrets.get(name, connection).await
    }

    pub(super) async fn read(
        &self,
        connection: &str,
    ) -> Result<Known<CredentialState>, StoreError> {
        // What comes back was so when it was asked for, however long that took.
        let (key, asked) = (self.key(connection), self.seams.clock.now());
        let known = lanes::read(self.seams.states.as_ref(), &key).await?;
        self.remember(connection, known.clone(), asked);
        Ok(known)
    }

    /// Stores what `decide` makes of the state, and returns the state as it then is.
    pub(super) async fn change(
        &self,
        connection: &str,
        known: Known<CredentialState>,
        decide: impl Fn(&CredentialState, Timestamp) -> Option<CredentialState>,
    ) -> Result<CredentialState, StoreError> {
        let (key, mark) = (self.key(connection), self.mark());
        let (states, clock) = (self.seams.states.as_ref(), self.seams.clock.as_ref());
        let asked = clock.now();
        let decide = |state: &CredentialState, now| (decide(state, now), ());
        let changed = lanes::update(states, clock, &key, &mark, known, decide).await?;
        let (known, ()) = changed
            .ok_or_else(|| StoreError::new("storing credentials", "the item is contended"))?;
        let state = known.value.clone();
        self.remember(connection, known, asked);
        Ok(state)
    }

    pub(super) fn key(&self, connection: &str) -> String {
        key(self.provider.spec().name, connection)
    }

    /// How `secret` is exchanged for a token, where it is.
    pub(super) fn scheme_of(&self, secret: &Secret) -> Option<&'static TokenScheme> {
        self.provider.spec().auth.token(secret)
    }

    /// How the secret that `state` came from was, as far as that is stored.
    pub(super) fn scheme_under(&self, state: &CredentialState) -> Option<&'static TokenScheme> {
        let schemes = self.provider.spec().auth.tokens();
        let stored = state.scheme.as_deref()?;
        schemes.into_iter().find(|scheme| scheme.name() == stored)
    }

    /// Unique per update.
    pub(super) fn mark(&self) -> String {
        let update = self.updates.fetch_add(1, Ordering::Relaxed);
        format!("{}/{update}", self.environment)
    }

    pub(super) fn remembered(
        &self,
        connection: &str,
    ) -> Option<(Known<CredentialState>, Timestamp)> {
        self.seen.update(connection, |seen| seen.known.clone())?
    }

    /// What was seen last, however long ago: where a decision starts from that is going to be stored.
    pub(super) fn known(&self, connection: &str) -> Known<CredentialState> {
        let remembered = self.remembered(connection);
        remembered.map(|(known, _)| known).unwrap_or_default()
    }

    pub(super) fn remember(&self, connection: &str, known: Known<CredentialState>, now: Timestamp) {
        self.seen(connection, |seen| seen.known = Some((known, now)));
    }

    pub(super) fn seen<R>(&self, connection: &str, with: impl FnOnce(&mut Seen) -> R) -> R {
        self.seen.entry(connection, with)
    }
}

/// Where a connection's credentials are stored.
#[must_use]
pub fn key(provider: &str, connection: &str) -> String {
    format!("{provider}#{connection}#credentials")
}
