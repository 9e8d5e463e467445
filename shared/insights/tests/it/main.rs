//! The helpers against a fake of what they ask.

mod model;
mod rerank;
