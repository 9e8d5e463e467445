//! What Causeway costs on AWS: the real pipeline runs against an account in memory that counts, and one table of prices
//! makes dollars of the counts.
//!
//! - [`scenario`]: fixed loads and vendors' moods; [`play`] runs one; [`measure`] runs it in a process of its own, so that
//!   its standard output can be weighed as CloudWatch weighs it.
//! - [`bill`]: what a million requests cost, row by row; [`prices`] with source and date; [`idle`]: what lanes cost that
//!   nobody uses.
//!
//! `make bench-cost` writes `target/bench/cost.json` and `docs/cost.md`; the tests hold each scenario to its budget.

pub mod account;
pub mod bill;
pub mod counts;
pub mod document;
pub mod idle;
pub mod measure;
pub mod play;
pub mod prices;
pub mod queue;
pub mod scenario;
pub mod units;
pub mod vendor;
