//! The packs, held to the contract, and the suite, held against itself.

mod packs;
mod probes;
mod ready_made;
