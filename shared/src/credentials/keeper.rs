//! The fleet's credentials as one environment sees them.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::refresh::Unwritten;
use super::settle::ShownPrints;
use super::state::{Ask, CredentialState, Decision, Prints};
use super::{Paused, Standing};
use crate::lanes::{self, Known};
use crate::provider::{Auth, Provider, Secret, SecretError, Shown, Token, TokenScheme, Wire};
use crate::retry;
use crate::seams::Seams;
use crate::secrets::SecretsError;
use crate::{StoreError, Timestamp};

/// How long a stored state is trusted without looking: that long a pause may go unseen by an environment that is not
/// refused itself. One read a connection, a minute and an environment costs nothing beside the calls.
const TRUST: Duration = Duration::from_secs(60);

/// How often an environment looks whether a paused connection has a new secret.
const CHECK_EVERY: Duration = Duration::from_secs(60);

/// Connections that one environment remembers; beyond it the memory starts anew, but for tokens not stored yet.
const MAX_REMEMBERED: usize = 1000;

/// How soon a call is tried again after the state was contended or changed under it.
pub(super) const SOON: Duration = Duration::from_secs(2);

/// One environment's view of its lane's credentials.
pub struct Credentials {
    pub(super) provider: Arc<dyn Provider>,
    pub(super) seams: Seams,
    pub(super) base_url: String,
    environment: String,
    seen: Mutex<HashMap<String, Seen>>,
    updates: AtomicU64,
}

/// What this environment knows of one connection.
#[derive(Clone, Default)]
pub(super) struct Seen {
    known: Option<(Known<CredentialState>, Timestamp)>,
    checked_at: Option<Timestamp>,
    /// Held by whoever decides on it: the others of this environment wait for the token, not for its lease.
    line: Arc<futures_util::lock::Mutex<()>>,
    /// Ends of token calls that could not be stored yet.
    pub(super) unwritten: Vec<Unwritten>,
}

/// Whether a connection's messages may go on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Admission {
    /// They may.
    Go,
    /// One of them may, to try.
    Trial,
    /// None may.
    Paused(Paused),
}

/// What one call shows the vendor.
#[derive(Clone, Debug)]
pub struct Access {
    secret: Secret,
    token: Option<Token>,
    names: ShownPrints,
}

/// There are no credentials for a call.
#[derive(Clone, Debug)]
pub enum Refused {
    /// The connection is paused.
    Paused(Paused),
    /// A token is being obtained: look again then.
    Wait(Timestamp),
    /// A store did not answer.
    Store(StoreError),
}

/// What a refusal by the vendor comes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// There are, or will be, other credentials to try.
    Again,
    /// The connection is paused.
    Paused(Paused),
}

impl Access {
    /// For [`Provider::sign`].
    pub fn shown(&self) -> Shown<'_> {
        Shown {
            secret: &self.secret,
            token: self.token.as_ref(),
        }
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
            seen: Mutex::default(),
            updates: AtomicU64::new(0),
        }
    }

    /// Whether `connection` was not paused when last seen, or was never seen: asking for it may then run beside other
    /// work.
    pub fn believed_going(&self, connection: &str, now: Timestamp) -> bool {
        let known = self.remembered(connection);
        known.is_none_or(|(known, _)| known.value.standing(self.scheme(), now) == Standing::Going)
    }

    /// Whether messages of `connection` may go on. No round trip within a minute of the last; where it is paused, the
    /// secret is looked at once a minute.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn admit(&self, connection: &str, now: Timestamp) -> Result<Admission, StoreError> {
        let trusted = self
            .remembered(connection)
            .filter(|(_, at)| now.since(*at) < TRUST);
        let known = match trusted {
            Some((known, _)) => known,
            None => self.read(connection).await?,
        };
        let paused = match known.value.standing(self.scheme(), now) {
            Standing::Going => return Ok(Admission::Go),
            Standing::TrialDue(_) => return Ok(Admission::Trial),
            Standing::Paused(paused) => paused,
        };
        if self.may_check(connection, now)
            && let Ok(secret) = self.fresh_secret(connection).await
            && known.value.prints.secret != secret.fingerprint()
        {
            return Ok(Admission::Go);
        }
        Ok(Admission::Paused(paused))
    }

    /// The credentials for one call of `connection`. `latest` is when a token call must have ended.
    ///
    /// # Errors
    /// When the connection is paused, another environment is getting a token, or a store does not answer.
    pub async fn access(&self, connection: &str, latest: Timestamp) -> Result<Access, Refused> {
        if let Some(access) = self.at_hand(connection, latest).await {
            return Ok(access);
        }
        let line = self.seen(connection, |seen| seen.line.clone());
        let _ours = line.lock().await;
        if let Some(access) = self.at_hand(connection, latest).await {
            return Ok(access);
        }
        self.write_unwritten(connection).await?;
        let mut known = self.read(connection).await?;
        let mut secret = self.secret(connection, &known).await?;
        if known.value.is_of_another(&Prints::of(&secret)) {
            // Ours may be the older one: secrets are cached.
            let fresh = self.fresh_secret(connection).await;
            secret = self.usable(connection, &known, fresh).await?;
        }
        let prints = Prints::of(&secret);
        let (mark, now) = (self.mark(), self.seams.clock.now());
        let ask = self.ask(&prints, &mark, latest, now);
        let states = self.seams.states.as_ref();
        let key = self.key(connection);
        let decided = lanes::update(states, &key, &mark, known, |state| {
            let decision = state.decide(&ask);
            (decision.next().cloned(), decision)
        })
        .await;
        let decision;
        (known, decision) = match decided {
            Ok(Some(decided)) => decided,
            Ok(None) => return Err(Refused::Wait(now + SOON)),
            Err(error) => {
                self.release_later(connection, &mark, &prints, now);
                return Err(Refused::Store(error));
            }
        };
        self.remember(connection, known.clone(), now);
        match decision {
            Decision::Use { .. } => Ok(access_of(&known.value, secret, self.scheme())),
            Decision::Wait { until } => Err(Refused::Wait(until)),
            Decision::Paused { paused, .. } => Err(Refused::Paused(paused)),
            Decision::Refresh { .. } => self.refresh(connection, known.value, secret).await,
        }
    }

    /// The vendor refused `access`. The secret is read anew: a person may have changed it.
    ///
    /// # Errors
    /// When the store does not answer: the next refusal will tell it.
    pub async fn refused(&self, connection: &str, access: &Access) -> Result<Refusal, StoreError> {
        let line = self.seen(connection, |seen| seen.line.clone());
        let _ours = line.lock().await;
        let now = self.seams.clock.now();
        let (known, scheme) = (self.known(connection), self.scheme());
        if known.value.refused(&access.names, scheme, now).is_some() {
            let fresh = self.fresh_secret(connection).await;
            self.seen(connection, |seen| seen.checked_at = Some(now));
            if fresh.is_ok_and(|secret| Prints::of(&secret) != access.names.prints) {
                return Ok(Refusal::Again);
            }
        }
        let changed = self
            .change(connection, known, |state| {
                state.refused(&access.names, scheme, now)
            })
            .await?;
        Ok(match changed.pause {
            Some(pause) => Refusal::Paused(Paused {
                reason: pause.reason,
                since: pause.since,
                until: None,
            }),
            None => Refusal::Again,
        })
    }

    /// The vendor accepted `access`. No round trip, unless somebody doubted it.
    ///
    /// # Errors
    /// When the store does not answer: the next trial will tell it.
    pub async fn accepted(&self, connection: &str, access: &Access) -> Result<(), StoreError> {
        if !access.names.on_trial {
            return Ok(());
        }
        self.change(connection, self.known(connection), |state| {
            state.accepted(&access.names)
        })
        .await?;
        Ok(())
    }

    /// The secret does not hold what the call needs.
    ///
    /// # Errors
    /// When the store does not answer: the next call will find out again.
    pub async fn unusable(&self, connection: &str, access: &Access) -> Result<(), StoreError> {
        let now = self.seams.clock.now();
        self.change(connection, self.known(connection), |state| {
            state.missing(&access.names.prints, now)
        })
        .await?;
        Ok(())
    }

    /// An operator says that `connection` works again. True where it was paused.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn resume(&self, connection: &str) -> Result<bool, StoreError> {
        let known = self.read(connection).await?;
        let was_paused = known.value.pause.is_some();
        self.change(connection, known, CredentialState::resume)
            .await?;
        Ok(was_paused)
    }

    /// What can be used without a round trip, but for the secret where that is not cached.
    async fn at_hand(&self, connection: &str, latest: Timestamp) -> Option<Access> {
        let now = self.seams.clock.now();
        let (known, at) = self.remembered(connection)?;
        if now.since(at) >= TRUST {
            return None;
        }
        let name = self.provider.spec().name;
        let secret = self.seams.secrets.get(name, connection).await.ok()?;
        self.check(&secret).ok()?;
        let prints = Prints::of(&secret);
        if known.value.is_of_another(&prints) {
            return None;
        }
        match known.value.decide(&self.ask(&prints, "", latest, now)) {
            Decision::Use { next: None } => Some(access_of(&known.value, secret, self.scheme())),
            _ => None,
        }
    }

    fn ask<'a>(
        &'a self,
        prints: &'a Prints,
        owner: &'a str,
        latest: Timestamp,
        now: Timestamp,
    ) -> Ask<'a> {
        Ask {
            scheme: self.scheme(),
            prints,
            owner,
            may_refresh: self
                .scheme()
                .is_some_and(|scheme| now + scheme.timeout <= latest),
            now,
            jitter: retry::jitter(&self.environment, 0),
        }
    }

    /// The secret, at most a few minutes old; where it cannot be used, the connection is paused.
    async fn secret(
        &self,
        connection: &str,
        known: &Known<CredentialState>,
    ) -> Result<Secret, Refused> {
        let name = self.provider.spec().name;
        let secret = self.seams.secrets.get(name, connection).await;
        self.usable(connection, known, secret).await
    }

    async fn usable(
        &self,
        connection: &str,
        known: &Known<CredentialState>,
        secret: Result<Secret, SecretsError>,
    ) -> Result<Secret, Refused> {
        let (prints, error) = match secret {
            Ok(secret) => match self.check(&secret) {
                Ok(()) => return Ok(secret),
                Err(error) => (Prints::of(&secret), error.into()),
            },
            Err(SecretsError::Store(error)) => return Err(Refused::Store(error)),
            Err(error) => (Prints::default(), error),
        };
        tracing::warn!(%error, connection, "the connection's credentials cannot be used");
        let now = self.seams.clock.now();
        let state = self
            .change(connection, known.clone(), |state| {
                state.missing(&prints, now)
            })
            .await?;
        let since = state.pause.map_or(now, |pause| pause.since);
        Err(Refused::Paused(Paused {
            reason: super::Reason::SecretMissing,
            since,
            until: None,
        }))
    }

    /// Whether `secret` holds what the scheme needs.
    fn check(&self, secret: &Secret) -> Result<(), SecretError> {
        let auth: &Auth = &self.provider.spec().auth;
        for field in auth.fields() {
            secret.field(field)?;
        }
        let placeholder = Token::new("token");
        let shown = Shown {
            secret,
            token: Some(&placeholder),
        };
        auth.apply(shown, &mut Wire::post("/").json(&serde_json::json!({})))
    }

    pub(super) async fn fresh_secret(&self, connection: &str) -> Result<Secret, SecretsError> {
        let name = self.provider.spec().name;
        self.seams.secrets.forget(name, connection).await;
        self.seams.secrets.get(name, connection).await
    }

    async fn read(&self, connection: &str) -> Result<Known<CredentialState>, StoreError> {
        let key = self.key(connection);
        let known = lanes::read(self.seams.states.as_ref(), &key).await?;
        self.remember(connection, known.clone(), self.seams.clock.now());
        Ok(known)
    }

    /// Stores what `decide` makes of the state, and returns the state as it then is.
    pub(super) async fn change(
        &self,
        connection: &str,
        known: Known<CredentialState>,
        decide: impl Fn(&CredentialState) -> Option<CredentialState>,
    ) -> Result<CredentialState, StoreError> {
        let (key, mark) = (self.key(connection), self.mark());
        let states = self.seams.states.as_ref();
        let changed =
            lanes::update(states, &key, &mark, known, |state| (decide(state), ())).await?;
        let (known, ()) = changed
            .ok_or_else(|| StoreError::new("storing credentials", "the item is contended"))?;
        let state = known.value.clone();
        self.remember(connection, known, self.seams.clock.now());
        Ok(state)
    }

    pub(super) fn key(&self, connection: &str) -> String {
        format!("{}#{connection}#credentials", self.provider.spec().name)
    }

    pub(super) fn scheme(&self) -> Option<&'static TokenScheme> {
        self.provider.spec().auth.token()
    }

    /// Unique per update.
    fn mark(&self) -> String {
        let update = self.updates.fetch_add(1, Ordering::Relaxed);
        format!("{}/{update}", self.environment)
    }

    fn may_check(&self, connection: &str, now: Timestamp) -> bool {
        self.seen(connection, |seen| {
            let may = seen
                .checked_at
                .is_none_or(|at| now.since(at) >= CHECK_EVERY);
            if may {
                seen.checked_at = Some(now);
            }
            may
        })
    }

    fn remembered(&self, connection: &str) -> Option<(Known<CredentialState>, Timestamp)> {
        let all = self.lock();
        all.get(connection)?.known.clone()
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
        let mut all = self.lock();
        if all.len() >= MAX_REMEMBERED && !all.contains_key(connection) {
            all.retain(|_, seen| !seen.unwritten.is_empty());
        }
        with(all.entry(connection.to_owned()).or_default())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<String, Seen>> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

/// What a call shows under `state`.
pub(super) fn access_of(
    state: &CredentialState,
    secret: Secret,
    scheme: Option<&TokenScheme>,
) -> Access {
    let held = state.token.as_ref().filter(|_| scheme.is_some());
    Access {
        names: ShownPrints {
            prints: Prints::of(&secret),
            generation: state.generation,
            on_trial: state.pause.is_some() || held.is_some_and(|token| token.on_trial),
        },
        token: held.map(|token| token.text.clone()),
        secret,
    }
}
