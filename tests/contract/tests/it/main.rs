//! The suite and the scaffold, held against themselves.

mod neighbours;
mod probes;
mod ready_made;
mod scaffold;
