//! A connection's credentials: one access token for the whole fleet, and connections that are paused.
//!
//! The item `<provider>#<connection>#credentials` holds the token, the refresh token that took the place of the
//! secret's, and why nothing is called where that is so ([`CredentialState`]). Decisions are pure; [`Credentials`] is
//! one environment's view. A connection whose secret is shown as it is has no item until it is refused.
//!
//! One holder of a lease asks the vendor for a token; the others use the old one while it lasts, and are deferred
//! otherwise. The lease outlasts the longest call, so that a second one is made only when the first holder is dead.
//! A new refresh token takes the place of the old one in a single write, and is used after it.

mod access;
mod allowed;
mod heard;
mod held;
mod keeper;
mod pause;
mod refresh;
pub mod rights;
mod settle;
mod standing;
pub mod state;

pub use access::{Access, Admission, Refusal, Refused};
pub use heard::resume;
pub use held::{HeldToken, Lease, Prints};
pub use keeper::{Credentials, key};
pub use pause::{Pause, Paused, Reason, Standing};
pub use rights::Rights;
pub use settle::{Exchange, ShownPrints};
pub use state::{Ask, CredentialState, Decision};

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
