//! What the stored item holds: a token, a lease, and the names of the secret that they came from.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::provider::{Secret, Token, TokenScheme};

/// By how much a lease outlasts the token call: a swap takes at most 3.5 s, the call comes between two of them, and
/// clocks may differ by 0.25 s.
const LEASE_MARGIN: Duration = Duration::from_secs(10);

/// Longest time before its end at which a token is refreshed; a tenth of its life where that is less.
const MAX_AHEAD: Duration = Duration::from_secs(5 * 60);

/// Longest time before its end from which a token is not used any more: the call that shows it may wait for a
/// connection, and clocks differ. A twentieth of its life where that is less.
const MAX_MARGIN: Duration = Duration::from_secs(10);

/// What tells a secret from its other versions, without showing it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Prints {
    /// Of the whole secret.
    pub secret: String,
    /// Of its refresh token alone: a changed client secret leaves the chain of rotated tokens as it is.
    pub refresh_token: String,
    /// Of its client alone: a vendor counts tokens for each.
    pub client: String,
}

impl Prints {
    /// The prints of `secret`.
    pub fn of(secret: &Secret) -> Self {
        let [secret, refresh_token, client] = secret.prints().clone();
        Self {
            secret,
            refresh_token,
            client,
        }
    }
}

/// An access token that the fleet shares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldToken {
    /// The token.
    pub text: Token,
    /// It is not used before.
    pub usable_from: Timestamp,
    /// When it was asked for.
    pub obtained_at: Timestamp,
    /// When the vendor ends it.
    pub expires_at: Timestamp,
    /// The vendor refused it.
    #[serde(default)]
    pub refused: bool,
    /// It took the place of one that was refused, and no call has been accepted with it yet.
    #[serde(default)]
    pub on_trial: bool,
}

/// The right to ask the vendor for a token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    /// Unique per token call.
    pub owner: String,
    /// When it was taken.
    pub since: Timestamp,
    /// It ends by itself.
    pub until: Timestamp,
}

impl HeldToken {
    fn life(&self) -> Duration {
        self.expires_at.since(self.obtained_at)
    }

    fn margin(&self) -> Duration {
        (self.life() / 20).min(MAX_MARGIN)
    }

    /// From here on it is not used.
    pub fn good_until(&self) -> Timestamp {
        self.expires_at - self.margin()
    }

    /// From here on an environment with this `jitter` refreshes it.
    pub(super) fn refresh_from(&self, jitter: f64) -> Timestamp {
        let ahead = (self.life() / 10).min(MAX_AHEAD);
        self.good_until() - ahead.mul_f64(0.5 + 0.5 * jitter)
    }
}

impl TokenScheme {
    /// How long a lease lasts: longer than the longest token call.
    pub fn lease_time(&self) -> Duration {
        self.timeout + LEASE_MARGIN
    }
}
