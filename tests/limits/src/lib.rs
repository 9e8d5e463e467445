//! The limiter by the vendor's own count.
//!
//! Fleets of 1 to 1,000 environments work off a backlog through one limit, in time that passes only when everybody waits:
//! production's [`RateLimiter`](causeway::limiter::RateLimiter) over a store with DynamoDB's latency and its 1,000 writes
//! a second and item, with clocks that differ, calls that are slow to leave, functions that die, and a queue that hides
//! what was put back for whole seconds. [`run`](fleet::run) is one such fleet; [`drawn`] draws them by the thousand and
//! counts what the vendor sees; [`vendors`] measures how much of each documented window a backlog gets.

pub mod drawn;
pub mod fleet;
mod store;
mod time;
pub mod vendors;
