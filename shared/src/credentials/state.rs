//! One connection's credentials as the whole fleet shares them: the stored item, and the pure decision whether its
//! token is used, refreshed or waited for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::held::{HeldToken, Lease, Prints};
use super::pause::{Pause, Paused, Reason, Standing};
use super::rights::Rights;
use crate::Timestamp;
use crate::provider::{Token, TokenScheme};

/// The item's format.
const FORMAT_VERSION: u32 = 1;

/// How soon those who have no token ask again while another environment gets one: most answers take a second.
const POLL: Duration = Duration::from_secs(5);

/// Leases in a row that may end without a word before a single-use refresh token counts as lost: after the first, the
/// old token is tried once.
const MAX_LAPSED: u32 = 1;

/// A connection's credentials, as stored under `<provider>#<connection>#credentials`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CredentialState {
    /// The item's format.
    pub format_version: u32,
    /// The secret that everything else here came from; empty before the first.
    pub prints: Prints,
    /// The name of the scheme by which a token was last asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scheme: Option<String>,
    /// Counts the tokens that were stored.
    pub generation: u64,
    /// The access token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<HeldToken>,
    /// The refresh token that took the place of the secret's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token: Option<Token>,
    /// Another one that the vendor gave, for the case that the first is refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub spare: Option<Token>,
    /// Who asks the vendor for a token.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub lease: Option<Lease>,
    /// Leases in a row that ended without a word.
    pub lapsed: u32,
    /// Token calls in a row that brought no token.
    pub failures: u32,
    /// Of the token calls since the last token, those that were refused without a word that says why.
    #[serde(skip_serializing_if = "is_zero")]
    pub refusals: u32,
    /// No token call is made before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retry_at: Option<Timestamp>,
    /// When tokens were asked for, oldest first, as far as the budget's window reaches.
    pub refreshes: Vec<Timestamp>,
    /// No calls are made with these credentials, but for trials.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pause: Option<Pause>,
    /// Operations that these credentials were refused.
    #[serde(skip_serializing_if = "Rights::is_empty")]
    pub rights: Rights,
}

/// What a decision is made by.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The exchange, where the provider has one.
    pub scheme: Option<&'a TokenScheme>,
    /// The secret as it was read.
    pub prints: &'a Prints,
    /// Unique per token call.
    pub owner: &'a str,
    /// There is time for a token call.
    pub may_refresh: bool,
    /// The time.
    pub now: Timestamp,
    /// Uniform in `0.0..1.0`.
    pub jitter: f64,
}

/// How a call comes by its credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// They are there; `next` is stored first, where it is given.
    Use {
        /// The state to be stored.
        next: Option<Box<CredentialState>>,
    },
    /// With the lease that `next` holds, once it is stored, the vendor is asked for a token.
    Refresh {
        /// The state to be stored.
        next: Box<CredentialState>,
    },
    /// Another environment asks the vendor, or it is too early to ask again.
    Wait {
        /// When to look again.
        until: Timestamp,
    },
    /// No call may be made.
    Paused {
        /// The state to be stored, where the pause is new.
        next: Option<Box<CredentialState>>,
        /// Why, since when, and until when.
        paused: Paused,
    },
}

impl Decision {
    /// What is stored before it is acted on.
    pub fn next(&self) -> Option<&CredentialState> {
        match self {
            Self::Use { next } | Self::Paused { next, .. } => next.as_deref(),
            Self::Refresh { next } => Some(next),
            Self::Wait { .. } => None,
        }
    }
}

impl CredentialState {
    /// What the next call is to do about its credentials.
    pub fn decide(&self, ask: &Ask<'_>) -> Decision {
        let mut state = self.under(ask.prints);
        match state.standing(ask.scheme, ask.now) {
            Standing::Paused(paused) => return Decision::Paused { next: None, paused },
            Standing::TrialDue(_) => state.begin_trial(ask.now),
            Standing::Going => {}
        }
        let changed = state.pause != self.pause || state.rights != self.rights;
        let Some(scheme) = ask.scheme else {
            return state.used(changed);
        };
        if state.is_usable(ask.now) {
            let from = state.token.as_ref().map(|token| token.usable_from);
            if let Some(until) = from.filter(|from| *from > ask.now) {
                return Decision::Wait { until };
            }
            // The old token still works: whoever may not refresh uses it.
            return match state.is_due(ask) && state.may_refresh(scheme, ask) {
                true => state.begin(scheme, ask),
                false => state.used(changed),
            };
        }
        if let Some(until) = state.wait(ask.now) {
            return Decision::Wait { until };
        }
        if let Some(until) = state.budget_free_at(scheme, ask.now) {
            let paused = Paused::by_budget(until);
            return Decision::Paused { next: None, paused };
        }
        if state.is_lost(scheme) {
            return state.give_up(ask);
        }
        if !ask.may_refresh {
            let until = ask.now + POLL;
            return Decision::Wait { until };
        }
        state.begin(scheme, ask)
    }

    /// This state under the secret of `prints`: what came from another secret is forgotten. The chain of rotated
    /// refresh tokens stays unless its own root changed, the budget unless the client did.
    fn under(&self, prints: &Prints) -> Self {
        if self.prints == *prints {
            return self.clone();
        }
        let mut state = Self {
            prints: prints.clone(),
            scheme: None,
            token: None,
            pause: None,
            rights: Rights::default(),
            retry_at: None,
            failures: 0,
            refusals: 0,
            ..self.clone()
        };
        if self.prints.refresh_token != prints.refresh_token {
            (state.refresh_token, state.spare, state.lapsed) = (None, None, 0);
        }
        if self.prints.client != prints.client {
            state.refreshes.clear();
        }
        state
    }

    /// Every token that it holds.
    pub(super) fn tokens(&self) -> impl Iterator<Item = &Token> {
        let access = self.token.iter().map(|held| &held.text);
        access.chain(&self.refresh_token).chain(&self.spare)
    }

    /// Whether this came from another secret than that of `prints`.
    pub fn is_of_another(&self, prints: &Prints) -> bool {
        !self.prints.secret.is_empty() && self.prints != *prints
    }

    /// The token, unless it is refused or near its end.
    pub fn is_usable(&self, now: Timestamp) -> bool {
        self.token
            .as_ref()
            .is_some_and(|token| !token.refused && now < token.good_until())
    }

    fn is_due(&self, ask: &Ask<'_>) -> bool {
        self.token
            .as_ref()
            .is_some_and(|token| ask.now >= token.refresh_from(ask.jitter))
    }

    fn may_refresh(&self, scheme: &TokenScheme, ask: &Ask<'_>) -> bool {
        ask.may_refresh
            && self.wait(ask.now).is_none()
            && self.budget_free_at(scheme, ask.now).is_none()
            && !self.is_lost(scheme)
    }

    /// Until when no token call may be made.
    fn wait(&self, now: Timestamp) -> Option<Timestamp> {
        let leased = self
            .lease
            .as_ref()
            .map(|lease| lease.until)
            .filter(|until| *until > now);
        leased
            .map(|until| until.min(now + POLL))
            .or(self.retry_at.filter(|at| *at > now))
    }

    /// Whether the refresh token died with those who used it.
    fn is_lost(&self, scheme: &TokenScheme) -> bool {
        scheme.is_single_use() && self.lapsed_now() > MAX_LAPSED
    }

    /// Leases that ended without a word, the present one included: asked only when it has ended.
    fn lapsed_now(&self) -> u32 {
        self.lapsed + u32::from(self.lease.is_some())
    }

    fn used(self, changed: bool) -> Decision {
        let next = changed.then(|| Box::new(self.stamped()));
        Decision::Use { next }
    }

    fn begin(mut self, scheme: &TokenScheme, ask: &Ask<'_>) -> Decision {
        self.lapsed = self.lapsed_now();
        self.scheme = Some(scheme.name().to_owned());
        self.lease = Some(Lease {
            owner: ask.owner.to_owned(),
            since: ask.now,
            until: ask.now + scheme.lease_time(),
        });
        self.refreshes.retain(|at| {
            scheme
                .budget
                .is_some_and(|budget| *at + budget.within + scheme.lease_time() > ask.now)
        });
        if scheme.budget.is_some() {
            self.refreshes.push(ask.now);
            self.refreshes.sort_unstable();
        }
        let next = Box::new(self.stamped());
        Decision::Refresh { next }
    }

    fn give_up(mut self, ask: &Ask<'_>) -> Decision {
        self.lapsed = self.lapsed_now();
        self.lease = None;
        let paused = self.pause_for(Reason::ReauthoriseNeeded, ask.now);
        let next = Some(Box::new(self.stamped()));
        Decision::Paused { next, paused }
    }

    pub(super) fn stamped(mut self) -> Self {
        self.format_version = FORMAT_VERSION;
        self
    }
}

const fn is_zero(count: &u32) -> bool {
    *count == 0
}
