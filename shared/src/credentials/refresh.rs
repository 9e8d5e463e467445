//! The token call of the one who holds the lease.
//!
//! What is left behind when the process dies: before the call, a lease that ends by itself; between the vendor's
//! answer and our write, the same, and a refresh token that nobody knows where the old one was for single use: the
//! next holder tries the old one once.

use super::Paused;
use super::access::{Access, Refused, access_of};
use super::held::{Lease, Prints};
use super::keeper::{Credentials, SOON};
use super::settle::{Exchange, Unwritten};
use super::state::CredentialState;
use crate::http_client::CallError;
use crate::provider::{Secret, SecretError, TokenAnswer, TokenScheme};
use crate::retry;
use crate::{StoreError, Timestamp};

/// Ends of token calls that one environment keeps for a connection until they are stored. There is one unless the
/// store fails for longer than a lease.
const MAX_UNWRITTEN: usize = 4;

impl Credentials {
    /// Asks the vendor for a token under the lease that `state` holds, and stores it before it is used.
    pub(super) async fn refresh(
        &self,
        connection: &str,
        state: CredentialState,
        secret: Secret,
        scheme: &'static TokenScheme,
    ) -> Result<Access, Refused> {
        let now = self.seams.clock.now();
        let Some(lease) = &state.lease else {
            return Err(Refused::Wait(now + SOON));
        };
        let exchange = Exchange {
            owner: lease.owner.clone(),
            base: state.generation,
            prints: state.prints.clone(),
            since: lease.since,
            called_at: now,
        };
        let answer = match self.exchange(scheme, &state, lease, &secret).await {
            Ok(answer) => answer,
            Err(error) => {
                tracing::warn!(%error, connection, "the token call could not be built");
                self.change(connection, self.known(connection), |state, now| {
                    state.missing(&exchange.prints, now)
                })
                .await?;
                TokenAnswer::NotSent
            }
        };
        if !matches!(answer, TokenAnswer::Granted(_)) {
            tracing::warn!(
                connection,
                answer = name(&answer),
                "no access token was obtained"
            );
        }
        // In memory first: a store that fails must not cost the one copy of a refresh token.
        let end = Unwritten {
            exchange,
            scheme,
            answer,
        };
        self.keep(connection, end);
        let state = self.write_unwritten(connection).await?;
        let now = self.seams.clock.now();
        let usable_from = state.token.as_ref().map(|token| token.usable_from);
        match usable_from.filter(|_| state.is_usable(now)) {
            Some(from) if from > now + SOON => Err(Refused::Wait(from)),
            Some(from) => {
                self.seams.clock.sleep_until(from).await;
                Ok(access_of(&state, secret, Some(scheme)))
            }
            None => Err(match &state.pause {
                Some(pause) => Refused::Paused(Paused::of(pause)),
                None => Refused::Wait(state.retry_at.unwrap_or(now + SOON)),
            }),
        }
    }

    async fn exchange(
        &self,
        scheme: &TokenScheme,
        state: &CredentialState,
        lease: &Lease,
        secret: &Secret,
    ) -> Result<TokenAnswer, SecretError> {
        let now = self.seams.clock.now();
        let rotated = state.refresh_token.as_ref();
        let mut wire = self.provider.token_call(scheme, secret, rotated, now)?;
        let spec = self.provider.spec();
        wire.path = spec.fill(wire.path, secret)?;
        // An answer that is lost may cost the refresh token.
        wire.fresh = true;
        let base_url = spec.fill(self.token_base(scheme).to_owned(), secret)?;
        // A process that stood still since it took the lease must not call beside the next holder.
        if now + scheme.timeout > lease.until {
            return Ok(TokenAnswer::NotSent);
        }
        let http = self.seams.http.as_ref();
        let answer = http.call(&base_url, &wire, scheme.timeout).await;
        Ok(match answer {
            Ok(answer) => scheme.read(&answer, self.seams.clock.now()),
            Err(CallError::NotSent(_)) => TokenAnswer::NotSent,
            Err(CallError::Ambiguous(_) | CallError::Unreadable { .. }) => {
                TokenAnswer::Later { after: None }
            }
        })
    }

    /// Where the token endpoint is: with the API, at the vendor's host for tokens, or, where something stands in for
    /// the vendor, there.
    fn token_base(&self, scheme: &TokenScheme) -> &str {
        let own = self.provider.spec().base_url;
        match scheme.base_url {
            Some(host) if self.base_url == own => host,
            _ => &self.base_url,
        }
    }

    /// Stores the ends of this environment's token calls, and returns the state as it then is.
    pub(super) async fn write_unwritten(
        &self,
        connection: &str,
    ) -> Result<CredentialState, StoreError> {
        let waiting = self.seen(connection, |seen| seen.unwritten.clone());
        let known = self.known(connection);
        if waiting.is_empty() {
            return Ok(known.value);
        }
        let state = self
            .change(connection, known, |state, now| {
                let mut next = None;
                for end in &waiting {
                    let jitter = retry::jitter(&end.exchange.owner, end.exchange.base);
                    let before = next.as_ref().unwrap_or(state);
                    let after = before.ended(&end.exchange, &end.answer, end.scheme, now, jitter);
                    next = after.or(next);
                }
                next
            })
            .await?;
        self.seen(connection, |seen| seen.unwritten.clear());
        Ok(state)
    }

    fn keep(&self, connection: &str, end: Unwritten) {
        self.seen(connection, |seen| {
            if seen.unwritten.len() >= MAX_UNWRITTEN {
                // What brought no token can be forgotten: its lease ends by itself.
                let brought = |end: &Unwritten| matches!(end.answer, TokenAnswer::Granted(_));
                let spare = seen.unwritten.iter().position(|end| !brought(end));
                seen.unwritten.remove(spare.unwrap_or(0));
            }
            seen.unwritten.push(end);
        });
    }

    /// The write that took a lease may have been made although it failed: the lease is handed back with the next one.
    pub(super) fn release_later(
        &self,
        connection: &str,
        scheme: &'static TokenScheme,
        owner: &str,
        prints: &Prints,
        since: Timestamp,
    ) {
        let base = self.known(connection).value.generation;
        let exchange = Exchange {
            owner: owner.to_owned(),
            base,
            prints: prints.clone(),
            since,
            called_at: since,
        };
        let end = Unwritten {
            exchange,
            scheme,
            answer: TokenAnswer::NotSent,
        };
        self.keep(connection, end);
    }
}

/// The bounded word for logs.
fn name(answer: &TokenAnswer) -> &'static str {
    match answer {
        TokenAnswer::Granted(_) => "granted",
        TokenAnswer::DeadGrant => "dead_grant",
        TokenAnswer::WrongClient => "wrong_client",
        TokenAnswer::Refused { .. } => "refused",
        TokenAnswer::Later { .. } => "later",
        TokenAnswer::NotSent => "not_sent",
    }
}
