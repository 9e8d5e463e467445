//! The command as a process, where it needs no stack.

mod review;

/// The one that the tests against a stack have.
#[path = "../../../../tests/local/tests/it/support/terminal.rs"]
mod terminal;
