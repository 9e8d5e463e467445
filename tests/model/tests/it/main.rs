//! The models, searched exhaustively.

mod breaker;
mod ledger;
mod support;
