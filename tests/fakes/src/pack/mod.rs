//! One fake for every vendor: driven by its operations and by a file that says how it behaves.
//!
//! `operations.jsonl` gives routes, media and schemas; `tests/fakes/vendors/<provider>.toml` says what the vendor does
//! with a call: which routes make something anew each time, which set or drop what is there already, which honour a
//! key, and how it says no. That file is written from the vendor's documentation, without looking at the page's
//! judgement of the same operations: where the two disagree, the lost-reply sweep (`tests/packs`) finds it.
//!
//! What no row of the file names is done anew with every call: nothing is safe until somebody has read that it is.

mod behaviour;
mod call;
mod client;
mod fake;
mod routes;
mod served;
mod template;

pub use behaviour::{Behaviour, BehaviourError, Does, Said};
pub use call::Asked;
pub use client::{Client, Fault};
pub use fake::{Fake, Made, Seen, Served};
pub use routes::{Routes, RoutesError};
pub(crate) use served::Packed;
