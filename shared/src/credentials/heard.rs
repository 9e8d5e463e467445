//! What the vendor's answers, and an operator's word, say about a connection's credentials.

use super::access::{Access, Refusal};
use super::held::Prints;
use super::keeper::{Credentials, key};
use super::state::CredentialState;
use super::{Paused, Reason};
use crate::StoreError;
use crate::clock::Clock;
use crate::lanes::{self, StateStore};

impl Credentials {
    /// The vendor refused `access`. The secret is read anew: a person may have changed it.
    ///
    /// # Errors
    /// When the store does not answer: the next refusal will tell it.
    pub async fn refused(&self, connection: &str, access: &Access) -> Result<Refusal, StoreError> {
        let line = self.seen(connection, |seen| seen.line.clone());
        let _ours = line.lock().await;
        let now = self.seams.clock.now();
        let (known, scheme) = (self.known(connection), access.scheme);
        if known.value.refused(&access.names, scheme, now).is_some() {
            let fresh = self.fresh_secret(connection).await;
            self.seen(connection, |seen| seen.checked_at = Some(now));
            if fresh.is_ok_and(|secret| Prints::of(&secret) != access.names.prints) {
                return Ok(Refusal::Again);
            }
        }
        let changed = self
            .change(connection, known, |state, now| {
                state.refused(&access.names, scheme, now)
            })
            .await?;
        Ok(match changed.pause {
            Some(pause) => Refusal::Paused(Paused::of(&pause)),
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
        self.change(connection, self.known(connection), |state, _| {
            state.accepted(&access.names)
        })
        .await?;
        Ok(())
    }

    /// The account has another address than the one that was called with `access`.
    ///
    /// # Errors
    /// When the store does not answer: the next call will find out again.
    pub async fn moved(&self, connection: &str, access: &Access) -> Result<Paused, StoreError> {
        let now = self.seams.clock.now();
        let changed = self.change(connection, self.known(connection), |state, now| {
            state.moved(&access.names.prints, now)
        });
        let pause = changed.await?.pause;
        Ok(Paused {
            reason: Reason::Moved,
            since: pause.map_or(now, |pause| pause.since),
            until: None,
        })
    }

    /// The secret does not hold what the call needs.
    ///
    /// # Errors
    /// When the store does not answer: the next call will find out again.
    pub async fn unusable(&self, connection: &str, access: &Access) -> Result<(), StoreError> {
        self.change(connection, self.known(connection), |state, now| {
            state.missing(&access.names.prints, now)
        })
        .await?;
        Ok(())
    }

    /// [`resume`] for a connection of this lane.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn resume(&self, connection: &str) -> Result<bool, StoreError> {
        let (states, name) = (self.seams.states.as_ref(), self.provider.spec().name);
        let was_paused = resume(
            states,
            self.seams.clock.as_ref(),
            name,
            connection,
            &self.mark(),
        )
        .await?;
        self.seen(connection, |seen| seen.known = None);
        Ok(was_paused)
    }
}

/// An operator says that `connection` at `provider` works again: its pause ends, and the environments of its lane see
/// so within a minute. True where it was paused. `writer` is unique per call.
///
/// # Errors
/// When the store does not answer, or others write faster than this can.
pub async fn resume(
    states: &dyn StateStore,
    clock: &dyn Clock,
    provider: &str,
    connection: &str,
    writer: &str,
) -> Result<bool, StoreError> {
    let key = key(provider, connection);
    let known = lanes::read::<CredentialState>(states, &key).await?;
    let resumed = lanes::update(states, clock, &key, writer, known, |state, _| {
        (state.resume(), state.is_paused())
    });
    match resumed.await? {
        Some((_, was_paused)) => Ok(was_paused),
        None => Err(StoreError::new("resuming", "the item is contended")),
    }
}
