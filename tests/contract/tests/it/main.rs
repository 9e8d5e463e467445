//! The suite and the scaffold, held against themselves.

mod probes;
mod scaffold;
