//! What the vendor's answers make of the stored credentials.
//!
//! A token that a vendor gave and that was stored once is never written over by one that is older: whoever comes late
//! finds that the generation has moved on, and adds what it has.

use std::time::Duration;

use super::held::{HeldToken, Prints};
use super::pause::Reason;
use super::state::CredentialState;
use crate::Timestamp;
use crate::provider::{Granted, TokenAnswer, TokenScheme};

/// First wait after a token call that brought nothing; it doubles.
const FIRST_RETRY: Duration = Duration::from_secs(5);

/// Longest such wait: a token endpoint that is well again is found within minutes.
const LAST_RETRY: Duration = Duration::from_secs(5 * 60);

/// Refusals without a word that says why, and no token between them, after which a person is called: the waits have
/// grown to their longest by then, some ten minutes after the first.
const PATIENCE: u32 = 7;

/// A token call's end that is not stored yet.
#[derive(Clone, Debug)]
pub(super) struct Unwritten {
    pub exchange: Exchange,
    pub scheme: &'static TokenScheme,
    pub answer: TokenAnswer,
}

/// A token call that was made, or not made after all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The lease's owner.
    pub owner: String,
    /// The generation that the lease was taken at.
    pub base: u64,
    /// The secret that was shown.
    pub prints: Prints,
    /// When the lease was taken.
    pub since: Timestamp,
    /// When the call was made.
    pub called_at: Timestamp,
}

/// The credentials that a call showed, by their names alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShownPrints {
    /// Of the secret.
    pub prints: Prints,
    /// Of the token; the state's generation where the scheme has none.
    pub generation: u64,
    /// A vendor's word on them is awaited: they were refused before.
    pub on_trial: bool,
}

impl CredentialState {
    /// What the end of `exchange` makes of this state; none where it changes nothing.
    pub fn ended(
        &self,
        exchange: &Exchange,
        answer: &TokenAnswer,
        scheme: &TokenScheme,
        now: Timestamp,
        jitter: f64,
    ) -> Option<Self> {
        let mut next = self.clone();
        let is_ours = |state: &Self| {
            let lease = state.lease.as_ref();
            lease.is_some_and(|lease| lease.owner == exchange.owner)
        };
        let ours = is_ours(self);
        if ours {
            next.lease = None;
        }
        let same_chain = self.prints.refresh_token == exchange.prints.refresh_token;
        let moved_on = self.generation != exchange.base || !same_chain;
        match answer {
            TokenAnswer::Granted(granted) => {
                if !moved_on {
                    next.install(exchange, granted, scheme);
                } else if same_chain {
                    next.merge(granted);
                }
            }
            // Somebody else is at it, or was since: what became of our call says nothing about theirs.
            _ if moved_on || !ours => {}
            TokenAnswer::DeadGrant => {
                next.lapsed = 0;
                match next.spare.take() {
                    Some(spare) => next.refresh_token = Some(spare),
                    None => next.do_without(Reason::ReauthoriseNeeded, now, jitter),
                }
            }
            TokenAnswer::WrongClient => next.do_without(Reason::Unauthorised, now, jitter),
            TokenAnswer::Refused { after } => {
                next.back_off(*after, now, jitter);
                // An endpoint that is down, too, says nothing about the credentials: its failures are not counted here.
                next.refusals = next.refusals.saturating_add(1);
                let lasts = next.refusals >= PATIENCE && !next.is_usable(now);
                // A pause whose reason is known keeps it.
                if lasts && next.pause.is_none() {
                    next.pause_for(Reason::Unauthorised, now);
                }
            }
            TokenAnswer::Later { after } => next.back_off(*after, now, jitter),
            TokenAnswer::NotSent => {
                // One of them: another token may have been asked for in the same millisecond.
                let counted = next.refreshes.iter().position(|at| *at == exchange.since);
                counted.map(|at| next.refreshes.remove(at));
                next.back_off(None, now, jitter);
            }
        }
        (next != *self).then(|| next.stamped())
    }

    /// Stores the tokens of the present chain.
    fn install(&mut self, exchange: &Exchange, granted: &Granted, scheme: &TokenScheme) {
        let was_refused = self.token.as_ref().is_some_and(|token| token.refused);
        self.generation += 1;
        // A token of an older secret is not shown any more: the next call gets one with the new secret.
        self.token = (self.prints == exchange.prints).then(|| HeldToken {
            text: granted.access_token.clone(),
            usable_from: exchange.called_at + scheme.usable_after,
            obtained_at: exchange.called_at,
            expires_at: exchange.called_at + granted.lifetime,
            refused: false,
            on_trial: was_refused,
        });
        if let Some(token) = &granted.refresh_token {
            self.refresh_token = Some(token.clone());
            self.spare = None;
        }
        (self.lapsed, self.failures, self.refusals) = (0, 0, 0);
        self.retry_at = None;
        // What a token that works does not disprove is left to the call that shows it.
        let disproved = [Reason::ReauthoriseNeeded, Reason::RefreshBudget];
        self.pause = self
            .pause
            .take()
            .filter(|pause| !disproved.contains(&pause.reason));
    }

    /// Keeps the refresh token of an exchange whose place was taken meanwhile.
    fn merge(&mut self, granted: &Granted) {
        let token = granted.refresh_token.as_ref();
        if let Some(token) = token.filter(|token| Some(*token) != self.refresh_token.as_ref()) {
            self.spare = Some(token.clone());
        }
    }

    /// The vendor will give no token: the old one is used while it lasts, then the connection is paused.
    fn do_without(&mut self, reason: Reason, now: Timestamp, jitter: f64) {
        self.back_off(None, now, jitter);
        if !self.is_usable(now) {
            self.pause_for(reason, now);
        }
    }

    fn back_off(&mut self, hint: Option<Duration>, now: Timestamp, jitter: f64) {
        let step = FIRST_RETRY * 2_u32.saturating_pow(self.failures.min(16));
        let wait = step.min(LAST_RETRY).mul_f64(0.5 + 0.5 * jitter);
        (self.failures, self.lapsed) = (self.failures.saturating_add(1), 0);
        self.retry_at = Some(now + wait.max(hint.unwrap_or_default()));
    }

    /// The vendor refused the credentials that a call showed; none where that is known, or no longer matters. A token
    /// is refreshed once; what is refused then, and what cannot be refreshed, pauses the connection.
    pub fn refused(
        &self,
        shown: &ShownPrints,
        scheme: Option<&TokenScheme>,
        now: Timestamp,
    ) -> Option<Self> {
        let mut next = self.clone();
        if self.prints.secret.is_empty() {
            next.prints = shown.prints.clone();
        } else if self.prints != shown.prints {
            return None;
        }
        let Some(scheme) = scheme else {
            next.pause_for(Reason::Unauthorised, now);
            return (next != *self).then(|| next.stamped());
        };
        let token = next
            .token
            .as_mut()
            .filter(|token| self.generation == shown.generation && !token.refused)?;
        if self.pause.is_none() && !token.on_trial {
            token.refused = true;
        } else {
            // The next trial asks for another token, unless the vendor counts them: then this one is tried again.
            token.refused = scheme.budget.is_none();
            next.pause_for(Reason::Unauthorised, now);
        }
        (next != *self).then(|| next.stamped())
    }

    /// The vendor accepted the credentials that a call showed; none where nobody doubted them.
    pub fn accepted(&self, shown: &ShownPrints) -> Option<Self> {
        if self.prints != shown.prints || self.generation != shown.generation {
            return None;
        }
        let mut next = self.clone();
        let disproved = [Reason::Unauthorised, Reason::Moved];
        next.pause = next
            .pause
            .filter(|pause| !disproved.contains(&pause.reason));
        if let Some(token) = &mut next.token {
            token.on_trial = false;
        }
        (next != *self).then(|| next.stamped())
    }

    /// There is no secret with these `prints` that a call could be made with; none where that is known.
    pub fn missing(&self, prints: &Prints, now: Timestamp) -> Option<Self> {
        let is_known = |pause: &super::Pause| pause.reason == Reason::SecretMissing;
        if self.prints.secret == prints.secret && self.pause.as_ref().is_some_and(is_known) {
            return None;
        }
        let mut next = self.clone();
        next.prints.secret.clone_from(&prints.secret);
        next.pause_for(Reason::SecretMissing, now);
        Some(next.stamped())
    }
}
