//! Rate limits that a whole fleet keeps together, counted in windows as vendors count.
//!
//! A [`Limit`] is data of a provider; [`LimitState`] is one stored item: all limits with the same scope key
//! (`5 at once + 15/s + 120/min` of one account) in one write. A caller asks [`LimitState::draw`] for as many tokens and
//! permits as its batch has calls, has what it says written, and starts each call before the tokens lapse; one that comes
//! too late draws anew. What was refused asks again when that may help, or gets a slot to come back in ([`RateLimiter`]).
//! What turns out not to be needed goes back by [`LimitState::give_back`], and what the calls have taught is told by
//! [`LimitState::heed`]: one write more, where there is news.
//!
//! # Promise
//! No window of the vendor's length `W` sees more than its `N`, in true time at our socket, while clocks and delays are
//! uncertain by `D` together: [0.1 s](CLOCK_SLACK), [0.35 s](PUNISHED_SLACK) where excess is punished. A backlog gets at
//! least `0.95 · W/(1.02 W + D)` of `N`. A rested account may use all of `N` at once.
//!
//! A limit [in cost](Limit::in_cost) promises the same of units, of which each call counts what it reserved or, where the
//! answer told, what it cost, if that is less. What a call costs *beyond* its reservation is not foreseen: it comes on top
//! of the window that it falls into, and the calls after it wait until it has left. It stays unpaid where the function
//! dies before it could tell.
//!
//! A [bucket](Limit::bucket) with a refill, where a vendor documents one (Shopify), keeps its own form: a window would
//! give `refill` of a second and never the capacity. Any time `t` sees at most `capacity + refill · t`.
//!
//! A limit on [concurrency](Limit::concurrency) never has more calls in flight than permits, as far as a call ends with
//! our waiting for it: a vendor that works on after our timeout is not seen. Look-ups of operations with
//! [`Safety::Lookup`](crate::provider::Safety::Lookup) run under the permit of their call and are charged to the rates
//! afterwards.
//!
//! # Why it holds
//! Time is cut into buckets of `w = P/48`, `P = 1.02 W + D`. A token counts in the bucket `j` that it was drawn in, until
//! no part of that bucket lies within `P` before the present one: the sum over `j − 48 ..= j` is never above `N`. It is
//! used when the taker's clock, and at most `D` of clocks earlier or later anybody's, shows `j`, for which it was drawn, and at
//! the latest `W/50` after the end of `j`. So two calls that are counted in `i < j` and are at most `W` apart in
//! truth have `start(j) − end(i) ≤ W + W/50 + D = P`: the draw in `j` still counted `i`, and all of the window together
//! were at most `N`. A token that is used again as soon as its bucket has left is used every `P + w`: `48/49` of `N` in
//! `P`. The rest of the twentieth is for the time until somebody takes it.
//!
//! Of a bucket with a refill the capacity is less by what comes back in `D` and in the time that calls may be late.
//!
//! # Why it does not collapse
//! The item keeps a running sum of each limit beside the counts of its buckets. A draw adds to the sums on condition that
//! they are low enough and that nobody has turned the item since it was seen: it reads nothing, and other draws are not in
//! its way. Only the first draw of a bucket compares and swaps; who loses sees the winner's item and goes on from that. A
//! refusal is known from memory until a bucket leaves, and writes nothing. How often an environment asks, and in which
//! slots its messages come back, goes by the crowd that it meets (`pace.rs`).
//!
//! # Beside the release before
//! Its items (no `format`) count as full for one window; for its functions each turn leaves a stop of one window, so that
//! neither lets anything through on top of the other.

mod cell;
mod feedback;
mod limit;
mod pace;
mod permits;
mod rate_limiter;
pub mod signal;
mod signals;
mod state;
#[cfg(test)]
mod tests;
mod used;

pub use cell::{Cell, Quota};
pub use feedback::{Feedback, Taken};
pub use limit::{CLOCK_SLACK, Limit, PUNISHED_SLACK, ScopeKey, allotment};
pub use pace::SLOT_HORIZON;
pub use permits::{Holders, Permits};
pub use rate_limiter::{Before, RateLimiter};
pub use signals::{REMAINING_MAX, Remaining, SIGNAL_MAX, Signals};
pub use state::{Demand, Draw, FULL_RATE, LimitState, SHARE_MIN, TAKE_MAX};
pub use used::Used;
