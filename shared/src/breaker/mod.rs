//! The circuit breaker: when a whole fleet stops calling a provider, and how it starts again.
//!
//! ```text
//! Closed ──5 faults in a row, or half of 20 calls in 60 s bad──▶ Open ──window over──▶ HalfOpen
//!   ▲                                                             ▲                      │
//!   │                                                             └── the probe failed ──┤
//!   └────── 3 probes succeeded (then 25 % → 50 % → 100 %) ───────────────────────────────┘
//! any state ──operator──▶ ForcedOpen ──its end──▶ HalfOpen          any state ──operator──▶ Closed
//! ```
//!
//! One [`Breaker`] is one item that the fleet shares; a missing item is a healthy `Closed` one. A caller
//! 1. reads the item and asks [`Breaker::admit`] (a `Closed` answer may be trusted for at most 1 s),
//! 2. on [`Admission::Probe`] writes `next` by compare-and-swap and, only when that write won, makes
//!    **one** call; a probe that made no call is handed back by [`Breaker::release_probe`],
//! 3. after its batch folds every call that ended into [`BatchResults`] and writes what
//!    [`Breaker::record`] returns, if it returns anything. A loser of the swap reads and decides again.
//!
//! Where connections have breakers of their own, the provider has one as well, whose calls are the connections': it opens
//! when too many of theirs do ([`Breaker::surveyed`]), and its probe is any connection's call.
//!
//! Time and jitter come in as arguments; nothing here reads a clock or draws a random number.

mod census;
mod circuit;
#[cfg(test)]
mod properties;
mod record;
mod results;
mod spec;
mod state;
#[cfg(test)]
mod tests;
mod window;

pub use census::Census;
pub use circuit::{CircuitBreaker, Epochs, Gate};
pub use results::{BatchResults, CallResult};
pub use spec::{BreakerSpec, Scope};
pub use state::{
    ASK_AGAIN, Admission, Breaker, FORCED_OPEN_MAX, ForceError, PROBE_LEASE_MAX, REASON_MAX,
    Refusal, State,
};
pub use window::{Bucket, Suspect};
