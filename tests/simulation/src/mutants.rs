//! Bugs on purpose, as changes of the production code's text (`mutants.toml`).
//!
//! The code under test knows nothing of them: a copy of the workspace holds them all, and asks at run time which one is
//! switched on, so that one build serves every hunt.

mod list;
mod workspace;

pub use list::{Edit, Fault, Mutant, all, mutated};
pub use workspace::{PROGRAM, SWITCH, lay};

/// Seeds within which a bug must be found.
pub const WITHIN: u64 = 1_000;
