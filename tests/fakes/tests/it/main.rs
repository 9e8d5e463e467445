//! The fakes over real sockets: what a lane meets.

mod client;
mod control;
mod slack;
mod stripe;
