//! Rate limits that a whole fleet keeps together, by the generic cell rate algorithm (GCRA).
//!
//! A [`Limit`] is data of a provider; [`LimitState`] is one stored item: all limits with the same scope key
//! (`5 at once + 15/s + 120/min` of one account) in one compare-and-swap. A caller reads the item, asks
//! [`LimitState::take`] for as many tokens and permits as its batch has calls, writes `next`, and only when that write
//! won starts each call at or after its granted instant. What was refused gets a slot of its own to ask again at. What
//! turns out not to be needed goes back by [`LimitState::give_back`], and what the calls have taught is told by
//! [`LimitState::heed`]: one write more, where there is news.
//!
//! # Promise
//! At the vendor, any window of length `t` sees at most `burst + rate × (t + 0.5 s)` calls while clocks are
//! within 250 ms of true time, and at most `burst + rate × t` where the burst pays for the clocks (see
//! [`Limit::keeps_true_rate`]). Where [`Limit::allotment`] is not zero, calls may start up to that long
//! after their instant and the promise holds all the same.
//!
//! A limit [in cost](Limit::in_cost) promises the same of units, of which each call counts what it reserved or, where the
//! answer told, what it cost, if that is less. What a call costs *beyond* its reservation is not foreseen: it comes on top
//! of the window that it falls into, and the calls after it wait until it is paid for. It stays unpaid where the function
//! dies before it could tell.
//!
//! A limit on [concurrency](Limit::concurrency) never has more calls in flight than permits, as far as a call ends with
//! our waiting for it: a vendor that works on after our timeout is not seen. Look-ups of operations with
//! [`Safety::Lookup`](crate::provider::Safety::Lookup) run under the permit of their call and are charged to the rates
//! afterwards.
//!
//! # Why it holds
//! Let `T` be the interval of a limit, `τ` its tolerance and `tat` the cell. A token is granted for an instant
//! `s ≥ tat − τ`, and makes `tat` at least `max(tat, s) + T`. Of any `n` tokens with instants in `[x, x + t]`
//! the first taken leaves `tat ≥ x + T` and each further one adds `T`, so the last had
//! `x + (n − 1)T − τ ≤ s ≤ x + t`: `n ≤ 1 + (t + τ)/T`, whatever the order in which skewed clocks took them.
//! With `τ = (burst − 1)T` that is `burst + t/T`. Clocks that differ by 0.5 s and starts that come late by an
//! allotment stretch `t` by that much; lowering `τ` by the same amount takes it back. A call that costs `c` is granted
//! for `s ≥ tat − (τ − (c − 1)T)` and adds `cT`, as `c` tokens at once would.

mod feedback;
mod give_back;
mod limit;
#[cfg(test)]
mod liveness;
mod permits;
#[cfg(test)]
mod properties;
mod rate_limiter;
pub mod signal;
mod signals;
mod slots;
mod state;
#[cfg(test)]
mod tests;
mod used;

pub use feedback::Feedback;
pub use give_back::Unused;
pub use limit::{CLOCK_SLACK, Limit, ScopeKey, allotment};
pub use permits::{Holders, Permits};
pub use rate_limiter::RateLimiter;
pub use signals::{REMAINING_MAX, Remaining, SIGNAL_MAX, Signals};
pub use slots::SLOT_HORIZON;
pub use state::{
    Cell, Demand, FULL_RATE, INLINE_WAIT_MAX, LimitState, Quota, SHARE_MIN, TAKE_MAX, Taken,
};
pub use used::Used;
