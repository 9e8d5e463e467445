//! What a call shows the vendor, and who must do without.

use std::time::Duration;

use super::held::Prints;
use super::keeper::{Credentials, SOON};
use super::settle::ShownPrints;
use super::state::{Ask, CredentialState, Decision};
use super::{Paused, Standing};
use crate::lanes::{self, Known};
use crate::provider::{Secret, Shown, Token, TokenScheme};
use crate::retry;
use crate::secrets::SecretsError;
use crate::{StoreError, Timestamp};

/// How long a stored state is trusted without looking: that long a pause may go unseen by an environment that is not
/// refused itself. One read a connection, a minute and an environment costs nothing beside the calls.
const TRUST: Duration = Duration::from_secs(60);

/// How often an environment looks whether a paused connection has a new secret.
const CHECK_EVERY: Duration = Duration::from_secs(60);

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
    pub(super) scheme: Option<&'static TokenScheme>,
    pub(super) names: ShownPrints,
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
    /// For [`Provider::sign`](crate::provider::Provider::sign).
    pub fn shown(&self) -> Shown<'_> {
        Shown {
            secret: &self.secret,
            token: self.token.as_ref(),
        }
    }
}

impl From<StoreError> for Refused {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Credentials {
    /// Whether neither `connection` nor its `operation` was paused when last seen, or it was never seen: asking for it may
    /// then run beside other work.
    pub fn believed_going(&self, connection: &str, operation: &str, now: Timestamp) -> bool {
        let known = self.remembered(connection);
        known.is_none_or(|(known, _)| {
            self.stands(connection, operation, &known.value, now) == Standing::Going
        })
    }

    /// Whether calls of `operation` may be made under `state`: what stops the connection stops them all.
    fn stands(
        &self,
        connection: &str,
        operation: &str,
        state: &CredentialState,
        now: Timestamp,
    ) -> Standing {
        match state.standing(self.scheme_under(state), now) {
            Standing::Going => self.rights(connection, operation, state, now),
            stopped => stopped,
        }
    }

    /// Whether messages of `connection` for `operation` may go on. No round trip within a minute of the last; where it is
    /// paused, the secret is looked at once a minute.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn admit(
        &self,
        connection: &str,
        operation: &str,
        now: Timestamp,
    ) -> Result<Admission, StoreError> {
        let trusted = self
            .remembered(connection)
            .filter(|(_, at)| now.since(*at) < TRUST);
        let known = match trusted {
            Some((known, _)) => known,
            None => self.read(connection).await?,
        };
        let paused = match self.stands(connection, operation, &known.value, now) {
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
        let (prints, scheme) = (Prints::of(&secret), self.scheme_of(&secret));
        let (mark, now) = (self.mark(), self.seams.clock.now());
        let (states, clock) = (self.seams.states.as_ref(), self.seams.clock.as_ref());
        let key = self.key(connection);
        let decided = lanes::update(states, clock, &key, &mark, known, |state, now| {
            let decision = state.decide(&self.ask(scheme, &prints, &mark, latest, now));
            (decision.next().cloned(), decision)
        })
        .await;
        let decision;
        (known, decision) = match decided {
            Ok(Some(decided)) => decided,
            Ok(None) => return Err(Refused::Wait(now + SOON)),
            Err(error) => {
                if let Some(scheme) = scheme {
                    self.release_later(connection, scheme, &mark, &prints, now);
                }
                return Err(Refused::Store(error));
            }
        };
        self.remember(connection, known.clone(), now);
        match decision {
            Decision::Use { .. } => Ok(access_of(&known.value, secret, scheme)),
            Decision::Wait { until } => Err(Refused::Wait(until)),
            Decision::Paused { paused, .. } => Err(Refused::Paused(paused)),
            Decision::Refresh { .. } => {
                let scheme = scheme.ok_or(Refused::Wait(now + SOON))?;
                self.refresh(connection, known.value, secret, scheme).await
            }
        }
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
        self.provider.spec().auth.check(&secret).ok()?;
        let (prints, scheme) = (Prints::of(&secret), self.scheme_of(&secret));
        if known.value.is_of_another(&prints) {
            return None;
        }
        match known
            .value
            .decide(&self.ask(scheme, &prints, "", latest, now))
        {
            Decision::Use { next: None } => Some(access_of(&known.value, secret, scheme)),
            _ => None,
        }
    }

    fn ask<'a>(
        &self,
        scheme: Option<&'static TokenScheme>,
        prints: &'a Prints,
        owner: &'a str,
        latest: Timestamp,
        now: Timestamp,
    ) -> Ask<'a> {
        Ask {
            scheme,
            prints,
            owner,
            may_refresh: scheme.is_some_and(|scheme| now + scheme.timeout <= latest),
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
            Ok(secret) => match self.provider.spec().auth.check(&secret) {
                Ok(()) => return Ok(secret),
                Err(error) => (Prints::of(&secret), error.into()),
            },
            Err(SecretsError::Store(error)) => return Err(Refused::Store(error)),
            Err(error) => (Prints::default(), error),
        };
        tracing::warn!(%error, connection, "the connection's credentials cannot be used");
        let now = self.seams.clock.now();
        let state = self
            .change(connection, known.clone(), |state, now| {
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
}

/// What a call shows under `state`.
pub(super) fn access_of(
    state: &CredentialState,
    secret: Secret,
    scheme: Option<&'static TokenScheme>,
) -> Access {
    let held = state.token.as_ref().filter(|_| scheme.is_some());
    Access {
        names: ShownPrints {
            prints: Prints::of(&secret),
            generation: state.generation,
            on_trial: state.pause.is_some() || held.is_some_and(|token| token.on_trial),
        },
        token: held.map(|token| token.text.clone()),
        scheme,
        secret,
    }
}
