//! How far a lane goes: the real pipeline in virtual environments, on stores in memory that are as lean as they can
//! honestly be.
//!
//! - A backlog is made as it is received, so that ten million messages take the room of none; one in a thousand is
//!   delivered twice.
//! - The ledger keeps every record that is not over, and the last [`KEPT`](world::KEPT) that are. Of an older one that is
//!   completed it keeps a bit. Whoever asks for such a record is told that it cannot be read, and is counted: a run in
//!   which that happened says nothing.
//! - The vendor keeps a bit for each request: a second effect is counted, wherever it comes from.
//! - A lane is one thread with its own time, its own queue and its own items; two lanes take two cores. Its
//!   environments' batches overlap in virtual time at every trip to a store, so that they contend as they would.
//!
//! `make bench-scale` writes `target/bench/scale.json`; `docs/scale.md` says what the numbers mean on AWS.

pub mod breaker;
pub mod point;
pub mod time;
pub mod vendor;
pub mod world;
