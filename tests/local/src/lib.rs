//! Causeway on one machine: the embedded stack, the demo, the end-to-end tests.

pub mod cli;
pub mod demo;
pub mod stack;
