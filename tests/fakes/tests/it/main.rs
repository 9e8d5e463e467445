//! The fakes over real sockets: what a lane meets.

mod client;
mod control;
mod guesty;
mod hubspot;
mod packs;
mod pagerduty;
mod seam;
mod shopify;
mod slack;
mod stripe;
mod twilio;
mod xero;
