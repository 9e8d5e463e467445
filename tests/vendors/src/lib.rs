#![doc = include_str!("../README.md")]

pub mod contract;
pub mod document;
mod error;
pub mod fields;
pub mod fixture;
pub mod lane;
pub mod peer;
pub mod prism;
pub mod relay;
pub mod report;
pub mod run;
pub mod sdk;
pub mod steps;
mod tools;
pub mod vendor;

pub use error::Error;
pub use tools::Toolbox;
