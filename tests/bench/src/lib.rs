#![doc = include_str!("../README.md")]

pub mod bare;
pub mod contender;
pub mod guard;
pub mod powertools;
pub mod process;
pub mod report;
pub mod run;
pub mod shipped;
pub mod stats;
pub mod stub;
pub mod work;

/// Whatever stops the benchmark.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What can be stopped by it.
pub type Result<T> = std::result::Result<T, Error>;
