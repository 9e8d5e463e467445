//! `causeway`, the operators' command: the same against AWS and the local stack.
//!
//! Every command is one module with its `Arguments` and its `run`; [`cli`] stands on top of them and says which is
//! which. Below them is what they share: the [`Context`](context::Context) that they are called with, the
//! [`Stack`](stack::Stack) that the outputs of CloudFormation describe, one way to [print](output) for people and
//! programs, and one kind of [error](error::Error).

pub mod alarms;
pub mod breaker;
pub mod cli;
pub mod completions;
pub mod connection;
pub mod context;
pub mod deploy;
pub mod dlq;
pub mod doctor;
pub mod error;
pub mod items;
pub mod lanes;
pub mod logs;
pub mod map;
pub mod metrics;
pub mod output;
pub mod provider;
pub mod providers;
pub mod release;
pub mod requests;
pub mod send;
pub mod stack;
pub mod status;
pub mod target;
pub mod text;
pub mod top;
pub mod watch;
pub mod when;

pub use cli::main;
