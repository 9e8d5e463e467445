#![doc = include_str!("../README.md")]

// What a vendor is, and the ones there are.
mod form;
mod guesty;
mod hubspot;
mod oauth;
mod pagerduty;
mod seam;
mod shopify;
mod slack;
mod stripe;
mod twilio;
pub mod vendor;
mod xero;

// And one for all of them, driven by data.
pub mod pack;

// What happens around a vendor's own behaviour: pure state, no I/O.
pub mod faults;
pub mod journal;
pub mod limits;
mod world;

// The edge.
pub mod control;
pub mod model;
mod server;

pub use server::Server;
