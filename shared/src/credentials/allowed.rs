//! What one environment hears of rights: successes, and refusals that the fleet counts.
//!
//! Nothing is written while nothing is refused. A success ends a run in the memory of the environment that had it, and
//! is written only where a run is known; whoever comes upon a run that its own success contradicts takes it away.

use super::access::{Access, Refused};
use super::keeper::Credentials;
use super::pause::{Paused, Standing};
use super::state::CredentialState;
use crate::lanes;
use crate::{StoreError, Timestamp};

impl Credentials {
    /// The credentials for one call of `operation`: [`access`](Self::access), and the trial where one is due.
    ///
    /// # Errors
    /// When connection or operation are paused, another environment is getting a token, or a store does not answer.
    pub async fn access_for(
        &self,
        connection: &str,
        operation: &str,
        latest: Timestamp,
    ) -> Result<Access, Refused> {
        let access = self.access(connection, latest).await?;
        let (known, now) = (self.known(connection), self.seams.clock.now());
        match known.value.rights.standing(operation, now) {
            Standing::Going => return Ok(access),
            Standing::Paused(paused) => return Err(Refused::Paused(paused)),
            Standing::TrialDue(_) => {}
        }
        let (states, clock) = (self.seams.states.as_ref(), self.seams.clock.as_ref());
        let (key, mark) = (self.key(connection), self.mark());
        let begun = lanes::update(states, clock, &key, &mark, known, |state, now| {
            let mut next = state.clone();
            let ours = next.rights.begin_trial(operation, now);
            (ours.then(|| next.stamped()), ours)
        });
        let Some((known, ours)) = begun.await? else {
            return Err(Refused::Wait(now + super::keeper::SOON));
        };
        let standing = known.value.rights.standing(operation, now);
        self.remember(connection, known, now);
        match standing {
            Standing::Paused(paused) if !ours => Err(Refused::Paused(paused)),
            _ => Ok(access),
        }
    }

    /// The vendor let a call of `operation` through. No round trip, unless refusals are known.
    ///
    /// # Errors
    /// When the store does not answer: the next success, or the next trial, will tell it.
    pub async fn allowed(
        &self,
        connection: &str,
        operation: &'static str,
        access: &Access,
    ) -> Result<(), StoreError> {
        let now = self.seams.clock.now();
        self.seen(connection, |seen| seen.allowed.insert(operation, now));
        self.contradict(connection, operation, access).await
    }

    /// Takes away a run that this environment's own success contradicts.
    async fn contradict(
        &self,
        connection: &str,
        operation: &str,
        access: &Access,
    ) -> Result<(), StoreError> {
        let known = self.known(connection);
        if known.value.rights.is_empty() {
            return Ok(());
        }
        let allowed = self.last_allowed(connection, operation);
        self.change(connection, known, |state, _| {
            state.with_rights(&access.names.prints, |rights| {
                rights.contradict(operation, allowed)
            })
        })
        .await?;
        Ok(())
    }

    /// The vendor refused a call of `operation` that showed good credentials. For how long the request waits; none where
    /// the refusal is its end.
    ///
    /// # Errors
    /// When the store does not answer: the refusal is not counted.
    pub async fn forbidden(
        &self,
        connection: &str,
        operation: &str,
        payload_hash: &str,
        access: &Access,
    ) -> Result<Option<Paused>, StoreError> {
        let now = self.seams.clock.now();
        let allowed = self.last_allowed(connection, operation);
        let (states, clock) = (self.seams.states.as_ref(), self.seams.clock.as_ref());
        let (key, mark) = (self.key(connection), self.mark());
        let known = self.known(connection);
        let told = lanes::update(states, clock, &key, &mark, known, |state, now| {
            let mut wait = None;
            let next = state.with_rights(&access.names.prints, |rights| {
                wait = rights.refused(operation, payload_hash, allowed, now);
            });
            (next, wait)
        });
        let (known, wait) = told
            .await?
            .ok_or_else(|| StoreError::new("counting a refusal", "the item is contended"))?;
        self.remember(connection, known, now);
        Ok(wait)
    }

    /// Whether calls of `operation` may be made under `state`, for all that this environment knows.
    pub(super) fn rights(
        &self,
        connection: &str,
        operation: &str,
        state: &CredentialState,
        now: Timestamp,
    ) -> Standing {
        let mut rights = state.rights.clone();
        rights.contradict(operation, self.last_allowed(connection, operation));
        rights.standing(operation, now)
    }

    fn last_allowed(&self, connection: &str, operation: &str) -> Option<Timestamp> {
        self.seen(connection, |seen| seen.allowed.get(operation).copied())
    }
}
