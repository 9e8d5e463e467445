//! Causeway on one machine: the embedded stack, the demo, chaos, the end-to-end tests.

pub mod chaos;
pub mod cli;
pub mod demo;
pub mod outage;
pub mod stack;
