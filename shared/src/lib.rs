//! What every Causeway lane shares: a lane carries requests from its queue to one third-party API, each once.
//!
//! The modules in reading order are the layers, and each uses only what stands above it:
//!
//! | layer | modules | never |
//! |---|---|---|
//! | words | [`timestamp`], [`outcome`], [`request`], [`form`], [`trace`], [`cache`] | async, AWS |
//! | decisions | the `state.rs` of each stage: [`retry`], [`breaker`], [`limiter`], [`ledger`], [`queue`], [`gatekeeper`], [`pipeline`]; and what a [`provider`] is | clocks, environment, I/O |
//! | seams | [`clock`], [`http_client`], [`ledger`]'s and [`lanes`]' stores, [`queue`], [`secrets`], [`lane_control`]; a lane's are bundled as [`seams`] | AWS types in signatures |
//! | story | [`pipeline`], [`gatekeeper`] | concrete adapters |
//! | edges | [`dynamodb`], `dynamodb.rs`, `sqs.rs`, `aws.rs`, `reqwest.rs` in their folders, `lambda` and `telemetry` (feature `aws`) | policy |

pub mod cache;
pub mod form;
pub mod outcome;
pub mod request;
mod store_error;
pub mod timestamp;
pub mod trace;

pub mod breaker;
pub mod ledger;
pub mod limiter;
pub mod mapping;
pub mod pack;
pub mod provider;
pub mod retry;

pub mod clock;
pub mod http_client;
pub mod lane_control;
pub mod lanes;
pub mod queue;
pub mod seams;
pub mod secrets;

pub mod credentials;
pub mod gatekeeper;
pub mod pipeline;

#[cfg(feature = "aws")]
mod aws;
#[cfg(feature = "aws")]
pub mod dynamodb;
#[cfg(feature = "aws")]
pub mod lambda;
#[cfg(feature = "aws")]
pub mod telemetry;

pub use store_error::StoreError;
pub use timestamp::Timestamp;
