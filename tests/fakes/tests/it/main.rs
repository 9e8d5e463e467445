//! The fakes over real sockets: what a lane meets.

mod client;
mod control;
mod hubspot;
mod shopify;
mod slack;
mod stripe;
mod xero;
