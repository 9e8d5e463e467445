#![doc = include_str!("../README.md")]

pub mod await_points;
pub mod counts;
pub mod executor;
pub mod invariants;
pub mod limits;
pub mod mass_death;
pub mod mutants;
pub mod parked;
pub mod profile;
pub mod providers;
pub mod rng;
mod seams;
pub mod seat;
pub mod sim;
pub mod sqs;
pub mod summary;
pub mod tokens;
pub mod vendor;
pub mod workload;
pub mod world;

/// Whether a panic is one of those that a world's own requests make on purpose.
pub fn is_expected(panic: &std::panic::PanicHookInfo<'_>) -> bool {
    panic
        .payload_as_str()
        .is_some_and(|text| text == providers::PANIC_WORDS)
}
